"""The undo of a tagging run, what a run keeps for it, and for how long."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support import old_schemas
from support.make import PROVENANCE, page, post
from support.sql import reading, writing
from support.undoing import small_parts  # noqa: F401 -- a fixture
from tgtagger.errors import InputError
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import SuggestedTag, TagUpdate
from tgtagger.store import Store, later_changes, recording, undo
from tgtagger.store.sqlite.connections import driver

pytestmark = pytest.mark.usefixtures("small_parts")

MONTH = dt.timedelta(days=30)
RECORDS = ("tag_changes", *recording.TOUCHED)


def run_on(store: Store, names: list[str], *numbers: int, status: str = "tagged") -> int:
    run = store.runs.start("tag", PROVENANCE)
    suggested = tuple(SuggestedTag(name) for name in names)
    updates = [
        TagUpdate(item.id, item.text_hash, status, PROVENANCE, suggested, 1)  # type: ignore[arg-type]
        for item in store.queue.posts(PostFilter())
        if item.id.message_id in numbers
    ]
    store.queue.save(updates, run)
    return run


def kept(store: Store) -> dict[str, int]:
    with reading(store) as db:
        return {
            table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in RECORDS
        }


def tags(store: Store) -> list[tuple[str, tuple[str, ...]]]:
    found = [store.records.post(f"news/{number}").post for number in (1, 2, 3)]
    return [(each.status, each.tags) for each in found]


@pytest.fixture
def filled(store: Store) -> Store:
    store.posts.save_page(page(*(post(number, f"text {number}") for number in (1, 2, 3))))
    run_on(store, ["old", "sea"], 1, 2)
    return store


def test_a_run_keeps_only_what_it_replaces(filled: Store) -> None:
    assert not any(kept(filled).values())  # of new posts nothing
    run_on(filled, ["new"], 1, 3)
    assert kept(filled) == dict.fromkeys(RECORDS, 0) | {
        "tag_changes": 1, "changed_posts": 1, "changed_links": 2,
    }  # fmt: skip


def test_an_undone_run_leaves_the_tags_and_the_state_from_before(filled: Store) -> None:
    before = tags(filled)
    run = run_on(filled, ["new", "sea"], 1, 2, 3)
    failing = run_on(filled, [], 2, status="failed")
    filled.curation.add("news/1", ["mine"])
    filled.changes.take_back(failing)
    assert tags(filled)[1] == ("tagged", ("new", "sea"))
    done = filled.changes.take_back(run)
    assert (done.posts, done.links, done.tags, done.kept, done.pending) == (3, 6, 1, 0, 1)
    assert tags(filled) == [("tagged", ("old", "sea", "mine")), *before[1:]]
    with reading(filled) as db:
        assert db.execute("SELECT count(*) FROM post_tags WHERE run_id = ?", (run,)).fetchone() == (
            0,
        )


def test_replaced_tags_come_back_as_a_person_decided_since(filled: Store) -> None:
    run = run_on(filled, ["new"], 1, 2)
    filled.curation.add("news/3", ["ocean"])
    filled.curation.merge(["sea"], "ocean")
    filled.curation.remove(["old"])
    filled.changes.take_back(run)
    assert tags(filled)[:2] == [("tagged", ("ocean",))] * 2
    with pytest.raises(InputError) as error:  # or else the merge would be half undone
        filled.changes.take_back(run + 2)
    assert error.value.data["later"] == (filled.changes.past(1)[0].number,)


def test_posts_of_a_later_run_stay_as_that_left_them(filled: Store) -> None:
    first = run_on(filled, ["new"], 1, 2)
    second = run_on(filled, ["newer"], 2)
    done = filled.changes.take_back(first)
    assert (done.posts, done.kept, done.undo) == (1, 1, second + 1)
    assert [each for _, each in tags(filled)] == [("old", "sea"), ("newer",), ()]
    with pytest.raises(InputError) as error:
        filled.changes.take_back(second)
    assert error.value.data["later"] == (second + 1,)
    for number in (second + 1, second, first):
        filled.changes.take_back(number)
    assert [each for _, each in tags(filled)] == [("old", "sea"), ("old", "sea"), ()]


def test_a_run_of_which_nothing_is_left_is_not_undone(filled: Store) -> None:
    first = run_on(filled, ["new"], 1)
    run_on(filled, ["newer"], 1)
    assert filled.changes.take_back(first).posts == 0
    assert all(change.what != "undo" for change in filled.changes.past(9))


def test_a_text_that_was_edited_since_is_tagged_again(filled: Store) -> None:
    run = run_on(filled, ["new"], 1)
    filled.posts.save_page(
        page(post(1, "another text", edited=dt.datetime(2027, 1, 1, tzinfo=dt.UTC)))
    )
    filled.changes.take_back(run)
    assert tags(filled)[0] == ("pending", ("old", "sea"))


def test_an_undo_on_which_a_later_run_hangs_is_told(filled: Store) -> None:
    run = run_on(filled, ["new"], 3)
    undo_of_run = filled.changes.take_back(run).undo or 0
    later = run_on(filled, ["newer"], 3)
    with pytest.raises(InputError) as error:
        filled.changes.take_back(undo_of_run)
    assert error.value.data["later"] == (later,)
    filled.changes.take_back(later)


def test_a_result_that_cannot_be_stored_keeps_nothing(filled: Store) -> None:
    before = tags(filled)
    (item, *_) = filled.queue.posts(PostFilter())
    broken = TagUpdate(
        item.id,
        item.text_hash,
        "tagged",
        PROVENANCE,
        (SuggestedTag("a"), SuggestedTag("\ud800")),
        1,
    )
    with writing(filled) as db:
        db.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON tags BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
    assert filled.queue.save([broken], filled.runs.start("tag", PROVENANCE)) == [False]
    assert tags(filled) == before
    assert not any(kept(filled).values())


def test_old_changes_go_a_few_rows_at_a_time(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "SWEPT", 2)
    old = run_on(filled, ["new"], 1, 2)
    filled.curation.merge(["new"], "sea")
    with writing(filled) as db:
        db.execute("UPDATE tag_changes SET at = '2020-01-01T00:00:00Z'")
    filled.curation.drop("news/1", ["sea"])
    assert filled.changes.swept_until() is None
    counts = []
    for _ in range(12):
        filled.runs.start("sync", keep=MONTH)
        found = kept(filled)
        counts.append(sum(found.values()))
    assert all(one - other <= 4 for one, other in itertools.pairwise(counts))
    assert found == dict.fromkeys(RECORDS, 0) | {"tag_changes": 2, "changed_links": 1}
    assert filled.changes.swept_until() == dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert [change.what for change in filled.changes.past(9)] == ["drop", "tag"]
    with pytest.raises(InputError) as error:
        filled.changes.take_back(old + 1)
    assert error.value.kind == "change_swept"


def test_what_is_half_swept_is_not_half_restored(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "SWEPT", 1)
    run = run_on(filled, ["new"], 1, 2)
    with writing(filled) as db:
        db.execute("UPDATE tag_changes SET at = '2020-01-01T00:00:00Z'")
    filled.runs.start("sync", keep=MONTH)
    assert kept(filled)["changed_links"] == 3
    filled.changes.take_back(run)
    assert tags(filled)[:2] == [("pending", ())] * 2


def test_an_undo_looks_at_no_table_as_a_whole(filled: Store) -> None:
    """A run that left little among a million posts is undone at once (with its indexes)."""
    run = run_on(filled, ["new"], 1)
    run_on(filled, ["newer"], 2)
    filled.curation.drop("news/2", ["newer"])
    (change,) = [each for each in filled.changes.past(9) if each.number == run]
    statements: list[str] = []
    with filled._database.write(dry_run=True) as db:
        raw = driver(db)
        raw.set_trace_callback(statements.append)
        assert later_changes.later_than(db, change) == ()
        undo.take_back_run(db, change)
        raw.set_trace_callback(None)
        raw.execute("CREATE TEMP TABLE undone_posts (post_id INTEGER PRIMARY KEY)")
        plans = {
            sql: [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {sql}")]
            for sql in statements
            if sql.startswith(("SELECT", "INSERT", "DELETE", "UPDATE"))
        }
    assert len(plans) > 10
    few = {"h", "u", "undone_posts", "tag_changes", "CONSTANT", "json_each", "given"}
    scans = [(step, sql) for sql, plan in plans.items() for step in plan if "SCAN" in step]
    assert [each for each in scans if each[0].split()[1] not in few] == []


def test_a_plain_run_writes_no_record_and_reads_it_by_an_index(filled: Store) -> None:
    statements: list[str] = []
    with filled._database.write() as db:  # the connection is used again
        driver(db).set_trace_callback(statements.append)
    run_on(filled, ["new"], 3)
    assert any("INTO post_tags" in sql for sql in statements)
    assert not any("INTO changed_" in sql for sql in statements)
    with reading(filled) as db:
        plans = [
            str(row[3])
            for sql in statements
            if "changed_" in sql
            for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")
        ]
    assert plans
    assert not any(step.startswith("SCAN changed_") for step in plans)


def test_the_upgrade_keeps_the_changes_there_are(db: Path) -> None:
    old_schemas.make(db, "0005", 0)
    at = "2026-01-01T00:00:00Z"
    with closing(sqlite3.connect(db)) as raw, raw:
        raw.execute("INSERT INTO tags (id, name, key, added_at) VALUES (1, 'b', 'b', ?)", (at,))
        raw.execute(
            "INSERT INTO tag_changes (id, at, what, names, posts, last_tag_id) "
            "VALUES (1, ?, 'rename', '[\"a\", \"b\"]', 0, 1)",
            (at,),
        )
        states = [json.dumps([name, name, None, at, None]) for name in "ab"]
        raw.execute("INSERT INTO changed_tags VALUES (1, 1, ?, ?)", states)
    with Store.open(str(db)) as store:
        store.changes.take_back(1)
        assert [each.name for each in store.tags.counts(unused=True)] == ["a"]
        assert store.integrity.check().damage == ()


def test_the_undo_of_an_unblocking_blocks_no_tag_that_a_person_gave_since(filled: Store) -> None:
    """`old` was blocked, then given to a post, which unblocked it, then to another one."""
    filled.curation.remove(["old"])
    given = filled.curation.add("news/3", ["old"]).number
    filled.curation.add("news/1", ["old"])
    assert given is not None
    filled.changes.take_back(given)
    assert [names for _, names in tags(filled)] == [("sea", "old"), ("sea",), ()]
    assert filled.tags.blocked() == ()
    (change,) = [each for each in filled.changes.past(9) if each.undoes == given]
    filled.changes.take_back(change.number)
    assert [names for _, names in tags(filled)] == [("sea", "old"), ("sea",), ("old",)]
