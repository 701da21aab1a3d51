"""The shelf: a broad topic beside a post's own tags, for posts whose words speak of one clearly."""

from __future__ import annotations

import pytest

from support.events import RecordedEvents
from tgtagger.model.tagging import PostForTagging, PostId, SuggestedTag, Tagged
from tgtagger.taggers.keywords import KeywordsTagger
from tgtagger.taggers.keywords.select import with_shelf
from tgtagger.vocabulary import Vocabulary, VocabularyEntry
from tgtagger.vocabulary.shelves import NO_SHELVES, read_shelves

ON, OFF = KeywordsTagger(), KeywordsTagger(shelves=NO_SHELVES)
CRASH = "На трассе столкнулись автобус и грузовик, двое погибли, пятеро пассажиров в больнице."


def names(tagger: KeywordsTagger, text: str) -> list[str]:
    return [tag.name for tag in tagger.tag_text(text)]


@pytest.mark.parametrize(
    ("text", "shelf"),
    [
        # What a post is, though no word says it.
        ("Пирог с вишней. Два стакана муки, яйцо, щепотка соли. Тесто раскатать, запекать полчаса.",
         "рецепт"),
        ("Ищем бариста: сменный график, оклад от 60 тысяч, опыт работы от года.", "вакансия"),
        ("Ночью до минус пяти, мокрый снег, на дорогах гололедица, порывы ветра.", "погода"),
        ("Скидка 30 % по промокоду ЛЕТО, кэшбэк и розыгрыш наушников.", "реклама"),
        ("«Зенит» обыграл «Динамо» 2:1, победный гол забил форвард Кассьерра.", "спорт"),
        ("В субботу в парке ярмарка и мастер-классы по керамике, вход свободный.", "афиша"),
        ("Preheat the oven, mix flour with butter, add a pinch of salt and bake for an hour.",
         "recipe"),
        ("We're hiring a librarian: full-time, salary from 30k, two years of experience.", "job"),
        ("Cloudy tomorrow with showers, gusts up to 40 mph and a chance of snow.", "weather"),
        ("Rovers beat United 3-1; their midfielder scored twice in the second half.", "sport"),
        # What is said in other forms than the list's.
        ("Центробанк поднял ключевую ставку, банки повысили проценты по вкладам.", "финансы"),
        ("Депутаты Госдумы обсудили санкции против министров иностранных дел.", "политика"),
        ("Астрономы увидели, как чёрная дыра разрывает звезду в далёкой галактике.", "космос"),
        ("Полицейские задержали грабителя, который похитил у пенсионерки кошелёк.", "криминал"),
        (CRASH, "происшествия"),  # and no transport
        ("Police arrested a man suspected of two burglaries in the old town.", "crime"),
    ],
)  # fmt: skip
def test_a_shelf_that_a_person_would_choose(text: str, shelf: str) -> None:
    assert names(ON, text)[-1] == shelf
    assert shelf not in names(OFF, text)


@pytest.mark.parametrize(
    "text",
    [
        "Как мы и думали.",
        "Бабушка связала внуку синий шарф.",
        "Two old friends met after thirty years.",
        "Der Zug nach Köln fährt heute nicht, weil die Gleise vereist sind.",  # no list knows it
    ],
)
def test_no_shelf_where_none_speaks_clearly(text: str) -> None:
    assert names(ON, text) == names(OFF, text)


def test_the_other_tags_stay_as_they_are() -> None:
    assert names(ON, CRASH) == [*names(OFF, CRASH), "происшествия"]


def test_a_shelf_that_is_a_tag_already_comes_once() -> None:
    text = "Погода: дождь, ветер и снег. #погода"
    assert names(ON, text).count("погода") == 1


def test_never_more_than_the_maximum() -> None:
    for most in range(1, 9):
        found = names(KeywordsTagger(minimum=1, maximum=most), CRASH)
        assert len(found) <= most
        assert ("происшествия" in found) == (most > 2)
        assert found[:-1] == names(OFF, CRASH)[: len(found) - 1]


def _tags(*given: str) -> list[SuggestedTag]:
    return [SuggestedTag(name.lstrip("#"), name.startswith("#")) for name in given]


@pytest.mark.parametrize(
    ("tags", "maximum", "expected"),
    [
        ("a b c", 4, "a b c shelf"),
        ("a b c", 3, "a b shelf"),
        ("a b", 2, "a b"),  # two tags of its own stay
        ("#a #b #c", 3, "a b c"),  # so do an author's
        ("a shelf c", 7, "a shelf c"),
        ("", 7, "shelf"),
    ],
)
def test_the_place_of_a_shelf(tags: str, maximum: int, expected: str) -> None:
    found = with_shelf(_tags(*tags.split()), SuggestedTag("shelf"), maximum)
    assert " ".join(tag.name for tag in found) == expected


def test_a_list_of_ones_own_in_any_language() -> None:
    mine = KeywordsTagger(shelves=read_shelves("Wetter: Gewitter Regen\nTiere: Hund Katze\n"))
    assert names(mine, "Am Abend Gewitter und Regen in Köln.")[-1] == "Wetter"
    assert "Tiere" not in names(mine, "Gewitter, Regen und Hagel, ein Hund bellt.")
    assert "погода" not in names(mine, "Ночью мокрый снег, гололедица, порывы ветра.")


def test_names_follow_the_language_of_tags() -> None:
    english = KeywordsTagger(shelf_language="en")
    russian = KeywordsTagger(shelf_language="ru")
    assert names(english, CRASH)[-1] == "accidents"
    assert names(russian, "Police arrested a man suspected of two burglaries.")[-1] == "криминал"


def test_a_vocabulary_has_the_last_word() -> None:
    entries = [VocabularyEntry("ДТП", None, ("происшествия",)), VocabularyEntry("автобус")]
    closed = KeywordsTagger(vocabulary=Vocabulary("closed", entries))
    assert set(names(closed, CRASH)) == {"автобус", "ДТП"}
    without = KeywordsTagger(vocabulary=Vocabulary("closed", entries[1:]))
    assert names(without, CRASH) == ["автобус"]
    prefer = KeywordsTagger(maximum=4, vocabulary=Vocabulary("prefer", entries[1:]))
    assert names(prefer, CRASH)[-1] == "происшествия"


def test_another_list_makes_posts_stale() -> None:
    mine = KeywordsTagger(shelves=read_shelves("a: b\n"))
    assert ON.provenance.prompt is None
    english = KeywordsTagger(shelf_language="en")
    assert len({one.provenance for one in (ON, OFF, mine, english)}) == 4


async def test_the_shelf_is_stored_as_the_other_tags() -> None:
    posts = [PostForTagging(PostId(1, 1), CRASH)]
    (answered,) = [one async for batch in ON.tag(posts, RecordedEvents()) for one in batch]
    assert isinstance(answered.outcome, Tagged)
    assert answered.outcome.tags[-1] == SuggestedTag("происшествия", False)
