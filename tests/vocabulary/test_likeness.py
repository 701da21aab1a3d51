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


def test_tags_that_always_stand_together_are_two() -> None:
    counts = {"модуль": 10, "редактирование": 9, "Spotify": 10, "Apple Podcasts": 10}
    together = [("модуль", "редактирование", 9), ("Apple Podcasts", "Spotify", 10)]
    assert groups(counts, *together) == []


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
        ("Маск", "Илон Маск", True),  # a first name that the dictionary lacks; many a mask
        ("Стармер", "Кир Стармер", True),
        ("Shadow", "Storm Shadow", False),
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
    # The full name remains, however rare it is: many have the surname.
    expected = [({surname}, full, "surname")] if is_one else []
    assert groups({surname: 9, full: 4}) == groups({surname: 4, full: 9}) == expected


def test_a_surname_of_two_people_is_nobodys() -> None:
    two = {"Толстой": 9, "Лев Толстой": 4, "Алексей Толстой": 5}
    assert groups(two) == []
    forms = {"Бродский": 9, "Иосиф Бродский": 4, "Иосифа Бродского": 2}  # one, in two forms
    assert groups(forms) == [({"Бродский", "Иосифа Бродского"}, "Иосиф Бродский", "surname")]


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
        ("Санджай Пател", "Санджай Патель"),
        ("Южный Чертаново", "Южное Чертаново"),
        ("Югнефти", "Югнефть"),
        ("Олег Коростелц", "Олег Коростелец"),
    ],
)
def test_the_form_of_a_name_that_remains(wrong: str, right: str) -> None:
    assert groups({right: 4, wrong: 3}) == [({wrong}, right, "form")]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("гайды", "гайд"),  # the dictionary has гайда, a bagpipe
        ("гайда", "гайд"),
        ("Сума", "Сумы"),
        ("Телеграм", "Telegram"),
        ("MOSCOW", "Москва"),
        ("осадок", "осадки"),  # of the weather
        ("нейронная сеть", "нейросеть"),  # no dictionary has it
    ],
)
def test_what_remains_of_a_pair(wrong: str, right: str) -> None:
    (found,) = suggest({right: 4, wrong: 4 if wrong in {"Сума", "MOSCOW"} else 3}, ())
    assert (found.names, found.into) == ((wrong,), right)


@pytest.mark.parametrize(
    ("counts", "rarest", "is_suggested"),
    [
        ({"Бродский": 1, "Иосиф Бродский": 3}, None, False),  # a street and a poet
        ({"Бродский": 1, "Иосиф Бродский": 3}, 900, False),  # beside Russia, as everything
        ({"Бродский": 1, "Иосиф Бродский": 3}, 7, True),
        ({"Бродский": 2, "Иосиф Бродский": 3}, None, False),
        ({"Бродский": 2, "Иосиф Бродский": 3}, 900, True),
        ({"Мохов": 1, "Мохова": 1}, None, False),
        ({"Мохов": 1, "Мохова": 1}, 7, True),
        ({"дрон": 1, "дроны": 1}, None, True),  # surely one word
    ],
)
def test_what_may_be_two_needs_the_same_company(
    counts: dict[str, int], rarest: int | None, *, is_suggested: bool
) -> None:
    found = suggest({**counts, "Россия": 900}, (), lambda *_: rarest)
    assert bool(found) == is_suggested


def test_of_unknown_surnames_the_one_that_more_names_have_remains() -> None:
    counts = {"Такэу Мисиб": 1, "Такэо Мисиба": 1, "Такэу Мисиба": 1}
    (found,) = suggest(counts, ())
    assert found.into == "Такэу Мисиба"


@pytest.mark.parametrize(
    ("shelf", "other", "is_doubtful"),
    [
        ("технологии", "технология", True),  # the shelf and one of them
        ("игры", "игра", True),  # a match
        ("животные", "животное", True),
        ("технологии", "технологиями", False),  # a form that is no word of its own
        ("погода", "погоду", False),
    ],
)
def test_a_shelf_remains(shelf: str, other: str, *, is_doubtful: bool) -> None:
    (found,) = suggest({shelf: 2, other: 30}, ())
    assert (found.names, found.into, found.is_doubtful) == ((other,), shelf, is_doubtful)
