"""Standard output and error, which may be full, broken or closed; the log's warnings go to stderr.

Draws nothing. The one place where logging is set up: `cli` calls it when the program starts.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from typing import IO

from tgtagger.system.terminal_text import clean


def tell(text: str) -> None:
    """Write words to stderr; go on without them where it is full, broken or closed."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: IO[str]) -> None:
    """Throw away what is buffered: Python would write it, and complain, once more at exit."""
    with contextlib.suppress(io.UnsupportedOperation):  # a test's stream has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class _Warnings(logging.Handler):
    """Writes the warnings of a package's log to stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(clean(record.getMessage()))


_WARNINGS = _Warnings(logging.WARNING)
_NOWHERE = logging.NullHandler()
_TOLD_ELSEWHERE = ("sqlalchemy", "telethon")
"""Libraries that also raise what matters; we say it in our words."""


def silence_logs() -> None:
    """Throw away the logs of two libraries: without a handler Python writes them to stderr.

    SQLAlchemy logs a traceback when a signal comes while it closes a connection; Telethon logs
    advice to developers. All other logs stay: asyncio's tells of a bug in a task.
    """
    for name in _TOLD_ELSEWHERE:
        logging.getLogger(name).addHandler(_NOWHERE)


def tell_warnings() -> None:
    """Write the warnings of our own log to stderr."""
    logging.getLogger("tgtagger").addHandler(_WARNINGS)
