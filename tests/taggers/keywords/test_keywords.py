"""The embedded tagger: what it gives for posts that a reader can judge, and what must never be."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.events import RecordedEvents
from tgtagger import vocabulary
from tgtagger.model.tagging import PostForTagging, PostId, Skipped, Tagged
from tgtagger.taggers.keywords import KeywordsTagger
from tgtagger.vocabulary.shelves import NO_SHELVES

TAGGER = KeywordsTagger(shelves=NO_SHELVES)


def tags(text: str) -> list[str]:
    return [tag.name for tag in TAGGER.tag_text(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Names stand whole and in the nominative.
        ("Вчера жителей Курской области предупредили об обстреле.", {"Курская область", "обстрел"}),
        ("Компания Илона Маска запустила ракету.", {"Илон Маск", "ракета", "компания"}),
        ("На концерт Джастина Тимберлейка пришло сто фанатов.", {"Джастин Тимберлейк", "концерт"}),
        ("Лекцию прочла Ольга Ивановна Лаврик из новосибирского института.", {"Ольга Лаврик"}),
        ("Завтра встретятся с Владимиром Путиным в Казани.", {"Владимир Путин", "Казань"}),
        # An adjective of a place is the place.
        ("Сегодня московские власти закрыли мост.", {"Москва", "мост"}),
        # Acronyms keep their letters, Latin names stay whole.
        ("По словам экспертов, ВСУ и НАТО обсудили поставки.", {"ВСУ", "НАТО", "поставка"}),
        ("В Челябинске угнали BMW X6 чиновника.", {"BMW X6", "Челябинск", "чиновник"}),
        # English: names by their capitals, the rest in lower case.
        (
            "The European Central Bank raised interest rates.",
            {"European Central Bank", "interest rates"},
        ),
        ("Ministers met in The Hague to discuss fishing quotas.", {"The Hague", "quotas"}),
        ("She studied at the University of Toronto.", {"University of Toronto"}),
    ],
)
def test_tags_a_person_would_choose(text: str, expected: set[str]) -> None:
    assert expected <= set(tags(text))


def test_hashtags_come_first_and_service_ones_not_at_all() -> None:
    found = TAGGER.tag_text("#новости Учёные нашли комету #астрономия #space_news")
    assert [(tag.name, tag.hashtag) for tag in found[:2]] == [
        ("астрономия", True), ("space news", True)]  # fmt: skip
    assert "комета" in tags("#новости Учёные нашли комету #астрономия")
    assert "новости" not in [tag.name for tag in found]


@pytest.mark.parametrize(
    "footer",
    [
        "🎯 Подписывайся на SHOT",
        "🔴 Подписаться | Прислать новость",
        "📲 Subscribe: @market_morning",
        "Читать нас без VPN можно здесь: bit.ly/x",
        "https://example.com/long/path?utm_source=telegram",
    ],
)
def test_a_footer_is_not_what_a_post_is_about(footer: str) -> None:
    text = "В Казани открыли новый планетарий с телескопом."
    assert tags(f"{text}\n\n{footer}") == tags(text)


def test_a_line_about_signing_is_no_footer() -> None:
    found = tags("Встреча закончилась.\nПрезидент подписал указ о налогах в Перми.")
    assert {"указ", "Пермь"} <= set(found)


@pytest.mark.parametrize(
    "text", ["", "   ", "🔥🔥🔥", "https://t.me/x/1", "@someone", "12 345", "!!! ...", "—"]
)
def test_a_post_without_words_has_no_tags(text: str) -> None:
    assert tags(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "El presidente de Argentina anunció un nuevo impuesto sobre la soja en Buenos Aires.",
        "Die Bundesregierung plant ein Gesetz über die Rente, sagte Olaf Müller in Hamburg.",
        "Президент України підписав закон про освіту, повідомив Київ.",
        "東京で大きな地震がありました。",
        "أعلنت الحكومة في القاهرة عن مشروع جديد للطاقة الشمسية",
    ],
)
def test_other_languages_get_something(text: str) -> None:
    assert 1 <= len(tags(text)) <= 7


def test_from_minimum_to_maximum() -> None:
    text = "Farmers near Toulouse grow saffron, lavender and garlic; drought ruined the harvest."
    for low, high in ((1, 2), (3, 7), (5, 5)):
        found = KeywordsTagger(minimum=low, maximum=high).tag_text(text)
        assert low <= len(found) <= high


async def test_posts_come_back_in_order_with_their_outcomes() -> None:
    posts = [PostForTagging(PostId(1, n), text) for n, text in enumerate(["Москва и мосты", "🔥"])]
    found = [each async for answered in TAGGER.tag(posts, RecordedEvents()) for each in answered]
    assert [each.post for each in found] == posts
    assert isinstance(found[0].outcome, Tagged)
    assert found[1].outcome == Skipped("no words to tag")


TEXT = st.text(max_size=200) | st.text(alphabet="абАБ aZ#@.\n«»-_:/!😀\u0301\u200b", max_size=120)


@given(TEXT)
def test_whatever_the_text(text: str) -> None:
    found = TAGGER.tag_text(text)
    keys = [vocabulary.key(tag.name) for tag in found]
    assert len(found) <= 7
    assert len(set(keys)) == len(keys)
    assert all(vocabulary.is_tag(tag.name) for tag in found)
    assert TAGGER.tag_text(text) == found


@given(st.lists(TEXT, max_size=5))
def test_what_came_before_changes_nothing(texts: list[str]) -> None:
    alone = [KeywordsTagger().tag_text(text) for text in texts]
    assert [TAGGER.tag_text(text) for text in reversed(texts)] == alone[::-1]


HOSTILE = {
    "one word": "а" * 50_000, "addresses": "a.b@" * 20_000, "dots": "a." * 50_000 + "@",
    "brackets": "[" * 1_000_000, "hashtags": "#тег " * 100_000, "capitals": "Аб " * 100_000,
    "shouting": "АБВГ " * 100_000, "emoji": "😀" * 300_000, "invisible": "\u200b" * 1_000_000,
    "combining": "a" + "\u0301" * 500_000, "lines": "\n" * 1_000_000, "hyphens": "а-" * 300_000,
    "links": "http://" * 100_000, "of": "Bank of " * 50_000, "surrogates": "\ud800 привет \udfff",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_takes_no_time(name: str) -> None:
    tags("Прогрев")
    started = time.process_time()
    assert all(len(tag) <= 40 for tag in tags(HOSTILE[name]))
    assert time.process_time() - started < 2  # a hundred times what it takes; never minutes


def test_nothing_slow_is_loaded_before_it_is_needed() -> None:
    program = (
        "import sys\nfrom tgtagger.taggers.keywords import KeywordsTagger\n"
        "KeywordsTagger().tag_text('Solar power in Spain')\nprint('pymorphy3' in sys.modules)\n"
        "KeywordsTagger().tag_text('Москва')\nprint('pymorphy3' in sys.modules)\n"
        "print(sys.modules.keys() & {'pymorphy3_dicts_uk', 'jieba', 'fugashi', 'tempfile'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True", "set()"]


def test_without_pymorphy3_it_warns_once_and_goes_on() -> None:
    program = (
        "import sys\nsys.modules['pymorphy3'] = None\n"
        "from tgtagger.taggers.keywords import KeywordsTagger\n"
        "for _ in range(2):\n"
        "    print(len(KeywordsTagger().tag_text('Власти Москвы закрыли мост')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert [int(n) > 0 for n in done.stdout.split()] == [True, True]
    assert done.stderr.count("RuntimeWarning") == 1
