"""The shelves: ours, a list of one's own, names by language and by a person's wish."""

from __future__ import annotations

import pytest

from tgtagger.errors import InputError
from tgtagger.vocabulary import is_tag
from tgtagger.vocabulary.shelves import (
    NO_SHELVES,
    STRONG,
    WEAK,
    bundled,
    language_of_names,
    read_shelves,
)


def test_ours_have_a_name_in_each_language_and_the_genres() -> None:
    ours = bundled()
    assert all(set(shelf.names) == {"ru", "en"} for shelf in ours.shelves)
    assert all(map(is_tag, ours.all_names))
    assert len(set(ours.all_names)) == len(ours.all_names)
    genres = {"recipe", "job", "advertisement", "weather", "sport", "events"}
    assert genres <= set(ours.names("en"))
    assert {"рецепт", "вакансия", "реклама", "погода"} <= set(ours.names("ru"))
    assert 20 <= len(ours.shelves) <= 40


def test_ours_win_over_shelves_that_there_are() -> None:
    ours = bundled()
    for shelf in ours.shelves:
        assert shelf.over <= set(ours.names("ru")) - {shelf.name("ru")}


def test_counted_words_are_weaker_than_written_ones_and_no_text() -> None:
    written, every = bundled(counted=False), bundled()
    more = {word: signs for word, signs in every.words.items() if word not in written.words}
    assert 500 < len(more) < 3000
    assert all(0 < sign.weight < STRONG for signs in more.values() for sign in signs)


def test_a_list_of_ones_own() -> None:
    found = read_shelves(
        "\ufeff# mine\n"
        "Космос | space > Наука, real estate: Ракета орбита? астроном* солнечная_система\n"
        "\tкомета\n\n"
        "наука: учёный\nнедвижимость | real estate:\n"
    )
    assert [dict(shelf.names) for shelf in found.shelves] == [
        {"ru": "Космос", "en": "space"}, {"ru": "наука"},
        {"ru": "недвижимость", "en": "real estate"}]  # fmt: skip
    assert found.shelves[0].over == {"наука", "real estate"}
    assert found.words["ракета"][0].weight == STRONG
    assert found.words["орбита"][0].weight == WEAK
    assert found.words["солнечная"][0].following == ("система",)
    assert found.words["комета"][0].shelf == 0
    assert found.words["ученый"][0].shelf == 1
    assert "астроном" in found.beginnings
    assert found.names("ru") == ("Космос", "наука", "недвижимость")
    assert found.names("en") == ("space", "наука", "real estate")
    assert len({found.hash, read_shelves("a: b").hash, bundled().hash, NO_SHELVES.hash}) == 4


def test_lines_of_one_name_are_one_shelf() -> None:
    found = read_shelves("sport: match\nSport > food: goal\nfood: soup\n")
    assert found.shelves[0].over == {"food"}
    assert found.names("en") == ("sport", "food")
    assert [found.words[word][0].shelf for word in ("match", "goal", "soup")] == [0, 0, 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sport match goal\n", "line 1: write the name of a shelf, a colon, and its words"),
        ("sport: goal\n: words\n", "line 2: write"),
        ("sport: goal\na, b: words\n", "line 2: write"),
        ("  goal\n", "line 1: write"),
        ("# nothing\n\n", "the file has no shelf"),
        ("sport: goal\nfood > sport, foot: soup\n", 'line 2: there is no shelf "foot"'),
    ],
)
def test_what_is_wrong_with_a_list_is_said(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_shelves(text)


def test_shelves_are_called_as_a_person_called_them() -> None:
    found = read_shelves("спорт | sport: a\nеда: b\nкосмос | space: c\n").called(
        {"спорт": "футбол", "еда": None, "space": None}
    )
    assert found.names("ru") == ("футбол", "космос")
    assert found.names("en") == ("sport", "космос")


@pytest.mark.parametrize(
    ("wanted", "language"),
    [("post", None), ("Russian", "ru"), ("русский", "ru"), ("English", "en"), ("Greek", "en")],
)
def test_the_language_of_names(wanted: str, language: str | None) -> None:
    assert language_of_names(wanted) == language
