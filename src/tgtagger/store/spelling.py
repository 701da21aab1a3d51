"""Find the words of the archive that are spelled like one that no post has.

The words are those of the full-text index and of the tags. A word typed in the other keyboard
layout (`yjdjcnb` for `новости`) is found, too. Knows no query language.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from tgtagger.store.rooms import Connection, room_of
from tgtagger.store.tags import find_tag

MOST = 3
"""Most suggestions for one word."""
_LIKE = 0.75
"""How much two spellings have in common, 0 to 1 (difflib); below it a suggestion surprises."""
_SAME = 2
"""Letters that a misspelled word shares with the right one: the index is sorted by beginnings."""
_CANDIDATES = 20_000

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
_CYRILLIC = "йцукенгшщзхъфывапролджэячсмитьбюё"
_LAYOUTS = (str.maketrans(_LATIN, _CYRILLIC), str.maketrans(_CYRILLIC, _LATIN))


def near_words(db: Connection, words: Iterable[str]) -> tuple[str, ...]:
    """Return words of the archive that are spelled like one of these, the nearest first."""
    found: dict[str, None] = {}
    for word in words:
        plain = word.casefold().strip()
        if len(plain) < _SAME + 1:
            continue
        found |= dict.fromkeys(_turned(db, plain))
        if _is_known(db, plain):
            continue
        found |= dict.fromkeys(
            difflib.get_close_matches(plain, _like(db, plain), n=MOST, cutoff=_LIKE)
        )
    return tuple(found)[:MOST]


def _turned(db: Connection, word: str) -> Iterator[str]:
    """Yield the word in the other keyboard layout, if the archive has it."""
    for layout in _LAYOUTS:
        turned = word.translate(layout)
        if turned != word and turned.isalpha() and _is_known(db, turned):
            yield turned


def _is_known(db: Connection, word: str) -> bool:
    return room_of(db).fulltext.has_term(db, word) or find_tag(db, word) is not None


def _like(db: Connection, word: str) -> list[str]:
    """Return the words of nearly the same length that begin alike, the most frequent first."""
    lengths = (len(word) - 2, len(word) + 2)
    return room_of(db).fulltext.terms_like(db, word[:_SAME], lengths, _CANDIDATES)
