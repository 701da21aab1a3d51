"""What a check found: the noun of a look at settings, permissions, database and servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


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
