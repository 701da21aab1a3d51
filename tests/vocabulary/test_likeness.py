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
    [("маска", "Маск"), ("США", "сша и мы"), ("Нигер", "Нигерия"), ("мир", "мэр")],
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
        ({"Владимир Путин"}, "Путин", "surname")
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
    *_, last = suggest({one: 90, other: 50, "сад": 2, "сады": 1}, ())
    found = {item.into: item.is_doubtful for item in suggest({one: 90, other: 50}, ())}
    assert list(found.values()) == [doubtful]
    assert (last.likeness == "look-alike") == doubtful


def test_a_short_abbreviation_is_doubtful() -> None:
    counts = {"ВС": 12, "Верховный суд": 8, "МВФ": 9, "Международный валютный фонд": 3}
    shared = [("ВС", "Верховный суд", 8), ("МВФ", "Международный валютный фонд", 3)]
    assert [item.is_doubtful for item in suggest(counts, shared)] == [False, True]


@pytest.mark.parametrize(
    ("surname", "full", "is_one"),
    [
        ("Ахматова", "Анна Ахматова", True),
        ("Пастернак", "Борис Пастернак", True),
        ("Спилберг", "Стивен Спилберг", True),  # in no dictionary
        ("Владимир", "Князь Владимир", False),
        ("Павел", "Апостол Павел", False),
        ("Спасский", "Мост Спасский", False),
        ("Анна", "Мария Анна", False),  # a first name
        ("Пастернак", "Борис Лавренёв", False),
    ],
)
def test_a_surname_and_the_one_full_name_that_has_it(
    surname: str, full: str, *, is_one: bool
) -> None:
    assert groups({surname: 9, full: 4}) == ([({full}, surname, "surname")] if is_one else [])
    assert groups({surname: 4, full: 9}) == ([({surname}, full, "surname")] if is_one else [])


def test_a_surname_of_two_people_is_nobodys() -> None:
    two = {"Толстой": 9, "Лев Толстой": 4, "Алексей Толстой": 5}
    assert groups(two) == []
    forms = {"Бродский": 9, "Иосиф Бродский": 4, "Иосифа Бродского": 2}  # one, in two forms
    assert groups(forms) == [({"Иосиф Бродский", "Иосифа Бродского"}, "Бродский", "surname")]


@pytest.mark.parametrize(("one", "other"), [(9, 1), (1, 9), (1, 1)])
def test_a_surname_of_a_single_post_is_doubtful(one: int, other: int) -> None:
    (found,) = suggest({"Бродский": one, "Иосиф Бродский": other}, ())
    assert (found.likeness, found.is_doubtful, found.is_safe) == ("surname", True, False)


def test_names_of_the_bundled_list_are_suggested_and_the_most_used_remains() -> None:
    counts = {"Сбер": 3, "Сбербанк": 4, "дрон": 5, "дроны": 2, "БПЛА": 9, "МИД": 3, "МВД": 8}
    assert groups(counts) == [
        ({"дрон", "дроны"}, "БПЛА", "synonym"),
        ({"Сбер"}, "Сбербанк", "synonym"),
    ]
    assert not any(item.is_safe for item in suggest(counts, ()))


@pytest.mark.parametrize(
    "names",
    [("час", "часы"), ("Красный", "Красная"), ("Мохов", "Мохова"), ("лонгрид", "лонгрида")],
)
def test_words_that_are_both_in_the_dictionary_are_doubtful(names: tuple[str, str]) -> None:
    found = suggest(dict.fromkeys(names, 3), ())
    assert [item.is_doubtful for item in found] == [names[0] != "лонгрид"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Кира Булычёва", "Кир Булычёв"),
        ("Восточные Саяны", "Восточный Саян"),
        ("Западной Двины", "Западная Двина"),
        ("Дардаах", "Дардаа"),  # of unknown names the most used
    ],
)
def test_the_form_of_a_name_that_remains(wrong: str, right: str) -> None:
    assert groups({right: 4, wrong: 3}) == [({wrong}, right, "form")]


def test_tags_that_are_only_used_together_are_doubtful() -> None:
    (found,) = suggest({"модуль": 10, "редактирование": 9}, [("модуль", "редактирование", 9)])
    assert found.is_doubtful
