"""A folder of files that an export writes, and writes again later.

Only what changed is written, each file beside its name and then renamed; what an earlier export
wrote and this one does not is removed; what somebody else put there is left alone. A note in the
folder says that it is ours: no other folder is written to, unless it is empty.

Files are not synced one by one, which would take minutes for what takes seconds: after a power cut
the next export finds what is not as it should be, and writes it again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import Self

from tgtagger import files
from tgtagger.errors import InputError, StoreError

NOTE = ".tgtagger-export"
_LONGEST = 100  # bytes of a name; file systems take 255, with what we and others put around it
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\w .+&'’«»-]|^[. ]+|[. ]+$")


def file_name(text: str) -> str:
    """Return a name for a file, with no ending, that is safe on every system and in links.

    Where that leaves something out, a few letters that stand for the whole text are added. Texts
    that differ in case, spaces or hyphens alone share a name: no two tags do.
    """
    normal = unicodedata.normalize("NFC", text).replace(" ", "-")
    cut = _UNSAFE.sub("-", normal).encode()[:_LONGEST].decode(errors="ignore")
    if _RESERVED.fullmatch(cut) or not cut.strip("-"):
        cut = f"_{cut}"
    if cut == normal:
        return cut
    return f"{cut}-{blake2b(text.encode(errors='replace'), digest_size=3).hexdigest()}"


def _is_safe(name: str) -> bool:
    return bool(name) and not _UNSAFE.search(name) and not _RESERVED.fullmatch(name)


class Folder:
    """A folder being written. Use it as a context: at its end what is no longer wanted goes."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self.kind = kind
        self.changed = 0
        self.removed = 0
        self._names: dict[str, str] = {}
        self._kept = array("Q")
        self._folders: set[Path] = set()

    def __enter__(self) -> Self:
        with self._failures():
            self._claim()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            with self._failures():
                self._remove_others()
                os.sync()

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file of the folder, if it is not as it should be. `name` uses slashes."""
        data = content if isinstance(content, bytes) else content.encode(errors="replace")
        relative = PurePosixPath(name)
        assert ".." not in relative.parts
        assert not relative.is_absolute()
        target = self.path.joinpath(*relative.parts)
        self._kept.append(_mark(relative.as_posix()))
        with self._failures():
            if _is_equal(target, data):
                return
            self._make(target.parent)
            made = target.with_name(f".part-{target.name}")
            made.unlink(missing_ok=True)
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            made.replace(target)
        self.changed += 1

    def name(self, key: str, wanted: str) -> str:
        """Return a name that stays the same in later exports: what it was, or else as wanted."""
        if key not in self._names:
            name = file_name(wanted)
            taken = {known.casefold() for known in self._names.values()}
            self._names[key] = name if name.casefold() not in taken else file_name(f"{name}-{key}")
            with self._failures():
                self._write_note()
        return self._names[key]

    def _claim(self) -> None:
        note = self.path / NOTE
        if note.is_file():
            try:
                found = json.loads(note.read_text(encoding="utf-8", errors="replace"))
                kind, names = found["format"], {str(k): str(v) for k, v in found["names"].items()}
            except (ValueError, TypeError, KeyError, AttributeError):
                kind, names = "", {}  # damaged: it says whose the folder is all the same
            if kind not in {"", self.kind}:
                raise InputError(
                    f"{self.path} holds an export of another format", hint="name another folder"
                )
            self._names = {k: v for k, v in names.items() if _is_safe(v)}
            return
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise InputError(
                f"{self.path} is there already, and no export of tgtagger",
                hint="name a folder that is new or empty",
            )
        files.make_folder(self.path)
        self._write_note()

    def _write_note(self) -> None:
        note = {"generator": MARK, "format": self.kind, "names": self._names}
        with files.replacing(self.path / NOTE) as stream:
            stream.write(json.dumps(note, ensure_ascii=False, indent=1).encode())

    def _make(self, folder: Path) -> None:
        if folder in self._folders:
            return
        # A link in our folder could lead out of it.
        for part in (folder, *folder.parents):
            if part == self.path:
                break
            if part.is_symlink():
                raise InputError(f"{part} is a symbolic link", hint="remove it: it leads elsewhere")
        for part in reversed([folder, *folder.parents]):
            if len(part.parts) > len(self.path.parts):
                part.mkdir(mode=0o700, exist_ok=True)
        self._folders.add(folder)

    def _remove_others(self) -> None:
        kept = array("Q", sorted(self._kept))
        for parent, folders, names in os.walk(self.path, topdown=False):
            here = Path(parent)
            relative = here.relative_to(self.path)
            for name in names:
                file = here / name
                if name.startswith(".part-"):
                    file.unlink()
                elif (
                    name != NOTE
                    and not _has(kept, _mark((relative / name).as_posix()))
                    and self._is_ours(relative / name, file)
                ):
                    file.unlink()
                    self.removed += 1
            if here != self.path and not (folders or names):
                continue  # an empty one that somebody made
            if here != self.path and names and not any(here.iterdir()):
                here.rmdir()

    def _is_ours(self, relative: Path, file: Path) -> bool:
        """Tell a file that an export wrote: each begins with a mark, in the form of its format."""
        with contextlib.suppress(OSError), file.open("rb") as stream:
            return MARK.encode() in stream.read(200)
        return False

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            name = error.filename or self.path
            raise StoreError(
                f"{name} cannot be written: {error.strerror or error}",
                hint="check the folder, its permissions and the space left",
            ) from error


MARK = "written by tgtagger"
"""Stands in the first 200 bytes of every file that an export writes into a folder."""


def _is_equal(path: Path, data: bytes) -> bool:
    try:
        if path.is_symlink() or path.stat().st_size != len(data):
            return False
        return path.read_bytes() == data
    except OSError:
        return False


def _mark(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(errors="replace"), digest_size=8).digest())


def _has(marks: array[int], mark: int) -> bool:
    at = bisect_left(marks, mark)
    return at < len(marks) and marks[at] == mark
