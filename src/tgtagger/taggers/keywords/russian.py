"""Find candidates in a Russian post: names in the nominative, acronyms, Latin names, nouns, places.

By word forms (see `morphology`) and capitals. Knows no score.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from tgtagger.taggers.keywords import morphology, names, unlisted, words
from tgtagger.taggers.keywords.candidates import (
    DIGITS,
    NAME_WEIGHT,
    Gathering,
    shape,
    without_owner,
)
from tgtagger.taggers.keywords.surroundings import Surroundings
from tgtagger.taggers.keywords.text import Prepared, Word, fold
from tgtagger.vocabulary.dictionary import CACHED

ACRONYM_WEIGHT = 1.9
LATIN_WEIGHT = 1.7  # a Latin word in a Cyrillic text is a brand or a term
GENERIC_WEIGHT = 0.1  # for a post without better words
PLACE_WEIGHT = 1.45  # of an adjective: московский
TERM_WEIGHT = 1.2  # of a term more than of its noun
LEAST_OF_A_TERM = 0.9
FIRST_NAME_SHARE = 0.4  # a first name alone is not a topic
SOURCE_SHARE = 0.4  # «по данным SHOT»: a source is not the topic


# Endings that no noun has: looking up such words takes a tenth of the time of tagging.
_VERB_ENDINGS = (
    "ться", "тся", "лся", "лась", "лись", "лось", "вших", "вший", "вшие", "вшая", "вшего", "вшую",
    "ющих", "ющий", "ющие", "ющая", "ющей", "ющего", "ющую", "ющими", "ирует", "ируют",
)  # fmt: skip
_form = morphology.analyse  # asked for each word: a function around it takes as long


def gather(prepared: Prepared, gathering: Gathering) -> None:
    post = Surroundings(prepared)
    all_words = post.words
    at = 0
    while at < len(all_words):
        word = all_words[at]
        if word.text[0].isupper():
            at += _add_capital(post, at, gathering)
            continue
        _add_word(post, word, at, gathering)
        at += 1


def _add_capital(post: Surroundings, at: int, gathering: Gathering) -> int:
    """Add what begins at a word with a capital; return how many words it takes."""
    run = _latin_run(post.words, at)
    if len(run) > 1:
        parts = [word.lower for word in run]
        shown = " ".join(word.text for word in run)
        weight = LATIN_WEIGHT * _share_of(post.before(at), *parts)
        gathering.add(shown, parts, weight, run[0], at, name=True)
        return len(run)
    run = _adjectives_of_one_noun(post.words, at)
    if run:
        _add_each(run, at, gathering)
        return len(run)
    run = _name_run(post.words, at, post.shouting)
    if len(run) > 1 or (run and _is_name(run[0], post)):
        _add_name(post, run, at, gathering)
        return len(run)
    _add_word(post, post.words[at], at, gathering)
    return 1


def _share_of(before: str, *parts: str) -> float:
    """Return what remains of a name's weight where it tells who says so: ТАСС."""
    says = before in words.word_set("sources") or words.counted("source").issuperset(parts)
    return SOURCE_SHARE if says else 1


def _adjectives_of_one_noun(all_words: Sequence[Word], at: int) -> list[Word]:
    """Return the words of «Курской, Орловской и Брянской областей»."""
    run = [all_words[at]]
    if not _names_adjective(run[0]):
        return []
    for word in all_words[at + 1 : at + 16]:
        if word.sentence != run[0].sentence:
            return []
        if _names_adjective(word) or word.lower == "и":
            run.append(word)
            continue
        several = len(run) > 1 and _names_adjective(run[-1])
        return [*run, word] if several and word.joined and _form(word.lower).noun else []
    return []


def _names_adjective(word: Word) -> bool:
    like = shape(word.text)
    return like.capital and like.russian and _form(word.lower).adjective


def _add_each(run: Sequence[Word], at: int, gathering: Gathering) -> None:
    """Add each adjective with the noun in the singular: Курская область, Брянская область."""
    noun = run[-1]
    for place, word in enumerate(run[:-1]):
        pair = names.of_each(word.lower, noun.lower) if word.lower != "и" else None
        if pair is not None:
            shown = f"{_as_written(pair[0], word.text)} {_as_written(pair[1], noun.text)}"
            parts = [part.replace("ё", "е") for part in pair]
            gathering.add(shown, parts, NAME_WEIGHT, word, at + place, name=True)


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


def _is_name(word: Word, post: Surroundings) -> bool:
    """Tell whether a capital means a name: always inside a sentence, at its beginning perhaps."""
    if not shape(word.text).capital or not shape(word.text).russian or len(word.text) < 3:
        return False
    form = _form(word.lower)
    if form.adjective and form.name is None and form.known and not word.quoted:
        return False  # «в Брянской, Курской …»: the tag is its place, if it has one
    if word.first or word.sentence in post.shouting:
        seldom = word.lower in words.counted("rather_small") and word.lower not in post.capitals
        named = not seldom and (form.name is not None or form.place)
        named = named or form.lemma in post.inside
        return form.noun and named
    return not (form.known and not form.noun and not form.adjective and form.name is None)


def _name_run(all_words: Sequence[Word], at: int, shouting: frozenset[int]) -> list[Word]:
    """Return the words from here that make one name: «Курской области», «Илона Маска»."""
    run = [all_words[at]]
    first = run[0]
    if not shape(first.text).capital or not shape(first.text).russian:
        return []
    if first.lower in words.begin_known_names() and (known := _known_name(all_words, at)):
        return known
    form = _form(first.lower)
    if form.place and not form.adjective and _is_person_after(all_words, at):
        return run  # «Израиля | Биньямин Нетаньяху»
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
        korean = len(run) < 3 and first.lower in words.word_set("korean")
        if not korean and not before.adjective and _falls_apart(before, after, len(run)):
            break
        run.append(word)
    if len(run) > 1 and _is_no_part(form, _form(run[1].lower)):
        return []  # «Президента | Трампа», «Погибший | Михаил»
    if (
        first.first
        and len(run) > 1
        and not (form.adjective or form.name or form.place or not form.known)
    ):
        return []  # a sentence's first word has a capital anyway: «Президент Владимир Путин»
    if len(run) == 1 and form.adjective and form.name is None and form.known and not first.quoted:
        return []
    return run


def _is_person_after(all_words: Sequence[Word], at: int) -> bool:
    """Tell whether a first name and another name follow a word."""
    following = all_words[at + 1 : at + 3]
    return (
        len(following) == 2
        and all(word.joined and shape(word.text).capital for word in following)
        and _form(following[0].lower).name == "Name"
        and _form(following[1].lower).name != "Patr"
    )


def _known_name(all_words: Sequence[Word], at: int) -> list[Word]:
    """Return the words from here that the list of names has together: «Деда Мороза»."""
    for length in (3, 2):
        run = list(all_words[at : at + length])
        if tuple(word.lower for word in run) in words.known_names():
            return run
    return []


def _falls_apart(before: morphology.Form, after: morphology.Form, length: int) -> bool:
    """Tell whether two neighbours with capitals are two names."""
    return (
        (after.adjective and after.name is None)  # Строитель | Белгородской области
        or (before.place and before.name != "Name" and not after.place)  # Грузии | Зурабишвили
        or (before.place and after.place and before.name is None)  # Грузии | Абхазии
        or (after.name == "Name" and before.name is None)  # Би-би-си | Стив Розенберг
        or (after.name == "Name" and before.name == "Surn" and length > 1)
    )


def _is_no_part(first: morphology.Form, second: morphology.Form) -> bool:
    """Tell whether a run's first word is a title, or has its capital by chance."""
    if not first.known or first.name or first.place or second.name is None:
        return first.lemma.startswith("экс-")
    return first.animate or not (first.noun or first.adjective)


def _add_name(post: Surroundings, run: Sequence[Word], position: int, gathering: Gathering) -> None:
    forms = [_form(word.lower) for word in run]
    if len(run) == 3 and forms[1].name == "Patr":
        run, forms = (run[0], run[2]), [forms[0], forms[2]]  # Ольга Ивановна Лаврик: Ольга Лаврик
    lower = tuple(word.lower for word in run)
    if lower in words.known_names():
        bent = words.known_names()[lower]
    elif len(run) > 1 and run[-1].text[0].isupper() and names.is_person(lower, forms):
        bent = names.person(lower, post.hints(position, len(run)))
        post.met(bent[-1])
    elif len(run) > 1 or forms[0].adjective:
        bent = names.thing(lower)
    else:
        bent = (_bend_single(run[0], forms[0], post, position),)
    shown = " ".join(_as_written(word, of.text) for word, of in zip(bent, run, strict=True))
    weight = NAME_WEIGHT
    if len(run) == 1:
        weight *= min(1.0, max(0.75, _weight(bent[0])))
        if forms[0].name == "Name" and not forms[0].place:
            weight *= FIRST_NAME_SHARE
    weight *= _share_of(post.before(position), *lower)
    parts = (part.replace("ё", "е") for part in bent)
    gathering.add(shown, parts, weight, run[0], position, name=True)


_BENT_ACRONYM = re.compile("([А-ЯЁ]{3,})(?:а|у|ом|е|ы|ов|ам|ами|ах)")


def _bend_single(word: Word, form: morphology.Form, post: Surroundings, at: int) -> str:
    lower = word.lower
    here = names.of_these(lower, post.surnames)
    if here is not None:
        return here
    if word.text[-1].isupper():
        return lower  # ТюмГУ
    acronym = _BENT_ACRONYM.fullmatch(word.text)
    if acronym:
        return acronym[1].casefold()  # РУСАЛа
    if not form.known:
        last = word.text.rpartition("-")[2]
        several = last[:2].isupper() and lower.endswith(("ов", "ам", "ами", "ах", "ы"))  # ВСУшников
        capital = last[0].isupper() and not several
        return unlisted.ground_form(lower, capital=capital, count=post.count)
    return names.single(lower, woman=lambda surname: post.is_woman(surname, at))


def _as_written(bent: str, text: str) -> str:
    """Return a word with the letters of its form in the text: ЛУКОЙЛа → ЛУКОЙЛ, Лёвкина → Лёвкин.

    Otherwise, with its capital.
    """
    if "-" in text and bent.count("-") == text.count("-"):
        halves = zip(bent.split("-"), text.split("-"), strict=True)
        return "-".join(_as_written(ours, theirs) for ours, theirs in halves)
    same = 0
    lower = text.casefold().replace("ё", "е")
    for ours, theirs in zip(bent.replace("ё", "е"), lower, strict=False):
        if ours != theirs:
            break
        same += 1
    if same == 0 and text[:1].isupper():
        return _capitalised(bent)
    return text[:same] + bent[same:]


def _capitalised(word: str) -> str:
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))


class _Found(NamedTuple):
    """What a word adds to a post by itself; without parts: nothing."""

    shown: str = ""
    parts: tuple[str, ...] = ()
    weight: float = 0.0
    name: bool = False
    ends_term: bool = False  # behind certain words: ставка


_NOTHING = _Found()


def _add_word(post: Surroundings, word: Word, position: int, gathering: Gathering) -> None:
    found = _alone(word.text)
    if found is None:
        found = _in_post(post, word, position)
    if found.parts:
        gathering.add(found.shown, found.parts, found.weight, word, position, name=found.name)
        if found.ends_term and word.joined:
            _add_term(post, word, position, found.weight, gathering)


@functools.lru_cache(CACHED)  # most words of a post stand here: they are looked up once
def _alone(text: str) -> _Found | None:
    """Return what a word adds to any post; None: that depends on the post."""
    lower = fold(text)
    like = shape(text)
    if not like.russian:
        return None
    if len(text) < 2 or lower in words.stop_words("ru"):
        return _NOTHING
    place = words.places().get(lower)
    if place is not None:  # РФ
        return _Found(place, _parts(place), NAME_WEIGHT, name=True)
    if like.acronym:
        return None
    if len(text) < 3 or (not text[0].isupper() and lower.endswith(_VERB_ENDINGS)):
        return _NOTHING
    form = _form(lower)
    return None if form.noun and not form.known else _listed(text, lower)


def _in_post(post: Surroundings, word: Word, position: int) -> _Found:
    """Return what an acronym, a word of other letters or an unknown noun adds to a post."""
    text, lower = word.text, word.lower
    like = shape(text)
    if not like.russian:
        if not like.cyrillic:
            return _latin(text, post.before(position))
        return _NOTHING if text[0].isdigit() else _mixed(text, lower)  # keep СУ-35, Ковид-19
    form = _form(lower)
    if like.acronym and not (post.shouts(position) and form.known):
        weight = ACRONYM_WEIGHT * min(1, _weight(lower))
        weight *= _share_of(post.before(position), lower)
        return _Found(text, (lower,), weight, name=True)
    if len(text) < 3:
        return _NOTHING
    if form.noun and not form.known:
        return _noun(text, form, unlisted.ground_form(lower, capital=False, count=post.count))
    return _listed(text, lower)


def _listed(text: str, lower: str) -> _Found:
    """Return what a known noun adds, or an adjective: московский."""
    form = _form(lower)
    if form.noun:
        return _noun(
            text, form, form.lemma if text[0].isupper() else morphology.common_lemma(lower)
        )
    place = words.places().get(form.lemma) if form.adjective else None
    return _NOTHING if place is None else _Found(place, _parts(place), PLACE_WEIGHT, name=True)


def _noun(text: str, form: morphology.Form, lemma: str) -> _Found:
    plain = lemma.replace("ё", "е")
    weight = GENERIC_WEIGHT if plain in words.stop_words("ru+") else _weight(lemma)
    shown = _capitalised(lemma) if form.place and text[0].isupper() else lemma
    return _Found(shown, (plain,), weight, ends_term=form.lemma in words.terms())


def _add_term(
    post: Surroundings, word: Word, position: int, weight: float, gathering: Gathering
) -> None:
    """Add an adjective and its noun, if they are a term: ключевая ставка."""
    before = post.before(position)
    if _form(before).lemma in words.terms()[_form(word.lower).lemma]:
        term = names.term(before, word.lower)
        if term is not None:
            parts = [part.replace("ё", "е") for part in term]
            weight = TERM_WEIGHT * max(LEAST_OF_A_TERM, weight)
            gathering.add(" ".join(term), parts, weight, word, position - 1, name=False)


def _mixed(text: str, lower: str) -> _Found:
    """Return a word of Russian letters and others; its last part is bent: Python-разработчик."""
    _, hyphen, tail = lower.rpartition("-")
    if hyphen and shape(tail).russian and len(tail) > 2:
        capital = text.rpartition("-")[2][0].isupper()
        lower = unlisted.ground_form(lower, capital=capital, count=lambda _: 0)
    return _Found(_as_written(lower, text), (lower,), 1.3, name=True)


def _weight(lemma: str) -> float:
    return words.weights("ru").get(lemma.replace("ё", "е"), 1.0)


def _latin(word: str, before: str) -> _Found:
    text = without_owner(word)
    bare = text.casefold()
    if (
        len(text) < 2
        or (text.isupper() and not shape(text).acronym and len(text) < 6)  # a Roman numeral
        or bare in words.english_stop_words()
        or DIGITS.fullmatch(text)
        or text[0].isdigit()
    ):
        return _NOTHING
    weight = LATIN_WEIGHT * _share_of(before, bare)
    if text.islower():
        weight *= 0.8
    weight *= min(1, words.weights("en").get(bare, 1.0) + 0.3)
    return _Found(text, (bare,), weight, name=True)


def _parts(place: str) -> tuple[str, ...]:
    return tuple(place.casefold().replace("ё", "е").split())


def is_place(lower: str) -> bool:
    """Tell whether a word can be a Russian name of a place, and is no adjective: Красная."""
    if not shape(lower).russian:  # no dictionary is loaded for it
        return False
    form = _form(lower)
    return form.place and not form.adjective


def ground_form(lower: str) -> str:
    """Return a word's dictionary form, as `Candidate.parts` has it."""
    return _form(lower).lemma.replace("ё", "е") if shape(lower).russian else lower
