"""Every failure that tgtagger expects, and the exit code that each ends a run with.

    TgTaggerError            a kind, its data, an exit code; shown without a traceback
    ├── InputError       2   settings wrong; a file missing, unreadable, foreign or cut off
    │   └── NoDatabase       there is no database yet: commands that write make one
    ├── ActionNeeded     3   a person must act: log in, renew a key, raise a quota
    ├── SourceError      4   a channel cannot be read: not found, private, gone
    ├── StoreError       6   database damaged, read-only, not ours, of a newer schema; a machine
    │                        without free disk space, open files or memory
    └── TryLater        75   EX_TEMPFAIL: another run holds the lock, a wait is too long
        ├── Locked           the database stays locked: the whole run ends
        └── Interrupted      the database did nothing of a transaction: it can be done again

Knows no vendor: each edge maps its library's exceptions to these. Any other exception is a bug: a
traceback, and exit code 1. Exit code 5 says that some posts failed; no error is raised for it.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
from collections.abc import Mapping
from typing import Any, Literal

from tgtagger import messages


class TgTaggerError(Exception):
    """An expected failure: `kind` says what happened, `data` has the names, numbers and paths.

    `str(error)` is the English sentence of its kind (`messages`). Each face says in its own words
    what to do about it. Data never hold post text, keys or phone numbers.
    """

    exit_code: int = 1

    def __init__(self, kind: str, /, **data: Any) -> None:
        super().__init__(kind)
        self.kind = kind
        self.data = data

    @property
    def message(self) -> str:
        """The English sentence of this failure."""
        return messages.describe(self.kind, self.data)

    def __str__(self) -> str:
        return self.message


class InputError(TgTaggerError):
    exit_code = 2


class NoDatabase(InputError):
    """There is no database yet."""


class ActionNeeded(TgTaggerError):
    exit_code = 3


class SourceError(TgTaggerError):
    exit_code = 4


class StoreError(TgTaggerError):
    exit_code = 6


class TryLater(TgTaggerError):
    """`not_before` is the moment to try again, if the server told one."""

    exit_code = 75

    def __init__(self, kind: str, /, *, not_before: dt.datetime | None = None, **data: Any) -> None:
        super().__init__(kind, **data)
        self.not_before = not_before


class Locked(TryLater):
    """Another program keeps the database locked, which ends the whole run."""


class Interrupted(TryLater):
    """A transaction was broken off, and nothing of it is stored: it can be done again at once."""


Shortage = Literal["room", "quota", "file_size", "open_files", "system_files", "memory", "disk"]
"""What this machine has run out of; `disk`: reading or writing fails."""

_SHORTAGES: Mapping[int, Shortage] = {
    errno.ENOSPC: "room",
    errno.EDQUOT: "quota",
    errno.EFBIG: "file_size",
    errno.EMFILE: "open_files",
    errno.ENFILE: "system_files",
    errno.ENOMEM: "memory",
    errno.EIO: "disk",
}


def system_error(
    error: OSError, kind: str, /, *, otherwise: type[TgTaggerError] = InputError, **data: Any
) -> TgTaggerError:
    """Return a failure of this kind for an error of the operating system.

    Its data are `data`, the system's `reason`, and the `shortage` that caused it (or None). For a
    shortage it is a StoreError, so that a full disk ends every command with the same code; else
    it is of the class `otherwise`.
    """
    reason = error.strerror or (os.strerror(error.errno) if error.errno else type(error).__name__)
    shortage = _SHORTAGES.get(error.errno or 0)
    made = otherwise if shortage is None else StoreError
    return made(kind, reason=reason, shortage=shortage, **data)


def shortage(error: BaseException) -> TgTaggerError | None:
    """Return the shortage that caused an unexpected failure; None if there was none.

    A library that cannot open a file may raise anything afterwards, so all causes are looked at.
    """
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        if isinstance(cause, OSError) and cause.errno in _SHORTAGES:
            if cause.filename is None:
                return system_error(cause, "machine_short")
            return system_error(cause, "file_refused", path=cause.filename)
        text = str(cause).lower() if isinstance(cause, ImportError) else ""
        if "too many open files" in text:
            reason = os.strerror(errno.EMFILE)
            return StoreError("machine_short", reason=reason, shortage="open_files")
        if isinstance(cause, MemoryError) or "map segment" in text or "allocate memory" in text:
            return StoreError("memory_short", shortage="memory")
        cause = cause.__cause__ or cause.__context__
    return None


def place_of(error: BaseException) -> str:
    """Return the traceback of an error and of its causes, without what they say.

    What they say may hold a post's text, a tag or a query, which no log may.
    """
    import traceback

    found: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(found) < 10:
        lines = "".join(traceback.format_tb(cause.__traceback__))
        found.insert(0, f"{lines}{type(cause).__qualname__}")
        cause = cause.__cause__ or cause.__context__
    return "\nthen\n".join(found)


PRECEDENCE = (6, 3, 75, 4, 2, 5)
"""If a run had several failures, the first of these codes is its exit code."""


def exit_code(codes: list[int]) -> int:
    """Return the exit code of a run that had failures with these codes (0 for none).

    A code outside PRECEDENCE (1, a bug) wins over all.
    """
    met = {code for code in codes if code}
    for code in sorted(met - set(PRECEDENCE)):
        return code
    return next((code for code in PRECEDENCE if code in met), 0)
