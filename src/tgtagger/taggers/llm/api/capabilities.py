"""What a server takes with each model: learned from what is refused, proven by what is answered.

What is refused is left out of the next request: the format of the answer steps down from a JSON
schema over any JSON object to plain text, parameters go or get another name.

Pure. Knows no request in flight: it is told which capabilities one was sent with, since another
answer may have taught the same meanwhile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

Format = Literal["json_schema", "json_object", "text"]
LADDER: tuple[Format, ...] = get_args(Format)
"""The formats, the most that may be asked of a server first."""

MOST_ROOM = 16
"""Times the usual room for an answer that a model which thinks aloud may get."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server takes with one model. The first request has all; what is refused goes."""

    format: Format = "json_schema"
    bounds: bool = True  # the schema may say how many tags
    dropped: tuple[str, ...] = ()  # parameters that are refused
    room: int = 1  # answers need so many times the usual room
    proven: bool = False  # an answer came with these

    def to_json(self) -> str:
        return json.dumps(
            {
                "format": self.format, "bounds": self.bounds, "dropped": self.dropped,
                "room": self.room, "proven": self.proven,
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> Capabilities:
        """Read what `to_json` wrote; anything else counts as not known yet."""
        try:
            tree = json.loads(text)
            return cls(
                tree["format"] if tree["format"] in LADDER else "json_schema",
                bool(tree["bounds"]),
                tuple(name for name in tree["dropped"] if isinstance(name, str)),
                min(max(int(tree["room"]), 1), MOST_ROOM),
                bool(tree["proven"]),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return cls()

    def without(self, parameter: str) -> Capabilities | None:
        """Return these without what is refused; None where there is nothing to leave out.

        Some servers call `max_tokens` `max_completion_tokens`; if that is refused, too, it goes.
        """
        if parameter == "bounds" and self.format == "json_schema" and self.bounds:
            return replace(self, bounds=False)
        if parameter in {"response_format", "bounds"}:
            step = LADDER.index(self.format) + 1
            return replace(self, format=LADDER[step]) if step < len(LADDER) else None
        if parameter == "max_completion_tokens" and "max_tokens" not in self.dropped:
            parameter = "max_tokens"  # what was sent: the other name is what the server wants
        if parameter in self.dropped:
            return None
        return replace(self, dropped=(*self.dropped, parameter))


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a kind of server wants besides what all take; `extra` goes into every request.

    `is_tight` lets the schema bound everything there is: small models of one's own would else go on
    without end. Large providers refuse some bounds, and learn each new schema slowly.
    """

    extra: Mapping[str, Any]
    reasons: bool = False  # models of its own that think: they take no temperature
    plain_schema: bool = False
    is_tight: bool = False


DIALECTS: Mapping[str | None, Dialect] = {
    # Cost in the answer; and no provider that would leave the schema aside.
    "openrouter": Dialect({"usage": {"include": True}, "provider": {"require_parameters": True}}),
    "openai": Dialect({}, reasons=True),
    # Its grammar backend refuses the number of items, without naming it.
    "vllm": Dialect({}, plain_schema=True),
}
PLAIN = Dialect({}, is_tight=True)

THINKING = re.compile(r"^(?:gpt-5|gpt-oss|o[1-9])")


def start_with(dialect: Dialect, model: str) -> Capabilities:
    """Return what to try first with a model that is not known yet."""
    found = Capabilities(bounds=not dialect.plain_schema)
    if dialect.reasons and THINKING.match(model):
        found = replace(found, dropped=("temperature", "max_tokens"), room=4)
    return found


class CapabilitiesByModel:
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

        Only once for each model: if no format helps, the first one is in force again.
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
        """Give answers more room: one was cut off. Only a model that `thinks` aloud gets much.

        Another one may be rambling, and would ramble on.
        """
        now = self._now[model]
        if now.room == used.room and now.room < (MOST_ROOM if thinks else 2):
            self._now[model] = replace(now, room=now.room * 2, proven=False)
