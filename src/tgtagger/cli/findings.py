"""What a check found: the noun of `tgtagger doctor`. Knows no check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SKEW = 300
"""Seconds that two clocks may be apart."""

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `hint` says what to do where it is not ok; `code` is an error's."""

    check: str
    level: Level
    message: str
    hint: str | None = None
    code: int = 0
