"""A whole archive is copied into another database, whatever happens meanwhile."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from support import old_schemas
from support.breaking import assert_sound
from support.lived_in import live_in
from support.make import page, post, tag
from support.next_version import NEXT
from tgtagger.errors import InputError, NoDatabase, StoreError, TgTaggerError, TryLater
from tgtagger.model.choices import CopyStage
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store, copying
from tgtagger.store.sqlite.schema_version import SCHEMA, OlderSchema
from tgtagger.store.values import COLUMNS

ROWS = 120


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with rows in every table."""
    db = tmp_path_factory.mktemp("full") / "full.db"
    old_schemas.make(db, SCHEMA.newest, rows=ROWS)
    return db


@pytest.fixture
def old(full: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(full, tmp_path / "old.db"))


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "new.db"


def assert_equal(old: Path, new: Path) -> None:
    assert old_schemas.read(new) == old_schemas.read(old)
    assert old_schemas.schema_of(new) == old_schemas.schema_of(old)
    with Store.open(str(new)) as store:
        assert store.queue.out_of_step() == 0
        assert store.integrity.check_index()
    assert_sound(new)


class Stopped(Exception):
    """What ends a copy at some point, as a signal does."""


def stop_at(call: int) -> Callable[..., None]:
    calls = iter(range(call, -1, -1))

    def told(stage: CopyStage, done: int, total: int) -> None:
        if next(calls) == 0:
            raise Stopped

    return told


def change(db: Path, *statements: str) -> None:
    with closing(sqlite3.connect(db)) as raw, raw:
        raw.execute("PRAGMA foreign_keys = ON")
        for statement in statements:
            raw.execute(statement)


# ---- equal


def test_all_rows_are_copied_and_compared(old: Path, new: Path) -> None:
    told: list[tuple[str, int, int]] = []
    made = Store.copy(str(old), str(new), lambda *each: told.append(each))
    assert_equal(old, new)
    assert {each.name for each in made.tables} == COLUMNS.keys()
    assert (made.posts, made.kept, made.schema) == (ROWS, 0, SCHEMA.newest)
    assert (made.source, made.target) == (old, new)
    stages = [stage for stage, *_ in told]
    assert stages == sorted(stages, key=["copy", "index", "compare"].index)
    counts = [done for stage, done, _ in told if stage == "copy"]
    assert counts == sorted(counts)
    assert counts[-1] == made.rows == told[0][2]
    assert new.stat().st_mode & 0o777 == 0o600


def test_a_copy_of_a_copy_has_the_same_hashes(old: Path, new: Path, tmp_path: Path) -> None:
    first = Store.copy(str(old), str(new))
    assert Store.copy(str(new), str(tmp_path / "third.db")).tables == first.tables


def test_what_people_did_is_there_and_can_be_undone(store: Store, db: Path, new: Path) -> None:
    store.posts.save_page(page(post(899, "People helped in the storm")))
    tag(store, ["volunteers", "gusts"])
    live_in(store)
    Store.copy(str(db), str(new))
    with Store.open(str(new)) as copied:
        assert list(copied.records.lines(PostFilter())) == list(store.records.lines(PostFilter()))
        assert copied.jobs.latest(9) == store.jobs.latest(9)
        assert copied.changes.past(9) == store.changes.past(9)
        for each in (copied, store):
            each.changes.take_back(each.changes.past(1)[0].number)
        assert list(copied.records.lines(PostFilter())) == list(store.records.lines(PostFilter()))


def test_nothing_is_copied_of_nothing(store: Store, db: Path, new: Path) -> None:
    assert Store.copy(str(db), str(new)).rows == 0
    assert_equal(db, new)


def test_who_works_at_a_post_works_at_the_source(old: Path, new: Path) -> None:
    change(
        old,
        "UPDATE tag_queue SET worker = 'w', token = 3, attempts = 1, "
        "lease_until = '2999-01-01T00:00:00Z' WHERE due_at IS NULL",
        "INSERT INTO tag_queue (post_id, due_at, worker, lease_until) "
        "SELECT max(id), '9999-12-31T23:59:59Z', 'w', '2999-01-01T00:00:00Z' FROM posts "
        "WHERE status = 'tagged'",
        "INSERT INTO claimed_texts VALUES ('0123456789abcdef', 'w', '2999-01-01T00:00:00Z')",
    )
    Store.copy(str(old), str(new))
    with closing(sqlite3.connect(new)) as raw:
        query = (
            "SELECT DISTINCT due_at IS NULL, attempts, token, worker, lease_until FROM tag_queue"
        )
        assert set(raw.execute(query)) == {(1, 1, 0, None, None), (0, 0, 0, None, None)}
    assert_equal(old, new)


def test_a_table_stands_after_those_that_it_refers_to(store: Store) -> None:
    order = list(COLUMNS)
    with store._database.read() as db:
        found = {name: sa.inspect(db).get_foreign_keys(name) for name in order}
    for name, keys in found.items():
        for key in keys:
            assert order.index(key["referred_table"]) < order.index(name), name
    assert sum(map(len, found.values())) > 20


# ---- the bounds of memory


@pytest.mark.parametrize(("letters", "most"), [(10, copying._MOST), (1 << 20, 4)])
def test_no_more_is_held_than_a_part(letters: int, most: int) -> None:
    rows = [(number, "я" * letters) for number in range(9000 if letters == 10 else 9)]
    sizes = [len(batch) for batch in copying._batches(iter(rows))]
    assert (max(sizes) <= most, sum(sizes)) == (True, len(rows))


@pytest.mark.of_file
def test_fewer_rows_are_read_at_a_time_if_they_are_large(store: Store) -> None:
    size = 1 << 16
    store.posts.save_page(page(*(post(number, "x" * size) for number in range(1, 131))))
    asked: list[int] = []
    with store._database.read() as db:
        table = copying._Table(db, "posts")
        first, following = table._first, table._next

        def note(found: Any) -> Any:
            def run(db: Any, **values: Any) -> Any:
                asked.append(values["most"])
                return found(db, **values)

            return run

        table._first, table._next = note(first), note(following)
    assert len(list(table.rows(store._database.read))) == 130
    assert asked[0] * size <= 32 << 20
    assert max(asked[1:]) * size <= copying._AIM


# ---- stopped, and gone on with


def test_stopped_anywhere_it_goes_on(old: Path, new: Path) -> None:
    """Each time it is stopped a step later, as the first ones are shorter then."""
    kept = [0]
    for call in range(1, 200, 9):
        try:
            made = Store.copy(str(old), str(new), stop_at(call))
        except Stopped:
            with pytest.raises(StoreError) as refused:
                Store.open_up_to_date(str(new))
            assert refused.value.kind == "copy_unfinished"
            with pytest.raises(StoreError):
                Store.open(str(new))
        else:
            kept.append(made.kept)
            break
    assert_equal(old, new)
    assert kept[-1] == made.rows
    assert len(kept) == 2


def test_what_changed_while_it_was_stopped_is_copied_as_it_is_now(old: Path, new: Path) -> None:
    with pytest.raises(Stopped):
        Store.copy(str(old), str(new), stop_at(40))  # all is copied, nothing compared
    change(
        old,
        "UPDATE runs SET exit_code = 5 WHERE id = 7",
        "UPDATE tags SET key = 'free' WHERE id = 3",
        "UPDATE tags SET key = (SELECT key FROM tags WHERE id = 9) || '!' WHERE id = 9",
        "UPDATE posts SET id = 100000 WHERE id = 5",
        "UPDATE posts SET id = -5 WHERE id = 100",
        "DELETE FROM channels WHERE id = 20",
        "DELETE FROM posts WHERE id = 30",
        "INSERT INTO channels (id, title, kind, added_at) "
        "VALUES (-9, 'new', 'channel', '2026-01-01T00:00:00Z')",
    )
    made = Store.copy(str(old), str(new))
    assert 0 < made.kept < made.rows
    assert_equal(old, new)


def test_keys_that_two_rows_exchanged_are_copied(old: Path, new: Path) -> None:
    with pytest.raises(Stopped):
        Store.copy(str(old), str(new), stop_at(40))
    change(
        old,
        "UPDATE tags SET key = 'x' WHERE id = 3",
        "UPDATE tags SET key = (SELECT t.key FROM tags AS t WHERE t.id = 90) || 'y' WHERE id = 9",
        "UPDATE posts SET message_id = -message_id WHERE id IN (4, 104)",
        "UPDATE posts SET id = 4 + 104 - id + 1000 WHERE id IN (4, 104)",
        "UPDATE posts SET id = id - 1000 WHERE id > 1000",
    )
    Store.copy(str(old), str(new))
    assert_equal(old, new)


def test_who_writes_to_the_source_meanwhile_is_not_waited_for(old: Path, new: Path) -> None:
    before = old_schemas.read(old)

    def write(stage: CopyStage, done: int, total: int) -> None:
        change(old, "UPDATE tags SET name = name || '!'", "DELETE FROM posts WHERE id % 7 = 3")

    Store.copy(str(old), str(new), write)
    assert old_schemas.read(new) == before != old_schemas.read(old)


def test_a_copy_that_differs_is_no_archive(old: Path, new: Path) -> None:
    def damage(stage: CopyStage, done: int, total: int) -> None:
        if stage == "index":
            change(new, "UPDATE posts SET views = 77 WHERE id = 8")

    with pytest.raises(StoreError) as found:
        Store.copy(str(old), str(new), damage)
    assert (found.value.kind, found.value.data["table"]) == ("copy_differs", "posts")
    with pytest.raises(StoreError):
        Store.open(str(new))
    Store.copy(str(old), str(new))
    assert_equal(old, new)


# ---- refused


def refused(old: Path, new: Path, **rest: Any) -> str:
    with pytest.raises(TgTaggerError) as found:
        Store.copy(str(old), str(new), **rest)
    return found.value.kind


def test_a_target_with_an_archive_keeps_it(old: Path, store: Store, db: Path) -> None:
    for fill in (
        lambda: store.channels.follow(["@one_channel"]),
        lambda: store.posts.save_page(page(post(1, "mine"))),
    ):
        fill()
        before = old_schemas.read(db)
        assert refused(old, db) == "copy_target_used"
        assert old_schemas.read(db) == before
    assert len(store.status.channels()) == 1


def test_an_empty_archive_may_be_the_target(old: Path, store: Store, db: Path) -> None:
    Store.copy(str(old), str(db))
    assert len(store.status.channels()) == ROWS  # who had it open goes on with what it is now


def test_source_and_target_are_two(old: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(old)
    for other in (old, link, tmp_path / "x" / ".." / "old.db"):
        assert refused(old, other) == "copy_onto_itself"


@pytest.mark.parametrize("version", ["0001", SCHEMA.revisions[-2]])
def test_older_schemas_are_left_as_they_are(old: Path, new: Path, version: str) -> None:
    old_schemas.make(new, version)
    before = new.read_bytes()
    with pytest.raises(OlderSchema):
        Store.copy(str(old), str(new))
    with pytest.raises(OlderSchema):
        Store.copy(str(new), str(old.with_name("third.db")))
    assert (new.read_bytes(), old.with_name("third.db").exists()) == (before, False)


def test_newer_schemas_are_left_as_they_are(old: Path, new: Path) -> None:
    Store.open(str(new), schema=NEXT).close()
    before = new.read_bytes()
    assert refused(old, new) == refused(new, old) == "database_newer"
    assert new.read_bytes() == before


def test_half_a_copy_of_another_version_is_not_gone_on_with(old: Path, new: Path) -> None:
    with pytest.raises(Stopped):
        Store.copy(str(old), str(new), stop_at(4))
    Store.open(str(old), schema=NEXT).close()
    assert refused(old, new, schema=NEXT) == "copy_unfinished"
    assert refused(new, old) == "copy_unfinished"  # and half a copy is not copied


def test_a_source_that_is_not_there(new: Path, tmp_path: Path) -> None:
    with pytest.raises(NoDatabase) as found:
        Store.copy(str(tmp_path / "none.db"), str(new))
    assert (found.value.kind, new.exists()) == ("copy_source_missing", False)


def test_two_copies_into_one_database(old: Path, new: Path) -> None:
    def another(stage: CopyStage, done: int, total: int) -> None:
        if stage != "index":
            return
        with pytest.raises(TryLater):
            Store.copy(str(old), str(new))

    Store.copy(str(old), str(new), another)
    assert_equal(old, new)


def test_a_row_that_the_target_refuses_is_named(old: Path, new: Path) -> None:
    with closing(sqlite3.connect(old)) as raw, raw:
        raw.execute("UPDATE removed_tags SET tag_id = 5000 WHERE post_id = 66")
    with pytest.raises(StoreError) as found:
        Store.copy(str(old), str(new))
    assert found.value.kind == "copy_row_refused"
    assert str(found.value).endswith("a row of the table removed_tags (number 66/5000)")
    with pytest.raises(InputError):
        Store.copy(str(old), str(old))
