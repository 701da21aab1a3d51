"""K4 for `doctor --backup`: killed or failed anywhere, the copy is not there, or whole."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from support import old_schemas
from support.breaking import Fault, assert_clean_end, assert_sound, count_calls, need, run
from support.fault_matrix import Effort
from tgtagger.store import Store
from tgtagger.store.sqlite.schema_version import SCHEMA

CALLS = ("pwrite64", "write", "fsync", "ftruncate", "link", "unlink")
"""What changes the disk; counted over the whole process, which writes nothing else."""

SOME = (("pwrite64", 20), ("link", 1))
"""While it copies, and before the copy gets its name."""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "backup"
    folder.mkdir()
    return folder / "copy.db"


def backup(db: Path, target: Path) -> tuple[str, ...]:
    return "--db", str(db), "doctor", "--backup", str(target)


def every_point(
    db: Path, target: Path, calls: tuple[str, ...] = CALLS, paths: tuple[Path, ...] = ()
) -> list[tuple[str, int]]:
    counts = count_calls(*backup(db, target), paths=paths, calls=calls)
    target.unlink()
    return [(call, n) for call, count in counts.items() for n in range(1, count + 1)]


def is_whole(target: Path, contents: old_schemas.Contents) -> bool:
    """Check that a copy is not there, or whole; return which. Then clear it away."""
    if not target.exists():
        return False
    assert_sound(target)
    assert old_schemas.read(target) == contents
    target.unlink()
    return True


def next_one_sweeps(db: Path, target: Path) -> None:
    """Check that another backup, of another name, succeeds and clears what was left."""
    other = target.with_name("of-the-next-day.db")
    Store.back_up(str(db), other)
    assert list(target.parent.iterdir()) == [other]
    other.unlink()


@pytest.mark.row("K4")
def test_killed_anywhere_the_copy_is_whole_or_not_there(
    db: Path, target: Path, effort: Effort
) -> None:
    need("strace")
    old_schemas.make(db, SCHEMA.newest)
    contents = old_schemas.read(db)
    tried = every_point(db, target) if effort.is_long else list(SOME)
    hits = whole = 0
    for call, nth in tried:
        hits += run(*backup(db, target), fault=Fault(call, "signal=SIGKILL", nth)).hit
        whole += is_whole(target, contents)
        next_one_sweeps(db, target)
        assert old_schemas.read(db) == contents
    assert hits == len(tried)
    assert whole < hits
    effort.saw(kills=hits, copies_whole=whole)


@pytest.mark.row("K4", "D1", "D2")
@pytest.mark.parametrize(("call", "what"), [("write", "ENOSPC"), ("write", "EIO"), ("read", "EIO")])
def test_a_disk_that_fails_leaves_no_half_of_a_copy(
    db: Path, target: Path, effort: Effort, call: str, what: str
) -> None:
    need("strace")
    old_schemas.make(db, SCHEMA.newest)
    contents = old_schemas.read(db)
    calls, paths = (("pread64",), (db,)) if call == "read" else (CALLS, ())
    some = {"writeENOSPC": ("pwrite64", 20), "writeEIO": ("fsync", 1), "readEIO": ("pread64", 8)}
    tried = every_point(db, target, calls, paths) if effort.is_long else [some[call + what]]
    hits = refused = 0
    for number, (name, nth) in enumerate(tried):
        once = name == "write" or number % 2 == 1  # else nothing can be said of it, either
        fault = Fault(name, f"error={what}", nth, once=once, paths=paths)
        ended = run(*backup(db, target), fault=fault)
        assert_clean_end(ended, 0, 6)
        hits += ended.hit
        refused += ended.code != 0
        assert is_whole(target, contents) or ended.code == 6, "it said that all was well"
        if name != "unlink":
            assert not [*target.parent.iterdir()]
        if ended.code:
            first = ended.errors.splitlines()[0]
            assert str(target) in first or str(db) in first or "the output" in first
        next_one_sweeps(db, target)
    assert hits == len(tried)
    effort.saw(failures=hits, refused=refused)


@pytest.mark.slow
@pytest.mark.row("K4", "K5")
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_stopped_at_any_time(db: Path, target: Path, effort: Effort, sign: signal.Signals) -> None:
    old_schemas.make(db, SCHEMA.newest, rows=20_000)
    contents = old_schemas.read(db)
    seconds = run(*backup(db, target)).seconds
    target.unlink()
    chance = random.Random(13)
    stopped = 0
    for _ in range(effort.rounds(2, long=30)):
        ended = run(*backup(db, target), after=chance.uniform(0.2, 1.0) * seconds, sign=sign)
        stopped += ended.code != 0
        if sign != signal.SIGKILL:
            effort.saw(max_seconds_to_stop=ended.stopping)
        # A signal may come as the process ends, when all is done and said.
        is_done = ended.code == 0 or "copied" in ended.errors
        is_heard = bool(ended.output + ended.errors)  # else it came before the program listened
        if sign != signal.SIGKILL and is_heard and not is_done:
            assert_clean_end(ended, 128 + sign, -sign)
        assert is_whole(target, contents) is is_done or sign == signal.SIGKILL
        next_one_sweeps(db, target)
    effort.saw(stopped=stopped)
