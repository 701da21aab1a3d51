"""What a query wants of words, as one expression of a full-text index, in the signs of the index.

Knows no index, and not how a word becomes a part of an expression.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tgtagger.model import query as tree
from tgtagger.model.query import AllOf, AnyOf, Not, Words


@dataclass(frozen=True, slots=True)
class Signs:
    """How an index writes that all parts are wanted, any of them, and one of them not."""

    all_of: str
    any_of: str
    without: str


def expression(part: tree.Query, words: Callable[[Words], str], signs: Signs) -> str | None:
    """Return the expression of a part that is made of words; `words` writes each of them.

    None: an index finds none for it, since what is not wanted needs something on its left.
    """
    match part:
        case Words():
            return words(part)
        case AllOf(parts):
            wanted = [expression(each, words, signs) for each in parts if not isinstance(each, Not)]
            unwanted = [
                expression(each.part, words, signs) for each in parts if isinstance(each, Not)
            ]
            if not wanted or None in wanted or None in unwanted:
                return None
            without = "".join(f"{signs.without}{each}" for each in unwanted)
            return f"({signs.all_of.join(filter(None, wanted))}{without})"
        case AnyOf(parts):
            any_of = [expression(each, words, signs) for each in parts]
            return None if None in any_of else f"({signs.any_of.join(filter(None, any_of))})"
    return None
