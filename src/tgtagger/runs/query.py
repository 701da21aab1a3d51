"""Turn a person's words into a filter of posts: a search query, and the options beside it.

Words are joined by AND. `OR` and `|`, `NOT` and `-`, `AND` and parentheses are operators; in lower
case or in quotation marks they are words. `tag:ai`, `has:photo`, `since:7d` and the other filters
stand anywhere among them. Knows no SQL.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast, get_args

from tgtagger.errors import InputError
from tgtagger.model.choices import FailureClass, PostStatus
from tgtagger.model.posts import PostFilter
from tgtagger.model.query import (
    AllOf,
    AnyOf,
    Content,
    Dated,
    Fact,
    FactName,
    Not,
    Query,
    Trait,
    Words,
)
from tgtagger.runs.times import read_period, since_until

FILTERS = (
    "channel", "tag", "since", "until", "before", "after", "date", "has", "is", "status",
)  # fmt: skip
"""The filters of a query, as they are typed before a colon."""

_VALUES: dict[str, tuple[str, ...]] = {
    "status": get_args(PostStatus),
    "has": get_args(Content),
    "is": get_args(Trait),
}
_ALIKE = ("channel", "status")
"""Filters of which several, side by side, mean any of them: a post has one channel."""

_IN_RUSSIAN = {"канал": "channel", "тег": "tag", "дата": "date", "статус": "status", "с": "since",
               "до": "before", "после": "after", "есть": "has"}  # fmt: skip
_ADDRESSES = {"http", "https", "ftp", "tg", "ton", "mailto", "tel", "magnet", "localhost"}
"""What may stand before a colon in an address."""

DEEPEST = 50
"""Most levels of parentheses."""

_PLAIN = re.compile(r"[\w@][\w@.+#-]*")
_QUOTES = {'"': '"', "“": "”", "«": "»", "„": "“"}
_FILTER = re.compile(r"(?P<name>[^\W\d_][\w-]*):(?!//)")

Name = TypeVar("Name", bound=str)


def read_query(text: str) -> Query | None:
    """Read a query; None: it is empty. Raises InputError for what cannot be read."""
    return _Reader(_split(text)).read()


def write_filter(name: FactName, value: str) -> str:
    """Return a filter as a person types it; a value that is no single word in quotation marks."""
    if value and _PLAIN.fullmatch(value):
        return f"{name}:{value}"
    marks = next((pair for pair in _QUOTES.items() if not {*pair} & {*value}), ('"', '"'))
    return f"{name}:{marks[0]}{value}{marks[1]}"


@dataclass(frozen=True, slots=True)
class TypedFilter:
    """A filter of a query as it stands there, which holds for all that is found.

    `rest` is the query without it.
    """

    text: str
    part: Fact | Dated
    rest: str


def typed_filters(text: str) -> tuple[TypedFilter, ...]:
    """Return the filters of a query that can be taken off one by one.

    None where the query is alternatives as a whole: there each filter holds for one of them.
    """
    tokens = _split(text)
    depth, found = 0, []
    for at, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.kind, 0)
        if depth == 0 and token.kind == "OR":
            return ()
        is_not = at > 0 and tokens[at - 1].kind == "NOT"
        if depth == 0 and not is_not and isinstance(token.part, Fact | Dated):
            rest = [*tokens[:at], *tokens[at + 1 :]]
            found.append(TypedFilter(token.text, token.part, _written(rest)))
    return tuple(found)


def narrowed(text: str, added: str) -> str:
    """Return a query that also wants what is added."""
    tokens = _split(text)
    depth, is_any = 0, False
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.kind, 0)
        is_any = is_any or (depth == 0 and token.kind == "OR")
    return f"({text}) {added}" if is_any else f"{text} {added}".strip()


def _written(tokens: Sequence[_Token]) -> str:
    return re.sub(r"(^| )- ", r"\1-", " ".join(token.text for token in tokens))


# ---- into tokens

Kind = Literal["(", ")", "OR", "AND", "NOT", "part"]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Kind
    text: str
    part: Query | None = None


def _split(text: str) -> list[_Token]:
    """Split a query into operators, words, phrases and filters."""
    tokens: list[_Token] = []
    at, depth = 0, 0
    while at < len(text):
        letter = text[at]
        if letter.isspace():
            at += 1
        elif letter == "(":
            depth += 1
            at += 1
            tokens.append(_Token("(", "("))
        elif letter == ")" and depth:
            depth -= 1
            at += 1
            tokens.append(_Token(")", ")"))
        elif letter == "|":
            at += 1
            if tokens and tokens[-1].kind == "OR" and tokens[-1].text == "|":
                continue  # a || b
            tokens.append(_Token("OR", "|"))
        elif letter == "-" and at + 1 < len(text) and not text[at + 1].isspace():
            at += 1
            tokens.append(_Token("NOT", "-"))
        else:
            token, at = _token(text, at, in_group=depth > 0)
            tokens.append(token)
    if depth:
        raise InputError("query_parenthesis_open")
    return tokens


def _token(text: str, at: int, *, in_group: bool) -> tuple[_Token, int]:
    """Return the word, phrase or filter that begins here, and where it ends."""
    quoted, end = _quoted(text, at)
    if quoted is not None:
        return _Token("part", text[at:end], Words(quoted, "phrase")), end
    found = _FILTER.match(text, at)
    if found is not None and found["name"].lower() not in _ADDRESSES:
        value, end, is_quoted = _value(text, found.end(), in_group=in_group)
        name = found["name"].lower()
        if name in FILTERS or value or is_quoted:
            return _Token("part", text[at:end], _filter(name, value, text[at:end])), end
    end = _word_end(text, at, in_group=in_group)
    word = text[at:end]
    if word in {"OR", "AND", "NOT"}:
        return _Token(cast("Kind", word), word), end
    is_beginning = word.endswith("*")
    return _Token("part", word, Words(word, "beginning" if is_beginning else "word")), end


def _quoted(text: str, at: int) -> tuple[str | None, int]:
    """Return what stands in quotation marks here, and where they end; None: there are none.

    A plain mark that is not closed is an error; one of another kind may stand in a word.
    """
    close = _QUOTES.get(text[at])
    if close is None:
        return None, at
    end = text.find(close, at + 1)
    if end >= 0:
        return text[at + 1 : end], end + 1
    if close == '"':
        raise InputError("query_quote_open")
    return None, at


def _value(text: str, at: int, *, in_group: bool) -> tuple[str, int, bool]:
    """Return the value of a filter, where it ends, and whether it is quoted."""
    if at < len(text):
        quoted, end = _quoted(text, at)
        if quoted is not None:
            return quoted.strip(), end, True
    end = _word_end(text, at, in_group=in_group)
    return text[at:end], end, False


def _word_end(text: str, at: int, *, in_group: bool) -> int:
    """Return where a word ends. Parentheses within it, as in `f(x)`, belong to it."""
    opened = 0
    while at < len(text):
        letter = text[at]
        if letter.isspace() or letter in {'"', "|"}:
            break
        if letter == "(":
            opened += 1
        elif letter == ")":
            if not opened and in_group:
                break
            opened = max(0, opened - 1)
        at += 1
    return at


def _filter(name: str, value: str, typed: str) -> Query:
    if name not in FILTERS:
        near = _IN_RUSSIAN.get(name)
        if near is None:
            near = next(iter(difflib.get_close_matches(name, FILTERS, n=1, cutoff=0.5)), None)
        raise InputError("filter_unknown", filter=name, near=near, known=FILTERS, words=typed)
    if not value:
        raise InputError("filter_empty", filter=name)
    known = _VALUES.get(name)
    if known is not None:
        value = value.lower()
        if value not in known:
            raise InputError("filter_value_unknown", filter=name, value=value, known=known)
    if name in {"channel", "tag", "status", "has", "is"}:
        return Fact(cast("FactName", name), value)
    period = read_period(value)
    match name:
        case "since":
            return Dated(since=period.begin)
        case "after":
            return Dated(since=period.end)
        case "date":
            return Dated(period.begin, period.end)
    return Dated(until=period.begin)  # until, before


# ---- into a tree


class _Reader:
    """Reads tokens into a tree: OR binds loosest, then AND, then NOT."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def read(self) -> Query | None:
        return self._any() if self._tokens else None

    def _next(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _any(self) -> Query | None:
        parts = [self._all()]
        operator = None
        while (token := self._next()) is not None and token.kind == "OR":
            operator = token
            self._at += 1
            parts.append(self._all())
        found = [part for part in parts if part is not None]
        if operator is not None and len(found) < len(parts):
            raise InputError("query_operator_alone", operator=operator.text)
        return _joined(AnyOf, found)

    def _all(self) -> Query | None:
        parts: list[Query] = []
        expects: _Token | None = None
        while (token := self._next()) is not None and token.kind not in {"OR", ")"}:
            if token.kind == "AND":
                if not parts or expects is not None:
                    raise InputError("query_operator_alone", operator=token.text)
                expects = token
                self._at += 1
                continue
            part = self._one()
            expects = None
            if part is not None:
                parts.append(part)
        if expects is not None:
            raise InputError("query_operator_alone", operator=expects.text)
        return _joined(AllOf, _alike_joined(parts))

    def _one(self) -> Query | None:
        token = self._next()
        self._at += 1
        if token is None or token.kind in {"OR", "AND", ")"}:
            raise InputError("query_operator_alone", operator="NOT")
        if token.kind == "NOT":
            if self._next() is None and token.text == "-":
                return None
            self._enter()
            part = self._one()
            self._depth -= 1
            return None if part is None else Not(part)
        if token.kind == "(":
            self._enter()
            part = self._any()
            self._depth -= 1
            self._at += 1  # `_split` has counted: it is there
            return part
        return token.part

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise InputError("query_too_deep", most=DEEPEST)


def _joined(kind: type[AllOf | AnyOf], parts: Sequence[Query]) -> Query | None:
    """Return the parts joined, each once; one part stands by itself."""
    flat: dict[Query, None] = {}
    for part in parts:
        flat |= dict.fromkeys(part.parts if isinstance(part, kind) else (part,))
    if not flat:
        return None
    return next(iter(flat)) if len(flat) == 1 else kind(tuple(flat))


def _alike_joined(parts: list[Query]) -> list[Query]:
    """Join filters of which a post can have only one: `channel:a channel:b` is any of them."""
    found = parts
    for name in _ALIKE:
        alike = [part for part in found if isinstance(part, Fact) and part.name == name]
        if len(alike) > 1:
            found = [part for part in found if part not in alike]
            found.append(AnyOf(tuple(dict.fromkeys(alike))))
    return found


# ---- a filter of options


def read_filter(
    *,
    query: str | None = None,
    channels: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    any_tags: Sequence[str] | None = None,
    not_tags: Sequence[str] | None = None,
    since: str = "",
    until: str = "",
    statuses: Sequence[str] | None = None,
    limit: int | None = None,
) -> PostFilter:
    """Return one filter made of options and of a query; each narrows."""
    first, last = since_until(since, until)
    return PostFilter(
        channels=tuple(channels or ()),
        tags=tuple(tags or ()),
        any_tags=tuple(any_tags or ()),
        not_tags=tuple(not_tags or ()),
        since=first,
        until=last,
        statuses=read_statuses(statuses or ()),
        query=read_query(query or ""),
        limit=limit,
    )


def read_statuses(names: Sequence[str]) -> tuple[PostStatus, ...]:
    """Return the statuses that a person names. Raises InputError for an unknown one."""
    return _known(names, cast("tuple[PostStatus, ...]", get_args(PostStatus)), "status_unknown")


def read_classes(names: Sequence[str]) -> tuple[FailureClass, ...]:
    """Return the classes of failure that a person names. Raises InputError for an unknown one."""
    known = cast("tuple[FailureClass, ...]", get_args(FailureClass))
    return _known(names, known, "failure_class_unknown")


def _known(names: Sequence[str], known: tuple[Name, ...], kind: str) -> tuple[Name, ...]:
    for name in names:
        if name not in known:
            raise InputError(kind, name=name, known=known)
    return cast("tuple[Name, ...]", tuple(names))
