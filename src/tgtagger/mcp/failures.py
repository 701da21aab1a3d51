"""A failure as an agent gets it: its kind and a hint in our words, the rest between marks.

The one place of this face where an error becomes text. The sentence of an error may quote names of
the archive, which strangers wrote; so it stands between marks, as the names do that may be meant.
A bug tells nothing but that it is one. Knows no tool.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tgtagger import messages
from tgtagger.errors import TgTaggerError, place_of
from tgtagger.mcp.hints import HINTS, hint_of
from tgtagger.mcp.marks import Marks
from tgtagger.system.terminal_text import flat

log = logging.getLogger(__name__)

_MEANT = ("near", "names", "ids", "tags", "known")
"""The data of an error that tell what a name may mean."""
_MOST_MEANT, _LONGEST = 10, 400


def described(error: BaseException, where: str) -> str:
    """Return a failure as JSON text; `where` names the tool or resource, for the log of a bug."""
    match error:
        case TgTaggerError():
            meant = next((error.data[name] for name in _MEANT if error.data.get(name)), ())
            meant = (meant,) if isinstance(meant, str) else meant
            sentence = messages.describe(error.kind, _without_paths(error.data))
            return _told(error.kind, hint_of(error), sentence, [str(each) for each in meant])
        case ValidationError():
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            return _told("request_invalid", HINTS["request_invalid"], f"{place}: {first['msg']}")
    log.error("a bug in %s\n%s", where, place_of(error))
    return _told("bug", HINTS["bug"], "this is a bug of tgtagger")


def _without_paths(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an error's data without folders of this machine: an agent's provider reads them."""
    return {name: Path(value).name if _is_path(value) else value for name, value in data.items()}


def _is_path(value: object) -> bool:
    return isinstance(value, Path) or (isinstance(value, str) and Path(value).is_absolute())


def _told(kind: str, hint: str | None, sentence: str, meant: list[str] | None = None) -> str:
    marks = Marks()
    told: dict[str, Any] = {"error": kind, "hint": hint, "notice": marks.notice}
    told["message"] = marks.text(flat(sentence, _LONGEST))
    if meant:
        told["perhaps_meant"] = [marks.name(each) for each in meant[:_MOST_MEANT]]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
