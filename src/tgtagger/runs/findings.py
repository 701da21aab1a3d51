"""A finding: what a check of settings, permissions, database or servers found. Knows no check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `hint` says what to do if it is not ok; `code` is an exit code."""

    check: str
    level: Level
    message: str
    hint: str | None = None
    code: int = 0

    def __post_init__(self) -> None:
        if self.level != "ok" and not self.hint:
            raise ValueError(f"no fix is named: {self.message}")
