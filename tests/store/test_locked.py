"""Every public method of the store, against a database that another program holds; what SQL it
sends: no transaction reads first and writes later."""

from __future__ import annotations

import inspect
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.make import CHANNEL, ORIGIN, minute, page, post, tag
from tgtagger.errors import TryLater
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Learned, PostId, TagUpdate
from tgtagger.store import Store


def select(store: Store) -> list[Any]:
    with store.select(PostFilter()) as selection:
        return list(selection.posts())


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
    "follow": lambda store: store.follow(["@durov"]),
    "unfollow": lambda store: store.unfollow("@durov"),
    "settle": lambda store: store.settle("@news", 1),
    "pause_channel": lambda store: store.pause_channel("news"),
    "resume_channel": lambda store: store.resume_channel("news"),
    "remove_channel": lambda store: store.remove_channel("news", with_posts=True),
    "undo_run": lambda store: store.undo_run(1),
    "rename_tag": lambda store: store.rename_tag("tag", "name"),
    "merge_tags": lambda store: store.merge_tags(["tag"], "other"),
    "remove_tags": lambda store: store.remove_tags(["tag"]),
    "add_aliases": lambda store: store.add_aliases("tag", ["name"]),
    "remove_aliases": lambda store: store.remove_aliases("tag", ["name"]),
    "add_post_tags": lambda store: store.add_post_tags("news/1", ["name"]),
    "drop_post_tags": lambda store: store.drop_post_tags("news/1", ["tag"]),
    "check_index": lambda store: store.check_index(),
    "rebuild_index": lambda store: store.rebuild_index(),
}
READING: dict[str, Callable[[Store], Any]] = {
    "has_tagged_with": lambda store: store.has_tagged_with(ORIGIN, 1),
    "answered_posts": lambda store: list(store.answered_posts(PostFilter(), [ORIGIN])),
    "answer": lambda store: (store.answer("hash", [ORIGIN]),),
    "capabilities": lambda store: store.capabilities("url"),
    "mean_seconds": lambda store: (store.mean_seconds("model"),),
    "most_used_tags": lambda store: store.most_used_tags(),
    "barred_tags": lambda store: store.barred_tags(),
    "followed": lambda store: store.followed(),
    "is_read_by": lambda store: (store.is_read_by("preview"),),
    "channel_names": lambda store: store.channel_names(),
    "tags_beginning": lambda store: store.tags_beginning("t", 9),
    "count_channel_posts": lambda store: store.count_channel_posts("news"),
    "suggest_merges": lambda store: store.suggest_merges(lambda _: ()),
    "described_tags": lambda store: store.described_tags(9),
    "select": select,
    "raw_records": lambda store: list(store.raw_records("desktop", older_than=2)),
    "count_posts": lambda store: store.count_posts(PostFilter()),
    "posts_for_tagging": lambda store: list(store.posts_for_tagging(PostFilter())),
    "records": lambda store: list(store.records(PostFilter())),
    "posts": lambda store: list(store.posts(PostFilter())),
    "search": lambda store: list(store.search(PostFilter(query="word"))),
    "post": lambda store: store.post("news/1"),
    "tags": lambda store: store.tags(),
    "channels": lambda store: store.channels(),
    "channel": lambda store: store.channel(CHANNEL.id),
    "holds_whole": lambda store: store.holds_whole(CHANNEL.id, 1, None),
    "reading": lambda store: store.reading(CHANNEL.id, "telegram"),
    "state": lambda store: store.state(),
    "storage": lambda store: store.storage(),
    "back_up": lambda store: store.back_up(str(store.path), store.path.with_name("copy.db")),
    "check": lambda store: store.check(),
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
    assert public - {"close", "lock", "recover"} == WRITING.keys() | READING.keys()


@pytest.mark.row("L1")
@pytest.mark.usefixtures("_locked")
@pytest.mark.parametrize("name", WRITING)
def test_writing_says_that_the_database_is_locked(store: Store, name: str) -> None:
    with pytest.raises(TryLater):
        WRITING[name](store)


@pytest.mark.row("L1")
@pytest.mark.usefixtures("_locked")
@pytest.mark.parametrize("name", READING)
def test_reading_never_waits(db: Path, name: str) -> None:
    with Store.open_to_read(str(db)) as reader:
        assert READING[name](reader) is not None


# ---- L3: who reads first and writes later is turned away at once, whatever the patience


class Traced:
    """The SQL that a connection runs, told by the driver: triggers and savepoints, too."""

    def __init__(self, store: Store) -> None:
        self.statements: list[str] = []
        with store._engine.connect() as connection:
            driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(self.statements.append)

    def transactions(self) -> list[tuple[str, list[str]]]:
        """Return each transaction: what began it, and what wrote in it."""
        found: list[tuple[str, list[str]]] = []
        is_open = False
        for statement in self.statements:
            begun = re.match(r"BEGIN.*", statement)
            if begun:
                assert not is_open
                found.append((begun[0], []))
                is_open = True
            elif re.match("COMMIT|ROLLBACK$", statement):
                is_open = False
            elif re.search(r"\btemp\b", statement, re.IGNORECASE):
                continue  # a table of the connection's own: nobody else is kept waiting
            elif re.match(r"(WITH\b.*)?\b(INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER)\b",
                          statement, re.IGNORECASE):  # fmt: skip
                assert is_open, f"outside of a transaction: {statement}"
                found[-1][1].append(statement)
        return found


@pytest.mark.row("L3")
@pytest.mark.parametrize("name", WRITING)
def test_who_may_write_says_so_first(store: Store, name: str) -> None:
    store.save_page(page(post(1, "word")))
    tag(store, ["tag", "other"])
    if name == "remove_aliases":
        store.add_aliases("tag", ["name"])
    if name == "unfollow":
        store.follow(["@durov"])
    traced = Traced(store)
    if name == "save_tags":  # of a text that is still the same
        tag(store, ["tag"])
    else:
        WRITING[name](store)
    found = traced.transactions()
    assert {begun for begun, _ in found} == {"BEGIN IMMEDIATE"}
    assert any(written for _, written in found)


OWN = {"back_up", "check"}
"""What opens a connection of its own."""


@pytest.mark.row("L3")
@pytest.mark.parametrize("name", sorted(READING.keys() - OWN))
def test_who_reads_writes_nothing(store: Store, db: Path, name: str) -> None:
    store.save_page(page(post(1, "word")))
    with Store.open_to_read(str(db)) as reader:
        traced = Traced(reader)
        READING[name](reader)
        found = traced.transactions()
        assert found
        assert all(transaction == ("BEGIN DEFERRED", []) for transaction in found)


@pytest.mark.row("L3")
def test_a_transaction_that_reads_first_is_seen(store: Store) -> None:
    """The test of the tests above."""
    traced = Traced(store)
    with store._engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        for statement in ("BEGIN", "SELECT 1", "UPDATE runs SET pid = 1", "COMMIT"):
            driver.execute(statement)
    assert traced.transactions() == [("BEGIN", ["UPDATE runs SET pid = 1"])]
    traced.statements.append("DELETE FROM runs")
    with pytest.raises(AssertionError, match="outside"):
        traced.transactions()
