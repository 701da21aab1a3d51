"""Which tags are probably one, as a person would see it."""

from __future__ import annotations

import pytest

from tgtagger.vocabulary import suggest
from tgtagger.vocabulary.likeness import Suggestion


def groups(
    counts: dict[str, int], *together: tuple[str, str, int]
) -> list[tuple[set[str], str, str]]:
    return [(set(item.names), item.into, item.likeness) for item in suggest(counts, together)]


@pytest.mark.parametrize(
    ("names", "likeness"),
    [
        (("дрон", "дроны"), "form"),
        (("Курская область", "Курские области"), "form"),
        (("electric car", "electric cars"), "form"),
        (("человек", "люди"), "form"),
        (("год", "лет"), "form"),
        (("США", "CША"), "look-alike"),  # the second begins with a Latin C
        (("OOH", "ООН"), "look-alike"),
    ],
)
def test_spellings_of_one_tag(names: tuple[str, str], likeness: str) -> None:
    assert groups({names[0]: 9, names[1]: 2}) == [({names[1]}, names[0], likeness)]


@pytest.mark.parametrize(("wrong", "right"), [("Дeнь", "день"), ("Mосква", "Москва")])
def test_a_word_of_two_scripts_is_never_proposed(wrong: str, right: str) -> None:
    assert groups({wrong: 9, right: 2}) == [({wrong}, right, "look-alike")]


@pytest.mark.parametrize(
    "names",
    [("маска", "Маск"), ("США", "сша и мы"), ("Нигер", "Нигерия"), ("AI", "ИИ"), ("мир", "мэр")],
)
def test_other_tags(names: tuple[str, str]) -> None:
    assert groups(dict.fromkeys(names, 5)) == []


def test_an_abbreviation_needs_posts_that_have_both() -> None:
    counts = {"ВС": 12, "Верховный суд": 8}
    assert groups(counts, ("ВС", "Верховный суд", 1)) == []
    assert groups(counts, ("ВС", "Верховный суд", 2)) == [({"Верховный суд"}, "ВС", "abbreviation")]


def test_tags_that_stand_together_are_suggested_last() -> None:
    counts = {"модуль": 10, "редактирование": 9, "дрон": 90, "дроны": 3}
    together = [("модуль", "редактирование", 9), ("дрон", "модуль", 3)]
    assert groups(counts, *together) == [
        ({"дроны"}, "дрон", "form"),
        ({"редактирование"}, "модуль", "used together"),
    ]
    assert groups({"a b": 10, "c d": 20}, ("a b", "c d", 10)) == []  # half of the posts only


def test_names_that_stand_together_are_two() -> None:
    assert groups({"Spotify": 10, "Apple Podcasts": 10}, ("Apple Podcasts", "Spotify", 10)) == []
    assert groups({"Путин": 10, "Владимир Путин": 9}, ("Владимир Путин", "Путин", 9)) == [
        ({"Владимир Путин"}, "Путин", "used together")
    ]


@pytest.mark.parametrize(
    ("one", "other", "is_form"),
    [
        ("дрон", "дроны", True),
        ("Курская область", "Курские области", True),
        ("зумер", "зумера", True),  # in no dictionary: by their endings
        ("физик", "физика", False),
        ("Пушкин", "Пушкино", False),
        ("учение", "учёный", False),
        ("DevOps-физик", "DevOps-физика", False),
    ],
)
def test_a_dictionary_tells_words_from_forms(one: str, other: str, *, is_form: bool) -> None:
    assert bool(suggest({one: 2, other: 1}, ())) == is_form


def test_several_forms_are_one_suggestion() -> None:
    assert suggest({"школа": 5, "школы": 9, "школе": 1}, ()) == (
        Suggestion(("школы", "школе"), "школа", "form", 10),
    )


@pytest.mark.parametrize(
    ("wrong", "into"),
    [
        ("дроны", "дрон"),
        ("Илоны Маск", "Илон Маск"),
        ("Курские области", "Курская область"),
        ("биткоина", "биткоин"),
        ("сентября", "сентябрь"),
    ],
)
def test_the_dictionary_form_remains_however_rare_it_is(wrong: str, into: str) -> None:
    assert groups({wrong: 90, into: 2}) == [({wrong}, into, "form")]


@pytest.mark.parametrize(
    ("one", "other", "doubtful"),
    [
        ("BBC", "ВВС", True),
        ("PoC", "РОС", True),
        ("M4", "М4", True),
        ("США", "CША", False),  # a slip: the second mixes two alphabets
        ("Telegram", "Тelegram", False),
        ("дрон", "дроны", False),
    ],
)
def test_acronyms_of_two_alphabets_are_doubtful_and_come_last(
    one: str, other: str, *, doubtful: bool
) -> None:
    *_, last = suggest({one: 90, other: 50, "кот": 2, "коты": 1}, ())
    found = {item.into: item.is_doubtful for item in suggest({one: 90, other: 50}, ())}
    assert list(found.values()) == [doubtful]
    assert (last.likeness == "look-alike") == doubtful


def test_a_short_abbreviation_is_doubtful() -> None:
    counts = {"ВС": 12, "Верховный суд": 8, "МВФ": 9, "Международный валютный фонд": 3}
    shared = [("ВС", "Верховный суд", 8), ("МВФ", "Международный валютный фонд", 3)]
    assert [item.is_doubtful for item in suggest(counts, shared)] == [False, True]
