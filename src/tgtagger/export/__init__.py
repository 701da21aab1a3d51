"""Posts as files: one module a format, each a function from posts to a stream or into a folder.

`FORMATS` names them; `open_target` gives the stream, so that a file is whole or not there, and
`folder` writes a folder so that each file in it is. Knows no filter and no SQL.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tgtagger.errors import InputError, StoreError, system_error
from tgtagger.system import files

FORMATS = ("jsonl", "json", "csv", "md", "html", "rss")
FOLDERS = ("md", "html")
"""The formats that make a folder."""


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
                raise InputError(f"{path} is a folder", hint="name a file in it")
            target = path.open("wb") if _is_device(path) else files.replacing(path)
            stream = opened.enter_context(target)
        except OSError as error:
            raise system_error(error, f"{path} cannot be written") from error
        try:
            yield stream
            opened.close()
        except OSError as error:
            raise system_error(error, f"{path} cannot be written", kind=StoreError) from error


def _is_device(path: Path) -> bool:
    """Tell what must not be replaced by a file: /dev/null, /dev/stdout, a named pipe.

    /dev/stdout may be a file, if somebody led it into one; /dev/shm is a folder of files.
    """
    is_in_dev = path.parts[:2] == ("/", "dev") and path.parts[:3] != ("/", "dev", "shm")
    return is_in_dev or (path.exists() and not path.is_file())
