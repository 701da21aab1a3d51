"""Find tags that are probably one: forms, look-alikes, abbreviations, tags that are used together.

Only suggests: a person decides. Pure, for all tags at once. Knows no post, only how often two tags
stand on the same post.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tgtagger.vocabulary.forms import LONGEST_CHANGE, SHARED, are_forms, beginnings_of_word, bends
from tgtagger.vocabulary.names import key, words_of

Likeness = Literal["form", "look-alike", "abbreviation", "used together"]

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
    they may well be two, as short abbreviations are, and acronyms that only look alike: ВВС, an
    air force, and BBC.
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
    shared = list(together)
    for one, other in _look_alikes(counts):
        groups.join(one, other, "look-alike")
    for one, other in _forms(counts):
        groups.join(one, other, "form")
    for one, other, posts in shared:
        if posts >= FEW and (_abbreviates(one, other) or _abbreviates(other, one)):
            groups.join(one, other, "abbreviation")
        elif (
            posts >= ENOUGH
            and posts >= TOGETHER * max(counts[one], counts[other])
            and not _are_two_names(one, other)
        ):
            groups.join_alone(one, other, "used together")
    return groups.suggestions()


class _Groups:
    """Tags that belong together, joined pair by pair; a group keeps its first reason."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        self._parents: dict[str, str] = {}
        self._reasons: dict[str, Likeness] = {}

    def join(self, one: str, other: str, reason: Likeness) -> None:
        first, second = self._root(one), self._root(other)
        if first != second:
            self._parents[second] = first
            self._reasons[first] = self._reasons.get(first) or self._reasons.get(second) or reason

    def join_alone(self, one: str, other: str, reason: Likeness) -> None:
        """Join two tags, unless a better reason has put one of them into a group."""
        reasons = {self._reasons.get(self._root(name), reason) for name in (one, other)}
        if reasons == {reason}:
            self.join(one, other, reason)

    def suggestions(self) -> tuple[Suggestion, ...]:
        members: dict[str, list[str]] = defaultdict(list)
        for name in self._counts:
            if name in self._parents or name in self._reasons:
                members[self._root(name)].append(name)
        found = []
        for root, names in members.items():
            into, *others = sorted(
                names,
                key=lambda name: (
                    _has_mixed_word(name), bends(name), -self._counts[name], len(name), name
                ),
            )  # fmt: skip
            posts = sum(self._counts[name] for name in others)
            reason = self._reasons[root]
            doubtful = _is_doubtful(reason, names)
            found.append(Suggestion(tuple(others), into, reason, posts, doubtful))
        found.sort(
            key=lambda item: (
                item.is_doubtful, item.likeness == "used together", -item.posts, item.into
            )
        )  # fmt: skip
        return tuple(found)

    def _root(self, name: str) -> str:
        while (parent := self._parents.get(name)) is not None:
            name = parent
        return name


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
                and are_forms(name, other, surely=True)
            ):
                yield name, other


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


def _abbreviates(short: str, long: str) -> bool:
    words = words_of(long)
    return (
        len(words) > 1
        and short.isupper()
        and "".join(word[0] for word in words).casefold() == short.casefold()
    )
