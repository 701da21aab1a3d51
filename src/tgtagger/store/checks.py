"""Check values that are read against the rules of their columns, to detect disk damage.

SQLite checks what is written, never what it reads. Queries check the rows that they read
(`RowCheck`, `ObjectCheck`), and the integrity check uses the same rules (`check_of`). Knows no
column: `values` has the rules.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from tgtagger.store.values import INTEGER, TEXT, Value, ValueKind, value_of

Check = Callable[[Any], bool]

_TYPES: Mapping[ValueKind, tuple[type, ...]] = {
    "integer": (int,),
    "real": (int, float),
    "text": (str,),
    "blob": (bytes,),
    "list": (list,),
    "object": (dict,),
    "any": (object,),
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def types_of(value: Value) -> tuple[type, ...]:
    """Return Python's types for a value."""
    return (*_TYPES[value.kind], type(None)) if value.null else _TYPES[value.kind]


@functools.cache
def check_of(value: Value) -> Check:
    """Return the function that tells whether something is such a value."""
    types, rules = types_of(value), _rules(value)
    if not rules:
        return lambda found: isinstance(found, types)

    def check(found: Any) -> bool:
        if not isinstance(found, types):
            return False
        return found is None or all(rule(found) for rule in rules)

    return check


def has_rules(value: Value) -> bool:
    """Tell whether a value has more rules than its type."""
    return bool(_rules(value))


def _rules(value: Value) -> list[Check]:
    """Return the checks of a value besides its type."""
    rules: list[Check] = []
    if value.allowed:
        rules.append(frozenset(value.allowed).__contains__)
    if value.least is not None:
        rules.append(value.least.__le__)
    if value.pattern is not None:
        matches = re.compile(value.pattern).fullmatch
        rules.append(lambda found: matches(found) is not None)
    if value.is_time:
        rules.append(_is_time)
    if value.json is not None:
        rules.append(functools.partial(_is_json, check_of(value.json)))
    if value.items is TEXT:
        rules.append(_are_texts)
    elif value.items is INTEGER:
        rules.append(_are_integers)
    elif value.items is not None:
        rules.append(functools.partial(_are_all, check_of(value.items)))
    if value.fields is not None:
        rules.append(functools.partial(_has_fields, value))
    return rules


def _is_time(found: str) -> bool:
    try:
        return _TIME.fullmatch(found) is not None and bool(dt.datetime.fromisoformat(found))
    except ValueError:
        return False


def _is_json(check: Check, found: str) -> bool:
    # orjson takes a fifth of the time, and refuses what json takes: NaN, an escaped half of a pair.
    with contextlib.suppress(ValueError):
        if check(orjson.loads(found)):
            return True
    try:
        return check(json.loads(found))
    except (ValueError, RecursionError):
        return False


def _are_all(check: Check, found: list[Any]) -> bool:
    return all(map(check, found))


def _are_texts(found: list[Any]) -> bool:
    try:  # a tenth of the time of checking each
        "".join(found)
    except TypeError:
        return False
    return True


def _are_integers(found: list[Any] | dict[str, Any]) -> bool:
    try:
        return isinstance(sum(found.values() if isinstance(found, dict) else found), int)
    except TypeError:
        return False


def _has_fields(value: Value, found: dict[str, Any]) -> bool:
    fields = value.fields or {}
    return all(name in found for name in value.needed) and all(
        check_of(fields[name])(each) if name in fields else value.is_open
        for name, each in found.items()
    )


# ---- the check of what is read


class WrongValueError(Exception):
    """A stored value breaks its column's rule: the file is damaged."""


RowT = TypeVar("RowT", bound=Sequence[Any])


class RowCheck:
    """Checks the rows of a query. Each column is named as `posts.status`, or given as a Value."""

    def __init__(self, *columns: str | Value) -> None:
        values = [value_of(each) if isinstance(each, str) else each for each in columns]
        self._names = [each if isinstance(each, str) else each.kind for each in columns]
        self._types = [types_of(value) for value in values]
        self._ruled = [(at, rule) for at, each in enumerate(values) for rule in _rules(each)]
        # Most rows have the same types, so that one lookup is enough.
        self._good: set[tuple[type, ...]] = set()

    def __call__(self, row: RowT | None) -> RowT:
        """Return the row. Raises WrongValueError for a wrong value in it, and for None."""
        if row is None:
            raise WrongValueError(f"no {self._names[0]}")
        found = tuple(map(type, row))
        if found not in self._good:
            for name, value, types in zip(self._names, row, self._types, strict=True):
                if not isinstance(value, types):
                    raise WrongValueError(name)
            self._good.add(found)
        for at, rule in self._ruled:
            value = row[at]
            if value is not None and not rule(value):
                raise WrongValueError(self._names[at])
        return row


class ObjectCheck:
    """Checks JSON objects of one kind, whose fields may be missing."""

    def __init__(self, value: Value) -> None:
        fields = value.fields or {}
        self._check = check_of(value)
        self._ruled = [(name, rule) for name, each in fields.items() for rule in _rules(each)]
        self._good: set[tuple[object, ...]] = set()

    def __call__(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return the object. Raises WrongValueError for a wrong value in it."""
        if not isinstance(found, dict):
            raise WrongValueError("a part of JSON")
        looks = (*found, *map(type, found.values()))
        if looks not in self._good:
            if not self._check(found):
                raise WrongValueError("a part of JSON")
            self._good.add(looks)
        for name, rule in self._ruled:
            value = found.get(name)
            if value is not None and not rule(value):
                raise WrongValueError(name)
        return found


def parsed(text: str) -> Any:
    """Return what JSON text holds. Raises WrongValueError if the text is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise WrongValueError("JSON") from None  # the error may hold a post's text
