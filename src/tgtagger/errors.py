"""Every failure that tgtagger expects, and the exit code that each ends a run with.

    TgTaggerError            a message, a hint, an exit code; shown without a traceback
    ├── InputError       2   settings wrong; a file missing, unreadable, foreign or cut off
    │   └── NoDatabase       nothing is kept yet, which only who reads minds
    ├── ActionNeeded     3   a person must act: log in, renew a key, raise a quota
    ├── SourceError      4   a channel is not to be had: not found, private, gone
    ├── TaggingFailed    5   posts could not be tagged (of one post: types.TaggingError)
    ├── StoreError       6   database damaged, read-only, not ours, of a newer schema; a machine
    │                        that has no more room, open files or memory
    └── TryLater        75   EX_TEMPFAIL: another run holds the lock, a wait is too long
        └── Locked           the database stays locked: nothing of the run can go on

Knows no vendor: each edge maps its library's exceptions to these. Anything else is a bug, and
ends with a traceback and exit code 1. Messages never hold post text, keys or phone numbers.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
from collections.abc import Mapping
from typing import Any, Literal

from tgtagger import messages


class TgTaggerError(Exception):
    """A failure that is expected: its `kind`, and the `data` that tell this one from others.

    `str(error)` is the English sentence of its kind (`messages`); what to do about it each face
    says in its own words. Data never hold post text, keys or phone numbers.
    """

    exit_code: int = 1

    def __init__(
        self, said: str, /, *, hint: str | None = None, kind: str | None = None, **data: Any
    ) -> None:
        # Until every error is raised by its kind: a sentence in place of a kind is taken as it is.
        super().__init__(said)
        self.kind = kind or (said if said in messages.SENTENCES else None)
        self.data = data
        self.hint = hint
        self._said = said

    @property
    def message(self) -> str:
        """The English sentence of this failure."""
        if self._said in messages.SENTENCES:
            return messages.describe(self._said, self.data)
        return self._said

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


class TaggingFailed(TgTaggerError):
    exit_code = 5


class StoreError(TgTaggerError):
    exit_code = 6


class TryLater(TgTaggerError):
    """`not_before` says when, where the one who asked for the wait said so."""

    exit_code = 75

    def __init__(
        self,
        said: str,
        /,
        *,
        hint: str | None = None,
        kind: str | None = None,
        not_before: dt.datetime | None = None,
        **data: Any,
    ) -> None:
        super().__init__(said, hint=hint, kind=kind, **data)
        self.not_before = not_before


class Locked(TryLater):
    """Another program keeps the database from being used: for a whole run, not for one channel."""


Shortage = Literal["room", "quota", "file_size", "open_files", "system_files", "memory", "disk"]
"""What this machine has no more of, or (disk) what of it fails."""

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
    error: OSError, kind: str, *, made: type[TgTaggerError] = InputError, **data: Any
) -> TgTaggerError:
    """Return what the operating system refused as a failure of ours, of this kind.

    Its data are these, the system's `reason`, and the `shortage` that is behind it, if any. A
    shortage is a StoreError, wherever it is met, so that a full disk ends every command with the
    same code; anything else is `made` of the class that is given.
    """
    reason = error.strerror or (os.strerror(error.errno) if error.errno else type(error).__name__)
    shortage = _SHORTAGES.get(error.errno or 0)
    raised = made if shortage is None else StoreError
    return raised(kind, reason=reason, shortage=shortage, **data)


def shortage(error: BaseException) -> TgTaggerError | None:
    """Return what this machine had no more of, where that is behind an unexpected failure.

    A library that cannot open a file may fail with anything afterwards: what led to it tells.
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


PRECEDENCE = (6, 3, 75, 4, 2, 5)
"""Of several failures in one run, the first of these decides the exit code."""


def exit_code(codes: list[int]) -> int:
    """Return the exit code of a run that met all these codes (0 for none).

    A code outside PRECEDENCE (1, a bug) wins over all.
    """
    met = {code for code in codes if code}
    for code in sorted(met - set(PRECEDENCE)):
        return code
    return next((code for code in PRECEDENCE if code in met), 0)
