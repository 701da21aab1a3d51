"""Posts as files: one module a format, each a function from posts to a stream.

`FORMATS` names them; `open_target` gives the stream, so that a file is whole or not there. Knows
no filter and no database.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tgtagger.errors import InputError, StoreError

FORMATS = ("jsonl", "json", "csv")


@contextlib.contextmanager
def open_target(path: Path | None) -> Iterator[BinaryIO]:
    """Open a file to be written beside its name and renamed when it is whole; None: stdout.

    The file can be read by its owner only. After an error nothing is left behind, and a file
    of that name is as it was.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint="name a file in it")
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.unlink(missing_ok=True)  # left by a run that was killed
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb", buffering=1 << 18) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    # A new name is on disk when its folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
