"""How fast posts are stored, against raw sqlite3 upserting the same rows (R).

usage: python benchmarks/store.py [--posts N] [--rounds N]

R is `executemany` of an upsert over the prepared rows of posts and raw records, in pages of 1,000,
a commit a page, the same pragmas, on a database of the same schema without full-text index. Ours is
`Store.posts.save_page` from PostData on: preparing, comparing, SAVEPOINT, foreign keys included;
with the index and without it (its upkeep is switched off only here). Medians of interleaved rounds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tgtagger.model.posts import Channel, Media, Page, PostData, RawRecord
from tgtagger.sources import raw
from tgtagger.store import Store, post_rows
from tgtagger.store.sqlite import fulltext
from words import WORDS

PAGE = 1000
CHANNEL = Channel(1, "Benchmark")


def make_posts(count: int) -> list[PostData]:
    """Return posts of 50 to 900 characters, a third with a photo, half with reactions."""
    chance = random.Random(1)
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    posts = []
    for number in range(1, count + 1):
        text = " ".join(chance.choices(WORDS, k=chance.randint(8, 120)))
        record = {"id": number, "type": "message", "text": text, "from_id": "channel1"}
        posts.append(
            PostData(
                (number,),
                start + dt.timedelta(minutes=number),
                text,
                media=(Media("photo", width=1280, height=720),) if number % 3 == 0 else (),
                reactions=(("👍", number % 50),) if number % 2 else None,
                raw=RawRecord(raw.pack(record), 1),
            )
        )
    return posts


def time_raw(posts: list[PostData], path: Path) -> float:
    Store.open(str(path)).close()
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16384"):
        db.execute(f"PRAGMA {pragma}")
    db.execute("INSERT INTO channels (id, title, kind, added_at) VALUES (1, '', 'channel', '')")
    rows = [
        (
            post_rows.order_key(post.date, post.ids[0]),
            1,
            post.ids[0],
            *post_rows.row(post, "desktop"),
            "2026-01-01T00:00:00Z",
        )
        for post in posts
    ]
    forms = [
        (row[0], "desktop", 1, post.raw.data)
        for row, post in zip(rows, posts, strict=True)
        if post.raw
    ]
    columns = ("id", "channel_id", "message_id", *post_rows.NAMES, "added_at")
    upsert = (
        f"INSERT INTO posts ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        "ON CONFLICT (channel_id, message_id) DO UPDATE SET "
        + ", ".join(f"{name} = excluded.{name}" for name in post_rows.NAMES)
    )
    keep = "INSERT OR REPLACE INTO raw_forms (post_id, source, converter, data) VALUES (?, ?, ?, ?)"
    gc.collect()
    gc.freeze()
    started = time.process_time()
    for at in range(0, len(rows), PAGE):
        db.execute("BEGIN IMMEDIATE")
        db.executemany(upsert, rows[at : at + PAGE])
        db.executemany(keep, forms[at : at + PAGE])
        db.execute("COMMIT")
    seconds = time.process_time() - started
    db.close()
    return seconds


def time_store(posts: list[PostData], path: Path, *, index: bool) -> float:
    upkeep: Callable[..., None] = fulltext.insert
    if not index:
        fulltext.insert = lambda db, rows: None  # noqa: ARG005
    try:
        with Store.open(str(path)) as store:
            gc.collect()
            gc.freeze()
            started = time.process_time()
            for at in range(0, len(posts), PAGE):
                store.posts.save_page(Page(CHANNEL, "desktop", tuple(posts[at : at + PAGE])))
            return time.process_time() - started
    finally:
        fulltext.insert = upkeep


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    posts = make_posts(arguments.posts)
    plain, indexed = [], []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            yardstick = time_raw(posts, Path(folder, "raw.db"))
            plain.append(yardstick / time_store(posts, Path(folder, "plain.db"), index=False))
            indexed.append(yardstick / time_store(posts, Path(folder, "index.db"), index=True))
    print(f"R: {arguments.posts / yardstick:,.0f} posts/s")
    print(f"store without the index: {statistics.median(plain):.2f} R; at least 0.65")
    print(f"store with the index:    {statistics.median(indexed):.2f} R; at least 0.12")


if __name__ == "__main__":
    main()
