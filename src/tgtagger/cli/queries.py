"""A search query as a person types it: words, and the filters written among them.

`tag:ai`, `-tag:"machine learning"`, `channel:@news`, `since:7d`, `until:2026-01-31` and
`status:failed` narrow as the options of the same names do; the rest is what the index is asked.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

from tgtagger.errors import InputError

_PART = re.compile(
    r'(?P<field>-?[a-z]+):(?P<value>"[^"]*"?|[^\s"]*)|-?"[^"]*"?|[^\s"]+|"', re.IGNORECASE
)
_FIELDS = ("tag", "-tag", "channel", "since", "until", "status")
_HINT = 'tag:ai, -tag:"solar power", channel:@news, since:7d, until:2026-01-31, status:failed'


@dataclass(slots=True)
class Asked:
    """A query taken apart. An empty `words` asks for nothing but what the filters pick."""

    words: str = ""
    tags: list[str] = field(default_factory=list)
    not_tags: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    since: str = ""
    until: str = ""


def read_query(text: str) -> Asked:
    """Take a query apart. Raises InputError for a filter that is none, without value, or twice."""
    asked = Asked()
    words = []
    lists = {
        "tag": asked.tags, "-tag": asked.not_tags, "channel": asked.channels,
        "status": asked.statuses,
    }  # fmt: skip
    for part in _PART.finditer(text):
        name = (part["field"] or "").lower()
        if name not in _FIELDS:
            if name.removeprefix("-") in _FIELDS:
                raise InputError(f"{name}: cannot be excluded", hint=f"filters: {_HINT}")
            near = difflib.get_close_matches(name, _FIELDS, n=1, cutoff=0.75)
            if near:
                raise InputError(
                    f"{name}: is no filter", hint=f'did you mean {near[0]}:? as words: "{part[0]}"'
                )
            words.append(part[0])
            continue
        if part["value"].count('"') == 1:
            raise InputError(f"the quotation mark after {name}: is not closed", hint=_HINT)
        value = part["value"].strip('"').strip()
        if not value:
            raise InputError(f"{name}: names nothing", hint=f"for instance {_HINT}")
        if name in lists:
            lists[name].append(value)
        elif getattr(asked, name):
            raise InputError(f"{name}: stands twice in the query", hint="once is enough")
        else:
            setattr(asked, name, value)
    asked.words = " ".join(words)
    return asked
