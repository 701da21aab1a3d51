"""Every public method of the store, against a database that another program holds."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from make import CHANNEL, ORIGIN, minute, page, post
from tgtagger.errors import TryLater
from tgtagger.outcomes import Learned, PostId, TagUpdate
from tgtagger.store import Store
from tgtagger.types import PostFilter

WRITING: dict[str, Callable[[Store], Any]] = {
    "start_run": lambda store: store.start_run("parse"),
    "end_run": lambda store: store.end_run(1, 0),
    "save_page": lambda store: store.save_page(page(post(2, "text"))),
    "save_channel": lambda store: store.save_channel(CHANNEL),
    "save_tags": lambda store: store.save_tags(
        [TagUpdate(PostId(CHANNEL.id, 1), "", "skipped", ORIGIN)], 1
    ),
    "save_capabilities": lambda store: store.save_capabilities(Learned("url", "model", "{}")),
    "postpone": lambda store: store.postpone(CHANNEL.id, "telegram", minute(1)),
    "rename_tag": lambda store: store.rename_tag("tag", "name"),
    "merge_tags": lambda store: store.merge_tags(["tag"], "other"),
    "remove_tags": lambda store: store.remove_tags(["tag"]),
    "add_aliases": lambda store: store.add_aliases("tag", ["name"]),
    "remove_aliases": lambda store: store.remove_aliases("tag", ["name"]),
    "add_post_tags": lambda store: store.add_post_tags("news/1", ["name"]),
    "drop_post_tags": lambda store: store.drop_post_tags("news/1", ["tag"]),
    "check": lambda store: store.check(),
}
READING: dict[str, Callable[[Store], Any]] = {
    "has_tagged_with": lambda store: store.has_tagged_with(ORIGIN, 1),
    "answered_posts": lambda store: list(store.answered_posts(PostFilter(), [ORIGIN])),
    "answer": lambda store: (store.answer("hash", [ORIGIN]),),
    "capabilities": lambda store: store.capabilities("url"),
    "mean_seconds": lambda store: (store.mean_seconds("model"),),
    "most_used_tags": lambda store: store.most_used_tags(),
    "raw_posts": lambda store: list(store.raw_posts("desktop", older_than=2)),
    "count_posts": lambda store: store.count_posts(PostFilter()),
    "posts_for_tagging": lambda store: list(store.posts_for_tagging(PostFilter())),
    "records": lambda store: list(store.records(PostFilter())),
    "posts": lambda store: list(store.posts(PostFilter())),
    "posts_with": lambda store: list(store.posts_with(PostFilter())),
    "search": lambda store: list(store.search(PostFilter(query="word"))),
    "post": lambda store: store.post("news/1"),
    "tags": lambda store: store.tags(),
    "channels": lambda store: store.channels(),
    "channel": lambda store: store.channel(CHANNEL.id),
    "holds_whole": lambda store: store.holds_whole(CHANNEL.id, 1, None),
    "reading": lambda store: store.reading(CHANNEL.id, "telegram"),
    "state": lambda store: store.state(),
}


@pytest.fixture
def _locked(store: Store, db: Path) -> Iterator[None]:
    store.save_page(page(post(1, "word")))
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def test_every_public_method_is_tried_here() -> None:
    public = {
        name
        for name, _ in inspect.getmembers(Store, inspect.isfunction)
        if not name.startswith("_")
    }
    assert public - {"close", "lock"} == WRITING.keys() | READING.keys()


@pytest.mark.usefixtures("_locked")
@pytest.mark.parametrize("name", WRITING)
def test_writing_says_that_the_database_is_locked(store: Store, name: str) -> None:
    with pytest.raises(TryLater):
        WRITING[name](store)


@pytest.mark.usefixtures("_locked")
@pytest.mark.parametrize("name", READING)
def test_reading_never_waits(db: Path, name: str) -> None:
    with Store.open_to_read(str(db)) as reader:
        assert READING[name](reader) is not None
