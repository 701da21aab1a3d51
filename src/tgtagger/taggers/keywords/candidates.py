"""What in a post could be a tag: names, acronyms, nouns; each with what speaks for it.

One way for Russian (with word forms), one for every other language (by capitals and stop words).
Knows no number of tags and chooses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tgtagger.taggers.keywords import morphology, words
from tgtagger.taggers.keywords.text import Prepared, Word

_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_RUSSIAN_WORD = re.compile("[а-яё-]+", re.IGNORECASE)
_DIGITS = re.compile(r"[\d.,%°$€£₽-]+\w?")

NAME_WEIGHT = 1.9
PAIR_WEIGHT = 1.7
ACRONYM_WEIGHT = 1.9
LATIN_WEIGHT = 1.7  # a Latin word in a Cyrillic text is a brand or a term
PLACE_WEIGHT = 1.45  # of an adjective: московский


@dataclass(slots=True)
class Candidate:
    """A possible tag, how it is shown, what it is made of, and where it stands."""

    shown: str
    parts: frozenset[str]  # its words in their ground form
    weight: float
    name: bool = False
    positions: list[int] = field(default_factory=list)
    sentences: set[int] = field(default_factory=set)


class _Gathering:
    def __init__(self) -> None:
        self.found: dict[frozenset[str], Candidate] = {}

    def add(
        self,
        shown: str,
        parts: Iterable[str],
        weight: float,
        at: Word,
        position: int,
        *,
        name: bool,
    ) -> None:
        key = frozenset(parts)
        candidate = self.found.get(key)
        if candidate is None:
            candidate = self.found[key] = Candidate(shown, key, weight, name)
        elif weight > candidate.weight:
            candidate.shown, candidate.weight, candidate.name = shown, weight, name
        candidate.positions.append(position)
        candidate.sentences.add(at.sentence)


def is_cyrillic(prepared: Prepared) -> bool:
    """Tell whether a post is written in Cyrillic letters, most of it."""
    cyrillic = sum(1 for word in prepared.words if _CYRILLIC.search(word.text))
    return cyrillic * 2 > len(prepared.words)


def gather(prepared: Prepared, language: str) -> list[Candidate]:
    """Return the candidates of a post, in the order in which they first stand in it."""
    gathering = _Gathering()
    if language == "ru":
        _gather_russian(prepared, gathering)
    else:
        _gather_by_capitals(prepared, gathering, language)
    return list(gathering.found.values())


# ---- Russian


def _gather_russian(prepared: Prepared, gathering: _Gathering) -> None:
    all_words = prepared.words
    inside = {
        _form(word.lower).lemma
        for word in all_words
        if not word.first and _is_capital(word.text) and word.sentence not in prepared.shouting
    }
    at = 0
    while at < len(all_words):
        run = _russian_run(all_words, at, prepared.shouting, inside)
        if len(run) > 1 or (run and _is_name(run[0], prepared.shouting, inside)):
            _add_russian_name(run, at, gathering)
            at += len(run)
            continue
        _add_russian_word(
            all_words[at], at, gathering, shouting=all_words[at].sentence in prepared.shouting
        )
        at += 1


def _form(lower: str) -> morphology.Form:
    return morphology.analyse(lower)


def _is_capital(text: str) -> bool:
    return text[0].isupper() and (len(text) == 1 or not text.isupper())


def _is_acronym(text: str) -> bool:
    return 2 <= len(text) <= 7 and text.isupper() and any(letter.isalpha() for letter in text)


def _is_name(word: Word, shouting: frozenset[int], inside: set[str]) -> bool:
    """Whether a capital means a name: inside a sentence it does; at its beginning it may."""
    if not _is_capital(word.text) or not _RUSSIAN_WORD.fullmatch(word.text) or len(word.text) < 3:
        return False
    form = _form(word.lower)
    if word.first or word.sentence in shouting:
        return form.noun and (form.name is not None or form.place or form.lemma in inside)
    return not (form.known and not form.noun and not form.adjective and form.name is None)


def _russian_run(
    all_words: Sequence[Word], at: int, shouting: frozenset[int], inside: set[str]
) -> list[Word]:
    """Return the words from here that make one name: «Курской области», «Илона Маска»."""
    run = [all_words[at]]
    first = run[0]
    if not _is_capital(first.text) or not _RUSSIAN_WORD.fullmatch(first.text):
        return []
    form = _form(first.lower)
    for word in all_words[at + 1 : at + 4]:
        if not word.joined or not _RUSSIAN_WORD.fullmatch(word.text):
            break
        if _is_capital(word.text) and len(word.text) > 1 and word.sentence not in shouting:
            run.append(word)
        elif (
            len(run) == 1
            and form.adjective
            and _form(word.lower).noun
            and word.sentence not in shouting
        ):
            run.append(word)  # an adjective with a capital names what follows: Курская область
            break
        else:
            break
    if first.first and len(run) > 1:
        # The first word has its capital from the sentence: «Президент Владимир Путин».
        if not (form.adjective or form.name or form.place or not form.known):
            return [first] if len(run) == 1 else []
        if (
            form.adjective
            and not _is_capital(run[-1].text)
            and words.places().get(form.lemma) is None
        ):
            return []
    return run


def _add_russian_name(run: Sequence[Word], position: int, gathering: _Gathering) -> None:
    lower = tuple(word.lower for word in run)
    bent = morphology.nominative(lower) if len(run) > 1 else (_form(lower[0]).lemma,)
    if len(run) == 1 and not _form(lower[0]).noun:
        bent = lower
    capitals = [word.text[0].isupper() for word in run]
    shown = " ".join(
        _capitalised(word) if capital else word
        for word, capital in zip(bent, capitals, strict=True)
    )
    weight = (
        NAME_WEIGHT * min(1.0, max(0.75, _weight(" ".join(bent)))) if len(run) == 1 else NAME_WEIGHT
    )
    gathering.add(
        shown, (part.replace("ё", "е") for part in bent), weight, run[0], position, name=True
    )


def _capitalised(word: str) -> str:
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))


def _add_russian_word(word: Word, position: int, gathering: _Gathering, *, shouting: bool) -> None:
    text = word.text
    if not _RUSSIAN_WORD.fullmatch(text):
        if _CYRILLIC.search(text) is None:
            _add_latin(word, position, gathering, LATIN_WEIGHT)
        elif not text[0].isdigit():  # СУ-35, Ковид-19
            gathering.add(text, (word.lower,), 1.3, word, position, name=True)
        return
    if len(text) < 2 or word.lower in words.stop_words("ru"):
        return
    if _is_acronym(text) and (not shouting or not _form(word.lower).known):
        gathering.add(
            text,
            (word.lower,),
            ACRONYM_WEIGHT * min(1, _weight(word.lower)),
            word,
            position,
            name=True,
        )
        return
    if len(text) < 3:
        return
    form = _form(word.lower)
    if form.noun:
        weight = _weight(form.lemma)
        shown = _capitalised(form.lemma) if form.place and text[0].isupper() else form.lemma
        gathering.add(shown, (form.lemma.replace("ё", "е"),), weight, word, position, name=False)
    elif form.adjective:
        place = words.places().get(form.lemma)
        if place is not None:
            parts = place.casefold().replace("ё", "е").split()
            gathering.add(place, parts, PLACE_WEIGHT, word, position, name=True)


def _weight(lemma: str) -> float:
    return words.weights("ru").get(lemma.replace("ё", "е"), 1.0)


# ---- every other language


def _gather_by_capitals(prepared: Prepared, gathering: _Gathering, language: str) -> None:
    stops = words.stop_words("en") if language == "en" else words.all_stop_words()
    all_words = prepared.words
    inside = {
        word.lower
        for word in all_words
        if not word.first and word.text[0].isupper() and word.sentence not in prepared.shouting
    }
    at = 0
    while at < len(all_words):
        run = _capital_run(all_words, at, prepared.shouting, inside, stops)
        if run:
            shown = " ".join(_without_owner(word.text) for word in run)
            parts = [ground_form(word.lower, language) for word in run]
            weight = NAME_WEIGHT if len(run) > 1 else NAME_WEIGHT * 0.95
            gathering.add(shown, parts, weight, run[0], at, name=True)
            at += len(run)
            continue
        _add_plain(all_words, at, gathering, language, stops)
        at += 1


def _without_owner(text: str) -> str:
    return re.sub(r"['’]s$", "", text)


def _capital_run(
    all_words: Sequence[Word],
    at: int,
    shouting: frozenset[int],
    inside: set[str],
    stops: frozenset[str],
) -> list[Word]:
    first = all_words[at]
    if not _starts_name(first, shouting, inside, stops):
        return []
    run = [first]
    for word in all_words[at + 1 : at + 5]:
        if (
            not word.joined
            or word.sentence in shouting
            or not _continues_name(run[-1], word, stops)
        ):
            break
        run.append(word)
    while run and run[-1].lower in stops:
        run.pop()
    if len(run) > 4:
        run = run[:4]
    return run


def _starts_name(
    word: Word, shouting: frozenset[int], inside: set[str], stops: frozenset[str]
) -> bool:
    text = word.text
    if (
        not any(letter.isupper() for letter in text)
        or word.lower in stops
        or _DIGITS.fullmatch(text)
    ):
        return False
    if _is_acronym(text) or any(letter.isupper() for letter in text[1:]):
        return word.sentence not in shouting or _is_mixed(text)
    if not text[0].isupper() or len(text) < 2:
        return False
    if word.sentence in shouting:
        return word.lower in inside
    return not word.first or word.lower in inside or _looks_like_name(word)


def _is_mixed(text: str) -> bool:
    return not text.isupper() and any(letter.isupper() for letter in text[1:])


def _looks_like_name(word: Word) -> bool:
    """A first word is a name unless it is a word of the language: judged by what is known of it."""
    lower = word.lower
    return lower.endswith("'s") or (
        lower not in words.weights("en") and not _is_common_shape(lower) and len(lower) > 3
    )


_COMMON_ENDINGS = (
    "ing", "ed", "ly", "tion", "sion", "ment", "ness", "ers", "ors", "ists", "ies", "ity", "ous",
    "ful", "ive", "able", "ible", "ants", "ents", "ters", "ches", "ces", "ges", "logy", "ship",
)  # fmt: skip


def _is_common_shape(lower: str) -> bool:
    return lower.endswith(_COMMON_ENDINGS)


def _continues_name(before: Word, word: Word, stops: frozenset[str]) -> bool:
    if before.text.endswith(("'s", "’s")):
        return False
    if word.text[0].isupper():
        return word.lower not in stops or word.text.isupper()
    return (
        before.text[0].isupper()
        and word.text[0].isdigit() is True
        and len(word.text) <= 5
        and before.text[-1].isalpha()
        and "." not in word.text
    )


def _add_plain(
    all_words: Sequence[Word], at: int, gathering: _Gathering, language: str, stops: frozenset[str]
) -> None:
    word = all_words[at]
    lower = word.lower
    bare = lower[:-2] if lower.endswith("'s") else lower
    if bare in stops or len(bare) < 3 or _DIGITS.fullmatch(bare) or bare[0].isdigit():
        return
    if language == "en":
        weight = english_weight(bare, all_words, at)
    else:
        weight = 1.0 + min(len(bare), 12) / 40
    if weight > 0:
        gathering.add(bare, (ground_form(bare, language),), weight, word, at, name=False)


def _add_latin(word: Word, position: int, gathering: _Gathering, weight: float) -> None:
    text = _without_owner(word.text)
    bare = text.casefold()
    if (
        len(text) < 2
        or bare in words.stop_words("en")
        or _DIGITS.fullmatch(text)
        or text[0].isdigit()
    ):
        return
    if text.islower():
        weight *= 0.8
    gathering.add(
        text,
        (bare,),
        weight * min(1, words.weights("en").get(bare, 1.0) + 0.3),
        word,
        position,
        name=True,
    )


# ---- English nouns without a dictionary of them

_BEFORE_VERB = frozenset(
    "to will would can could should may might must i we they you he she who which that it not "
    "don't doesn't didn't won't can't never also then".split()
)
_BEFORE_NOUN = frozenset(
    "the a an of in for on with from by this that these those its their his her our your my some "
    "no every each any against about new between into and or as at over under after".split()
)
_ADVERB_OR_ADJECTIVE = re.compile(r".+(?:ly|ous|ful|less|ible|able|ish|ic|ical|est|ive|ary|iest)$")
_VERB_FORM = re.compile(r".+(?:ed|ing|ise|ize|ised|ized|ifies|ified|ify)$")
_NOUN = re.compile(
    r".+(?:tion|sion|ment|ness|ship|ism|ist|ists|logy|ity|ance|ence|ware|work|book|craft|graphy|"
    r"tions|ments|ers|ors|cy|ure|age|dom|hood|ics)$"
)


def english_weight(bare: str, all_words: Sequence[Word], at: int) -> float:
    """Return how much speaks for a lower-case English word as a tag: is it a noun, and not a dull one."""
    weight = words.weights("en").get(bare)
    if weight is None:
        singular = ground_form(bare, "en")
        weight = words.weights("en").get(singular, 1.05)
    before = all_words[at - 1].lower if at and not all_words[at].first else ""
    after = all_words[at + 1] if at + 1 < len(all_words) else None
    if _NOUN.fullmatch(bare):
        weight *= 1.15
    elif _VERB_FORM.fullmatch(bare):
        weight *= 0.55
    elif _ADVERB_OR_ADJECTIVE.fullmatch(bare):
        weight *= 0.55
    if before in _BEFORE_VERB and before not in _BEFORE_NOUN:
        weight *= 0.5
    elif before in _BEFORE_NOUN:
        weight *= 1.05
    # What is followed by a function word or the sentence's end closes a noun phrase: its head.
    if after is None or after.first or not after.joined or after.lower in words.stop_words("en"):
        weight *= 1.15
    return weight


def ground_form(lower: str, language: str) -> str:
    """Return what an English word's singular and plural have in common, roughly."""
    lower = lower[:-2] if lower.endswith("'s") else lower
    if language != "en" or len(lower) < 4:
        return lower
    if lower.endswith("ies"):
        return lower[:-3] + "y"
    if lower.endswith(("ches", "shes", "xes", "sses", "zes")):
        return lower[:-2]
    if lower.endswith("s") and not lower.endswith(("ss", "us", "is", "ics")):
        return lower[:-1]
    return lower


def bigrams(_: Prepared) -> Iterator[Candidate]:
    yield from ()
