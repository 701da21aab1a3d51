"""What a check found: the noun of `tgtagger doctor`. Knows no check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tgtagger.cli.hints import hint_of
from tgtagger.errors import TgTaggerError

SKEW = 300
"""Seconds that two clocks may be apart."""

Level = Literal["ok", "warning", "error"]

_OTHERWISE = {
    2: "tgtagger config says where each setting comes from",
    3: "tgtagger login, or another key or model: tgtagger config",
    6: "docs/recovery.md says what to do with a database in trouble",
    75: "try again later",
}
"""What to do about an error that says nothing itself, by exit code."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `hint` says what to do, wherever it is not ok; `code` is an error's."""

    check: str
    level: Level
    message: str
    hint: str | None = None
    code: int = 0

    def __post_init__(self) -> None:
        if self.level != "ok" and not self.hint:
            raise ValueError(f"no fix is named: {self.message}")


def failure(check: str, error: TgTaggerError, level: Level = "error") -> Finding:
    """Return a check that could not be made, or found what an error says, as a finding."""
    hint = hint_of(error) or _OTHERWISE.get(error.exit_code, "tgtagger -vv doctor tells more")
    return Finding(check, level, error.message, hint, error.exit_code)
