"""The one place where logging is set up: the command line calls it before a command runs.

Apart from `streams`, so that a program that only says its help does not load logging.
"""

from __future__ import annotations

import logging

from tgtagger.cli.streams import tell
from tgtagger.system.terminal_text import clean


class _Warnings(logging.Handler):
    """Writes the warnings of a package's log to stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(clean(record.getMessage()))


_WARNINGS = _Warnings(logging.WARNING)
_NOWHERE = logging.NullHandler()
_TOLD_ELSEWHERE = ("sqlalchemy", "telethon")
"""Libraries that also raise what matters; we say it in our words."""


def _silence_libraries() -> None:
    """Throw away the logs of two libraries: without a handler Python writes them to stderr.

    SQLAlchemy logs a traceback when a signal comes while it closes a connection; Telethon logs
    advice to developers. All other logs stay: asyncio's tells of a bug in a task.
    """
    for name in _TOLD_ELSEWHERE:
        logging.getLogger(name).addHandler(_NOWHERE)


def _tell_warnings() -> None:
    """Write the warnings of our own log to stderr."""
    logging.getLogger("tgtagger").addHandler(_WARNINGS)


def set_up() -> None:
    """Silence two libraries, and write the warnings of our own log to stderr."""
    _silence_libraries()
    _tell_warnings()
