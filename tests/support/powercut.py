"""What would the disk hold if the power went out here?

strace records one run of a program: every name that is made, renamed or removed under a folder,
every byte that is written there, every sync, and what the program said meanwhile, to its user and
to a server. From that, images are built of what the disk may hold if the power fails at some moment
of the run. Everything synced before it is there. Of the rest, any part may be there: in any order,
torn at sectors, with zeros where a file grew. A new, removed or renamed name is sure once its
folder was synced.

The model is stricter than most file systems: neither the sync of a file nor a rename puts anything
else on the disk. It believes that the disk does what it is told, and that a sector is written as a
whole. `Recording` checks itself: with nothing lost, the image is what the run left.

The idea is that of SQLite's own crash tests, from outside the process.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from support.breaking import need

SECTOR: Final = 512
VOLATILE: Final = "-shm"
"""The ending of names that no image holds: SQLite's index of its log is memory, and is rebuilt."""

NAMING: Final = (
    "truncate", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat",
    "mkdir", "mkdirat", "rmdir", "symlink", "symlinkat",
)  # fmt: skip
CALLS: Final = (
    "openat", "creat", "lseek", "write", "writev", "pwrite64", "pwritev", "ftruncate",
    "fallocate", "fsync", "fdatasync", "sendto", "sendmsg", *NAMING,
)  # fmt: skip

# ---- the actions of a program


@dataclass(frozen=True, slots=True)
class Made:
    """A new file or folder."""

    path: str
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Wrote:
    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    path: str


@dataclass(frozen=True, slots=True)
class Renamed:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Linked:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Removed:
    path: str


@dataclass(frozen=True, slots=True)
class Said:
    """Words to the user (1, 2) or to a server (0)."""

    where: int
    data: bytes


Event = Made | Wrote | Resized | Synced | Renamed | Linked | Removed | Said


@dataclass(frozen=True, slots=True)
class SaidSoFar:
    """The words of the program up to some moment."""

    output: str = ""
    errors: str = ""
    sent: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """The folder as the disk may hold it, the moment of the power cut, the image's story."""

    folder: Path
    said: SaidSoFar
    moment: int
    story: str
    is_end: bool
    """The program had ended."""


@dataclass(frozen=True)
class Recording:
    """A successful run: the folder before it, and its actions."""

    before: Mapping[str, bytes | None]
    events: Sequence[Event]
    chance: random.Random = field(repr=False)

    def images(self, count: int, folder: Path) -> Iterator[Image]:
        """Yield images, each in the same folder; the next image replaces all changes to one.

        Promises break just before a sync or a rename, after words, and at the end: so many of the
        images are of these moments.
        """
        ends = len(self.events)
        following = (*self.events[1:], Synced(""))
        ripe = [
            at
            for at, (event, next_) in enumerate(zip(self.events, following, strict=True), 1)
            if isinstance(event, Said) or isinstance(next_, Synced | Renamed | Linked | Removed)
        ]
        kinds = (range(1, ends + 1), ripe, (ends,), ripe)
        moments = sorted(self.chance.choice(kinds[turn % 4]) for turn in range(count))
        disk, said, at = Disk(self.before), SaidSoFar(), 0
        for moment in moments:
            for event in self.events[at:moment]:
                said = _with_said(said, event)
                disk.do(event)
            at = moment
            lost = Lost(self.chance)
            put(disk.image(lost), folder)
            yield Image(folder, said, moment, f"event {moment} of {ends}, {lost}", moment == ends)

    def check(self, root: Path) -> None:
        """Fail unless the model matches the real folder."""
        disk = Disk(self.before)
        for event in self.events:
            disk.do(event)
        found, expected = snapshot(root), disk.image(None)
        assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
        for name, data in found.items():
            assert data == expected[name], f"the model has another content for {name}"


def _with_said(said: SaidSoFar, event: Event) -> SaidSoFar:
    if not isinstance(event, Said):
        return said
    text = event.data.decode(errors="replace")
    return SaidSoFar(
        said.output + (text if event.where == 1 else ""),
        said.errors + (text if event.where == 2 else ""),
        said.sent + (text if event.where == 0 else ""),
    )


def snapshot(root: Path) -> dict[str, bytes | None]:
    """Return a folder's contents by relative name, None for a folder."""
    found: dict[str, bytes | None] = {}
    for path in sorted(root.rglob("*")):
        if not path.name.endswith(VOLATILE):
            found[str(path.relative_to(root))] = None if path.is_dir() else path.read_bytes()
    return found


def put(tree: Mapping[str, bytes | None], folder: Path) -> None:
    """Make a folder hold exactly these contents."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name, data in tree.items():
        path = folder / name
        if data is None:
            path.mkdir()
        else:
            path.write_bytes(data)
            path.chmod(0o600)


# ---- the disk


class Lost:
    """What a power cut takes of everything unsynced; random, made once for each image."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.data = chance.choice(("nothing", "all", "late", "some", "some", "torn", "bytes"))
        self.names = chance.choice(("nothing", "all", "late", "some"))
        self._share = chance.random()
        self._cut = chance.random()

    def __str__(self) -> str:
        return f"lost of data: {self.data}, of names: {self.names}"

    def is_name_lost(self, at: int, of: int) -> bool:
        """Tell whether the disk has lost a change: number `at` of `of` in the order of time."""
        match self.names:
            case "late":  # as with a journal: the changes after some moment
                return at >= self._cut * of
            case "some":
                return self._chance.random() < self._share
            case _:
                return self.names == "all"

    def kept(self, writes: Sequence[tuple[int, bytes | None]], data: bytearray) -> bytes:
        """Return a file's content: the synced bytes, and the disk's part of the others."""
        cut = self._chance.randrange(len(writes) + 1)
        for at, (offset, written) in enumerate(writes):
            if self.data == "all" or (self.data == "late" and at >= cut):
                continue
            if self.data == "bytes":  # a longer file, filled with zeros
                if written is not None and offset + len(written) > len(data):
                    data.extend(bytes(offset + len(written) - len(data)))
                continue
            if self.data == "torn" and written is not None:
                for start in range(0, len(written), SECTOR):
                    if self._chance.random() >= self._share:
                        apply(data, offset + start, written[start : start + SECTOR])
                continue
            if self.data == "some" and self._chance.random() < self._share:
                continue
            apply(data, offset, written)
        return bytes(data)


def apply(data: bytearray, offset: int, written: bytes | None) -> None:
    """Write at an offset; None: cut off, or fill up with zeros, to that size."""
    if offset > len(data):
        data.extend(bytes(offset - len(data)))
    if written is None:
        del data[offset:]
    else:
        data[offset : offset + len(written)] = written


class File:
    """A file: `synced` is sure; `pending` are the writes since then, in order."""

    def __init__(self, data: bytes = b"") -> None:
        self.synced = bytearray(data)
        self.pending: list[tuple[int, bytes | None]] = []

    def sync(self) -> None:
        for offset, written in self.pending:
            apply(self.synced, offset, written)
        self.pending.clear()


class Folder:
    """A folder: `names` as programs see them; `synced` is sure; `pending` are the changes since.

    A change is a set of names and what each means after it (None: nothing), so that a rename
    happens or does not.
    """

    def __init__(self) -> None:
        self.names: dict[str, File | Folder] = {}
        self.synced: dict[str, File | Folder] = {}
        self.pending: list[tuple[int, dict[str, File | Folder | None]]] = []

    def change(self, time: int, change: dict[str, File | Folder | None]) -> None:
        self.pending.append((time, change))
        _change(self.names, change)

    def sync(self) -> None:
        for _, change in self.pending:
            _change(self.synced, change)
        self.pending.clear()


def _change(names: dict[str, File | Folder], change: Mapping[str, File | Folder | None]) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


class Disk:
    """A folder with all below it; names are relative to it, "" is the folder itself."""

    def __init__(self, before: Mapping[str, bytes | None]) -> None:
        self._root = Folder()
        self._time = 0
        for name, data in before.items():
            folder, last = self._place(name)
            folder.names[last] = folder.synced[last] = Folder() if data is None else File(data)

    def do(self, event: Event) -> None:
        self._time += 1
        match event:
            case Made(path, is_folder):
                folder, last = self._place(path)
                folder.change(self._time, {last: Folder() if is_folder else File()})
            case Wrote(path, offset, data):
                self._file(path).pending.append((offset, data))
            case Resized(path, size):
                self._file(path).pending.append((size, None))
            case Synced(path):
                self._node(path).sync()
            case Renamed(old, new):
                self._rename(old, new)
            case Linked(old, new):
                folder, last = self._place(new)
                folder.change(self._time, {last: self._node(old)})
            case Removed(path):
                folder, last = self._place(path)
                folder.change(self._time, {last: None})
            case Said():
                pass

    def _rename(self, old: str, new: str) -> None:
        node = self._node(old)
        (before, was), (after, becomes) = self._place(old), self._place(new)
        assert before is after, "a rename between folders is not modelled"
        before.change(self._time, {was: None, becomes: node})

    def image(self, lost: Lost | None) -> dict[str, bytes | None]:
        """Return what the disk holds; without `lost`: everything."""
        tree: dict[str, bytes | None] = {}
        self._add(tree, "", self._root, lost)
        return tree

    def _add(
        self, tree: dict[str, bytes | None], prefix: str, folder: Folder, lost: Lost | None
    ) -> None:
        names = dict(folder.synced)
        for time, change in folder.pending:
            if lost is None or not lost.is_name_lost(time, self._time):
                _change(names, change)
        for name, node in sorted(names.items(), key=lambda pair: pair[0]):
            if isinstance(node, Folder):
                tree[prefix + name] = None
                self._add(tree, f"{prefix}{name}/", node, lost)
            elif not name.endswith(VOLATILE):
                data = bytearray(node.synced)
                if lost is None:
                    for offset, written in node.pending:
                        apply(data, offset, written)
                    tree[prefix + name] = bytes(data)
                else:
                    tree[prefix + name] = lost.kept(node.pending, data)

    def _place(self, path: str) -> tuple[Folder, str]:
        *above, last = path.split("/")
        folder = self._root
        for name in above:
            inner = folder.names[name]
            assert isinstance(inner, Folder)
            folder = inner
        return folder, last

    def _node(self, path: str) -> File | Folder:
        if not path:
            return self._root
        folder, last = self._place(path)
        return folder.names[last]

    def _file(self, path: str) -> File:
        node = self._node(path)
        assert isinstance(node, File)
        return node


# ---- recording


def record(
    command: Sequence[str],
    root: Path,
    *,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    seed: int = 1,
) -> Recording:
    """Run a command to its good end; return its actions under `root`, which must exist."""
    need("strace")
    root = root.resolve()
    before = snapshot(root)
    with tempfile.NamedTemporaryFile(suffix=".strace") as trace:
        # -y: the paths of descriptors; -xx: every string in hex, so that none needs quoting.
        done = subprocess.run(
            ["strace", "-f", "-qq", "-y", "-xx", "-s", "2000000", "--seccomp-bpf",
             "-o", trace.name, "-e", "trace=" + ",".join(CALLS), "-e", "signal=none", *command],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
            input=stdin, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        events = list(_Trace(root, before).read(Path(trace.name)))
    recording = Recording(before, events, random.Random(seed))
    recording.check(root)
    return recording


TGTAGGER = "from tgtagger.__main__ import main\nmain()\n"


def tgtagger(*arguments: str, after: str = "", program: str = TGTAGGER) -> list[str]:
    """Return the command that runs tgtagger after some lines of Python that change it."""
    return [sys.executable, "-c", f"{after}\n{program}", *arguments]


_LINE = re.compile(r"\d+\s+(\w+)\((.*)\)\s+= (\d+)")
_PART = re.compile(
    r"(?P<fd>AT_FDCWD|\d+)<(?P<path>(?:\\x[0-9a-f]{2})*)>(?P<gone>\(deleted\))?"
    r'|"(?P<text>(?:\\x[0-9a-f]{2})*)"'
)


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


class _Trace:
    """Reads strace's lines; knows what exists, and where in its file each descriptor stands."""

    def __init__(self, root: Path, before: Mapping[str, bytes | None]) -> None:
        self._root = str(root)
        self._known = set(before)
        self._at: dict[str, int] = {}

    def read(self, trace: Path) -> Iterator[Event]:
        begun: dict[str, str] = {}  # calls that a call of another thread interrupts
        first = ""
        with trace.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                text = line.rstrip("\n")
                thread = text.split(" ", 1)[0]
                if text.endswith(" <unfinished ...>"):
                    begun[thread] = text.removesuffix(" <unfinished ...>")
                    continue
                if resumed := re.match(r"\d+\s+<\.\.\. \w+ resumed>(.*)", text):
                    text = begun.pop(thread, "") + resumed[1]
                first = first or thread
                if match := _LINE.match(text):  # a result below 0 is a failure: nothing happened
                    # A child's output goes to the program, not to the user.
                    events = self._call(match[1], match[2], int(match[3]))
                    yield from (e for e in events if thread == first or not isinstance(e, Said))

    def _call(self, call: str, arguments: str, result: int) -> Iterator[Event]:
        assert '"...' not in arguments, "strace cut off what was written"
        fd, on, data, paths = self._read(arguments)
        match call:
            case "openat" | "creat":
                yield from self._open(arguments, str(result), paths)
            case "lseek":
                self._at[fd] = result
            case "sendto" | "sendmsg":
                yield Said(0, data[:result])
            case "write" | "writev":
                if fd in {"1", "2"}:
                    yield Said(int(fd), data[:result])
                elif on is not None:
                    yield Wrote(on, self._at[fd], data[:result])
                    self._at[fd] += result
            case "pwrite64" | "pwritev" if on is not None:
                yield Wrote(on, _last_number(arguments), data[:result])
            case "ftruncate" if on is not None:
                yield Resized(on, _last_number(arguments))
            case "fsync" | "fdatasync" if on is not None:
                yield Synced(on)
            case "fallocate":
                assert on is None, "fallocate is not modelled"
            case _ if call in NAMING and any(path is not None for path in paths):
                yield from self._rename(call, paths)

    def _open(self, arguments: str, fd: str, paths: list[str | None]) -> Iterator[Event]:
        self._at[fd] = 0
        path = paths[0]
        if path is None:
            return
        assert "O_APPEND" not in arguments, "files that are appended to are not modelled"
        if path not in self._known and "O_CREAT" in arguments:
            self._known.add(path)
            yield Made(path)
        elif "O_TRUNC" in arguments:
            yield Resized(path, 0)

    def _rename(self, call: str, paths: list[str | None]) -> Iterator[Event]:
        assert None not in paths, f"{call} into or out of the folder is not modelled"
        old, *more = [path for path in paths if path is not None]
        kind = re.sub(r"at2?$", "", call)
        if kind in {"unlink", "rmdir"}:
            self._known.discard(old)
            yield Removed(old)
        elif kind == "mkdir":
            self._known.add(old)
            yield Made(old, folder=True)
        else:
            assert kind in {"rename", "link"}, f"{call} is not modelled"
            (new,) = more
            self._known.add(new)
            if kind == "link":
                yield Linked(old, new)
            else:
                self._known.discard(old)
                yield Renamed(old, new)

    def _read(self, arguments: str) -> tuple[str, str | None, bytes, list[str | None]]:
        """Return a call's descriptor and its file, the joined strings, and the strings as paths."""
        fd, on = "", None
        data: list[bytes] = []
        paths: list[str | None] = []
        base = os.getcwd()  # noqa: PTH109
        for part in _PART.finditer(arguments):
            if part["fd"] is None:
                data.append(_unhex(part["text"]))
                paths.append(self._inside(os.path.join(base, os.fsdecode(data[-1]))))  # noqa: PTH118
                continue
            base = os.fsdecode(_unhex(part["path"]))
            if not fd:
                fd = part["fd"]
                is_gone = part["gone"] or base.endswith(" (deleted)")
                on = None if is_gone else self._inside(base)
        return fd, on, b"".join(data), paths

    def _inside(self, path: str) -> str | None:
        """Return the name relative to the folder; None for one outside, or a volatile one."""
        path = os.path.normpath(path)
        if path == self._root:
            return ""
        if path.startswith(self._root + "/") and not path.endswith(VOLATILE):
            return path[len(self._root) + 1 :]
        return None


def _last_number(arguments: str) -> int:
    return int(arguments.rsplit(",", 1)[1])
