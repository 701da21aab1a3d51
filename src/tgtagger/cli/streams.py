"""Standard output and error where they may be full, broken or closed; what the log says goes there.

Draws nothing.
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
    """Write words to stderr; where that is full, broken or closed, the work matters more."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: IO[str]) -> None:
    """Let what is still buffered go nowhere: Python would try, and complain, once more at exit."""
    with contextlib.suppress(io.UnsupportedOperation):  # a test's stream has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class _Warnings(logging.Handler):
    """Says what a package logs besides its results: what must not be missed."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(clean(record.getMessage()))


_WARNINGS = _Warnings(logging.WARNING)
_NOWHERE = logging.NullHandler()


def silence_logs() -> None:
    """Let what libraries log go nowhere: without any handler Python writes it to stderr.

    What matters of it is raised, and is said in our words: SQLAlchemy's words about a signal that
    comes while it closes a connection bring a traceback, Telethon's are advice to developers.
    """
    logging.getLogger().addHandler(_NOWHERE)


def tell_warnings() -> None:
    """Say our own log's warnings."""
    logging.getLogger("tgtagger").addHandler(_WARNINGS)
