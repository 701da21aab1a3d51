"""Choose the tags among a post's candidates: score, drop near-equals, decide how many.

Pure. Knows no grammar.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence

from tgtagger import vocabulary
from tgtagger.model.tagging import SuggestedTag
from tgtagger.taggers.keywords import capitals, english, russian, words
from tgtagger.taggers.keywords.candidates import CYRILLIC, Candidate, Gathering, without_owner
from tgtagger.taggers.keywords.languages import language_of
from tgtagger.taggers.keywords.text import Prepared, prepare

USUAL = 5
"""Tags a post gets, if the settings allow and its words are worth it."""
WORTH = 0.30
"""A further tag must score at least this share of the best."""


def choose_tags(
    text: str,
    minimum: int,
    maximum: int,
    topics: Mapping[str, frozenset[str]],
    channel: str = "",
) -> tuple[SuggestedTag, ...]:
    """Return a text's tags, the best first; none that is its channel's own name."""
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
    for topic in _topics_of(prepared, topics):
        _add(chosen, topic, hashtag=False, maximum=maximum)
    return tuple(chosen.values())


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


def _topics_of(prepared: Prepared, topics: Mapping[str, frozenset[str]]) -> Sequence[str]:
    """Return the topic that the most words of the text belong to, two at least."""
    if not topics:
        return ()
    found = {word.lower for word in prepared.words}
    hits = {topic: len(found & speaking) for topic, speaking in topics.items()}
    best = max(hits, key=lambda topic: hits[topic])
    return (best,) if hits[best] > 1 else ()
