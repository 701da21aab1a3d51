"""Posts as files: one module a format, each a function from posts to a stream or into a folder.

`FORMATS` is their table; `open_target` gives the stream, so that a file is whole or not there, and
`folder` writes a folder so that each file in it is. Knows no filter and no SQL.
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
    """A format: the function that writes it, what that is given, which files are taken for it.

    A selection of posts becomes a folder; anything else goes into a stream.
    """

    name: str
    given: Literal["records", "posts", "selection"]
    module: str  # of this package, imported when it is used
    function: str = "write"
    endings: tuple[str, ...] = ()

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
        Format("csv", "posts", "csv_table", endings=(".csv",)),
        Format("md", "selection", "vault"),
        Format("html", "selection", "site"),
        Format("rss", "posts", "feed", endings=(".rss", ".xml")),
    )
}


def format_of(path: str) -> str:
    """Return the format that a file's name ends like; else that of a stream: JSON lines."""
    ending = Path(path).suffix.lower()
    return next((each.name for each in FORMATS.values() if ending in each.endings), "jsonl")


@contextlib.contextmanager
def open_target(path: Path | None) -> Iterator[BinaryIO]:
    """Open a file to be written beside its name and renamed when it is whole; None: stdout.

    The file can be read by its owner only. After an error nothing is left behind, and a file
    of that name is as it was. A device or a pipe is written to as it is.
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
            raise system_error(error, "file_unwritable", made=StoreError, path=path) from error


def _is_device(path: Path) -> bool:
    """Tell what must not be replaced by a file: /dev/null, /dev/stdout, a named pipe.

    /dev/stdout may be a file, if somebody led it into one; /dev/shm is a folder of files.
    """
    is_in_dev = path.parts[:2] == ("/", "dev") and path.parts[:3] != ("/", "dev", "shm")
    return is_in_dev or (path.exists() and not path.is_file())
