"""Find tags that are probably one, by their words and by what stands beside them.

Those are forms, look-alikes, surnames in full names, synonyms of the list that comes with tgtagger,
and abbreviations. That two tags always stand on the same posts says nothing: they are rather two
words of one advertisement.

Only suggests: a person decides. Pure, for all tags at once. Knows no post, only how often two tags
stand on the same post, and whether they keep the same company.
"""

from __future__ import annotations

import functools
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tgtagger.vocabulary import shelves
from tgtagger.vocabulary.dictionary import (
    has_nominative,
    kinds_of_name,
    names_of_form,
    words_of_form,
)
from tgtagger.vocabulary.forms import (
    LONGEST_CHANGE,
    SHARED,
    are_forms,
    are_two_words,
    beginnings_of_word,
    bends,
)
from tgtagger.vocabulary.names import key, words_of
from tgtagger.vocabulary.synonyms import bundled

Likeness = Literal["form", "look-alike", "surname", "synonym", "abbreviation"]

FEW = 2
"""Posts that an abbreviation and its words must share at least."""
RARE = 20
"""Posts of a tag that says something about those beside it, whatever the size of the archive."""
RARE_SHARE = 0.05
"""The share of the posts of the most used tag, up to which a tag says something, too."""

Beside = Callable[[str, str], int | None]
"""How many posts has the rarest tag beside which two tags both stand; None: there is none."""

_LOOKS_CYRILLIC = str.maketrans("aceopxykmtbhiABCEHIKMOPTXYy", "асеорхукмтвніАВСЕНІКМОРТХУу")
_MOST_ALIKE = 300  # tags that begin alike: comparing all pairs of more would be slow


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Tags that are probably one: merge `names` into `into`.

    That is the one in the dictionary's form and in one script, else the most used. `is_doubtful`:
    they may well be two, as short abbreviations are, acronyms that only look alike (ВВС, an air
    force, and BBC), words that are both in the dictionary, surnames of a single post.
    """

    names: tuple[str, ...]
    into: str
    likeness: Likeness
    posts: int
    is_doubtful: bool = False

    @property
    def is_safe(self) -> bool:
        """Tell whether they may be merged without a look at each: they are forms of one word."""
        return self.likeness == "form" and not self.is_doubtful


def suggest(
    counts: Mapping[str, int],
    together: Iterable[tuple[str, str, int]],
    beside: Beside = lambda *_: 0,
) -> tuple[Suggestion, ...]:
    """Return the suggestions, those with the most posts first, the doubtful last.

    `counts` maps a tag to its number of posts; `together` has the number that two tags share.
    """
    groups = _Groups(counts)
    rare = max(RARE, RARE_SHARE * max(counts.values(), default=0))
    for one, other in _look_alikes(counts):
        groups.join(one, other, "look-alike")
    doubtful: list[tuple[str, str, Likeness]] = []
    for one, other in _forms(counts):
        if not (are_two_words(one, other) or _is_shelf_beside_a_word(one, other)):
            groups.join(one, other, "form")
        elif _is_up_to(beside(one, other), rare):
            doubtful.append((one, other, "form"))
    for one, other in [*_surnames(counts, groups)]:
        # The street of an academic is no governor: they share a tag, of single posts a rare one.
        is_single = min(counts[one], counts[other]) < FEW
        if not _is_up_to(beside(one, other), rare if is_single else math.inf):
            continue
        if is_single:
            doubtful.append((one, other, "surname"))
        else:
            groups.join(one, other, "surname")
    for one, other in _synonyms(counts):
        groups.join(one, other, "synonym")
    for one, other in _abbreviations_of(together):
        groups.join(one, other, "abbreviation")
    for one, other, reason in doubtful:
        groups.join_doubtful(one, other, reason)
    return groups.suggestions()


def _abbreviations_of(together: Iterable[tuple[str, str, int]]) -> Iterator[tuple[str, str]]:
    for one, other, posts in together:
        if posts >= FEW and (_abbreviates(one, other) or _abbreviates(other, one)):
            yield one, other


def _is_up_to(posts: int | None, most: float) -> bool:
    return posts is not None and posts <= most


class _Groups:
    """Tags that belong together, joined pair by pair; a group keeps its first reason but forms."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        self._parents: dict[str, str] = {}
        self._reasons: dict[str, Likeness] = {}
        self._doubtful: set[str] = set()

    def join(self, one: str, other: str, reason: Likeness) -> None:
        first, second = self.root(one), self.root(other)
        if first != second:
            self._parents[second] = first
            reasons = self._reasons.get(first), self._reasons.get(second), reason
            # A synonym among forms is none: the whole group is no longer safe.
            others = (each for each in reasons if each and each != "form")
            self._reasons[first] = next(others, "form")

    def join_doubtful(self, one: str, other: str, reason: Likeness) -> None:
        """Join two tags that may well be two, unless one of them is in a better group."""
        grouped = [name for name in (one, other) if self.root(name) in self._reasons]
        if self._doubtful.issuperset(grouped):
            self.join(one, other, reason)
            self._doubtful |= {one, other}

    def suggestions(self) -> tuple[Suggestion, ...]:
        members: dict[str, list[str]] = defaultdict(list)
        for name in self._counts:
            if name in self._parents or name in self._reasons:
                members[self.root(name)].append(name)
        found = []
        for root, names in members.items():
            reason = self._reasons[root]
            into = self._remaining(names, reason)
            others = sorted((name for name in names if name != into), key=self._rank)
            posts = sum(self._counts[name] for name in others)
            doubtful = _is_doubtful(reason, names) or into in self._doubtful
            found.append(Suggestion(tuple(others), into, reason, posts, doubtful))
        found.sort(key=lambda item: (item.is_doubtful, -item.posts, item.into))
        return tuple(found)

    def _rank(
        self, name: str, uses: Mapping[tuple[int, str], int] | None = None
    ) -> tuple[object, ...]:
        bent, letters = _bends(name)
        unknown = " " not in name and name[0].isupper() and not kinds_of_name(key(name))
        usual = sum(uses[word] for word in enumerate(name.split(" "))) if uses else 0
        return (
            _has_mixed_word(name), bent, unknown, letters,
            -usual, -self._counts[name], len(name), name,
        )  # fmt: skip

    def _rank_of_words(self, name: str) -> tuple[object, ...]:
        """Return the rank of a name among other words for the thing: the most used is first."""
        is_listed = key(name) in _heads()  # of two that are used alike, the list's own
        bent, _ = _bends(name)
        return _has_mixed_word(name), bent, -self._counts[name], not is_listed, len(name), name

    def _remaining(self, names: Sequence[str], reason: Likeness) -> str:
        """Return the tag that the others are merged into: of a person the full name."""
        if reason == "surname":
            names = [name for name in names if " " in name] or names
            if len({name.count(" ") for name in names}) == 1:
                reason = "form"
        if reason not in {"form", "look-alike"}:
            return min(names, key=self._rank_of_words)
        uses = self._uses_of_words(names)
        best = min(names, key=lambda name: self._rank(name, uses))
        nominatives = [name for name in names if _is_nominative_of(name, best)]
        if nominatives:
            return min(nominatives, key=self._rank)
        words = best.split(" ")
        # Кир Стармер and not Кира Стармера, although a woman can be called so.
        shorter = (
            name
            for name in names
            if len(words) > 1
            and (
                words[0] != name.partition(" ")[0]
                or uses[len(words) - 1, name.rpartition(" ")[2]] >= uses[len(words) - 1, words[-1]]
            )
            and name.count(" ") == len(words) - 1
            and all(map(_is_bent_of, words, name.split(" ")))
        )
        return min(shorter, key=len, default=best)

    def _uses_of_words(self, names: Sequence[str]) -> dict[tuple[int, str], int]:
        """Return how often the words of full names are used: Исиба by two, Исиб by one."""
        uses: dict[tuple[int, str], int] = defaultdict(int)
        for name in names:
            if " " in name:
                for word in enumerate(name.split(" ")):
                    uses[word] += self._counts[name]
        return uses

    def root(self, name: str) -> str:
        """Return the tag that stands for the group of this one so far."""
        while (parent := self._parents.get(name)) is not None:
            name = parent
        return name


_OF_MEN = {"", "а", "у", "ом", "е", "я", "ю", "ем", "ым"}


def _is_bent_of(word: str, other: str) -> bool:
    """Tell whether a word of a name may be the other one with the ending of a man's."""
    return word.startswith(other) and word[len(other) :] in _OF_MEN


def _is_nominative_of(name: str, other: str) -> bool:
    """Tell whether a name is what another one, unknown as it is, was bent from.

    Газпромнефть of Газпромнефти, Оселедец of Оселедц.
    """
    last = key(other).rpartition(" ")[2]
    if words_of_form(last) or not name.startswith(other[:-1]):
        return False
    ending = name[len(other) - 1 :]
    return (ending == "ь" and other[-1] in "ия") or ending == f"е{other[-1]}"


def _bends(name: str) -> tuple[int, int]:
    """Return how bent a name is; the dictionary's names of towns and people are not: Сумы.

    A shelf is none before all others: taggers go on to give it by its name.
    """
    if key(name) in _shelves():
        return -1, 0
    if all(word[:1].isupper() and kinds_of_name(key(word)) for word in name.split(" ")):
        return 0, 0
    return bends(name)


_SHORT = 3
"""Letters of an abbreviation that stands for many things: ВС, РФ."""


def _is_doubtful(likeness: Likeness, names: Sequence[str]) -> bool:
    """Tell whether tags may well be two: a short abbreviation, acronyms of two alphabets."""
    if likeness == "look-alike":
        return sum(_is_acronym(name) and not _mixes_scripts(name) for name in names) > 1
    return likeness == "abbreviation" and any(
        len(name) < _SHORT for name in names if name.isupper()
    )


def _has_mixed_word(name: str) -> bool:
    """Tell whether a word has letters of two scripts: it only looks right."""
    return any(map(_mixes_scripts, words_of(name)))


def _mixes_scripts(name: str) -> bool:
    return bool(re.search("[a-z]", name, re.IGNORECASE)) and bool(
        re.search("[а-яё]", name, re.IGNORECASE)
    )


def _is_acronym(name: str) -> bool:
    return len(name) <= 2 * _SHORT and sum(letter.isupper() for letter in name) * 2 > sum(
        letter.isalpha() for letter in name
    )


def _forms(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for begun in beginnings_of_word(key(name)):
            alike[begun].append(name)
    for group in alike.values():
        yield from _pairs_of_forms(group[:_MOST_ALIKE])


def _pairs_of_forms(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    folded = [(name, key(name)) for name in names]
    for at, (name, one) in enumerate(folded):
        # The exact comparison is slow, and many words begin alike.
        start = "" if " " in one else one[: max(SHARED, len(one) - LONGEST_CHANGE)]
        for other, two in folded[at + 1 :]:
            # маска and Маск: a name is not a form of a common word.
            if (
                (two.startswith(start) or two[:SHARED] != one[:SHARED])
                and name[0].isupper() == other[0].isupper()
                and not _has_one_surname(name, other)
                and are_forms(name, other, surely=True)
            ):
                yield name, other


_OF_SURNAME = re.compile("[А-ЯЁ][а-яё]+(?:[оеё]в|[иы]н)")


def _has_one_surname(name: str, other: str) -> bool:
    """Tell whether one of two is a surname by its ending, and the other no form of it: Токай."""
    return any(
        _OF_SURNAME.fullmatch(one) and not two.startswith(one)
        for one, two in ((name, other), (other, name))
    )


def _surnames(counts: Mapping[str, int], groups: _Groups) -> Iterator[tuple[str, str]]:
    """Yield surnames with the one full name that has each, a Russian first name before it."""
    full: dict[str, dict[str, str]] = defaultdict(dict)
    maybe: dict[str, dict[str, str]] = defaultdict(dict)  # after a word that may be a first name
    for name in counts:
        words = name.split(" ")
        if len(words) == 2 and all(map(_RUSSIAN_NAME.fullmatch, words)):
            first, surname = key(words[0]), words[1]
            if "Name" in kinds_of_name(first):
                full[surname].setdefault(groups.root(name), name)
            elif names_of_form(first) or not words_of_form(first):
                maybe[surname].setdefault(groups.root(name), name)  # Илон, Кир
    for surname, names in {**maybe, **full}.items():
        if len(names) == 1 and surname in counts and len(surname) > _SHORT and _is_surname(surname):
            yield next(iter(names.values())), surname


_RUSSIAN_NAME = re.compile("[А-ЯЁ][а-яё]+")


def _is_surname(word: str) -> bool:
    """Tell whether a name is a surname, or unknown: no first name, town or common word.

    Маск is one, although a dictionary has many a mask.
    """
    folded = key(word)
    kinds = kinds_of_name(folded)
    is_word = bool(words_of_form(folded)) and has_nominative(folded) is not False
    return not kinds & {"Geox", "Name"} and ("Surn" in kinds or not is_word)


@functools.cache
def _heads() -> frozenset[str]:
    """Return the names under which the bundled list has its things."""
    return frozenset(key(entry.name) for entry in bundled())


@functools.cache
def _shelves() -> frozenset[str]:
    return frozenset(map(key, shelves.bundled(counted=False).all_names))


def _is_shelf_beside_a_word(name: str, other: str) -> bool:
    """Tell whether one of two is a shelf, and the other a word of its own: игры, a match (игра)."""
    if _shelves().isdisjoint(map(key, (name, other))):
        return False
    return all(has_nominative(key(each)) is not False for each in (name, other))


def _synonyms(counts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield tags that the bundled list has as names of one thing."""
    by_key = {key(name): name for name in counts}
    for entry in bundled():
        known = [by_key[k] for k in map(key, (entry.name, *entry.aliases)) if k in by_key]
        for other in known[1:]:
            yield known[0], other


def _look_alikes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield tags that look the same, one of which mixes letters of two scripts."""
    seen: dict[str, str] = {}
    for name in names:
        looks = key(name.translate(_LOOKS_CYRILLIC))
        if (other := seen.setdefault(looks, name)) != name:
            yield other, name


def abbreviations(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (abbreviation, words) of tags whose words begin with the letters of another tag."""
    by_initials: dict[str, list[str]] = defaultdict(list)
    short = []
    for name in names:
        if (initials := _initials(name)) is not None:
            by_initials[initials].append(name)
        if name.isupper():
            short.append(name)
    for name in short:
        for long in by_initials.get(name.casefold(), ()):
            yield name, long


def _abbreviates(short: str, long: str) -> bool:
    return short.isupper() and _initials(long) == short.casefold()


def _initials(name: str) -> str | None:
    """Return the first letters of a name of several words."""
    words = words_of(name)
    return "".join(word[0] for word in words).casefold() if len(words) > 1 else None
