"""Find candidates in a Russian post: names in the nominative, acronyms, Latin names, nouns, places.

By word forms (see `morphology`) and capitals. Knows no score.
"""

from __future__ import annotations

from collections.abc import Sequence

from tgtagger.taggers.keywords import morphology, words
from tgtagger.taggers.keywords.candidates import (
    DIGITS,
    NAME_WEIGHT,
    Gathering,
    shape,
    without_owner,
)
from tgtagger.taggers.keywords.text import Prepared, Word

ACRONYM_WEIGHT = 1.9
LATIN_WEIGHT = 1.7  # a Latin word in a Cyrillic text is a brand or a term
GENERIC_WEIGHT = 0.1  # for a post without better words
PLACE_WEIGHT = 1.45  # of an adjective: московский
FIRST_NAME_SHARE = 0.4  # a first name alone is not a topic
SOURCE_SHARE = 0.4  # «по данным SHOT»: a source is not the topic


# Endings that no noun has: looking up such words takes a tenth of the time of tagging.
_VERB_ENDINGS = (
    "ться", "тся", "лся", "лась", "лись", "лось", "вших", "вший", "вшие", "вшая", "вшего", "вшую",
    "ющих", "ющий", "ющие", "ющая", "ющей", "ющего", "ющую", "ющими", "ирует", "ируют",
)  # fmt: skip


def gather(prepared: Prepared, gathering: Gathering) -> None:
    all_words = prepared.words
    inside = {
        _form(word.lower).lemma
        for word in all_words
        if not word.first and shape(word.text).capital and word.sentence not in prepared.shouting
    }
    at = 0
    while at < len(all_words):
        before = all_words[at - 1].lower if at else ""
        word = all_words[at]
        if not word.text[0].isupper():
            _add_word(word, at, gathering, before, shouting=word.sentence in prepared.shouting)
            at += 1
            continue
        run = _latin_run(all_words, at)
        if len(run) > 1:
            parts = [word.lower for word in run]
            shown = " ".join(word.text for word in run)
            weight = LATIN_WEIGHT * (SOURCE_SHARE if before in words.word_set("sources") else 1)
            gathering.add(shown, parts, weight, run[0], at, name=True)
            at += len(run)
            continue
        run = _name_run(all_words, at, prepared.shouting)
        if len(run) > 1 or (run and _is_name(run[0], prepared.shouting, inside)):
            _add_name(run, at, gathering, before)
            at += len(run)
            continue
        shouting = all_words[at].sentence in prepared.shouting
        _add_word(all_words[at], at, gathering, before, shouting=shouting)
        at += 1


def _latin_run(all_words: Sequence[Word], at: int) -> list[Word]:
    """Return the Latin words from here that make one name: Naked Science, BMW X6."""
    run: list[Word] = []
    for word in all_words[at : at + 3]:
        text = word.text
        if run and not word.joined:
            break
        if not text.isascii() or not (
            text[0].isupper() or (run and text.isdigit() and len(text) < 4)
        ):
            break
        run.append(word)
    return run


def _form(lower: str) -> morphology.Form:
    return morphology.analyse(lower)


def _is_name(word: Word, shouting: frozenset[int], inside: set[str]) -> bool:
    """Tell whether a capital means a name: always inside a sentence, at its beginning perhaps."""
    if not shape(word.text).capital or not shape(word.text).russian or len(word.text) < 3:
        return False
    form = _form(word.lower)
    if form.adjective and form.name is None and form.known and not word.quoted:
        return False  # «в Брянской, Курской …»: the tag is its place, if it has one
    if word.first or word.sentence in shouting:
        return form.noun and (form.name is not None or form.place or form.lemma in inside)
    return not (form.known and not form.noun and not form.adjective and form.name is None)


def _name_run(all_words: Sequence[Word], at: int, shouting: frozenset[int]) -> list[Word]:
    """Return the words from here that make one name: «Курской области», «Илона Маска»."""
    run = [all_words[at]]
    first = run[0]
    if not shape(first.text).capital or not shape(first.text).russian:
        return []
    form = _form(first.lower)
    for word in all_words[at + 1 : at + 4]:
        if not word.joined or not shape(word.text).russian or word.sentence in shouting:
            break
        before, after = _form(run[-1].lower), _form(word.lower)
        if not shape(word.text).capital or len(word.text) < 2:
            # An adjective with a capital names what follows: Курская область. At the beginning
            # of a sentence it has the capital anyway, so there only where such things are named.
            if (
                len(run) == 1
                and form.adjective
                and after.noun
                and (not first.first or after.lemma in words.word_set("named_things"))
            ):
                run.append(word)
            break
        if not before.adjective and (
            (after.adjective and after.name is None)  # Строитель | Белгородской области
            or (before.place and before.name != "Name" and not after.place)  # Грузии | Зурабишвили
            or (after.name == "Name" and before.name is None)  # Би-би-си | Стив Розенберг
        ):
            break
        run.append(word)
    if (
        first.first
        and len(run) > 1
        and not (form.adjective or form.name or form.place or not form.known)
    ):
        return []  # a sentence's first word has a capital anyway: «Президент Владимир Путин»
    if len(run) == 1 and form.adjective and form.name is None and form.known and not first.quoted:
        return []
    return run


def _add_name(run: Sequence[Word], position: int, gathering: Gathering, before: str) -> None:
    forms = [_form(word.lower) for word in run]
    if len(run) == 3 and forms[1].name == "Patr":
        run = (run[0], run[2])  # Ольга Ивановна Лаврик is tagged as Ольга Лаврик
    lower = tuple(word.lower for word in run)
    if lower in words.known_names():
        bent = words.known_names()[lower]
    elif len(run) > 1 or forms[0].adjective:
        bent = morphology.nominative(lower)
    else:
        bent = (forms[0].lemma if forms[0].known else morphology.unknown_name(lower[0]),)
    shown = " ".join(
        _capitalised(word) if of.text[0].isupper() else word
        for word, of in zip(bent, run, strict=True)
    )
    weight = NAME_WEIGHT
    if len(run) == 1:
        weight *= min(1.0, max(0.75, _weight(bent[0])))
        if forms[0].name == "Name" and not forms[0].place:
            weight *= FIRST_NAME_SHARE
    if before in words.word_set("sources"):
        weight *= SOURCE_SHARE
    parts = (part.replace("ё", "е") for part in bent)
    gathering.add(shown, parts, weight, run[0], position, name=True)


def _capitalised(word: str) -> str:
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))


def _add_word(
    word: Word, position: int, gathering: Gathering, before: str, *, shouting: bool
) -> None:
    text = word.text
    if not shape(text).russian:
        if not shape(text).cyrillic:
            _add_latin(word, position, gathering, before)
        elif not text[0].isdigit():  # keep СУ-35, Ковид-19
            gathering.add(text, (word.lower,), 1.3, word, position, name=True)
        return
    if len(text) < 2 or word.lower in words.stop_words("ru"):
        return
    place = words.places().get(word.lower)
    if place is not None:  # РФ
        gathering.add(place, _parts(place), NAME_WEIGHT, word, position, name=True)
        return
    if shape(text).acronym and (not shouting or not _form(word.lower).known):
        gathering.add(
            text,
            (word.lower,),
            ACRONYM_WEIGHT
            * min(1, _weight(word.lower))
            * (SOURCE_SHARE if before in words.word_set("sources") else 1),
            word,
            position,
            name=True,
        )
        return
    if len(text) < 3 or (not text[0].isupper() and word.lower.endswith(_VERB_ENDINGS)):
        return
    form = _form(word.lower)
    if form.noun:
        generic = form.lemma.replace("ё", "е") in words.stop_words("ru+")
        weight = GENERIC_WEIGHT if generic else _weight(form.lemma)
        shown = _capitalised(form.lemma) if form.place and text[0].isupper() else form.lemma
        gathering.add(shown, (form.lemma.replace("ё", "е"),), weight, word, position, name=False)
    elif form.adjective:
        place = words.places().get(form.lemma)
        if place is not None:
            gathering.add(place, _parts(place), PLACE_WEIGHT, word, position, name=True)


def _weight(lemma: str) -> float:
    return words.weights("ru").get(lemma.replace("ё", "е"), 1.0)


def _add_latin(word: Word, position: int, gathering: Gathering, before: str) -> None:
    weight = LATIN_WEIGHT * (SOURCE_SHARE if before in words.word_set("sources") else 1)
    text = without_owner(word.text)
    bare = text.casefold()
    if (
        len(text) < 2
        or (text.isupper() and not shape(text).acronym and len(text) < 6)  # a Roman numeral
        or bare in words.english_stop_words()
        or DIGITS.fullmatch(text)
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


def _parts(place: str) -> list[str]:
    return place.casefold().replace("ё", "е").split()


def ground_form(lower: str) -> str:
    """Return a word's dictionary form, as `Candidate.parts` has it."""
    return _form(lower).lemma.replace("ё", "е") if shape(lower).russian else lower
