"""An archive with rows in every table, and the damage that disks do to such a file. Seeded.

Damages bytes (as a disk does) or values (as a flipped bit does).
"""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.exports import chat, message, service, write
from support.make import page
from support.sql import reading
from tgtagger.cli import app
from tgtagger.decide import answer_key
from tgtagger.model.posts import (
    Channel,
    Entity,
    Forward,
    IdRange,
    Media,
    PostData,
    RawRecord,
    ReadProgress,
    Rejected,
    Reply,
    ServiceMessage,
)
from tgtagger.model.tagging import (
    Attempt,
    ModelCapabilities,
    PostId,
    Provenance,
    SuggestedTag,
    TagUpdate,
)
from tgtagger.store import Store
from tgtagger.store.sqlite.file_format import PageFile
from tgtagger.store.times import to_text

WORDS = (
    "storm harbour tram garden museum bridge market valley комета планетарий новости учёные "
    "мост ветер река город library festival orchard lantern"
).split()
PUBLIC = Channel(1006503122, "News", "news")
PRIVATE = Channel(1500000001, "Записки обсерватории")
GROUP = Channel(-4005001, "Friends", None, "group")
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
LLM = Provenance("llm", "test-model", "0123456789abcdef", "fedcba9876543210")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with rows in every table; its commands use no network."""
    db = tmp_path_factory.mktemp("whole") / "posts.db"
    make_archive(db)
    with Store.open(str(db)) as store:
        assert store.integrity.check().damage == ()
        assert store.integrity.check_index()
    return db


def make_archive(db: Path, *, posts: int = 300) -> None:
    """Make an archive of so many posts of an export, and some of every other kind."""
    chance = random.Random(5)

    def text(words: int) -> str:
        return " ".join(chance.choices(WORDS, k=words))

    messages: list[dict[str, Any]] = [service(1, "create_channel")]
    for n in range(2, posts + 2):
        facts: dict[str, Any] = {}
        if n % 7 == 0:
            facts = {"photo": "p.jpg", "width": 640, "height": 480}
        if n % 11 == 0:
            facts |= {"reactions": [{"type": "emoji", "count": n, "emoji": "👍"}]}
        words = 700 if n % 40 == 0 else chance.randrange(5, 60)
        messages.append(message(n, f"{text(words)} #tag{n % 9}", **facts))
    from typer.testing import CliRunner

    export = write(db.parent / f"{db.name}-export", chat(*messages, username="news"))
    done = CliRunner().invoke(app, ["--db", str(db), "parse", str(export)])
    assert done.exit_code == 0, done.stderr
    with Store.open(str(db)) as store:
        store.channels.save(PUBLIC)
        _read_from_telegram(store, text)
        _tag(store)
    with closing(sqlite3.connect(db)) as raw:
        _what_people_did(raw)
        # The channel with a public name, which commands would look up.
        raw.execute("UPDATE channels SET paused_at = ? WHERE username = 'news'", (to_text(NOW),))
        raw.commit()
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _read_from_telegram(store: Store, text: Callable[[int], str]) -> None:
    def at(n: int) -> dt.datetime:
        return NOW + dt.timedelta(minutes=n)

    found = [
        PostData(
            (n,),
            at(n),
            text(20),
            markdown=f"**{text(3)}**",
            entities=(Entity("bold", 0, 3), Entity("text_link", 4, 3, url="https://example.org")),
            media=(Media("poll", question=text(3), options=(text(1), text(2))),) if n % 3 else (),
            views=n * 10,
            forwards=n,
            replies=n % 4,
            reactions=(("👍", n), ("custom:5", 1)),
            forward=Forward(77, "Elsewhere", "elsewhere", n) if n % 2 else None,
            reply=Reply(n - 1, 77, text(2)) if n % 5 == 0 else None,
            author="An author",
            edited=at(n + 1) if n % 4 == 0 else None,
            problem="a part of it is not known" if n % 17 == 0 else None,
            raw=RawRecord(f"raw {n} {text(8)}".encode(), 1),
        )
        for n in range(1, 40)
    ]
    found += [
        PostData(tuple(range(n, n + 3)), at(n), text(10), grouped_id=n, media=(Media("photo"),) * 3)
        for n in range(50, 110, 3)
    ]
    store.posts.save_page(
        page(
            *found,
            channel=PRIVATE,
            source="telegram",
            service=tuple(ServiceMessage(n, at(n), "pin_message") for n in range(120, 140)),
            rejected=tuple(Rejected(n, "its text is not valid Unicode") for n in range(150, 160)),
            progress=ReadProgress((IdRange(160, 190), IdRange(200, 300)), 400, None, 0),
        )
    )
    store.posts.save_page(
        page(
            PostData((5,), None, text(30)), PostData((6,), at(6), ""), channel=GROUP,
            source="preview", progress=ReadProgress((IdRange(1, 3),), 9, at(0), 2),
        )
    )  # fmt: skip


def _tag(store: Store) -> None:
    run = store.runs.start("tag", LLM)
    with reading(store) as db:
        posts = db.execute("SELECT channel_id, message_id, text_hash FROM posts").fetchall()
    updates, attempts = [], []
    for number, (channel, message_id, text_hash) in enumerate(posts):
        if number % 10 == 9:
            continue  # stays pending
        failed = number % 10 == 8
        updates.append(
            TagUpdate(
                PostId(channel, message_id), text_hash, "failed" if failed else "tagged", LLM,
                () if failed else tuple(
                    SuggestedTag(WORDS[(number + k) % len(WORDS)], hashtag=k == 2) for k in range(3)
                ),
                attempts=1,
                failure="server" if failed else None,
                error="HTTP 500" if failed else None,
                next_attempt_at=NOW if failed else None,
                answer_key=None if failed else answer_key(text_hash, LLM),
            )
        )  # fmt: skip
        attempts.append(
            (
                PostId(channel, message_id),
                Attempt(NOW, "test-model", "server" if failed else None, 500 if failed else 200,
                        120, "HTTP 500" if failed else None, 100, 20, 0, 0.25 / (number + 1)),
            )
        )  # fmt: skip
    assert all(store.queue.save(updates, run, attempts))
    store.answers.save_capabilities(
        ModelCapabilities("http://127.0.0.1:1/v1", "test-model", '{"format": "text"}')
    )
    store.runs.end(run, 0, '{"tagged": 5}')


def _what_people_did(raw: sqlite3.Connection) -> None:
    at = "2026-03-02T00:00:00Z"
    tags = [number for (number,) in raw.execute("SELECT id FROM tags ORDER BY id LIMIT 12")]
    for number in tags:
        raw.execute(
            "INSERT INTO tag_aliases VALUES (?, ?, ?)", (f"a{number}", f"A{number}", number)
        )
    posts = raw.execute("SELECT id FROM posts ORDER BY id LIMIT 30").fetchall()
    for at_, (post,) in enumerate(posts):
        raw.execute(
            "INSERT OR IGNORE INTO post_tags VALUES (?, 20, ?, 'human', NULL, NULL, NULL, NULL, ?)",
            (post, tags[at_ % len(tags)], at),
        )
        raw.execute(
            "INSERT INTO removed_tags VALUES (?, ?, ?)", (post, tags[(at_ + 5) % len(tags)], at)
        )


# ---- damage of disks


PAGE = 4096


def flip(data: bytes, chance: random.Random, count: int) -> bytes:
    """Change so many bytes anywhere, each by one or more bits."""
    changed = bytearray(data)
    for _ in range(count):
        changed[chance.randrange(len(changed))] ^= chance.randrange(1, 256)
    return bytes(changed)


def zero(data: bytes, chance: random.Random, count: int) -> bytes:
    changed = bytearray(data)
    for _ in range(count):
        at = chance.randrange(len(data) // PAGE) * PAGE
        changed[at : at + PAGE] = bytes(PAGE)
    return bytes(changed)


def swap(data: bytes, chance: random.Random) -> bytes:
    """Put a page in the place of another."""
    changed = bytearray(data)
    one, other = (chance.randrange(len(data) // PAGE) * PAGE for _ in range(2))
    changed[one : one + PAGE] = data[other : other + PAGE]
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(1, len(data))]


def damaged(data: bytes, seed: int) -> bytes:
    """Return the file with one kind of damage, which the seed decides."""
    chance = random.Random(seed)
    match seed % 10:
        case 7:
            return cut(data, chance)
        case 8:
            return zero(data, chance, chance.randrange(1, 6))
        case 9:
            return swap(data, chance)
        case _:
            return flip(data, chance, chance.randrange(1, 65))


# ---- damage of values


def wrong_values(db: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (table, column, SQL value) for the values that a column must not hold."""
    with closing(sqlite3.connect(db)) as raw:
        tables = [
            name
            for (name,) in raw.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_fts%' "
                "ORDER BY name"
            )
        ]
        for table in tables:
            for _, column, *_ in raw.execute(f"PRAGMA table_info({table})"):
                for value in ("NULL", "CAST(x'ff41c3' AS TEXT)", "x'00ff'", "'no'", "1e300"):
                    yield table, column, value


def set_value(db: Path, table: str, column: str, value: str) -> bool:
    """Put a forbidden value into the middle row; tell whether that worked."""
    with closing(sqlite3.connect(db, isolation_level=None)) as raw:
        (schema,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        key, *_ = [
            name for _, name, _, _, _, key in raw.execute(f"PRAGMA table_info({table})") if key == 1
        ]
        count = raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        row = raw.execute(f"SELECT {key} FROM {table} LIMIT 1 OFFSET {count // 2}").fetchone()
        if row is None:
            return False
    _set_schema(db, table, schema.replace("NOT NULL", ""))
    try:
        with closing(sqlite3.connect(db, isolation_level=None)) as raw:
            raw.execute("PRAGMA ignore_check_constraints = ON")
            try:
                raw.execute(f"UPDATE {table} SET {column} = {value} WHERE {key} = ?", row)
            except sqlite3.Error:  # a key refuses some values
                return False
    finally:
        _set_schema(db, table, schema)
    return True


def _set_schema(db: Path, table: str, schema: str) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as raw:
        raw.execute("PRAGMA writable_schema = ON")
        raw.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (schema, table))


def page_of(db: Path, table: str, *, share: float = 0.5) -> int:
    """Return the leaf page at this share (0 to 1) of a table's or index's leaves."""
    leaves = leaves_of(db, table)
    return leaves[int(share * (len(leaves) - 1))]


def leaves_of(db: Path, table: str) -> list[int]:
    """Return the numbers of the pages with the rows of a table, or the entries of an index."""
    with closing(sqlite3.connect(db)) as raw:
        (root,) = raw.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
    with PageFile(db) as file:
        leaves, waiting = [], [root]
        while waiting:
            found = file.page(waiting.pop())
            assert found is not None
            waiting += found.below
            if not found.below:
                leaves.append(found.number)
    return sorted(leaves)


def write_over(db: Path, number: int, data: bytes, at: int = 0) -> None:
    """Put bytes into a page."""
    with db.open("r+b") as file:
        file.seek((number - 1) * PAGE + at)
        file.write(data)
