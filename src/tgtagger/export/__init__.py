"""Posts as files: one module a format, each a function from posts to a stream or into a folder.

`FORMATS` is their table. `open_target` gives the stream: a file appears whole or not at all.
`folder` does the same for each file of a folder. Knows no filter and no SQL.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Literal

from tgtagger.errors import InputError, StoreError, system_error
from tgtagger.system import files


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the function that writes it, what that function takes, the file endings it has.

    A function that takes a selection of posts writes a folder; any other writes a stream. `newest`
    is how many posts it writes unless a limit says otherwise; None: all.
    """

    name: str
    given: Literal["records", "posts", "selection"]
    module: str  # of this package, imported when it is used
    function: str = "write"
    endings: tuple[str, ...] = ()
    options: tuple[Literal["raw", "shown", "title", "in_file"], ...] = ()  # it takes, too
    is_published: bool = False  # it may be made for everybody to read
    newest: int | None = None

    @property
    def is_folder(self) -> bool:
        return self.given == "selection"

    @property
    def write(self) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(
            import_module(f"{__name__}.{self.module}"), self.function
        )
        return found


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format("jsonl", "records", "json_records", "write_lines", (".jsonl", ".ndjson")),
        Format("json", "records", "json_records", "write_array", (".json",)),
        Format("csv", "posts", "csv_table", endings=(".csv",), options=("raw", "shown", "in_file")),
        Format("md", "selection", "vault", endings=(".md", ".markdown")),
        Format("html", "selection", "site", endings=(".html", ".htm"), is_published=True),
        # Readers fetch a feed whole, again and again.
        Format(
            "rss",
            "posts",
            "feed",
            endings=(".rss", ".xml"),
            options=("title",),
            newest=100,
            is_published=True,
        ),
    )
}


_FOREIGN = frozenset(
    ".7z .bz2 .db .doc .docx .epub .gz .odf .ods .odt .parquet .pdf .rtf .sqlite .tsv .xhtml .xls "
    ".xlsx .xz .yaml .yml .zip .zst".split()
)
"""Endings of kinds of files that no format writes, whatever it is told."""

_ENDING = re.compile(r"\.[a-z][a-z0-9]*")  # the last number of a date is none


def format_of(path: Path | None, name: str = "") -> Format:
    """Return the format of this name, or else of the path's ending; JSON lines without an ending.

    Raises InputError for an unknown name, and for an ending that does not fit.
    """
    if name and name not in FORMATS:
        raise InputError("format_unknown", name=name, known=tuple(FORMATS))
    ending = path.suffix.lower() if path is not None else ""
    if path is None or path.is_dir() or not _ENDING.fullmatch(ending):
        return FORMATS[name or "jsonl"]
    said = next((each for each in FORMATS.values() if ending in each.endings), None)
    if said is not None and said.is_folder and name in {"", said.name}:
        raise InputError("format_is_folder", path=path, name=said.name)
    if said is not None and name in {"", said.name}:
        return said
    if said is not None or not name or ending in _FOREIGN:
        fitting = FORMATS[name].endings if name and not FORMATS[name].is_folder else ()
        known = {each.name: each.endings for each in FORMATS.values() if not each.is_folder}
        raise InputError(
            "ending_wrong", path=path, ending=ending, name=name, fitting=fitting, known=known
        )
    return FORMATS[name]


def makes_file(path: Path | None) -> bool:
    """Tell whether `open_target` makes a file there, rather than writing to a device or a pipe."""
    return path is not None and not _is_device(path)


@contextlib.contextmanager
def open_target(path: Path | None, *, public: bool = False) -> Iterator[BinaryIO]:
    """Open a file to be written beside its name and renamed when it is whole; None: stdout.

    A new file is its owner's only, or everybody's to read if `public`; one that replaces another
    has that one's mode. An error leaves nothing behind, and an older file of that name stays as it
    was. A device or a pipe is written to directly.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with contextlib.ExitStack() as opened:
        try:
            if path.is_dir():
                raise InputError("target_is_folder", path=path)
            readers: files.Readers = "everybody" if public else "as before"
            replaced = files.replacing(path, readers=readers)
            target = path.open("wb") if _is_device(path) else replaced
            stream = opened.enter_context(target)
        except OSError as error:
            raise system_error(error, "file_unwritable", path=path) from error
        try:
            yield stream
            opened.close()
        except OSError as error:
            raise system_error(error, "file_unwritable", otherwise=StoreError, path=path) from error


def _is_device(path: Path) -> bool:
    """Tell whether a file must not take this place: /dev/null, /dev/stdout, a named pipe.

    /dev/stdout is a file where a shell redirects it into one; /dev/shm is a folder of files.
    """
    is_in_dev = path.parts[:2] == ("/", "dev") and path.parts[:3] != ("/", "dev", "shm")
    return is_in_dev or (path.exists() and not path.is_file())
