"""Files that are whole or not there: what is replaced, what is left, what is synced when."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tgtagger.export import _is_device, open_target
from tgtagger.system import files

Event = tuple[str, str]


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What is asked of the system, in order: the call, and the name of the file or folder."""
    seen: list[Event] = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(descriptor: int) -> None:
        seen.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().name[:5]))
        fsync(descriptor)

    def watched_replace(self: Path, target: Path) -> Path:
        seen.append(("rename", target.name))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    return seen


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.row("P1")
def test_synced_renamed_and_its_folder_synced(tmp_path: Path, events: list[Event]) -> None:
    target = tmp_path / "posts.jsonl"
    target.write_bytes(b"old")
    target.chmod(0o644)
    with files.replacing(target) as stream:
        stream.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert names(tmp_path) == {"posts.jsonl"}
    if sys.platform == "linux":
        assert events == [("sync", ".part"), ("rename", "posts.jsonl"), ("sync", tmp_path.name[:5])]


@pytest.mark.row("P1")
def test_a_new_folder_is_synced_into_the_one_above(tmp_path: Path, events: list[Event]) -> None:
    files.make_folder(tmp_path / "one" / "two")
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o700
    assert events == [("sync", tmp_path.name[:5]), ("sync", "one")]
    files.make_folder(tmp_path / "one" / "two")
    assert len(events) == 2


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space"), KeyboardInterrupt()])
def test_after_a_failure_all_is_as_it_was(tmp_path: Path, failure: BaseException) -> None:
    target = tmp_path / "posts.jsonl"
    target.write_bytes(b"old")
    with pytest.raises(type(failure)) as met, files.replacing(target) as stream:
        stream.write(b"new")
        raise failure
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == {"posts.jsonl"}
    if isinstance(met.value, OSError):
        assert met.value.filename == str(target)


def test_the_network_s_failures_get_no_name(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError) as met, files.beside(tmp_path / "default.session"):
        raise TimeoutError
    assert met.value.filename is None


@pytest.mark.parametrize("where", ["missing/posts", "file/posts", "folder", "x" * 300])
def test_what_cannot_be_written_is_named(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"Errno") as met, files.beside(tmp_path / where):
        pass
    assert met.value.filename == str(tmp_path / where)
    assert names(tmp_path) == {"file", "folder"}


@pytest.mark.row("I6")
def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim, target = tmp_path / "victim", tmp_path / "posts.jsonl"
    victim.write_bytes(b"precious")
    target.symlink_to(victim)
    with files.replacing(target) as stream:
        stream.write(b"new")
    assert victim.read_bytes() == b"precious"
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()


def test_exclusive_replaces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    for _ in range(2):
        target = tmp_path / "config.toml"
        with files.replacing(target, exclusive=True) as stream:
            stream.write(b"mine")
        with pytest.raises(FileExistsError), files.replacing(target, exclusive=True) as stream:
            stream.write(b"other")
        assert target.read_bytes() == b"mine"
        assert names(tmp_path) == {"config.toml"}
        target.unlink()
        monkeypatch.setattr(Path, "hardlink_to", no_links)  # a file system without them


def test_what_a_killed_run_left_is_swept_and_a_living_one_s_stays(tmp_path: Path) -> None:
    target = tmp_path / "posts[1].jsonl"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    ours, other = os.getpid(), os.getppid()
    for name in (
        f".part-{gone.pid}-0a-posts[1].jsonl", f".part-{gone.pid}-0a-posts[1].jsonl-journal",
        f".part-{ours}-0b-posts[1].jsonl",
        f".part-{other}-0c-posts[1].jsonl", f".part-{other}-0d-posts[1].jsonl",
        f".part-{gone.pid}-0a-posts.jsonl", f".part-{gone.pid}-0a-posts[1].jsonl.mine",
        ".part-posts[1].jsonl",
    ):  # fmt: skip
        (tmp_path / name).touch()
    long_ago = time.time() - 3 * 86400
    os.utime(tmp_path / f".part-{other}-0d-posts[1].jsonl", (long_ago, long_ago))
    with files.replacing(target) as stream:
        stream.write(b"new")
    assert names(tmp_path) == {
        "posts[1].jsonl", f".part-{other}-0c-posts[1].jsonl", f".part-{other}-0d-posts[1].jsonl",
        f".part-{gone.pid}-0a-posts.jsonl", f".part-{gone.pid}-0a-posts[1].jsonl.mine",
        ".part-posts[1].jsonl",
    }  # fmt: skip


def test_files_that_are_never_written_twice_are_swept_by_their_label(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, another, old = (f".part-{gone.pid}-0{each}" for each in ("a-backup", "b-export", "c-x"))
    for name in (left, another, old):
        (tmp_path / name).touch()
    long_ago = time.time() - 3 * 86400
    os.utime(tmp_path / old, (long_ago, long_ago))
    with files.beside(tmp_path / "monday", label="backup") as made:
        assert made.name.endswith("-backup")
    assert names(tmp_path) == {"monday", another}


@pytest.mark.row("T1")
def test_what_this_process_writes_is_not_swept_by_it_whatever_the_clock_says(
    tmp_path: Path,
) -> None:
    """A session and its settings are written in one go; the clock may jump between the two."""
    long_ago = time.time() - 3 * 86400
    with files.beside(tmp_path / "one") as first:
        os.utime(first, (long_ago, long_ago))
        first.with_name(first.name + "-journal").touch()
        with files.beside(tmp_path / "two"), files.beside(tmp_path / "one"):
            pass
        assert first.with_name(first.name + "-journal").exists()
    assert names(tmp_path) == {"one", "two"}


def test_two_at_once_give_one_of_the_two(tmp_path: Path) -> None:
    target = tmp_path / "posts.jsonl"
    write = (
        "import sys, time; from pathlib import Path; from tgtagger.system import files\n"
        "with files.replacing(Path(sys.argv[1])) as stream:\n"
        "    for _ in range(20):\n"
        "        stream.write(sys.argv[2].encode() * 50_000); stream.flush(); time.sleep(0.005)\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", write, target, each]) for each in "ab"]
    assert [process.wait() for process in both] == [0, 0]
    assert target.read_bytes() in {b"a" * 1_000_000, b"b" * 1_000_000}
    assert names(tmp_path) == {"posts.jsonl"}


@pytest.mark.parametrize("name", ["ы" * 127, "x" * 255, os.fsdecode(b"\xff" * 255)])
def test_the_longest_names_are_possible(tmp_path: Path, name: str) -> None:
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("this file system has no such name")
    with files.replacing(tmp_path / name) as stream:
        stream.write(b"new")
    assert names(tmp_path) == {name}


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EIO])
def test_folders_that_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fails(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    sync: Callable[[], None] = lambda: files.sync_folder(tmp_path)  # noqa: E731
    if number != errno.EIO:
        sync()
        return
    with pytest.raises(OSError, match=r"Errno 5") as met:
        sync()
    assert met.value.filename == str(tmp_path)


@pytest.mark.row("I6")
def test_an_export_to_a_pipe_or_device_replaces_nothing(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
    with open_target(pipe) as stream:
        stream.write(b"posts")
    assert reader.communicate()[0] == b"posts"
    assert pipe.is_fifo()
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    with open_target(link) as stream:
        stream.write(b"posts")
    assert link.is_symlink()
    # Asked by itself: a test that opens it would, where it fails, replace the machine's own.
    assert _is_device(Path("/dev/stdout"))  # which may be a file
