"""What each model takes: learned from what is refused, proven by what is answered.

Knows no request on its way; it is told with which capabilities one was sent, since another may have
learned the same meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tgtagger.taggers.llm.api.requests import MOST_ROOM, Capabilities, Dialect, start_with


class Formats:
    """The capabilities in force, a model each."""

    def __init__(
        self, models: Sequence[str], dialect: Dialect, known: Mapping[str, Capabilities]
    ) -> None:
        self._dialect = dialect
        self._now = {model: known.get(model, start_with(dialect, model)) for model in models}
        self._tried: set[str] = set()  # models for which no other format helped

    def of(self, model: str) -> Capabilities:
        return self._now[model]

    def refuse(self, model: str, used: Capabilities, parameter: str) -> bool:
        """Leave out what was refused; False where there is nothing to leave out."""
        if self._now[model] != used:
            return True  # already learned from another answer
        less = used.without(parameter)
        if less is None:
            return False
        self._now[model] = replace(less, proven=False)
        return True

    def step_down(self, model: str, used: Capabilities) -> bool:
        """Try another format where nothing says what is wrong, and nothing was answered yet.

        Once a model; then it was not the format, and what is hoped for is in force again.
        """
        if used.proven or model in self._tried:
            return False
        if self.refuse(model, used, "response_format"):
            return True
        self._tried.add(model)
        self._now[model] = start_with(self._dialect, model)
        return False

    def prove(self, model: str, used: Capabilities) -> Capabilities | None:
        """Note that something was answered; return what is new to remember."""
        if used.proven or self._now[model] != used:
            return None
        self._now[model] = replace(used, proven=True)
        return self._now[model]

    def make_room(self, model: str, used: Capabilities, *, thinks: bool) -> None:
        """Give answers more room: one was cut off. Much is for a model that `thinks` aloud only.

        One that does not may be rambling, and would ramble on.
        """
        now = self._now[model]
        if now.room == used.room and now.room < (MOST_ROOM if thinks else 2):
            self._now[model] = replace(now, room=now.room * 2, proven=False)
