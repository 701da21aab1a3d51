"""Every public method of the store, against a database that another program holds; what SQL it
sends: no transaction reads first and writes later."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from support.make import CHANNEL, PROVENANCE, minute, page, post, tag
from support.on_server import Archive
from support.sql import driver, location, writing
from tgtagger.errors import TgTaggerError, TryLater
from tgtagger.model.jobs import JobEnd, JobProgress
from tgtagger.model.posts import IdRange, PostFilter
from tgtagger.model.tagging import ModelCapabilities, PostId, TagUpdate
from tgtagger.runs.query import read_query
from tgtagger.store import Store, is_on_server
from tgtagger.store.database import Part


def select(store: Store) -> list[Any]:
    with store.select(PostFilter()) as selection:
        return list(selection.posts())


BESIDE = {"queue.claims", "limits.close", "limits.take_turns", "jobs.spend"}
UPDATE = TagUpdate(PostId(CHANNEL.id, 1), "", "skipped", PROVENANCE, answer_key="a:b")

WRITING: dict[str, Callable[[Store], Any]] = {
    "jobs.ask": lambda store: store.jobs.ask("tag", "", {}),
    "jobs.cancel": lambda store: store.jobs.cancel(1),
    "jobs.settle": lambda store: store.jobs.settle(["tag"]),
    "jobs.take": lambda store: store.jobs.take(["tag"]),
    "jobs.give_back": lambda store: store.jobs.give_back(1),
    "jobs.note_run": lambda store: store.jobs.note_run(1, 1),
    "jobs.tell": lambda store: store.jobs.tell(1, JobProgress(1)),
    "jobs.spend": lambda store: store.jobs.spend(1, 0.1, 0.1, 1.0),
    "limits.close": lambda store: store.limits.close("url", 2.0, 1.0),
    "limits.take_turns": lambda store: store.limits.take_turns("url", 1.0, 1.0),
    "jobs.end": lambda store: store.jobs.end(1, JobEnd("done", 0)),
    "read_exports.remember": lambda store: store.read_exports.remember(
        {CHANNEL.id: b""},
        {},
        since={CHANNEL.id: minute(0)},
        file="file",
        stamp="stamp",
        groups=False,
        converter=1,
    ),
    "read_exports.restamp": lambda store: store.read_exports.restamp("file", "stamp"),
    "runs.start": lambda store: store.runs.start("parse"),
    "runs.end": lambda store: store.runs.end(1, 0),
    "posts.save_page": lambda store: store.posts.save_page(page(post(2, "text"))),
    "channels.save": lambda store: store.channels.save(CHANNEL),
    "queue.save": lambda store: store.queue.save([UPDATE], 1),
    "queue.keep_paid": lambda store: store.queue.keep_paid([UPDATE], 1),
    "queue.claims": lambda store: list(store.queue.claims(PostFilter(), "one").take()),
    "queue.refill": lambda store: store.queue.refill(),
    "answers.save_capabilities": lambda store: store.answers.save_capabilities(
        ModelCapabilities("url", "model", "{}")
    ),
    "progress.postpone": lambda store: store.progress.postpone(CHANNEL.id, "telegram", minute(1)),
    "channels.follow": lambda store: store.channels.follow(["@durov"]),
    "channels.forget": lambda store: store.channels.forget("@durov"),
    "channels.settle": lambda store: store.channels.settle("@news", 1),
    "channels.pause": lambda store: store.channels.pause(["news"]),
    "channels.resume": lambda store: store.channels.resume(["news"]),
    "channels.remove": lambda store: store.channels.remove("news", with_posts=True),
    "retention.keep": lambda store: store.retention.keep("news", 30),
    "agents.give": lambda store: store.agents.give("news/1", ["name"], None),
    "agents.take": lambda store: store.agents.take("news/1", ["tag"], None),
    "curation.rename": lambda store: store.curation.rename("tag", "name"),
    "tags.keep_apart": lambda store: store.tags.keep_apart(("tag",), "other"),
    "curation.merge": lambda store: store.curation.merge(["tag"], "other"),
    "curation.remove": lambda store: store.curation.remove(["tag"]),
    "curation.block": lambda store: store.curation.block(["name"]),
    "curation.add_aliases": lambda store: store.curation.add_aliases("tag", ["name"]),
    "curation.adopt": lambda store: store.curation.adopt([]),
    "curation.remove_aliases": lambda store: store.curation.remove_aliases("tag", ["name"]),
    "curation.add": lambda store: store.curation.add("news/1", ["name"]),
    "curation.drop": lambda store: store.curation.drop("news/1", ["tag"]),
    "curation.add_to": lambda store: store.curation.add_to(PostFilter(), ["name"]),
    "curation.drop_from": lambda store: store.curation.drop_from(PostFilter(), ["tag"]),
    "changes.take_back": lambda store: store.changes.take_back(2),
    "shifted_ids.join": lambda store: store.shifted_ids.join(CHANNEL.id, 1),
    "integrity.check_index": lambda store: store.integrity.check_index(),
    "integrity.recount_uses": lambda store: store.integrity.recount_uses(),
    "integrity.rebuild_index": lambda store: store.integrity.rebuild_index(),
}
READING: dict[str, Callable[[Store], Any]] = {
    "read_exports.find": lambda store: (
        store.read_exports.find(groups=False, converter=1, stamp="stamp"),
    ),
    "read_exports.chunks_of": lambda store: (store.read_exports.chunks_of(CHANNEL.id, 1),),
    "records.batches": lambda store: list(store.records.batches(PostFilter())),
    "proposals.look": lambda store: store.proposals.look([UPDATE]),
    "records.tags_of": lambda store: list(store.records.tags_of(PostFilter())),
    "channels.followed_source": lambda store: store.channels.followed_source("news"),
    "queue.mend": lambda store: store.queue.mend(),  # nothing is lost
    "queue.is_at_work": lambda store: store.queue.is_at_work(PostFilter()),
    "jobs.spent": lambda store: store.jobs.spent(1),
    "limits.closed_until": lambda store: store.limits.closed_until("url", 1.0),
    "retention.look": lambda store: store.retention.look("news", 30),
    "retention.sweep": lambda store: store.retention.sweep(),  # no channel has a period
    "surroundings.of": lambda store: store.surroundings.of("news/1"),
    "tags.completions": lambda store: store.tags.completions("t"),
    "posts.raw_record_of": lambda store: (store.posts.raw_record_of("news/1", "desktop"),),
    "records.failures": lambda store: (store.records.failures([1]),),
    "facets.of": lambda store: (store.facets.of(PostFilter()),),
    "records.newer": lambda store: (store.records.newer(PostFilter(), 0, 9),),
    "tags.given_by_hand": lambda store: store.tags.given_by_hand([1]),
    "statistics.tag": lambda store: store.statistics.tag("tag"),
    "statistics.posts_by_day": lambda store: store.statistics.posts_by_day(),
    "statistics.tag_by_day": lambda store: store.statistics.tag_by_day("tag"),
    "statistics.rising": lambda store: store.statistics.rising(7, 9),
    "statistics.related": lambda store: store.statistics.related("tag", 9),
    "status.failures": lambda store: store.status.failures(),
    "status.failed_posts": lambda store: store.status.failed_posts("server", 9),
    "status.spent": lambda store: store.status.spent(9),
    "tags.listed": lambda store: store.tags.listed(),
    "changes.left_tags": lambda store: store.changes.left_tags([1]),
    "changes.removals": lambda store: (store.changes.removals(),),
    "tags.still_open": lambda store: store.tags.still_open(()),
    "runs.past": lambda store: store.runs.past(9),
    "jobs.find": lambda store: store.jobs.find(1),
    "jobs.latest": lambda store: store.jobs.latest(9),
    "jobs.open": lambda store: store.jobs.open(),
    "queue.out_of_step": lambda store: (store.queue.out_of_step(),),
    "queue.done_since": lambda store: store.queue.done_since(1),
    "records.identify": lambda store: store.records.identify(["news/1"]),
    "channels.identify": lambda store: store.channels.identify(["news"]),
    "runs.has_run": lambda store: store.runs.has_run("sync", 1),
    "runs.has_tagged_with": lambda store: store.runs.has_tagged_with(PROVENANCE, 1),
    "queue.answered": lambda store: list(store.queue.answered(PostFilter(), [PROVENANCE])),
    "answers.find": lambda store: (store.answers.find(["hash"], [PROVENANCE]),),
    "answers.capabilities": lambda store: store.answers.capabilities("url"),
    "answers.mean_seconds": lambda store: (store.answers.mean_seconds("model"),),
    "tags.most_used": lambda store: store.tags.most_used(),
    "changes.past": lambda store: store.changes.past(9),
    "changes.last": lambda store: (store.changes.last(),),
    "changes.swept_until": lambda store: (store.changes.swept_until(),),
    "tags.called": lambda store: (store.tags.called(["tags"]),),
    "tags.forms_of_new": lambda store: (store.tags.forms_of_new(["tags"]),),
    "tags.blocked": lambda store: store.tags.blocked(),
    "channels.followed_sources": lambda store: store.channels.followed_sources(),
    "progress.is_read_by": lambda store: (store.progress.is_read_by("preview"),),
    "channels.names": lambda store: store.channels.names(),
    "tags.beginning": lambda store: store.tags.beginning("t", 9),
    "channels.count_posts": lambda store: store.channels.count_posts(["news"]),
    "tags.suggest_merges": lambda store: store.tags.suggest_merges(),
    "tags.described": lambda store: store.tags.described(9),
    "select": select,
    "posts.raw_records": lambda store: list(store.posts.raw_records("desktop", older_than=2)),
    "queue.count": lambda store: store.queue.count(PostFilter()),
    "queue.posts": lambda store: list(store.queue.posts(PostFilter())),
    "records.lines": lambda store: list(store.records.lines(PostFilter())),
    "records.posts": lambda store: list(store.records.posts(PostFilter())),
    "records.page": lambda store: store.records.page(PostFilter(), 9)[0],
    "records.near": lambda store: store.records.near(PostFilter(query=read_query("word"))),
    "records.search": lambda store: list(
        store.records.search(PostFilter(query=read_query("word")))
    ),
    "records.post": lambda store: store.records.post("news/1"),
    "tags.counts": lambda store: store.tags.counts(),
    "status.channels": lambda store: store.status.channels(),
    "channels.find": lambda store: store.channels.find(CHANNEL.id),
    "progress.holds_whole": lambda store: store.progress.holds_whole(CHANNEL.id, 1, None),
    "progress.read_progress": lambda store: store.progress.read_progress(CHANNEL.id, "telegram"),
    "status.archive": lambda store: store.status.archive(),
    "shifted_ids.suspects": lambda store: store.shifted_ids.suspects(IdRange(1, CHANNEL.id)),
    "shifted_ids.records": lambda store: list(store.shifted_ids.records(CHANNEL.id)),
    "integrity.storage": lambda store: store.integrity.storage(),
    "back_up": lambda store: store.back_up(str(store.path), store.path.with_name("copy.db")),
    "integrity.check_uses": lambda store: store.integrity.check_uses(),
    "integrity.check": lambda store: store.integrity.check(),
}


@pytest.fixture
def _locked(store: Store) -> Iterator[None]:
    store.posts.save_page(page(post(1, "word")))
    store.curation.add("news/1", ["tag"])
    store.jobs.ask("tag", "", {})
    with writing(store):
        yield


def test_every_public_method_is_tried_here(store: Store) -> None:
    public = {name for name in _public(Store) if name not in {"close", "lock", "recover", "copy"}}
    for part in Store.__annotations__:
        made = getattr(store, part)
        assert isinstance(made, Part)
        public |= {f"{part}.{name}" for name in _public(type(made))}
    public -= {"status.version", "integrity.server"}  # in a file they begin no transaction
    assert public == WRITING.keys() | READING.keys()


def _public(kind: type) -> list[str]:
    found = inspect.getmembers(kind, inspect.isfunction)
    return [name for name, _ in found if not name.startswith("_")]


@pytest.mark.row("L1")
@pytest.mark.usefixtures("_locked")
@pytest.mark.parametrize("name", WRITING)
def test_writing_says_that_the_database_is_locked(store: Store, name: str) -> None:
    if name == "integrity.check_index" and is_on_server(location(store)):
        pytest.skip("a server checks its index without writing")
    if name in BESIDE and is_on_server(location(store)):
        WRITING[name](store)  # rows that only such statements share, each of which locks its own
        return
    with pytest.raises(TryLater):
        WRITING[name](store)


@pytest.mark.row("L1")
@pytest.mark.usefixtures("_locked")
@pytest.mark.parametrize("name", READING)
@pytest.mark.of_file
def test_reading_never_waits(store: Store, name: str) -> None:
    if name == "back_up" and is_on_server(location(store)):
        pytest.skip("a server has tools of its own for it")
    with Store.open_to_read(location(store)) as reader:
        assert READING[name](reader) is not None


def test_nobody_takes_a_second_connection_while_holding_one(archive_on_server: Archive) -> None:
    """Runs would wait for each other, where a pool has no more connections than there are runs."""
    held: dict[str, int] = {}
    with archive_on_server.empty() as store:
        store.posts.save_page(page(post(1, "word")))
        pool = archive_on_server.opened.engine.pool  # type: ignore[attr-defined]
        for name, call in {**READING, **WRITING}.items():

            def note(*_: object, name: str = name) -> None:
                held[name] = max(held.get(name, 0), pool.checkedout())

            event.listen(pool, "checkout", note)
            with contextlib.suppress(TgTaggerError, AssertionError):  # what only a file has
                call(store)
            event.remove(pool, "checkout", note)
    assert {name for name, connections in held.items() if connections > 1} == set()
    assert len(held) > 60


# ---- L3: who reads first and writes later is turned away at once, whatever the patience


class Traced:
    """The SQL that a connection runs, told by the driver: triggers and savepoints, too."""

    def __init__(self, store: Store) -> None:
        self.statements: list[str] = []
        driver(store).set_trace_callback(self.statements.append)

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
            elif re.search(r"\btemp\b|\bchosen", statement, re.IGNORECASE):
                continue  # a table of the connection's own: nobody else is kept waiting
            elif re.match(r"(WITH\b.*)?\b(INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER)\b",
                          statement, re.IGNORECASE):  # fmt: skip
                assert is_open, f"outside of a transaction: {statement}"
                found[-1][1].append(statement)
        return found


@pytest.mark.row("L3")
@pytest.mark.parametrize("name", WRITING)
def test_who_may_write_says_so_first(store: Store, name: str) -> None:
    store.posts.save_page(page(post(1, "word")))
    store.curation.add("news/1", ["tag"])
    store.jobs.ask("tag", "first", {})
    tag(store, ["tag", "other"])
    if name in {"curation.remove_aliases", "changes.take_back"}:
        store.curation.add_aliases("tag", ["name"])
    if name == "channels.forget":
        store.channels.follow(["@durov"])
    traced = Traced(store)
    if name == "queue.save":  # of a text that is still the same
        tag(store, ["tag"])
    else:
        WRITING[name](store)
    found = traced.transactions()
    assert {begun for begun, written in found if written} == {"BEGIN IMMEDIATE"}


OWN = {"back_up", "integrity.check"}
"""What opens a connection of its own."""


@pytest.mark.row("L3")
@pytest.mark.parametrize("name", sorted(READING.keys() - OWN))
@pytest.mark.parametrize("opened", [Store.open_to_read, Store.open])
def test_who_reads_writes_nothing_and_takes_no_write_lock(
    store: Store, db: Path, name: str, opened: Callable[[str], Store]
) -> None:
    store.posts.save_page(page(post(1, "word")))
    store.curation.add("news/1", ["tag"])
    store.jobs.ask("tag", "", {})
    with opened(str(db)) as reader:
        traced = Traced(reader)
        READING[name](reader)
        found = traced.transactions()
        assert found
        assert all(transaction == ("BEGIN DEFERRED", []) for transaction in found)


@pytest.mark.row("L3")
def test_a_transaction_that_reads_first_is_seen(store: Store) -> None:
    """The test of the tests above."""
    traced = Traced(store)
    own = driver(store)
    for statement in ("BEGIN", "SELECT 1", "UPDATE runs SET pid = 1", "COMMIT"):
        own.execute(statement)
    assert traced.transactions() == [("BEGIN", ["UPDATE runs SET pid = 1"])]
    traced.statements.append("DELETE FROM runs")
    with pytest.raises(AssertionError, match="outside"):
        traced.transactions()
