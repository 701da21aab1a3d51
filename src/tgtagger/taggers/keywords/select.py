"""Choose the tags among a post's candidates: score, drop near-equals, decide how many. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from tgtagger import vocabulary
from tgtagger.taggers.keywords.candidates import Candidate, gather, is_cyrillic
from tgtagger.taggers.keywords.text import Prepared, prepare
from tgtagger.types import SuggestedTag

USUAL = 5
"""Tags a post gets, if the settings allow and its words are worth it."""
WORTH = 0.30
"""A further tag must score at least this share of the best."""

_SERVICE = frozenset(
    "новости новость реклама подписка видео фото news ad ads promo video photo важное главное срочно breaking".split()
)
_UKRAINIAN = re.compile("[іїєґ]", re.IGNORECASE)
_OTHER_LATIN = re.compile("[à-öø-ÿāăąćčďęěğıłńňőřśşšťůűźżž]", re.IGNORECASE)


def choose_tags(
    text: str, minimum: int, maximum: int, topics: Mapping[str, frozenset[str]]
) -> tuple[SuggestedTag, ...]:
    """Return a text's tags, the best first."""
    prepared = prepare(text)
    chosen: dict[str, SuggestedTag] = {}
    for hashtag in prepared.hashtags:
        _add(chosen, _readable(hashtag), hashtag=True, maximum=maximum)
    wanted = max(minimum, min(maximum, USUAL))
    taken: list[Candidate] = []
    ranked = sorted(_scored(prepared), key=lambda scored: -scored[0])
    for score, candidate in ranked:
        if len(chosen) >= wanted or (len(chosen) >= minimum and score < WORTH * ranked[0][0]):
            break
        if not any(_is_near(candidate, other) for other in taken):
            taken.append(candidate)
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
        and not (hashtag and key in _SERVICE)
    ):
        chosen[key] = SuggestedTag(name, hashtag)


def _readable(hashtag: str) -> str:
    """Return a hashtag's words: `#РазвитиеРегионов` and `#развитие_регионов` alike."""
    return hashtag.replace("_", " ")


def language_of(prepared: Prepared) -> str:
    """Return `ru`, `en` or `other`: what the ways of finding candidates tell apart."""
    if is_cyrillic(prepared):
        marked = sum(1 for word in prepared.words if _UKRAINIAN.search(word.text))
        return "other" if marked * 10 > len(prepared.words) else "ru"
    marked = sum(1 for word in prepared.words if _OTHER_LATIN.search(word.text))
    latin = sum(1 for word in prepared.words if word.text[0].isascii())
    return (
        "en" if latin * 2 > len(prepared.words) and marked * 12 < len(prepared.words) else "other"
    )


def _scored(prepared: Prepared) -> list[tuple[float, Candidate]]:
    candidates = gather(prepared, language_of(prepared))
    total = max(len(prepared.words), 1)
    return [(_score(candidate, total), candidate) for candidate in candidates]


def _score(candidate: Candidate, total: int) -> float:
    first = candidate.positions[0]
    # Early words say the topic; what is said again is meant.
    early = 1 / (1 + 0.9 * first / max(total, 40) + 0.02 * min(first, 30))
    again = 1 + 0.45 * math.log(len(candidate.positions))
    return candidate.weight * early * again


def _is_near(candidate: Candidate, other: Candidate) -> bool:
    """Whether two candidates say the same: one's words are among the other's."""
    return candidate.parts <= other.parts or other.parts <= candidate.parts


def _topics_of(prepared: Prepared, topics: Mapping[str, frozenset[str]]) -> Sequence[str]:
    """Return the one topic that most of its words speak for, at least two."""
    if not topics:
        return ()
    found = {word.lower for word in prepared.words}
    hits = {topic: len(found & speaking) for topic, speaking in topics.items()}
    best = max(hits, key=lambda topic: hits[topic])
    return (best,) if hits[best] > 1 else ()
