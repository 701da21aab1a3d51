"""Find tags that are probably one, by their words and by their use.

Those are forms, look-alikes, surnames in full names, synonyms of the list that comes with tgtagger,
abbreviations, and tags that are used together.

Only suggests: a person decides. Pure, for all tags at once. Knows no post, only how often two tags
stand on the same post.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tgtagger.vocabulary.dictionary import kinds_of_name, words_of_form
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

Likeness = Literal["form", "look-alike", "surname", "synonym", "abbreviation", "used together"]

TOGETHER = 0.9
"""Two tags count as one if this share of the posts of each has both."""
ENOUGH = 5
"""Posts that two tags must share at least, before their common use counts."""
FEW = 2
"""Posts that an abbreviation and its words must share at least."""

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
) -> tuple[Suggestion, ...]:
    """Return the suggestions, those with the most posts first, guesses from common use last.

    `counts` maps a tag to its number of posts; `together` has the number that two tags share.
    """
    groups = _Groups(counts)
    for one, other in _look_alikes(counts):
        groups.join(one, other, "look-alike")
    doubtful: list[tuple[str, str, Likeness]] = []
    for one, other in _forms(counts):
        if are_two_words(one, other):
            doubtful.append((one, other, "form"))
        else:
            groups.join(one, other, "form")
    for one, other in [*_surnames(counts, groups)]:
        if min(counts[one], counts[other]) < FEW:
            doubtful.append((one, other, "surname"))
        else:
            groups.join(one, other, "surname")
    for one, other in _synonyms(counts):
        groups.join(one, other, "synonym")
    _join_used_together(groups, counts, together)
    for one, other, reason in doubtful:
        groups.join_doubtful(one, other, reason)
    return groups.suggestions()


def _join_used_together(
    groups: _Groups, counts: Mapping[str, int], together: Iterable[tuple[str, str, int]]
) -> None:
    for one, other, posts in together:
        if posts >= FEW and (_abbreviates(one, other) or _abbreviates(other, one)):
            groups.join(one, other, "abbreviation")
        elif _are_together(counts, one, other, posts):
            groups.join_alone(one, other, "used together")


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

    def join_alone(self, one: str, other: str, reason: Likeness) -> None:
        """Join two tags, unless a better reason has put one of them into a group."""
        reasons = {self._reasons.get(self.root(name), reason) for name in (one, other)}
        if reasons == {reason}:
            self.join(one, other, reason)

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
            into = self._remaining(names)
            others = sorted((name for name in names if name != into), key=self._rank)
            posts = sum(self._counts[name] for name in others)
            reason = self._reasons[root]
            doubtful = _is_doubtful(reason, names) or into in self._doubtful
            found.append(Suggestion(tuple(others), into, reason, posts, doubtful))
        found.sort(
            key=lambda item: (
                item.is_doubtful, item.likeness == "used together", -item.posts, item.into
            )
        )  # fmt: skip
        return tuple(found)

    def _rank(self, name: str) -> tuple[object, ...]:
        return _has_mixed_word(name), _bends(name), -self._counts[name], len(name), name

    def _remaining(self, names: Sequence[str]) -> str:
        """Return the tag that the others are merged into."""
        best = min(names, key=self._rank)
        words = best.split(" ")
        # Кир Стармер and not Кира Стармера, although a woman can be called so.
        shorter = (
            name
            for name in names
            if len(words) > 1
            and name.count(" ") == len(words) - 1
            and all(map(str.startswith, words, name.split(" ")))
        )
        return min(shorter, key=len, default=best)

    def root(self, name: str) -> str:
        """Return the tag that stands for the group of this one so far."""
        while (parent := self._parents.get(name)) is not None:
            name = parent
        return name


def _bends(name: str) -> tuple[int, int]:
    """Return how bent a name is; the dictionary's names of towns and people are not: Сумы."""
    if all(word[:1].isupper() and kinds_of_name(key(word)) for word in name.split(" ")):
        return 0, 0
    return bends(name)


_SHORT = 3
"""Letters of an abbreviation that stands for many things: ВС, РФ."""


def _is_doubtful(likeness: Likeness, names: Sequence[str]) -> bool:
    """Tell whether tags may well be two: a short abbreviation, acronyms of two alphabets.

    And those that are only used together.
    """
    if likeness == "used together":
        return True
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
    for name in counts:
        words = name.split(" ")
        if len(words) == 2 and "Name" in kinds_of_name(key(words[0])) and words[1][:1].isupper():
            full[words[1]].setdefault(groups.root(name), name)
    for surname, names in full.items():
        if len(names) == 1 and surname in counts and len(surname) > _SHORT and _is_surname(surname):
            yield next(iter(names.values())), surname


def _is_surname(word: str) -> bool:
    """Tell whether a name is a surname, or unknown: no first name, town or common word."""
    folded = key(word)
    kinds = kinds_of_name(folded)
    return not kinds & {"Geox", "Name"} and ("Surn" in kinds or not words_of_form(folded))


def _synonyms(counts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield tags that the bundled list has as names of one thing."""
    by_key = {key(name): name for name in counts}
    for entry in bundled():
        known = [by_key[k] for k in map(key, (entry.name, *entry.aliases)) if k in by_key]
        for other in known[1:]:
            yield known[0], other


def _are_together(counts: Mapping[str, int], one: str, other: str, posts: int) -> bool:
    """Tell whether two tags, no two names, always stand on the same posts."""
    return (
        posts >= ENOUGH
        and posts >= TOGETHER * max(counts[one], counts[other])
        and not _are_two_names(one, other)
    )


def _are_two_names(one: str, other: str) -> bool:
    """Tell whether both are names without a common word: two people, two services."""
    words = words_of(one), words_of(other)
    return all(word[:1].isupper() for word in (*words[0], *words[1])) and not (
        set(words[0]) & set(words[1])
    )


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
