"""The shelves: broad topics, of which a post gets one beside its own tags. Their names and words.

Those that come with tgtagger are in data/shelves.txt, whose head tells the format, and in
data/shelves_counted.txt, which scripts/count_shelves.py writes; a person may write a list of his
own. Knows no post, and not how a shelf is chosen.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import NamedTuple

from tgtagger.errors import InputError
from tgtagger.vocabulary.names import is_tag, key, normalise

# Without pathlib and importlib.resources: each costs 8 ms, a tenth of the start.
_DATA = os.path.join(os.path.dirname(__file__), "data")  # noqa: PTH118, PTH120

STRONG = 1.0
WEAK = 0.4
"""What words weigh: one that names the topic, and one that needs others."""

_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A broad topic: its name by language (`ru`, `en`), and names of shelves that it wins over."""

    names: Mapping[str, str]
    over: frozenset[str] = frozenset()

    def name(self, language: str) -> str:
        """Return the name in a language; else the English one, else the only one."""
        return self.names.get(language) or self.names.get("en") or self.names["ru"]


class Sign(NamedTuple):
    """A word of a shelf: which shelf, how much it weighs, and the words that must follow it."""

    shelf: int
    weight: float
    following: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Shelves:
    """Shelves and the words by which posts get them."""

    shelves: tuple[Shelf, ...] = ()
    words: Mapping[str, tuple[Sign, ...]] = field(default_factory=dict, repr=False)
    beginnings: Mapping[str, tuple[Sign, ...]] = field(default_factory=dict, repr=False)
    languages: frozenset[str] | None = None
    """The languages of the posts that get one; None: all."""
    hash: str = ""
    """Tells lists apart, as taggers see them."""

    def names(self, language: str) -> tuple[str, ...]:
        """Return the names of all shelves in a language."""
        return tuple(dict.fromkeys(shelf.name(language) for shelf in self.shelves))

    @property
    def all_names(self) -> tuple[str, ...]:
        return tuple(name for shelf in self.shelves for name in shelf.names.values())

    def called(self, names: Mapping[str, str | None]) -> Shelves:
        """Return the shelves without words, by a person's names for them; None: he blocked it."""
        kept = []
        for shelf in self.shelves:
            known = {at: names.get(name, name) for at, name in shelf.names.items()}
            wanted = {at: name for at, name in known.items() if name is not None}
            if wanted:
                kept.append(replace(shelf, names=wanted))
        return replace(self, shelves=tuple(kept), words={}, beginnings={})


NO_SHELVES = Shelves(hash="none")

_RUSSIAN = {"ru", "rus", "russian", "русский", "по-русски"}


def language_of_names(wanted: str) -> str | None:
    """Return the language of shelves where a person wants tags in one; None: a post's own."""
    if wanted == "post":
        return None
    return "ru" if wanted.casefold() in _RUSSIAN else "en"


@functools.cache
def bundled(*, counted: bool = True) -> Shelves:
    """Return the shelves that come with tgtagger; or without the words that were counted."""
    found = _Reading(_lines("shelves.txt"))
    if counted:
        for line in _lines("shelves_counted.txt"):
            found.add_counted(line)
    return found.shelves(frozenset({"ru", "en"}))


def read_shelves(text: str) -> Shelves:
    """Return a person's own shelves. Raises InputError that says which line is wrong."""
    found = _Reading(text.removeprefix("\ufeff").splitlines()).shelves(None)
    if not found.shelves:
        raise InputError("shelves_empty")
    return replace(found, hash=_hash(text))


def _hash(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()[:16]


def _lines(name: str) -> list[str]:
    with open(os.path.join(_DATA, name), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        return file.read().splitlines()


class _Reading:
    """The shelves of a text, while it is read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._shelves: list[Shelf] = []
        self._numbers: dict[str, int] = {}
        self._words: dict[str, tuple[Sign, ...]] = {}
        self._beginnings: dict[str, tuple[Sign, ...]] = {}
        self._over: list[tuple[int, int, str]] = []  # line, shelf, a name that it wins over
        self._signs: dict[tuple[int, float], tuple[Sign]] = {}
        at = None
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            words = line
            if not line[0].isspace():
                head, colon, words = line.partition(":")
                at = self._number(head, number) if colon else None
            if at is None:
                raise InputError("shelf_invalid", line=number)
            self._add(at, words.casefold().replace("ё", "е").split())
        self._resolve_over()

    def _number(self, head: str, line: int) -> int | None:
        """Return the number of «Russian name | English name > others»; None if it is no name."""
        named, _, over = head.partition(">")
        names = [normalise(name) for name in named.split("|")]
        if not all(map(is_tag, names)):
            return None
        at = self._numbers.setdefault(key(names[0]), len(self._shelves))
        if at == len(self._shelves):
            by_language = {"ru" if _CYRILLIC.search(name) else "en": name for name in names}
            self._shelves.append(Shelf(by_language))
        self._over.extend((line, at, name) for name in map(normalise, over.split(",")) if name)
        return at

    def _resolve_over(self) -> None:
        """Give each shelf the names of those that it wins over, as they are written there."""
        known = {key(name): name for shelf in self._shelves for name in shelf.names.values()}
        for line, at, name in self._over:
            if key(name) not in known:
                raise InputError("shelf_unknown", line=line, name=name)
            shelf = self._shelves[at]
            self._shelves[at] = replace(shelf, over=shelf.over | {known[key(name)]})

    def _add(self, shelf: int, written: Iterable[str]) -> None:
        weak, strong = self._sign(shelf, WEAK), self._sign(shelf, STRONG)
        for each in written:
            word = each
            sign, among = strong, self._words
            if not each.isalpha():  # marks; most words have none
                word = each.rstrip("?*")
                marks = each[len(word) :]
                sign = weak if "?" in marks else strong
                if "_" in word:
                    word, *following = word.split("_")
                    sign = (Sign(shelf, sign[0].weight, tuple(following)),)
                elif "*" in marks:
                    among = self._beginnings
            if word:
                among[word] = among[word] + sign if word in among else sign

    def _sign(self, shelf: int, weight: float) -> tuple[Sign]:
        """Return the one that most words of a shelf share."""
        known = self._signs.get((shelf, weight))
        return known or self._signs.setdefault((shelf, weight), (Sign(shelf, weight),))

    def add_counted(self, line: str) -> None:
        """Add the words of a line «shelf weight word word …»."""
        if line.startswith("#"):
            return
        shelf, weight, *words = line.split()
        sign, among = self._sign(self._numbers[shelf], float(weight)), self._words
        for word in words:
            among[word] = among[word] + sign if word in among else sign

    def shelves(self, languages: frozenset[str] | None) -> Shelves:
        return Shelves(
            tuple(self._shelves),
            self._words,
            self._beginnings,
            languages,
            _hash(str([[*shelf.names.values()] for shelf in self._shelves])),
        )
