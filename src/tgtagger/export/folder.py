"""A folder of files that an export writes, and writes again later.

Only changed files are written: each beside its name and then renamed. A file of an earlier export
that this one lacks is removed; other people's files stay. Each file bears a mark that holds for its
own name: a copied, moved or renamed file counts as somebody else's. A note in the folder says that
the folder is ours: any other folder must be empty. One export at a time: the folder is locked.

Files are not synced one by one: that would turn seconds into minutes. After a power cut the next
export finds the wrong files, and writes them again. Knows no format.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import itertools
import json
import os
import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Generic, Self, TypeVar

from tgtagger.errors import InputError, StoreError, TryLater
from tgtagger.export.memory import Memory
from tgtagger.system import files

NOTE = ".tgtagger-export"
MARK = "written by tgtagger"
"""Stands in the first bytes of every file that is written here, in a form that fits its format."""

_PART = ".tgtagger-part-"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_LONGEST = 100  # bytes of a name; file systems take 255, including what we and others add
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])(?:\..*)?", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\w .+&'’«»-]|^[. ]+|[. ]+$")
_HEAD = 200  # the mark stands in the first so many bytes
_BUCKETS = 256

Item = TypeVar("Item")


@functools.lru_cache(20_000)
def file_name(text: str) -> str:
    """Return a file's name, without an ending, that is safe on every system and in links.

    If letters of the text are left out, a few letters of its hash are added. Texts that differ
    only in case, spaces or hyphens share a name; two tags never do.
    """
    normal = unicodedata.normalize("NFC", text).replace(" ", "-")
    cut = _UNSAFE.sub(_kept, normal).encode()[:_LONGEST].decode(errors="ignore")
    if _RESERVED.fullmatch(cut) or not cut.strip("-"):
        cut = f"_{cut}"
    if cut == normal:
        return cut
    return f"{cut}-{blake2b(text.encode(errors='replace'), digest_size=4).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Sheet(Generic[Item]):
    """A page of a list: its name, its items, the names of the pages around it."""

    name: str
    items: list[Item]
    newer: str | None
    older: str | None


def sheets(name: str, items: Iterable[Item], count: int, size: int) -> Iterator[Sheet[Item]]:
    """Yield the pages of a list of so many items, the newest first.

    The first page takes what is over (at most twice `size`), so all others are full; those are
    numbered from the oldest. So a new item changes only the first page. `file_name` never returns
    the name of a numbered page.
    """
    left = iter(items)
    full = max(count // size - 1, 0)
    for number in range(full + 1, 0, -1):
        yield Sheet(
            _sheet(name, number, full),
            list(itertools.islice(left, count - full * size if number > full else size)),
            _sheet(name, number + 1, full) if number <= full else None,
            _sheet(name, number - 1, full) if number > 1 else None,
        )


def _sheet(name: str, number: int, full: int) -> str:
    return name if number > full else f"{name}@{number}"


def _kept(found: re.Match[str]) -> str:
    """Keep the marks on letters of many scripts, which `re` does not count as letters."""
    return found[0] if all(unicodedata.category(each) in {"Mn", "Mc"} for each in found[0]) else "-"


class Folder:
    """A folder being written. Use it as a context: its end removes the files no longer wanted.

    `public`: everybody can read what is written here, and what stays as it is (0644, 0755).
    """

    def __init__(self, path: Path, kind: str, *, public: bool = False) -> None:
        self.path = path
        self.kind = kind
        self._is_public = public
        self.changed = 0
        self.removed = 0
        self._names: dict[str, str] = {}
        self._kept = _Marks()
        self._memory = Memory(path, kind, public)
        self._visited: set[str] = set()
        self._prefix = f"{path}/"
        self._is_blind = False  # Tag.md and tag.md are one file on this file system
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if self.path.exists() and not self.path.is_dir():
            raise InputError("target_is_file", path=self.path)
        with contextlib.ExitStack() as opened, self.failures():
            files.make_folder(self.path, public=self._is_public)
            opened.enter_context(self._locked())
            self._claim()
            self._open_to_all(self.path, 0o755)
            self._is_blind = (self.path / NOTE.upper()).exists()
            self._opened = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._opened, self.failures():
            if kind is None:
                self._remove_others()
                os.sync()
                self._memory.keep()

    def has(self, name: str, inputs: int) -> bool:
        """Tell whether a file was made of these inputs and is as it was left; then it stays."""
        mark = _mark(name)
        if not self._memory.is_current(mark, inputs, f"{self._prefix}{name}"):
            return False
        self._kept.add(mark if not self._is_blind else _mark(self._on_disk(name)))
        with self.failures():
            self._visit(name)
        return True

    def _visit(self, name: str) -> None:
        """Make the folder of a file, once."""
        inner = name.rpartition("/")[0]
        if inner not in self._visited:
            self._make(self.path / inner)
            self._visited.add(inner)

    def is_as_left(self, name: str) -> int:
        """Return what a file was made of that is as the last export left it; 0: it is not."""
        return self._memory.is_as_left(_mark(name), f"{self._prefix}{name}")

    def read(self, name: str) -> bytes:
        """Return the content of a file of the folder."""
        with self.failures():
            return (self.path / name).read_bytes()

    def remove(self, name: str) -> None:
        """Remove a file of the folder that is ours."""
        with self.failures():
            (self.path / name).unlink(missing_ok=True)

    def names_in(self, folder: str) -> list[str]:
        """Return the names of the files in a folder of it, a person's included."""
        try:
            with os.scandir(self.path / folder) as found:
                return [each.name for each in found if not each.name.startswith(".")]
        except OSError:
            return []

    def write(self, name: str, content: str | bytes, inputs: int = 0) -> None:
        """Write a file of the folder, if its content differs.

        `name` uses slashes, and the content has MARK near its beginning. `inputs`: a hash of all
        that it was made of, for `has`; 0: none is known.
        """
        data = content if isinstance(content, bytes) else content.encode(errors="replace")
        assert MARK.encode() in data[:_HEAD]
        data = data.replace(MARK.encode(), _mark_of(name), 1)
        assert ".." not in name.split("/")
        assert not name.startswith("/")
        target = self._prefix + name
        self._kept.add(_mark(self._on_disk(name)))
        with self.failures():
            if _is_equal(target, data):
                if self._is_public:
                    self._visit(name)
                    self._open_to_all(Path(target), 0o644)
            else:
                self._visit(name)
                _replace(target, data, "everybody" if self._is_public else "as before")
                self.changed += 1
            if inputs:
                self._memory.note(_mark(name), inputs, target)

    def names(self, wanted: Mapping[int, str]) -> dict[int, str]:
        """Return names that later exports keep: the earlier names, or else the wanted ones."""
        known = len(self._names)
        taken = {name.casefold() for name in self._names.values()}
        for key, text in wanted.items():
            if str(key) not in self._names:
                name = file_name(text)
                if name.casefold() in taken:
                    name = file_name(f"{name}-{key}")
                taken.add(name.casefold())
                self._names[str(key)] = name
        if len(self._names) > known:
            with self.failures():
                self._write_note()
        return {key: self._names[str(key)] for key in wanted}

    @contextlib.contextmanager
    def failures(self) -> Iterator[None]:
        """Name the file in an error of the system."""
        try:
            yield
        except OSError as error:
            name = error.filename or self.path
            reason = error.strerror or str(error)
            raise StoreError("export_unwritable", path=name, reason=reason) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # Some network file systems lock no folders: there the user must not run two exports.
            with contextlib.suppress(OSError):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise TryLater("export_at_work", path=self.path) from error
            yield
        finally:
            os.close(descriptor)

    def _claim(self) -> None:
        note = self.path / NOTE
        if note.is_file():
            try:
                found = json.loads(note.read_text(encoding="utf-8", errors="replace"))
                kind, names = found["format"], {str(k): str(v) for k, v in found["names"].items()}
            except (ValueError, TypeError, KeyError, AttributeError):
                kind, names = "", {}  # damaged: the folder is ours all the same
            if kind not in {"", self.kind}:
                raise InputError("folder_of_other_format", path=self.path)
            self._names = {k: v for k, v in names.items() if v == file_name(v)}
            return
        # A new vault of Obsidian, or a new repository, has a hidden folder.
        if any(not each.name.startswith(".") for each in self.path.iterdir()):
            raise InputError("folder_not_ours", path=self.path)
        self._write_note()

    def _write_note(self) -> None:
        note = {"generator": MARK, "format": self.kind, "names": self._names}
        with files.replacing(self.path / NOTE) as stream:
            stream.write(json.dumps(note, ensure_ascii=False, indent=1).encode())

    def _make(self, folder: Path) -> None:
        # A link in our folder could lead out of it.
        for part in (folder, *folder.parents):
            if part == self.path:
                break
            if part.is_symlink():
                raise InputError("folder_is_link", path=part)
        for part in reversed([folder, *folder.parents]):
            if len(part.parts) > len(self.path.parts):
                part.mkdir(mode=0o700, exist_ok=True)
                self._open_to_all(part, 0o755)

    def _open_to_all(self, path: Path, mode: int) -> None:
        if self._is_public and path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)

    def _remove_others(self) -> None:
        self._kept.sort()
        self._clear(self.path, "")

    def _clear(self, folder: Path, relative: str) -> bool:
        """Remove our files that are no longer wanted; tell whether something was removed."""
        inner = []
        stale = []
        with os.scandir(folder) as found:  # one by one: a list of all may be very long
            for each in found:
                name = f"{relative}{each.name}"
                if each.name.startswith(_PART):
                    stale.append(Path(each.path))
                elif each.name.startswith(".") or each.is_symlink():
                    continue
                elif each.is_dir():
                    inner.append(each.name)
                elif self._on_disk(name) not in self._kept and _is_ours(each.path, name):
                    stale.append(Path(each.path))
                    self.removed += 1
        for path in stale:
            path.unlink()
        for name in inner:
            if self._clear(folder / name, f"{relative}{name}/"):
                stale.append(folder / name)
                with contextlib.suppress(OSError):  # other files are in it
                    (folder / name).rmdir()
        return bool(stale)

    def _on_disk(self, name: str) -> str:
        """Return the form of a name that identifies a file on this file system."""
        return _folded(name) if self._is_blind else name


def current_sheets(
    folder: Folder, name: str, count: int, size: int, inputs: Sequence[int]
) -> dict[str, bool]:
    """Tell of each page of a list whether a folder has it as it was, made of these inputs."""
    full = max(count // size - 1, 0)
    names = (_sheet(name, number, full) for number in range(full + 1, 0, -1))
    return {
        each: folder.has(f"{each}.{folder.kind}", made)
        for each, made in zip(names, inputs, strict=True)
    }


class _Marks:
    """The names of files, in eight bytes each: there may be a million."""

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]

    def add(self, mark: int) -> None:
        self._buckets[mark % _BUCKETS].append(mark)

    def sort(self) -> None:
        """Sort the marks, so that they can be looked up."""
        for at, bucket in enumerate(self._buckets):  # one by one: a list takes five times as much
            self._buckets[at] = array("Q", sorted(bucket))

    def __contains__(self, name: str) -> bool:
        mark = _mark(name)
        bucket = self._buckets[mark % _BUCKETS]
        at = bisect_left(bucket, mark)
        return at < len(bucket) and bucket[at] == mark


def _replace(target: str, data: bytes, readers: files.Readers) -> None:
    folder, _, name = target.rpartition("/")
    made = f"{folder}/{_PART}{name}"
    try:
        try:
            descriptor = os.open(made, _NEW, 0o600)
        except FileExistsError:  # of an export that was killed
            Path(made).unlink()
            descriptor = os.open(made, _NEW, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
            files.allow(descriptor, Path(target), readers)
        os.replace(made, target)  # noqa: PTH105 -- very many
    except BaseException as error:
        if isinstance(error, OSError):
            error.filename, error.filename2 = target, None
        with contextlib.suppress(OSError):  # the error before it matters more
            Path(made).unlink()
        raise


def _mark(name: str) -> int:
    return int.from_bytes(blake2b(os.fsencode(name), digest_size=8).digest())


def _mark_of(name: str) -> bytes:
    """Return the mark of the file with this name."""
    return f"{MARK}, {_mark(_folded(name)):016x}".encode()


def _folded(name: str) -> str:
    """Return a name without what a file system may change: its case, its composed letters."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def _is_ours(path: str, name: str) -> bool:
    with contextlib.suppress(OSError), open(path, "rb") as stream:  # noqa: PTH123 -- very many
        return _mark_of(name) in stream.read(_HEAD)
    return False


def _is_equal(path: str, data: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.fstat(descriptor).st_size == len(data) and _read(descriptor, len(data)) == data
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _read(descriptor: int, size: int) -> bytes:
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
        return file.read(size + 1)
