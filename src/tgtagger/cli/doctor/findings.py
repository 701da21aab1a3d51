"""Make a finding of an error: its sentence and its hint. Knows no check."""

from __future__ import annotations

import contextlib
from typing import Protocol

from tgtagger.cli.hints import hint_of
from tgtagger.cli.render import Live
from tgtagger.errors import TgTaggerError
from tgtagger.runs.findings import Finding, Level


class Shown(Protocol):
    """Shows what takes long, as `Screen.progress` does."""

    def __call__(
        self, words: str, *, is_sure: bool = ...
    ) -> contextlib.AbstractContextManager[Live]: ...


SKEW = 300
"""Seconds by which two clocks may differ."""

_OTHERWISE = {
    2: "to see where each setting comes from: tgtagger config",
    3: "sign in (tgtagger login), or set another key or model",
    6: "see docs/recovery.md",
    75: "try again later",
}
"""Hints for errors without a hint of their own, by exit code."""


def failure(check: str, error: TgTaggerError, level: Level = "error") -> Finding:
    """Return the finding of a check that failed with this error."""
    hint = hint_of(error) or _OTHERWISE.get(error.exit_code, "for details: tgtagger -vv doctor")
    return Finding(check, level, error.message, hint, error.exit_code)
