"""A removed, merged or renamed tag comes back in no form: cases of real words and names."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from support.make import EPOCH, PROVENANCE, page, post, tag
from tgtagger import vocabulary
from tgtagger.decide import update_after
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import SuggestedTag, Tagged
from tgtagger.store import Store
from tgtagger.vocabulary.dictionary import analyzer, words_of_form

WORDS = "рынок суд банк орех роман газ переговоры ребёнок человек лёд биржа Франция".split()
NAMES = ("Инна Чурикова", "Олег Табаков", "Лев Яшин", "Юлия Пересильд", "Фёдор Конюхов")
CASES = ("gent", "datv", "accs", "ablt", "loct")
KINDS = ("Name", "Surn", "Geox")


def bent(name: str) -> Iterator[str]:
    """Yield the cases of a noun, or of a full name."""
    words = name.split(" ")
    for number in ("sing", "plur") if len(words) == 1 else ("sing",):
        for case in CASES:
            forms = [inflected(word, {case, number}) for word in words]
            if all(forms):
                yield " ".join(map(str, forms))


def inflected(word: str, wanted: set[str]) -> str | None:
    parses = [each for each in analyzer().parse(word) if each.tag.case == "nomn"]
    if word[0].isupper():
        parses = [each for each in parses if any(kind in each.tag for kind in KINDS)] or parses
    found: Any = next((each for each in parses if each.tag.POS == "NOUN"), None)
    form = found and found.inflect(wanted)
    if not form:
        return None
    return str(form.word.capitalize() if word[0].isupper() else form.word)


@cache
def real_names(folder: Path, most: int) -> list[str]:
    """Return nouns, and names of two words, of real posts, by chance."""
    nouns: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for file in sorted((folder / "ru_posts/channels").glob("*.json")):
        for message in json.loads(file.read_bytes()):
            nouns.update(re.findall("(?<![А-Яа-яё-])[а-яё]{4,}(?![а-яё-])", message["text"]))
            names.update(re.findall("(?<=[а-я,] )[А-Я][а-яё]{2,} [А-Я][а-яё]{3,}", message["text"]))
    chance = random.Random(17)
    chosen = chance.sample(sorted(nouns), len(nouns)), chance.sample(sorted(names), len(names))
    found = [word for word in chosen[0] if is_nominative(word, "")][:most]
    full = [n for n in chosen[1] if all(map(is_nominative, n.split(" "), ("Name", "Surn")))]
    return [*found, *full[: most // 3]]


def is_nominative(word: str, kind: str) -> bool:
    best = analyzer().parse(word)[0]
    tag = best.tag
    return best.is_known and tag.POS == "NOUN" and {"nomn", "sing"} <= tag.grammemes and (
        kind in tag if kind else best.normal_form == word and not any(k in tag for k in KINDS)
    )  # fmt: skip


@pytest.mark.parametrize("decided", ["remove", "merge", "rename"])
def test_what_was_decided_of_words_and_names_holds_in_every_case(
    store: Store, decided: str
) -> None:
    came_back, forms = came_back_after(decided, store, [*WORDS, *NAMES])
    assert len(forms) > 100
    assert came_back == []


@pytest.mark.parametrize("decided", ["remove", "merge", "rename"])
def test_what_was_decided_of_real_nouns_and_names_holds_in_every_case(
    store: Store, real_data: Path, decided: str
) -> None:
    came_back, forms = came_back_after(decided, store, real_names(real_data, 240))
    assert len(forms) > 2000
    # A form that is as well another word in the dictionary's form is that word's.
    of_others = [f for f in came_back if " " not in f and f.replace("ё", "е") in words_of_form(f)]
    assert len(of_others) < len(forms) / 200, of_others
    assert set(came_back) == set(of_others)


def came_back_after(decided: str, store: Store, names: list[str]) -> tuple[list[str], list[str]]:
    """Decide of tags; return which of their forms a tagger brought back, and all forms."""
    store.posts.save_page(page(post(1, "x")))
    tag(store, [*names, "wanted"])
    match decided:
        case "remove":
            store.curation.remove(names)
        case "merge":
            store.curation.merge(names, "wanted")
        case "rename":
            for number, name in enumerate(names):
                store.curation.rename(name, f"wanted {number}")
    own = {vocabulary.key(name) for name in names}
    forms = sorted({form for name in names for form in bent(name)} - own)
    came_back = []
    for start in range(0, len(forms), 100):
        tag(store, forms[start : start + 100])
        given = store.records.post("news/1").post.tags
        came_back += [name for name in given if not name.startswith("wanted")]
    return came_back, forms


@pytest.mark.parametrize(
    ("taken", "form"),
    [("рынок", "рынки"), ("Инна Чурикова", "Инны Чуриковой"), ("storm", "Storms"), ("суд", "суды")],
)
@pytest.mark.parametrize("is_known", [False, True])
def test_what_a_person_took_off_a_post_comes_back_to_it_in_no_form(
    store: Store, taken: str, form: str, *, is_known: bool
) -> None:
    store.posts.save_page(page(post(1, "a text"), post(2, "another")))
    tag(store, [taken])
    if is_known:  # the form is a tag of its own, of another post
        store.curation.drop("news/2", [taken])
        store.curation.add("news/2", [form])
    store.curation.drop("news/1", [taken])
    first = [each for each in store.queue.posts(PostFilter()) if each.id.message_id == 1]
    updates = [
        update_after(each, Tagged((SuggestedTag(form),)), PROVENANCE, now=EPOCH) for each in first
    ]
    (proposal,) = store.proposals.look(updates)
    assert proposal.tags == ()
    tag(store, [form, "more"])
    assert store.records.post("news/1").post.tags == ("more",)
