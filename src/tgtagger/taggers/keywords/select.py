"""Choose the tags among a post's candidates: score, drop near-equals, decide how many, add a shelf.

Pure. Knows no grammar.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from tgtagger import vocabulary
from tgtagger.model.tagging import SuggestedTag
from tgtagger.taggers.keywords import capitals, english, russian, ukrainian, words
from tgtagger.taggers.keywords.candidates import CYRILLIC, Candidate, Gathering, without_owner
from tgtagger.taggers.keywords.languages import language_of
from tgtagger.taggers.keywords.shelf import shelf_of
from tgtagger.taggers.keywords.text import Prepared, Word, prepare
from tgtagger.vocabulary.shelves import Shelves

USUAL = 5
"""Tags a post gets, if the settings allow and its words are worth it."""
WORTH = 0.30
"""A further tag must score at least this share of the best."""
BESIDE_SHELF = 2
"""Tags of its own that a post keeps beside a shelf, at least."""


def choose_tags(
    text: str,
    minimum: int,
    maximum: int,
    shelves: Shelves,
    channel: str = "",
    named_in: str | None = None,
) -> tuple[tuple[SuggestedTag, ...], str | None]:
    """Return a text's tags, the best first, and its shelf, named in its language or `named_in`.

    No tag is its channel's own name.
    """
    prepared = prepare(text)
    language = language_of(prepared)
    chosen: dict[str, SuggestedTag] = {}
    taken: list[frozenset[str]] = []
    for hashtag in prepared.hashtags:
        readable = _readable(hashtag)
        _add(chosen, readable, hashtag=True, maximum=maximum)
        taken.append(_ground_forms(readable, language))
    wanted = max(minimum, min(maximum, USUAL))
    own = _names_of(channel, language)
    ranked = sorted(_scored(prepared, language), key=lambda scored: -scored[0])
    for score, candidate in ranked:
        if len(chosen) >= wanted or (len(chosen) >= minimum and score < WORTH * ranked[0][0]):
            break
        if _is_of(candidate, own, language):
            continue
        if not any(_is_near(candidate.parts, other) for other in taken):
            taken.append(candidate.parts)
            _add(chosen, candidate.shown, hashtag=False, maximum=maximum)
    return tuple(chosen.values()), shelf_of(prepared, language, shelves, named_in or language)


def with_shelf(
    tags: Sequence[SuggestedTag], shelf: SuggestedTag | None, maximum: int
) -> tuple[SuggestedTag, ...]:
    """Return a post's tags with its shelf behind them, no more than the maximum.

    The shelf takes the place of the last tag if it must; not of a hashtag, nor of one of two tags.
    """
    if shelf is None or vocabulary.key(shelf.name) in {vocabulary.key(tag.name) for tag in tags}:
        return tuple(tags)
    if len(tags) < maximum:
        return (*tags, shelf)
    if maximum <= BESIDE_SHELF or tags[-1].hashtag:
        return tuple(tags)
    return (*tags[:-1], shelf)


def _add(chosen: dict[str, SuggestedTag], name: str, *, hashtag: bool, maximum: int) -> None:
    name = vocabulary.normalise(name)
    key = vocabulary.key(name)
    if (
        len(chosen) < maximum
        and key not in chosen
        and vocabulary.is_tag(name)
        and len(name) > 1
        and not (hashtag and key in words.word_set("service_tags"))
    ):
        chosen[key] = SuggestedTag(name, hashtag)


def _readable(hashtag: str) -> str:
    """Return a hashtag's words: `#РазвитиеРегионов` and `#развитие_регионов` alike."""
    return hashtag.replace("_", " ")


_TITLE_ENDS = re.compile("[|/•·:(.—–]| - ")


class _OwnNames(NamedTuple):
    """What a channel's title calls it: single words, and whole names of several."""

    words: frozenset[str]
    whole: frozenset[frozenset[str]]


@functools.lru_cache(256)  # a channel's posts come one after another
def _names_of(channel: str, language: str) -> _OwnNames:
    """Return the names in a channel's title, as candidates have them.

    «BBC News | Русская служба» is the BBC, BBC News and the Русская служба; of what stands behind
    the first part a single word is rather a topic. A place is one, though a channel is called so.
    """
    parts = [prepare(part).words for part in _TITLE_ENDS.split(channel)]
    in_capitals = [word for word in parts[0] if word.text[0].isupper()]
    head = [word for word in in_capitals if not russian.is_place(word.lower)]
    whole = [part for part in parts if len(part) > 1 and not _names_place(part)]
    return _OwnNames(
        _ground_forms(" ".join(word.text for word in head), language),
        frozenset(_ground_forms(" ".join(word.text for word in part), language) for part in whole),
    )


def _names_place(part: Sequence[Word]) -> bool:
    """Tell whether a part of a title has a place, or what is called like one: Тверская область."""
    places = words.word_set("named_things") | words.places().keys()
    return any(
        russian.is_place(word.lower) or russian.ground_form(word.lower) in places for word in part
    )


def _is_of(candidate: Candidate, own: _OwnNames, language: str) -> bool:
    """Tell whether a name is the channel's.

    In English a single word of its name is none, but in capitals, since no list knows towns.
    """
    if not candidate.name or not (own.words or own.whole):
        return False
    parts = _ground_forms(" ".join(candidate.parts), language)  # русский of Русская служба
    if parts in own.whole or parts == own.words:
        return True
    return parts <= own.words and (language != "en" or candidate.shown.isupper())


def _ground_forms(name: str, language: str) -> frozenset[str]:
    # The lists of English nouns are for English posts: loading them costs 20 ms.
    latin = english.ground_form if language == "en" else without_owner
    return frozenset(
        russian.ground_form(word) if CYRILLIC.search(word) else latin(word)
        for word in name.casefold().replace("ё", "е").split()
    )


def _scored(prepared: Prepared, language: str) -> list[tuple[float, Candidate]]:
    gathering = Gathering()
    if language == "ru":
        russian.gather(prepared, gathering)
    elif language == "en":
        english.gather(prepared, gathering)
    elif language == "uk":
        ukrainian.gather(prepared, gathering)
    else:
        capitals.gather(prepared, gathering, language)
    candidates = gathering.found.values()
    total = max(len(prepared.words), 1)
    return [(_score(candidate, total), candidate) for candidate in candidates]


def _score(candidate: Candidate, total: int) -> float:
    first = candidate.positions[0]
    # Early words tell the topic; repeated words, too.
    early = 1 / (1 + 0.9 * first / max(total, 40) + 0.02 * min(first, 30))
    again = 1 + 0.45 * math.log(len(candidate.positions))
    return candidate.weight * early * again


def _is_near(parts: frozenset[str], others: frozenset[str]) -> bool:
    """Tell whether two tags mean the same: the words of one are among those of the other."""
    return parts <= others or others <= parts
