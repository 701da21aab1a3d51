"""Every failure that tgtagger expects, and the exit code that each ends a run with.

    TgTaggerError            a message, a hint, an exit code; shown without a traceback
    ├── InputError       2   settings wrong; a file missing, unreadable, foreign or cut off
    ├── ActionNeeded     3   a person must act: log in, renew a key, raise a quota
    ├── SourceError      4   a channel is not to be had: not found, private, gone
    ├── TaggingFailed    5   posts could not be tagged (of one post: types.TaggingError)
    ├── StoreError       6   database damaged, read-only, disk full, not ours, of a newer schema
    └── TryLater        75   EX_TEMPFAIL: another run holds the lock, a wait is too long

Knows no vendor: each edge maps its library's exceptions to these. Anything else is a bug, and
ends with a traceback and exit code 1. Messages never hold post text, keys or phone numbers.
"""

from __future__ import annotations

import datetime as dt


class TgTaggerError(Exception):
    """A failure with something to tell the user: what happened, and what to do about it.

    `kind` names it for programs, where a summary has a place for that (outcomes.StopClass).
    """

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str | None = None, kind: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.kind = kind


class InputError(TgTaggerError):
    exit_code = 2


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
        message: str,
        *,
        hint: str | None = None,
        kind: str | None = None,
        not_before: dt.datetime | None = None,
    ) -> None:
        super().__init__(message, hint=hint, kind=kind)
        self.not_before = not_before


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
