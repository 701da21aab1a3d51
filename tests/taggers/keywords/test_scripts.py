"""Words of other scripts and names with dots: whole, in their form, or not at all."""

from __future__ import annotations

import time
import unicodedata

import pytest

from support.events import RecordedEvents
from tgtagger.model.tagging import PostForTagging, PostId
from tgtagger.taggers.keywords import KeywordsTagger, segments
from tgtagger.taggers.keywords.words import stop_words_in
from tgtagger.vocabulary import dictionary

TAGGER = KeywordsTagger()


def tags(text: str) -> list[str]:
    return [tag.name for tag in TAGGER.tag_text(text)]


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the libraries of Chinese, Japanese and Ukrainian not be installed."""
    monkeypatch.setattr(segments, "chinese", lambda: None)
    monkeypatch.setattr(segments, "japanese", lambda: None)
    monkeypatch.setattr(dictionary, "ukrainian", lambda: None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("दिल्ली में आज भारी बारिश हुई", {"दिल्ली", "बारिश"}),
        ("ঢাকায় আজ ভারী বৃষ্টি", {"ঢাকায়", "বৃষ্টি"}),
        ("சென்னையில் கனமழை", {"சென்னையில்", "கனமழை"}),
        ("בְּרֵאשִׁית בָּרָא", {"בְּרֵאשִׁית", "בָּרָא"}),
        ("ٱلْقُرْآن كِتَاب", {"ٱلْقُرْآن", "كِتَاب"}),
        ("Ọjọ́ ẹ̀kọ́", {"ọjọ́", "ẹ̀kọ́"}),
        ('ראש צה"ל נפגש', {'צה"ל'}),
    ],
)
def test_marks_belong_to_their_letters(text: str, expected: set[str]) -> None:
    found = {word for tag in tags(text) for word in tag.split()}
    assert {unicodedata.normalize("NFC", word) for word in expected} <= found


def test_a_stress_is_not_part_of_a_russian_word() -> None:
    assert tags("В за\u0301мке нашли клад")[0] in {"замок", "клад"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("نرم‌افزار تازه برای برنامه‌نویسی منتشر شد", {"نرم‌افزار", "برنامه‌نویسی"}),
        ("ලංකාවේ ක්‍රීඩා", {"ක්‍රීඩා"}),
        ("Farm\u200cers grow saf\u200dfron", {"farmers", "saffron"}),  # noise in Latin
    ],
)
def test_joiners_stay_in_the_words_that_have_them(text: str, expected: set[str]) -> None:
    assert expected <= set(tags(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("İstanbul'da ısı 30 dereceyi aştı", "İstanbul"),
        ("İzmir yeni metro hattına kavuştu", "İzmir"),
        ("Die Hauptstraße; straße weiß", "straße"),
        ("η οδός και το φως", "οδός"),
    ],
)
def test_letters_keep_their_form(text: str, expected: str) -> None:
    assert expected in tags(text)
    assert not any("\u0307" in tag for tag in tags(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Новая версия Node.js и Next.js вышла сегодня, а ASP.NET обновили",
            {"Node.js", "Next.js", "ASP.NET"},
        ),
        ("Вышли .NET и C#", {".NET", "C#"}),
        ("Зал three.js и Socket.IO", {"three.js", "Socket.IO"}),
        ("Купили на Booking.com и Яндекс.Маркет", {"Booking.com", "Яндекс.Маркет"}),
        ("She uses Vue.js daily", {"Vue.js"}),
    ],
)
def test_a_name_with_a_dot_is_whole(text: str, expected: set[str]) -> None:
    found = tags(text)
    assert expected <= set(found)
    assert not {"js", "NET", "Node", "IO", "com", "Маркет"} & set(found)


@pytest.mark.parametrize(
    "text",
    [
        "habr.com, vc.ru (example.org) site.ru!", "кремль.рф", "sub.example.de/path/name",
        "meduza.io/feature", "config.yaml", "System.Text.Json", "HABR.COM",
    ],
)  # fmt: skip
def test_an_address_gives_nothing(text: str) -> None:
    assert tags(text) == []


def test_sentences_without_a_space_between_are_two() -> None:
    assert {"Москва", "отдых"} <= set(tags("Он был в Москве.Завтра отдых"))


@pytest.mark.parametrize(
    "hashtag",
    ["दिल्ली", "मौसम", "กรุงเทพ", "東京", "سرگرمی‌ها", "שָׁלוֹם", "İstanbul", "col·lecció", "대한민국"],
)
def test_hashtags_are_whole_in_any_script(hashtag: str) -> None:
    found = TAGGER.tag_text(f"Text, #{hashtag}")
    assert [tag.name for tag in found if tag.hashtag] == [unicodedata.normalize("NFC", hashtag)]


def test_a_hashtag_too_long_for_a_tag_leaves_no_piece() -> None:
    assert tags("#" + "слово" * 20) == []


@pytest.mark.parametrize(
    "text",
    [
        "台湾总统今天在台北发表讲话，谈到中国和美国的关系", "นายกรัฐมนตรีกล่าวว่าวันนี้ฝนตกหนัก",
        "ສະບາຍດີ ວຽງຈັນ", "ភ្នំពេញ រដ្ឋាភិបាល", "မြန်မာနိုင်ငံ",
    ],
)  # fmt: skip
def test_a_clause_without_spaces_is_no_tag(text: str, without_extras: None) -> None:
    assert tags(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京で大きな地震がありました。", ["東京", "地震"]),
        ("彼は世界を目指す", ["世界"]),
        ("iPhone17今天在上海发售", ["iPhone17"]),
    ],
)
def test_whole_words_of_a_clause_without_spaces(
    text: str, expected: list[str], without_extras: None
) -> None:
    assert tags(text) == expected


@pytest.mark.parametrize(
    ("text", "stopped"),
    [
        ("وقتی خودتون از لاراول استفاده کردید همه چیز رو میبینید", "وقتی خودتون همه رو کردید"),
        ("أعلنت الحكومة أيضا خلال اليوم مشروعا في القاهرة", "أيضا خلال اليوم"),
        ("Die neue Regierung will mehr Geld geben", "die neue will mehr"),
        ("El presidente dijo que hay que trabajar aquí", "dijo que hay"),
        ("Сьогодні в Києві вони мають нову раду щодо бюджету", "сьогодні вони щодо"),
        ("Bugün yeni bir karar herkes için çok önemli", "bir herkes için çok"),
        ("Le gouvernement veut aussi que nous soyons tous là", "aussi que nous tous"),
        ("La società ha detto che non è possibile per tutti", "detto che non tutti"),
        ("Os trabalhadores não podem mais ficar sem dinheiro", "não podem mais sem"),
    ],
)
def test_stop_words_of_nine_languages(text: str, stopped: str) -> None:
    found = {tag.casefold() for tag in tags(text)}
    assert found
    assert not found & set(stopped.split())


@pytest.mark.parametrize("language", "de es uk fa ar tr fr it pt".split())
def test_there_are_stop_words(language: str) -> None:
    assert len(stop_words_in(language) - stop_words_in("none")) > 200


def test_articles_are_cut_from_words_and_kept_in_names() -> None:
    found = tags("Le tremblement de terre à L'Aquila est pour l'École une leçon")
    assert {"L'Aquila", "École"} <= set(found)


CHINESE = "台湾总统今天在台北发表讲话，谈到中国和美国的关系"
JAPANESE = "東京で大きな地震があり、気象庁は津波警報を発表した"
UKRAINIAN = "Президент України Володимир Зеленський відкрив лікарню в Одеській області"


@pytest.mark.parametrize(
    ("library", "text", "expected", "never"),
    [
        ("jieba", CHINESE, {"台湾", "总统", "台北"}, {"今天", "发表"}),
        ("fugashi", JAPANESE, {"東京", "地震", "気象庁", "津波警報"}, {"大きな"}),
        (
            "pymorphy3_dicts_uk",
            UKRAINIAN,
            {"Володимир Зеленський", "Україна", "лікарня", "Одеська область"},
            {"відкрив", "України", "Одеській"},
        ),
        (
            "pymorphy3_dicts_uk",
            "Концерт гурту «Океан Ельзи» у Києві",
            {"Океан Ельзи", "Київ"},
            set(),
        ),
    ],
)
def test_words_that_an_extra_tells(
    library: str, text: str, expected: set[str], never: set[str]
) -> None:
    pytest.importorskip(library)
    found = set(tags(text))
    assert expected <= found
    assert not never & found


async def told(*texts: str) -> tuple[list[list[str]], list[str]]:
    posts = [PostForTagging(PostId(1, n), text) for n, text in enumerate(texts, 1)]
    tagger, events = KeywordsTagger(), RecordedEvents()
    for _ in range(2):
        answers = [each async for (each,) in tagger.tag(posts, events)]
    names = [[tag.name for tag in getattr(each.outcome, "tags", ())] for each in answers]
    return names, events.warnings


async def test_a_missing_extra_is_told_once_and_leaves_no_junk(without_extras: None) -> None:
    found, warnings = await told(CHINESE, CHINESE + " #台湾", JAPANESE, UKRAINIAN, "Москва и дождь")
    assert found[:2] == [[], ["台湾"]]
    assert set(found[2]) <= {"東京", "地震", "気象庁", "津波警報"}
    assert [warning.partition(":")[0] for warning in warnings] == [
        "2 posts are in Chinese", "1 post is in Japanese", "1 post is in Ukrainian",
    ]  # fmt: skip
    assert "pip install 'tgtagger[chinese]'" in warnings[0]


SHRUG = "Учёные показали макакам результаты выборов ¯\\_(ツ)_/¯, об этом говорит роман «三体»"


async def test_a_few_characters_make_no_post_in_chinese(
    without_extras: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No library is loaded for them, which takes seconds and 100 MB; none is said to be missing."""
    bare = tags(SHRUG)
    _, warnings = await told(SHRUG)
    assert not warnings
    monkeypatch.undo()
    monkeypatch.setattr(segments, "chinese", lambda: pytest.fail("loaded"))
    monkeypatch.setattr(segments, "japanese", lambda: pytest.fail("loaded"))
    assert tags(SHRUG) == bare


async def test_nothing_is_missing_for_what_can_be_read() -> None:
    for library in ("jieba", "fugashi", "pymorphy3_dicts_uk"):
        pytest.importorskip(library)
    _, warnings = await told(CHINESE, JAPANESE, UKRAINIAN, "Belarus: выхад у свет, ў", "Москва")
    assert warnings == []


@pytest.mark.parametrize(
    ("text", "expected", "never"),
    [
        ("Wir suchen einen Bäcker, schnelle Züge fahren", {"Bäcker", "Züge"}, {"suchen", "fahren"}),
        ("El ministro anunció más obras en la Universidad de Granada para ayudar",
         {"ministro", "Universidad de Granada"}, {"anunció", "ayudar"}),
        ("Bakan yeni okulu açtı. Köprü kapandı", {"köprü"}, {"açtı", "kapandı"}),
        ("सरकार ने सड़क बनाई। किसान खुश हुए", {"सड़क", "किसान"}, {"बनाई"}),
        ("افتتح الوزير مستشفى والمدرسة الجديدة", {"المدرسة", "مستشفى"}, {"افتتح", "والمدرسة"}),
        ("شهردار تهران پارک را ساخت", {"تهران", "پارک"}, {"ساخت"}),
    ],
)  # fmt: skip
def test_verbs_are_no_topics(text: str, expected: set[str], never: set[str]) -> None:
    found = set(tags(text))
    assert expected <= found
    assert not never & found


@pytest.mark.parametrize(
    "text",
    [
        "中" * 8000,
        "".join(map(chr, range(0x4E00, 0x6000))),
        "中国人民" * 2000,
        "が" * 8000,
        "漢\ud800字が",
    ],
)
def test_a_text_without_end_takes_a_moment(text: str) -> None:
    for library in ("jieba", "fugashi"):
        pytest.importorskip(library)
    tags(CHINESE), tags(JAPANESE)  # loaded
    started = time.process_time()
    tags(text)
    assert time.process_time() - started < 3
