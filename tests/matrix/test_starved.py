"""D1, D2: no room, no quota, a limit, a disk that fails: anywhere, for ever, or for one call.

A run says what and where in a line, with exit code 6; the database is sound; what is said to be
done is done; the next run completes it. Several commands share a process, each with a database of
its own, so that one fault from some call on, or every so many calls, meets them all somewhere.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.answers import API_HASH
from support.breaking import (
    Ended,
    Fault,
    assert_sound,
    contents,
    copy_database,
    files_of,
    need,
    run,
    run_many,
)
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.make import EPOCH, PROVENANCE, page, post, tag
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import TagUpdate
from tgtagger.store import Store

POSTS = 40
OTHER = {"TGTAGGER_PREVIEW_URL": "http://127.0.0.1:9/s"}
WRITES = "pwrite64,fdatasync,fsync,ftruncate,write"


Contents = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True)
class Bench:
    """A database, an export to be read into it, and what each command makes of it, unbroken."""

    base: Path
    commands: dict[str, tuple[str, ...]]
    whole: dict[str, Contents]
    exported: bytes


WRITERS = ("parse", "tag", "add", "export", "retry-failed", "sync")
ENDS_WITH = {"sync": 3}
"""Exit codes of unbroken runs, where they are not 0: nobody is signed in, but there is to tag."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    base = folder / "base.db"
    with Store.open(str(base)) as store:
        store.posts.save_page(
            page(*(post(n, f"storm number{n} at sea") for n in range(1, POSTS + 1)))
        )
        tag(store, ["old"])
        store.posts.save_page(
            page(*(post(n, f"calm number{n}") for n in range(POSTS + 1, POSTS + 9)))
        )
        failed = list(store.queue.posts(PostFilter(statuses=("pending",), limit=3)))
        store.queue.save(
            [
                TagUpdate(
                    each.id, each.text_hash, "failed", PROVENANCE, (), 1, "server", "x", EPOCH
                )
                for each in failed
            ],
            1,
        )
    export = write(
        folder, chat(*(message(n, f"tide number{n} " * 9) for n in range(100, 100 + 5 * POSTS)))
    )
    commands = {
        "parse": ("parse", str(export)),
        "tag": ("tag", "--force", "--yes"),
        "add": ("tags", "add", "news/1", "mine"),
        "export": ("export", "-o", "OUT"),
        "retry-failed": ("retry-failed",),
        "sync": ("sync", "--via", "telegram"),
        "status": ("status",),
        "search": ("search", "storm"),
        "tags": ("tags",),
        "doctor": ("doctor",),
    }
    made = Bench(base, commands, {}, b"")
    places = lay(made, folder / "whole", WRITERS)
    ended = run_many([place.command for place in places])
    assert [each.code for each in ended] == [0, 0, 0, 0, 0, 3], ended
    whole = {place.name: contents(place.db) for place in places}
    return Bench(base, commands, whole, places[WRITERS.index("export")].out.read_bytes())


@dataclass(frozen=True)
class Place:
    """Where a command is run: a folder of its own."""

    name: str
    db: Path
    command: tuple[str, ...]

    @property
    def out(self) -> Path:
        return self.db.with_name("posts.jsonl")

    @property
    def paths(self) -> tuple[Path, ...]:
        locks = (self.db.with_name(f"{self.db.name}.{kind}.lock") for kind in ("parse", "tag"))
        return (*files_of(self.db), self.db.parent, self.out, *locks)


def lay(bench: Bench, folder: Path, names: Sequence[str]) -> list[Place]:
    places = []
    for at, name in enumerate(names):
        db = folder / f"{at}-{name}" / "posts.db"
        db.parent.mkdir(parents=True)
        copy_database(bench.base, db)
        place = Place(name, db, ())
        place.out.write_bytes(b"the one before")
        words = [str(place.out) if word == "OUT" else word for word in bench.commands[name]]
        places.append(Place(name, db, ("--db", str(db), *words)))
    return places


def check(
    bench: Bench, places: Sequence[Place], ended: Sequence[Ended], *, again: bool = True
) -> int:
    """Check what is said and what lies there; return how many commands failed.

    `again`: the next run of each must complete what it began.
    """
    before = contents(bench.base)
    for place, each in zip(places, ended, strict=True):
        where = (place.name, each.code, each.errors)
        is_done = each.code == ENDS_WITH.get(place.name, 0)
        assert_sound(place.db)
        found = contents(place.db)
        if place.name in bench.whole:
            whole = bench.whole[place.name]
            if is_done:
                assert found == whole, where  # what is said to be done is done
            assert {row[:2] for row in before["posts"]} <= {row[:2] for row in found["posts"]}
        else:
            assert found == before, where
        assert place.out.read_bytes() in (b"the one before", bench.exported), where
        assert not list(place.db.parent.glob(".part-*")), where
        if is_done:
            continue
        assert each.code == 6, where
        assert "Traceback" not in each.errors, where
        if place.name != "doctor":  # whose findings are on stdout
            assert str(place.db.parent) in each.errors, where
            most = 2 if place.name == "sync" else 1  # nobody is signed in: that is said, too
            assert 1 <= each.errors.count("error: ") <= most, where
    completed = run_many([place.command for place in places]) if again else []
    for place, each in zip(places, completed, strict=again):
        assert each.code == ENDS_WITH.get(place.name, 0), (place.name, each.errors)
        if place.name in bench.whole:
            found, whole = contents(place.db), bench.whole[place.name]
            assert without_turns(found) == without_turns(whole), place.name
    assert not again or all(
        place.out.read_bytes() == bench.exported for place in places if place.name == "export"
    )
    return sum(each.code == 6 for each in ended)


def without_turns(found: Contents) -> Contents:
    """Return contents without how often each post was tagged: --force tags once more."""
    return found | {"posts": [(*row[:9], *row[10:]) for row in found["posts"]]}


def starve(
    bench: Bench, folder: Path, names: Sequence[str], fault: Fault, effort: Effort
) -> list[Ended]:
    """Run the commands with a fault, and check; an empty list where it struck nobody."""
    places = lay(bench, folder, names)
    paths = tuple(path for place in places for path in place.paths)
    fault = Fault(fault.call, fault.what, fault.nth, fault.once, paths, fault.every)
    ended = run_many([place.command for place in places], fault=fault, env=OTHER, timeout=120)
    failed = check(bench, places, ended)
    if not ended[0].hit:
        assert not failed
        return []
    effort.saw(rounds=len(places), failed=failed)
    return ended


@pytest.mark.row("D1")
def test_a_disk_that_is_full_from_some_moment_on(
    bench: Bench, tmp_path: Path, effort: Effort
) -> None:
    """In the middle of one command, and from the beginning of the next."""
    for error in ("ENOSPC", "EDQUOT", "EFBIG")[: 3 if effort.is_long else 1]:
        for nth in range(3, 900, 29) if effort.is_long else [60]:
            fault = Fault(WRITES, f"error={error}", nth, once=False)
            names = (*WRITERS, "status", "search")
            ended = starve(bench, tmp_path / f"{error}{nth}", names, fault, effort)
            if not ended:
                assert nth > 60
                break
            if error == "ENOSPC":  # there is no log, so reading needs nothing to be written
                assert [each.code for each in ended[-2:]] == [0, 0]


@pytest.mark.row("D2")
def test_a_disk_that_fails_for_one_call(bench: Bench, tmp_path: Path, effort: Effort) -> None:
    names = tuple(bench.commands) * (4 if effort.is_long else 1)
    for first in range(1, 40, 4) if effort.is_long else [5]:
        for calls in (WRITES, "pread64") if effort.is_long else (f"{WRITES},pread64",):
            fault = Fault(calls, "error=EIO", first, every=23 + first)
            assert starve(bench, tmp_path / f"{calls[:2]}{first}", names, fault, effort)


@pytest.mark.row("D2")
@pytest.mark.slow
def test_a_disk_that_fails_for_ever(bench: Bench, tmp_path: Path, effort: Effort) -> None:
    names = tuple(bench.commands)
    for calls in (WRITES, "pread64", "fdatasync,fsync"):
        for nth in range(1, 900, 37):
            fault = Fault(calls, "error=EIO", nth, once=False)
            ended = starve(bench, tmp_path / f"{calls[:4]}{nth}", names, fault, effort)
            if not ended:
                assert nth > 10
                break
            said = [each.errors for name, each in zip(names, ended, strict=True)
                    if each.code == 6 and name != "doctor"]  # fmt: skip
            assert all("doctor" in errors for errors in said if "posts.jsonl" not in errors), said


@pytest.mark.row("D1")
def test_a_limit_of_a_file_s_size_is_said(bench: Bench, tmp_path: Path, effort: Effort) -> None:
    """The system sends SIGXFSZ for that, which kills a program that does not ask it not to."""
    need("prlimit")
    size = bench.base.stat().st_size
    limits = (0, 100, 5000, 40_000, size - 1, size + 5000, size + 200_000)
    for limit in limits if effort.is_long else [40_000]:
        folder = tmp_path / str(limit)
        places = lay(bench, folder, (*WRITERS[: 99 if effort.is_long else 4], "status"))
        more = (
            ("--config", str(folder / "c.toml"), "config", "init"),
            ("login", "--api-id", "1", "--api-hash", API_HASH, "--phone", "+15550000000"),
        )[: 2 if effort.is_long else 1]
        ended = run_many(
            [*(place.command for place in places), *more],
            prefix=["prlimit", f"--fsize={limit}:"],
            env={
                **OTHER,
                "TGTAGGER_DATA_DIR": str(folder),
                "TGTAGGER_TELEGRAM_SERVER": "127.0.0.1:9",
            },
        )
        check(bench, places, ended[: len(places)], again=effort.is_long)
        effort.saw(rounds=len(ended))
        config, *login = ended[len(places) :]
        assert (config.code == 0) == (folder / "c.toml").exists()
        assert config.code in {0, 6}
        assert {each.code for each in login} <= ({6} if limit < 5000 else {6, 75})
        assert not list((folder / "sessions").glob("*.session*"))


@pytest.mark.row("D1")
@pytest.mark.slow
def test_a_disk_that_is_really_full(bench: Bench, tmp_path: Path, effort: Effort) -> None:
    """A file system of 3 MB, filled; then room is made, and it goes on."""
    mount = 'mount -t tmpfs -o size=3m tmpfs "$0" || exit 99'
    room = tmp_path / "room"
    room.mkdir()
    if run(
        "--version", prefix=["unshare", "-m", "sh", "-c", f'{mount}; exec "$@"', str(room)]
    ).code:
        pytest.skip("nothing can be mounted here")
    export = write(tmp_path, chat(*(message(n, f"tide number{n} " * 99) for n in range(100, 2000))))
    db = room / "posts.db"
    kept = tmp_path / "kept"
    kept.mkdir()
    script = f"""
{mount}
cp "{bench.base}" "{db}"
"$@" --db "{db}" parse "{export}"; echo $? > {kept}/parse
head -c 9000000 /dev/zero > {room}/filler
"$@" --db "{db}" tag --force --yes; echo $? > {kept}/tag
"$@" --db "{db}" status --json > {kept}/status.json; echo $? > {kept}/status
"$@" --db "{db}" export -o {room}/posts.jsonl; echo $? > {kept}/export
ls -a {room} > {kept}/names
rm {room}/filler
"$@" --db "{db}" tag --force --yes --limit 5; echo $? > {kept}/again
cp {room}/posts.db* {kept}
"""
    ended = run(prefix=["unshare", "-m", "sh", "-c", script, str(room)], timeout=120)
    codes = {
        name: int((kept / name).read_text())
        for name in ("parse", "tag", "status", "export", "again")
    }
    assert codes == {"parse": 6, "tag": 6, "status": 0, "export": 6, "again": 0}, ended.errors
    said = [line for line in ended.errors.splitlines() if line.startswith("error: ")]
    assert len(said) == 3
    assert all("space left" in line and str(room) in line for line in said), said
    assert "Traceback" not in ended.errors
    assert ".part-" not in (kept / "names").read_text()
    assert_sound(kept / "posts.db")
    effort.saw(rounds=1)


def test_xfsz_is_a_signal_that_is_ignored() -> None:
    """Python's own doing; should that ever end, a limit would kill runs."""
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
