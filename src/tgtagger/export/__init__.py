"""Posts as files: one module a format, each a function from posts to a stream or into a folder.

`FORMATS` is their table. `open_target` gives the stream: a file appears whole or not at all.
`folder` does the same for each file of a folder. Knows no filter and no SQL.
"""

from __future__ import annotations

import contextlib
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
    options: tuple[Literal["raw", "shown", "title"], ...] = ()  # it takes, too
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
        Format("jsonl", "records", "json_records", "write_lines"),
        Format("json", "records", "json_records", "write_array", (".json",)),
        Format("csv", "posts", "csv_table", endings=(".csv",), options=("raw", "shown")),
        Format("md", "selection", "vault"),
        Format("html", "selection", "site"),
        # Readers fetch a feed whole, again and again.
        Format("rss", "posts", "feed", endings=(".rss", ".xml"), options=("title",), newest=100),
    )
}


def format_of(path: str) -> str:
    """Return the format of a file's ending; JSON lines for any other name."""
    ending = Path(path).suffix.lower()
    return next((each.name for each in FORMATS.values() if ending in each.endings), "jsonl")


@contextlib.contextmanager
def open_target(path: Path | None) -> Iterator[BinaryIO]:
    """Open a file to be written beside its name and renamed when it is whole; None: stdout.

    Only its owner can read the file. An error leaves nothing behind, and an older file of that
    name stays as it was. A device or a pipe is written to directly.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with contextlib.ExitStack() as opened:
        try:
            if path.is_dir():
                raise InputError("target_is_folder", path=path)
            target = path.open("wb") if _is_device(path) else files.replacing(path)
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
