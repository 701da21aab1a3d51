"""A large archive, made in minutes: rows go in as sets, past the store, the index is built last.

The posts are in step with what the store itself would have written of them (`tgtagger doctor` finds
nothing): tagged by the embedded tagger as it is now, so that nothing is stale; the newest wait for
their tags.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tgtagger import vocabulary
from tgtagger.store import Store
from tgtagger.store.post_rows import order_key, text_hash
from tgtagger.taggers.keywords import KeywordsTagger
from words import WORDS

START = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
CHUNK = 10_000
TOGETHER = 300
"""Of so many tags two always stand on the same posts."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an archive is like. `skew`: how much more posts a frequent tag has than a rare one."""

    channels: int = 10
    tags: int = 400
    skew: float = 0.0
    per_post: tuple[int, int] = (4, 4)
    words: tuple[int, int] = (10, 130)
    pending: int = 0


def make_archive(path: Path, count: int, shape: Shape | None = None) -> None:
    """Make an archive of so many posts."""
    shape = shape or Shape()
    with Store.open(str(path)) as store:
        run = store.runs.start("tag", KeywordsTagger().provenance)
        store.runs.end(run, 0, "{}")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -200000"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN")
        _fill(db, count, shape, run)
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode = WAL")
    with Store.open(str(path)) as store:
        store.integrity.rebuild_index()


def tag_names(count: int) -> list[str]:
    """Return names of tags, few of them alike: words, every third one a pair of words."""
    chance = random.Random(5)
    parts = [one + other for one in "бвгдзклмнпрстфх" for other in "аеиоуы"]
    names: dict[str, None] = {}
    while len(names) < count:
        words = ("".join(chance.choices(parts, k=chance.randint(2, 4))) + "н" for _ in range(2))
        names[" ".join(itertools.islice(words, 1 + (len(names) % 3 == 2)))] = None
    return [*names]


def _fill(db: sqlite3.Connection, count: int, shape: Shape, run: int) -> None:
    chance = random.Random(3)
    at = "2026-01-01T00:00:00Z"
    db.executemany(
        "INSERT INTO channels (id, title, username, kind, added_at, parsed_at) "
        "VALUES (?, ?, ?, 'channel', ?, ?)",
        [(each, f"Channel {each}", f"channel{each}", at, at) for each in _channels(shape)],
    )
    used: set[int] = set()
    made_by = KeywordsTagger().provenance
    for first in range(1, count + 1, CHUNK):
        numbers = range(first, min(first + CHUNK, count + 1))
        keys = [order_key(_date(number), number) for number in numbers]
        tagged = [number <= count - shape.pending for number in numbers]
        db.executemany(
            "INSERT INTO posts (id, channel_id, message_id, date, text, views, forwards, source, "
            "text_hash, added_at, status, tagged_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 'desktop', ?, ?, ?, ?)",
            _posts(chance, shape, numbers, keys, tagged, at),
        )
        db.executemany(
            "INSERT INTO raw_forms (post_id, source, converter, data) VALUES (?, 'desktop', 1, ?)",
            ((key, chance.randbytes(300)) for key in keys),
        )
        links = [*_links(chance, shape, [k for k, is_ in zip(keys, tagged, strict=True) if is_])]
        used.update(tag for _, _, tag in links)
        db.executemany(
            "INSERT INTO post_tags (post_id, position, tag_id, source, model, prompt, vocabulary, "
            f"run_id, added_at) VALUES (?, ?, ?, 'keywords', ?, ?, ?, {run}, '{at}')",
            (
                (*link, made_by.model, made_by.prompt, made_by.vocabulary)
                for link in links
            ),
        )  # fmt: skip
    names = tag_names(shape.tags)
    db.executemany(
        "INSERT INTO tags (id, name, key, added_at) VALUES (?, ?, ?, ?)",
        ((tag, names[tag - 1], vocabulary.key(names[tag - 1]), at) for tag in sorted(used)),
    )
    db.execute("INSERT INTO tag_queue (post_id) SELECT id FROM posts WHERE status = 'pending'")


def _channels(shape: Shape) -> range:
    return range(1, shape.channels + 1)


def _date(number: int) -> dt.datetime:
    return START + dt.timedelta(minutes=5 * number)


def _posts(
    chance: random.Random,
    shape: Shape,
    numbers: Sequence[int],
    keys: Sequence[int],
    tagged: Sequence[bool],
    at: str,
) -> Iterator[tuple[object, ...]]:
    for number, key, is_tagged in zip(numbers, keys, tagged, strict=True):
        text = " ".join(chance.choices(WORDS, k=chance.randint(*shape.words)))
        yield (
            key,
            number // 20 % shape.channels + 1,
            number,
            f"{_date(number):%Y-%m-%dT%H:%M:%SZ}",
            text,
            number % 5000,
            number % 90,
            text_hash(text, None),
            at,
            "tagged" if is_tagged else "pending",
            at if is_tagged else None,
        )


def _links(
    chance: random.Random, shape: Shape, posts: Sequence[int]
) -> Iterator[tuple[int, int, int]]:
    """Yield (post, position, tag): the tag's id is its rank."""
    weights = [rank**-shape.skew for rank in range(1, shape.tags + 1)]
    drawn = chance.choices(
        range(1, shape.tags + 1),
        cum_weights=[*itertools.accumulate(weights)],
        k=len(posts) * shape.per_post[1],
    )
    for at, post in enumerate(posts):
        begin = at * shape.per_post[1]
        tags = drawn[begin : begin + chance.randint(*shape.per_post)]
        for tag in [*tags]:
            if tag % TOGETHER in {TOGETHER // 2, TOGETHER // 2 + 1}:
                tags += [
                    tag - tag % TOGETHER + TOGETHER // 2,
                    tag - tag % TOGETHER + TOGETHER // 2 + 1,
                ]
        for position, tag in enumerate(dict.fromkeys(tags)):
            if tag <= shape.tags:
                yield post, position, tag
