"""The capabilities of a server with each model: refusals take some away, an answer proves the rest.

The next request leaves out what was refused: the format of the answer steps down from a JSON schema
over any JSON object to plain text, parameters are dropped or get another name.

Pure. Knows no request in flight: a caller passes the capabilities that a request was sent with,
since another answer may have changed the present ones meanwhile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

Format = Literal["json_schema", "json_object", "text"]
LADDER: tuple[Format, ...] = get_args(Format)
"""The formats, the most demanding one first."""

MOST_ROOM = 16
"""The largest room for a model that thinks aloud, in multiples of the usual."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server takes with one model. The first request has all; a refusal removes one."""

    format: Format = "json_schema"
    bounds: bool = True  # the schema may say how many tags
    dropped: tuple[str, ...] = ()  # refused parameters
    room: int = 1  # an answer's room, in multiples of the usual
    proven: bool = False  # a request with these was answered
    system: bool = True  # the rules may stand in a system message

    def to_json(self) -> str:
        return json.dumps(
            {
                "format": self.format, "bounds": self.bounds, "dropped": self.dropped,
                "room": self.room, "proven": self.proven, "system": self.system,
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> Capabilities:
        """Read what `to_json` wrote; anything else counts as unknown."""
        try:
            tree = json.loads(text)
            return cls(
                tree["format"] if tree["format"] in LADDER else "json_schema",
                bool(tree["bounds"]),
                tuple(name for name in tree["dropped"] if isinstance(name, str)),
                min(max(int(tree["room"]), 1), MOST_ROOM),
                bool(tree["proven"]),
                bool(tree.get("system", True)),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return cls()

    def without(self, parameter: str) -> Capabilities | None:
        """Return these without what was refused; None if they do not have it.

        Some servers call `max_tokens` `max_completion_tokens`; if that is refused, too, it is
        dropped.
        """
        if parameter == "bounds" and self.format == "json_schema" and self.bounds:
            return replace(self, bounds=False)
        if parameter in {"response_format", "bounds"}:
            step = LADDER.index(self.format) + 1
            return replace(self, format=LADDER[step]) if step < len(LADDER) else None
        if parameter == "system":
            return replace(self, system=False) if self.system else None
        if parameter == "max_completion_tokens" and "max_tokens" not in self.dropped:
            parameter = "max_tokens"  # the name that was sent; the server wants the other one
        if parameter in self.dropped:
            return None
        return replace(self, dropped=(*self.dropped, parameter))


@dataclass(frozen=True, slots=True)
class Dialect:
    """The special wants of a kind of server; `extra` goes into every request.

    `is_tight` makes the schema bound everything: small local models would otherwise write without
    end. Large providers refuse some bounds, and compile each new schema slowly.
    """

    extra: Mapping[str, Any]
    reasons: bool = False  # some of its models think, and refuse a temperature
    plain_schema: bool = False
    is_tight: bool = False


DIALECTS: Mapping[str | None, Dialect] = {
    # Tell the cost in the answer; use only providers that keep to the schema.
    "openrouter": Dialect({"usage": {"include": True}, "provider": {"require_parameters": True}}),
    "openai": Dialect({}, reasons=True),
    # Its grammar backend refuses a number of items, and does not name it.
    "vllm": Dialect({}, plain_schema=True),
}
PLAIN = Dialect({}, is_tight=True)

THINKING = re.compile(r"^(?:gpt-5|gpt-oss|o[1-9])")


def start_with(dialect: Dialect, model: str) -> Capabilities:
    """Return the capabilities to try first with an unknown model."""
    found = Capabilities(bounds=not dialect.plain_schema)
    if dialect.reasons and THINKING.match(model):
        found = replace(found, dropped=("temperature", "max_tokens"), room=4)
    return found


class CapabilitiesByModel:
    """The capabilities in force, by model."""

    def __init__(
        self, models: Sequence[str], dialect: Dialect, known: Mapping[str, Capabilities]
    ) -> None:
        self._dialect = dialect
        self._now = {model: known.get(model, start_with(dialect, model)) for model in models}
        self._tried: set[str] = set()  # models for which no other format helped
        self._doubted: set[str] = set()  # models that refused once without a reason

    def of(self, model: str) -> Capabilities:
        return self._now[model]

    def refuse(self, model: str, used: Capabilities, parameter: str) -> bool:
        """Remove what was refused; return False if there is nothing to remove."""
        if self._now[model] != used:
            return True  # another answer has changed it already
        less = used.without(parameter)
        if less is None:
            return False
        self._now[model] = replace(less, proven=False)
        return True

    def step_down(self, model: str, used: Capabilities) -> bool:
        """Try another format after an answer in plain words, or as `doubt` does.

        Once for each model: if no format helps, the first one is in force again.
        """
        if used.proven or model in self._tried:
            return False
        if self.refuse(model, used, "response_format"):
            return True
        self._tried.add(model)
        self._now[model] = start_with(self._dialect, model)
        return False

    def doubt(self, model: str, used: Capabilities) -> bool:
        """Try again after a refusal without a reason, while nothing was answered yet.

        The first time with the same format: otherwise a server that fails once is remembered as one
        that knows no schema.
        """
        if used.proven or model in self._tried:
            return False
        if model not in self._doubted:
            self._doubted.add(model)
            return True
        return self.step_down(model, used)

    def prove(self, model: str, used: Capabilities) -> Capabilities | None:
        """Note that a request was answered; return new capabilities to store."""
        if used.proven or self._now[model] != used:
            return None
        self._now[model] = replace(used, proven=True)
        return self._now[model]

    def make_room(self, model: str, used: Capabilities, *, thinks: bool) -> None:
        """Give answers more room after one was cut off. Only a model that `thinks` aloud gets much.

        Any other model may be rambling, and would ramble on.
        """
        now = self._now[model]
        if now.room == used.room and now.room < (MOST_ROOM if thinks else 2):
            self._now[model] = replace(now, room=now.room * 2, proven=False)
