"""K3: a migration killed or failed anywhere: the old schema or the new one, and a sound backup."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import old_schemas
from support.breaking import (
    Ended,
    Fault,
    assert_clean_end,
    assert_sound,
    copy_database,
    count_calls,
    files_of,
    may_fork,
    need,
    run,
)
from support.fault_matrix import Effort
from support.forked import start
from support.next_version import AS_CODE, NEXT, OLD
from tgtagger.store import Store
from tgtagger.store.sqlite import migrate

PROGRAM = may_fork(AS_CODE)

CALLS = ("pwrite64", "write", "fsync", "fdatasync", "ftruncate", "rename", "unlink")
"""What changes the disk; counted over the whole process, which writes nothing else."""


def migration(db: Path) -> tuple[str, ...]:
    """Return the arguments of a program that opens the database, as any command does."""
    return (str(db),)


def upgrade(db: Path, *, fault: Fault | None = None, after: float | None = None) -> Ended:
    return run(*migration(db), program=PROGRAM, fault=fault, after=after)


class Old:
    """A database of an old schema, and what must be left of it."""

    def __init__(self, folder: Path, schema: str, rows: int = 4) -> None:
        self.schema = schema
        self.path = folder / f"of-{schema}.db"
        old_schemas.make(self.path, schema, rows)
        self.contents = old_schemas.read(self.path)
        self.statements = old_schemas.schema_of(self.path)

    def copy_to(self, db: Path) -> None:
        shutil.rmtree(db.parent, ignore_errors=True)
        db.parent.mkdir()
        copy_database(self.path, db)

    def check(self, db: Path) -> bool:
        """Check a database as it lies; return whether it has the new schema."""
        kept = migrate.backup_path(db, self.schema)
        if kept.exists():  # whole or not there
            self._is_as_before(kept)
        assert_sound(db)
        is_new = old_schemas.schema_of(db)[-1] == NEXT.newest
        if is_new:
            assert old_schemas.lost(self.contents, old_schemas.read(db)) == []
            assert kept.exists()
        else:
            self._is_as_before(db)
        return is_new

    def check_next_run(self, db: Path) -> None:
        """Check that the next run completes it, and leaves nothing else behind."""
        Store.open(str(db), schema=NEXT).close()
        assert self.check(db)
        assert old_schemas.schema_of(db) == new_schema(db.parent)
        names = {path.name for path in db.parent.iterdir()}
        assert names <= {db.name, migrate.backup_path(db, self.schema).name, "new.db"}

    def _is_as_before(self, db: Path) -> None:
        assert_sound(db)
        assert old_schemas.schema_of(db) == self.statements
        assert old_schemas.read(db) == self.contents


def new_schema(folder: Path) -> tuple[str, ...]:
    made = folder / "new.db"
    made.unlink(missing_ok=True)
    Store.open(str(made), schema=NEXT).close()
    return old_schemas.schema_of(made)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "work" / "posts.db"


@dataclass(frozen=True, slots=True)
class Point:
    """The N-th of a call that changes the disk."""

    call: str
    nth: int
    paths: tuple[Path, ...] = ()

    def fault(self, what: str, *, once: bool = True) -> Fault:
        return Fault(self.call, what, self.nth, once, self.paths)


SOME = (Point("pwrite64", 20), Point("pwrite64", 50))
"""In the backup, and before the commit: where time is short."""


MOST, FEW = 150, 25
"""Points at which the long form stops the first of the old schemas, and each of the others."""


def some_points(old: Old, db: Path, most: int) -> list[Point]:
    """Let a migration go through, and return calls it made that change the disk, in their order."""
    old.copy_to(db)
    found = count_calls(*migration(db), paths=(), calls=CALLS, program=PROGRAM)
    assert old.check(db)
    old.copy_to(db)
    paths = (*files_of(db), migrate.backup_path(db, old.schema), db.parent)
    opened = count_calls(*migration(db), paths=paths, calls=("openat",), program=PROGRAM)
    made = [Point(call, n) for call, count in found.items() for n in range(1, count + 1)]
    made += [Point("openat", n, paths) for n in range(1, opened["openat"] + 1)]
    chosen = random.Random(old.schema).sample(range(len(made)), min(len(made), most))
    return [made[at] for at in sorted(chosen)]


@pytest.mark.row("K3")
def test_killed_anywhere_it_is_the_old_schema_or_the_new(
    tmp_path: Path, db: Path, effort: Effort
) -> None:
    need("strace")
    for schema in OLD if effort.is_long else OLD[:1]:
        old = Old(tmp_path, schema)
        most = MOST if schema == OLD[0] else FEW
        tried = some_points(old, db, most) if effort.is_long else SOME
        hits, news = 0, 0
        for point in tried:
            old.copy_to(db)
            hits += upgrade(db, fault=point.fault("signal=SIGKILL")).hit
            news += old.check(db)
            old.check_next_run(db)
        assert hits >= len(tried) - 3
        assert news < len(tried)
        assert news or not effort.is_long or most == FEW
        effort.saw(kills=hits, kills_after_the_commit=news)


@pytest.mark.slow
@pytest.mark.row("K3")
def test_killed_at_any_time(tmp_path: Path, db: Path, effort: Effort) -> None:
    old = Old(tmp_path, OLD[0], rows=3000)
    old.copy_to(db)
    seconds = upgrade(db).seconds
    chance = random.Random(11)
    hits = news = 0
    for _ in range(effort.rounds(2, long=60)):
        old.copy_to(db)
        hits += upgrade(db, after=chance.uniform(0.3, 1.0) * seconds).code == -9
        news += old.check(db)
        old.check_next_run(db)
    effort.saw(kills=hits, kills_after_the_commit=news)


@pytest.mark.row("K3", "D1", "D2")
@pytest.mark.parametrize("what", ["ENOSPC", "EIO"])
def test_a_disk_that_fails_anywhere_leaves_the_old_schema_or_the_new(
    tmp_path: Path, db: Path, effort: Effort, what: str
) -> None:
    need("strace")
    old = Old(tmp_path, OLD[0])
    # Where time is short: no room for shared memory, then none while the schema changes; a sync
    # of the backup that fails.
    some = [Point("ftruncate", 1), SOME[1]] if what == "ENOSPC" else [Point("fsync", 1)]
    tried = some_points(old, db, MOST) if effort.is_long else some
    # The first `write` is into the backup; those after it say what was done.
    tried = [point for point in tried if point.call != "write" or point.nth == 1]
    hits = refused = 0
    for number, point in enumerate(tried):
        old.copy_to(db)
        ended = upgrade(
            db,
            fault=point.fault(f"error={what}", once=point.call == "write" or number % 2 == 1),
        )
        assert_clean_end(ended, 0, 6)
        hits += ended.hit
        refused += ended.code != 0
        is_new = old.check(db)
        assert is_new or ended.code, "it said that all was well"
        if point.call != "unlink":
            assert not [*db.parent.glob(".part-*")]
        old.check_next_run(db)
    assert hits >= len(tried) - 3
    effort.saw(failures=hits, refused=refused)


@pytest.mark.row("K3")
def test_six_that_migrate_at_once_make_one_migration(
    tmp_path: Path, db: Path, effort: Effort
) -> None:
    old = Old(tmp_path, OLD[-1])
    for _ in range(effort.rounds(1, long=20)):
        old.copy_to(db)
        processes = [start(migration(db), code=AS_CODE) for _ in range(6)]
        said = [process.communicate()[1] for process in processes]
        assert [process.returncode for process in processes] == [0] * 6, said
        assert sum("was upgraded to schema" in each for each in said) == 1
        old.check_next_run(db)


@pytest.mark.row("K3", "D1")
def test_no_room_for_the_backup_is_said_and_nothing_is_changed(tmp_path: Path, db: Path) -> None:
    old = Old(tmp_path, OLD[0])
    old.copy_to(db)
    ended = upgrade(db, fault=Fault("pwrite64", "error=ENOSPC", 20, once=False))
    assert_clean_end(ended, 6)
    assert "was not upgraded, because its backup failed: no space left" in ended.errors
    assert f"hint: {db} is unchanged" in ended.errors
    assert not old.check(db)
    assert {path.name for path in db.parent.iterdir()} <= {path.name for path in files_of(db)}
