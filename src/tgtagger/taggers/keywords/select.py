"""Choose the tags among a post's candidates: score, drop near-equals, decide how many, add a shelf.

Pure. Knows no grammar.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence

from tgtagger import vocabulary
from tgtagger.model.tagging import SuggestedTag
from tgtagger.taggers.keywords import capitals, english, russian, ukrainian, words
from tgtagger.taggers.keywords.candidates import CYRILLIC, Candidate, Gathering, without_owner
from tgtagger.taggers.keywords.languages import language_of
from tgtagger.taggers.keywords.shelf import shelf_of
from tgtagger.taggers.keywords.text import Prepared, prepare
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
    own = _name_of(channel, language)
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


@functools.lru_cache(256)  # a channel's posts come one after another
def _name_of(channel: str, language: str) -> frozenset[str]:
    """Return the words of a channel's name, as candidates have them.

    «BBC News | Русская служба» is BBC News; a place is a topic, though a channel is called so.
    """
    head = _TITLE_ENDS.split(channel, maxsplit=1)[0]
    names = [word for word in prepare(head).words if word.text[0].isupper()]
    return frozenset().union(
        *(_ground_forms(word.text, language) for word in names if not russian.is_place(word.lower))
    )


def _is_of(candidate: Candidate, own: frozenset[str], language: str) -> bool:
    """Tell whether a name is the channel's: in English the whole one, since no list knows towns."""
    if not candidate.name or not candidate.parts <= own:
        return False
    return language != "en" or candidate.parts == own or candidate.shown.isupper()


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
