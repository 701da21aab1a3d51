"""Tags: what is one, what a vocabulary's file says, and what is made of a model's words."""

from __future__ import annotations

import itertools
import sys
from subprocess import run
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger import vocabulary
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.vocabulary import (
    Mode,
    Vocabulary,
    VocabularyEntry,
    dictionary,
    echoes,
    key,
    normalise,
    read,
    write,
)
from tgtagger.vocabulary.forms import SHARED, are_forms, starts_of_forms

MODES = st.sampled_from(["open", "prefer", "closed"])
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=50)  # lone surrogates, too
LETTERS = st.text("абвгеийостьыABCcdeisy019 -_+#.'\"«»(),:|@\u200b\u0301\n", max_size=24)
NAMES = (ANY_TEXT | LETTERS).map(normalise).filter(vocabulary.is_tag)


def of(mode: Mode, *names: str, existing: tuple[str, ...] = ()) -> Vocabulary:
    return Vocabulary(
        mode, [VocabularyEntry(name) for name in names], [(name, ()) for name in existing]
    )


# ---- names


@pytest.mark.parametrize(
    "name",
    ["C++", "C#", ".NET", "COVID-19", "5G", "ИИ", "Нотр-Дам", "1С", "F-16", "Яндекс.Такси",
     "TCP/IP", "HTTP/2", "Booking.com", "don't", "AT&T", "12:30 Europe", "人工智能", "№1 в мире"],
)  # fmt: skip
def test_a_tag_stays_as_it_is(name: str) -> None:
    assert normalise(name) == name
    assert vocabulary.is_tag(name)


@pytest.mark.parametrize(
    "name",
    ["tag (new tag for instructions)", "(new) tag", "list[int]", "a {b}", "<b>bold</b>", "「引」語",
     "energy: grids and prices", "政治：选举", "https://a.example/b", "see www.example.com",
     "t.me/channel", "a @mention", "me@example.com", "space, rockets", "a|b", "12.5 %", "👍",
     "one two three four five", "x" * 41],
)  # fmt: skip
def test_what_is_no_tag(name: str) -> None:
    assert not vocabulary.is_tag(normalise(name))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x0b", "\x85", "\u2028"])
def test_lines_are_no_tag(end: str) -> None:
    assert not vocabulary.is_tag(f"space{end}rockets")
    assert Vocabulary("open").choose([f"space{end}rockets", f"word{end}"]) == ("word",)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u202eзло\u202c", "зло"), ("ис\u00adкра", "искра"), ("\ufefftag\u200d", "tag"),
        ("a\tb", "a b"), ("a \u200b b", "a b"), ("и\u200b\u0306од", "йод"), ("#＃tag", "tag"),
        ("‹„tag“›", "tag"), ("_sea__salt_", "sea salt"), ("tag\ud800", "tag"),
        ("ta\U000e0067g", "tag"), ("ta\ufffe\uffffg", "tag"), ("ta\U0010ffff\ufdd0g", "tag"),
        ("ta\U0001d173g", "tag"),
    ],
)  # fmt: skip
def test_what_nobody_sees_is_dropped(name: str, shown: str) -> None:
    assert normalise(name) == shown


@given(ANY_TEXT | LETTERS)
def test_normalising_twice_changes_nothing(name: str) -> None:
    once = normalise(name)
    assert normalise(once) == once
    assert key(once) == key(name)
    once.encode()


# ---- the file

FILE = """\ufeff# Topics of the channel\r
#
# Mode: CLOSED\r

artificial intelligence | AI, machine  intelligence, ai | models,  not | robots
#energy | | power plants
space: rockets and planets
## a heading
C#\r
sport|football,\r
# mode: whatever
"""


def test_a_file_as_people_write_it() -> None:
    assert read(FILE) == (
        "closed",
        (
            VocabularyEntry(
                "artificial intelligence", "models, not | robots", ("AI", "machine intelligence")
            ),
            VocabularyEntry("energy", "power plants"),
            VocabularyEntry("space", "rockets and planets"),
            VocabularyEntry("C#"),
            VocabularyEntry("sport", None, ("football",)),
        ),
    )
    assert read("a").mode is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\r\n\r\nb (c)", 'line 3: "b (c)" is not a tag'),
        ("a\n| b", 'line 2: "" is not a tag'),
        ("a | b c d e f", 'line 1: "b c d e f" is not a tag'),
        ("a\nb\nA", 'line 3: "A" is already in line 1'),
        ("ёлка | fir\nFir", 'line 2: "Fir" is already in line 1'),
        ("a | e-mail\nb | E mail", 'line 2: "E mail" is already in line 1'),
        ("\n# mode: strict\na", 'line 2: there is no mode "strict"'),
        ("# mode:\na", 'line 1: there is no mode ""'),
        ("# only\n\n", "the vocabulary has no tags"),
        ("\n".join(f"tag{number}" for number in range(1001)), "line 1001: a vocabulary has at"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        read(text)
    assert raised.value.message.startswith(message)
    assert hint_of(raised.value)


def test_a_thousand_tags_are_no_error() -> None:
    assert len(read("\n".join(f"tag{number}" for number in range(1000))).entries) == 1000


DESCRIPTIONS = ANY_TEXT.map(lambda text: " ".join(text.split()) or None)


@st.composite
def entry_lists(draw: st.DrawFn, smallest: int = 1) -> list[VocabularyEntry]:
    names = draw(st.lists(NAMES, unique_by=key, min_size=smallest, max_size=12))
    entries = []
    while names:
        spellings = [names.pop() for _ in range(min(len(names), draw(st.integers(1, 4))))]
        entries.append(VocabularyEntry(spellings[0], draw(DESCRIPTIONS), tuple(spellings[1:])))
    return entries


@given(st.none() | MODES, entry_lists())
def test_what_is_written_is_read(mode: Mode | None, entries: list[VocabularyEntry]) -> None:
    assert read(write(mode, entries)) == (mode, tuple(entries))


# ---- the hash


def test_a_hash_stands_for_the_mode_and_all_of_the_entries() -> None:
    entries = [VocabularyEntry("a", "b", ("c",))]
    others: list[tuple[Mode, list[VocabularyEntry]]] = [
        ("prefer", entries),
        ("open", []),
        ("prefer", []),
        ("closed", []),
        ("closed", entries),
        ("prefer", [VocabularyEntry("a", "b")]),
        ("prefer", [VocabularyEntry("a", None, ("c",))]),
        ("prefer", [VocabularyEntry("a", "c", ("b",))]),
        ("prefer", [*entries, VocabularyEntry("d")]),
    ]
    assert len({Vocabulary(mode, some).hash for mode, some in others}) == len(others)
    assert Vocabulary("open").hash is None
    first, again = Vocabulary("prefer", entries), Vocabulary("prefer", entries, [("x", ())], 3)
    assert first.hash == again.hash


# ---- word forms

SAME = """
новости ~ новость; электромобили ~ электромобиль; Кредиты ~ кредит; каналы ~ канал; ёлки ~ елка
режимы ~ режим; экраны ~ экран; рынки ~ рынок; украинцы ~ украинец; игра ~ игры; партии ~ партия
российские банки ~ российский банк; рынок автомобилей ~ рынки автомобиля
Санкт-Петербурга ~ Санкт Петербург; банк России ~ Россия банки; рынок ИИ ~ рынки ИИ
electric cars ~ electric car; cities ~ city; суд ~ суды; boxes ~ box; Big Banks ~ big-bank
Windows 10 ~ window 10; НОВОСТИ ~ новость; ВАКЦИНА ~ вакцины; VACCINES ~ vaccine
"""
DIFFERENT = """
Россия ~ россиянин; Нигерия ~ Нигер; экология ~ эколог; Дания ~ дань; Медведев ~ медведь
партия ~ парты; страх ~ стрим; семья ~ Семён; МИР ~ миры; ОМОН ~ омоны
tag1 ~ tag2; F-16 ~ F-17; Windows 10 ~ Windows 11; C++ ~ C; GPU ~ GPUs; AI ~ ais; США ~ Сша-ша
analogy ~ analog; party ~ part
ports authority ~ port; management ~ manager; marketing ~ market; news ~ new; flies ~ fly; go ~ goes
электромобиль ~ электромобили Китая; новость новостей ~ новость новатора; Bücher ~ Büchers
"""


def pairs(table: str) -> list[tuple[str, str]]:
    one_a_line = table.strip().replace("; ", "\n").splitlines()
    return [(pair.split(" ~ ")[0], pair.split(" ~ ")[1]) for pair in one_a_line]


@pytest.mark.parametrize(("one", "other"), pairs(SAME))
def test_forms_of_one_tag(one: str, other: str) -> None:
    assert are_forms(one, other)
    assert of("closed", other).choose([one]) == (other,)
    assert of("closed", one).choose([other]) == (one,)
    assert of("prefer", existing=(other,)).choose([one]) == (other,)
    assert of("open", existing=(other,)).choose([one]) == (one,)


WORDS = """
человек ~ людей; ребёнок ~ детьми; день ~ дня; физик ~ физики; война ~ войнами; Лев ~ Льва
искусственный интеллект ~ искусственным интеллектом; Пушкин ~ Пушкина; зумер ~ зумеры
год ~ лет; годы ~ лет; человек ~ люди; ребёнок ~ дети; лёд ~ льды; заяц ~ зайцы; окно ~ окон
права человека ~ права людей; день ребёнка ~ дни детей; имя ~ имена; ложь ~ лжи
суд ~ суда; Франция ~ Франции; германий ~ германии; орех ~ орехов; туман ~ туманов
фондовый рынок ~ фондового рынка; автобусная остановка ~ автобусных остановок
Инна Чурикова ~ Инне Чуриковой; Лев Яшин ~ Льву Яшину; Олег Табаков ~ Олега Табакова
криптобиржа ~ криптобиржами; маркетплейс ~ маркетплейсах
"""
OTHER_WORDS = """
физик ~ физика; политик ~ политика; год ~ лето; чёрт ~ черта; лён ~ Лена
Пушкин ~ Пушкино; учение ~ учёный; техник ~ техника
критик ~ критика; механик ~ механика; графика ~ график; Орехов ~ орех; Александра ~ Александр
Инна Чурикова ~ Анна Чурикова; Туманов ~ туман
"""


@pytest.mark.parametrize(("word", "form"), pairs(WORDS))
def test_a_dictionary_knows_the_forms_of_a_word(word: str, form: str) -> None:
    assert are_forms(word, form)
    assert are_forms(form, word)
    for one, other in ((word, form), (form, word)):
        assert of("closed", one).choose([other]) == (one,)
        assert of("prefer", existing=(one,)).choose([other]) == (one,)


CHANGING = """
человек ребёнок год день лёд лев заяц окно дно око лоб мох рот пёс ложь вошь имя заём наём овца орёл
осёл ёж огонь зло заря сон лён овёс отец уголь угол яйцо
""".split()


@pytest.mark.parametrize("word", CHANGING)
def test_forms_that_begin_otherwise_are_found_from_each_other(word: str) -> None:
    """Suppletive paradigms and stems that lose a vowel, in either order."""
    parses = dictionary.analyzer().parse(word)
    noun = next(each for each in parses if "NOUN" in each.tag and "nomn" in each.tag)
    forms = sorted({each.word for each in noun.lexeme if len(each.word) >= SHARED})
    assert len(forms) > 3
    for one, other in itertools.product(forms, repeat=2):
        assert are_forms(one, other) == are_forms(other, one)
        if are_forms(one, other):
            assert of("closed", one).choose([other]) == (one,), (one, other)
            starts = starts_of_forms(other)
            assert one.replace("ё", "е").startswith(tuple(starts)), (one, other)


@pytest.mark.parametrize(("word", "other"), pairs(OTHER_WORDS))
def test_a_dictionary_tells_two_words(word: str, other: str) -> None:
    assert not are_forms(word, other)
    assert of("closed", word).choose([other]) == ()
    assert of("prefer", existing=(other,)).choose([word]) == (word,)


@pytest.mark.parametrize(("one", "other"), pairs(DIFFERENT))
def test_what_only_looks_alike(one: str, other: str) -> None:
    assert not are_forms(one, other)
    assert not are_forms(other, one)
    assert of("closed", other).choose([one]) == ()
    assert of("closed", one).choose([other]) == ()
    assert of("prefer", one, existing=(other,)).choose([other, one]) == (other, one)


# ---- choosing


def test_a_form_of_a_blocked_tag_is_that_tag_and_offered_to_nobody() -> None:
    blocked = Vocabulary("prefer", existing=[("рынок", ())], blocked=[("новости", ("news",))])
    # The store drops it.
    assert blocked.choose(["новость", "рынки", "news"]) == ("новости", "рынок")
    assert blocked.likeliest(["новости рынков"]) == ("рынок",)


@pytest.mark.parametrize(
    ("bent", "shown"),
    [
        ("железной дорогой", ()),
        ("Еленой Исинбаевой", ()),
        ("рекордов", ()),
        ("нейрочипу", ()),  # in no dictionary
        ("железные дороги", ("железные дороги",)),
        ("рекорды", ("рекорды",)),
        ("дорога жизни", ("дорога жизни",)),
        ("Гуфа", ("Гуфа",)),  # a name that nobody knows may end so
        ("НАТО", ("НАТО",)),
        ("electric cars", ("electric cars",)),
    ],
)
def test_a_model_is_shown_no_tag_in_a_bent_form(bent: str, shown: tuple[str, ...]) -> None:
    chosen = of("prefer", existing=(bent,))
    assert chosen.likeliest([f"В городе {bent}"]) == shown
    assert chosen.likeliest(["Другое"]) == shown


def test_of_two_tags_with_one_form_the_most_used_wins_however_it_begins() -> None:
    assert of("prefer", existing=("человек", "люд")).choose(["люда"]) == ("люд",)
    for existing in (("лёд", "льдина", "лёт"), ("годы", "лето")):
        chosen = of("prefer", existing=existing)
        assert chosen.choose(["льда" if existing[0] == "лёд" else "лет"]) == existing[:1]
    assert of("prefer", existing=("банка", "банк")).choose(["банку"]) == ("банка",)
    assert of("prefer", existing=("банк", "банка")).choose(["банку"]) == ("банк",)


@pytest.mark.parametrize("name", ["post 12", 'post id="p4', "posts 3"])
def test_what_is_left_of_the_frame_is_no_tag(name: str) -> None:
    assert of("open").choose([name, "sea"], prompt="rules") == ("sea",)
    assert of("open").choose([name]) == (name,)


@pytest.mark.parametrize("mode", ["open", "prefer", "closed"])
def test_an_alias_or_a_spelling_gives_the_entry(mode: Mode) -> None:
    entries = [
        VocabularyEntry("искусственный интеллект", aliases=("ИИ", "AI")),
        VocabularyEntry("Ёлка"),
    ]
    chosen = Vocabulary(mode, entries).choose(["ai", "ЕЛКА", "#Искусственный_интеллект", "ии"])
    assert chosen == ("искусственный интеллект", "Ёлка")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("open", ("Sea salt", "car", "electric cars", "new tag")),
        ("prefer", ("Sea salt", "car", "electric car", "new tag")),
        ("closed", ("car",)),
    ],
)
def test_what_the_archive_knows(mode: Mode, expected: tuple[str, ...]) -> None:
    existing = [("Sea salt", ()), ("Car", ("ТС", "motor car")), ("electric car", ())]
    chosen = Vocabulary(mode, [VocabularyEntry("car")], existing).choose(
        ["sea-salt", "тс", "motor-car", "electric cars", "new tag"]
    )
    assert chosen == expected


def test_an_entry_before_a_tag_of_the_archive_and_that_before_another() -> None:
    existing = ("рынки труда", "электромобили", "рынку труда")
    chosen = of("prefer", "электромобиль", existing=existing)
    assert chosen.choose(["электромобили"]) == ("электромобиль",)
    assert chosen.choose(["рынок труда"]) == ("рынки труда",)
    assert chosen.choose(["рынку труда"]) == ("рынку труда",)


def test_of_two_tags_with_one_spelling_the_first() -> None:
    existing = [("Telegram", ("TG",)), ("tg", ()), ("Telegrams", ())]
    assert Vocabulary("prefer", (), existing).choose(["tg"]) == ("Telegram",)
    assert Vocabulary("prefer", (), existing[:1]).choose(["telegrams"]) == ("Telegram",)


def test_a_tag_known_by_an_alias_may_be_a_form_of_an_entry() -> None:
    chosen = Vocabulary("closed", [VocabularyEntry("автомобиль")], [("автомобили", ("машины",))])
    assert chosen.choose(["машины"]) == ("автомобиль",)


def test_what_a_model_may_say() -> None:
    said = [
        {"name": "a1"}, {"tag": "b1", "score": 1}, {"name": 5}, {"other": "c1"}, ["d1"], None, 3,
        "A1", "http://a.b", "e (f)", "#g", "h", "i",
    ]  # fmt: skip
    assert Vocabulary("open", maximum=4).choose(said) == ("a1", "b1", "g", "h")
    assert Vocabulary("open", maximum=0).choose(said) == ()


def test_a_script_that_the_text_has_none_of() -> None:
    names = ["экономика", "人工智能", "Ελλάδα", "ქართული", "Tiếng Việt"]
    open_ = Vocabulary("open")
    assert open_.choose(names, "Новости дня") == ("экономика", "Ελλάδα", "Tiếng Việt")
    assert open_.choose(names, "ニュース") == ("экономика", "人工智能", "Ελλάδα", "Tiếng Việt")
    assert open_.choose(names) == tuple(names)
    assert of("prefer", "人工智能").choose(names[:2], "Новости") == ("экономика", "人工智能")
    assert open_.choose(["новости 日"], "Новости") == ()


PROMPT = "Give from 3 to 7 short tags. Never say ZX81-QQ7 or canary-77."


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("7 short tags never", "Birds"), ("from 3 to 7", "From 3 birds to 7"),
        ("zx81-qq7", "Birds"), ("code ZX81-QQ7", "A code."), ("Canary-77", "Canary 7"),
    ],
)  # fmt: skip
def test_an_echo_of_any_prompt(name: str, text: str) -> None:
    assert echoes(name, PROMPT, text)
    assert echoes(name, PROMPT, text, own=True)
    assert Vocabulary("open").choose([name], text, prompt=PROMPT) == ()
    assert of("prefer", name).choose([name], text, prompt=PROMPT) == (name,)


@pytest.mark.parametrize(
    ("name", "text"),
    [("Short Tags", "Birds"), ("to 7 short", "7 to"), ("say ZX81-QQ7", "The ZX81-QQ7")],
)
def test_an_echo_of_our_prompt_alone(name: str, text: str) -> None:
    assert echoes(name, PROMPT, text)
    assert not echoes(name, PROMPT, text, own=True)
    assert Vocabulary("open").choose([name], text, prompt=PROMPT) == ()
    assert Vocabulary("open").choose([name], text, prompt=PROMPT, own=True) == (name,)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("7 short tags never", "7 short tags, never!"), ("short tags", "Why Short-Tags?"),
        ("tags short", "Birds"), ("hort tag", "Birds"), ("never", "Birds"), ("QQ7", "Birds"),
        ("zx81-qq7", "A ZX81 QQ7."), ("say canary-77", "They say: canary-77, say canary-77"),
    ],
)  # fmt: skip
def test_no_echo(name: str, text: str) -> None:
    assert not echoes(name, PROMPT, text)
    assert not echoes(name, "", "")
    assert Vocabulary("open").choose([name], text, prompt=PROMPT) == (name,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | LETTERS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "tag", "tags"]), inner)
    ),
    max_leaves=5,
)


@given(
    MODES,
    entry_lists(0),
    st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=2).map(tuple)), max_size=8),
    st.integers(0, 7),
    st.lists(JSON, max_size=8),
    ANY_TEXT,
    st.data(),
)
def test_whatever_is_said_tags_are_tags(
    mode: Mode,
    entries: list[VocabularyEntry],
    existing: list[tuple[str, tuple[str, ...]]],
    maximum: int,
    said: list[Any],
    text: str,
    data: st.DataObject,
) -> None:
    known = [entry.name for entry in entries] + [name for name, _ in existing]
    said += data.draw(st.lists(st.sampled_from(known), max_size=4)) if known else []
    chosen = Vocabulary(mode, entries, existing, maximum).choose(said, text, prompt=PROMPT)
    assert len({key(name) for name in chosen}) == len(chosen) <= maximum
    assert all(normalise(name) == name and vocabulary.is_tag(name) for name in chosen)
    if mode == "closed":
        assert set(chosen) <= {entry.name for entry in entries}


# ---- what to offer


def test_a_shelf_is_known_and_not_offered_twice() -> None:
    existing = [("спорт", ()), ("матч", ())]
    prefer = Vocabulary("prefer", existing=existing, shelves=["спорт", "животные", "sport"])
    assert prefer.choose(["Животное", "Спорта", "sports"]) == ("животные", "спорт", "sport")
    assert prefer.likeliest(["матч, спорт"]) == ("матч",)
    prefer.remember(["животные", "волк"])
    assert prefer.likeliest(["волк, животные"]) == ("волк", "матч")


def test_the_likeliest_tags_of_some_texts() -> None:
    existing = [
        ("погода", ()), ("спорт", ()), ("рынок труда", ()), ("Газ", ()),
        ("искусственный интеллект", ("ИИ",)), ("рынок жилья", ()), ("электромобиль", ()),
        ("C++", ()), ("👍", ()),
    ]  # fmt: skip
    texts = ["Рынок ТРУДА: цены на электромобили.", "Газета об ИИ; 👍"]
    offered = Vocabulary("prefer", [VocabularyEntry("Спорт")], existing)
    found = ("рынок труда", "искусственный интеллект", "электромобиль")
    assert offered.likeliest(texts, 6) == (*found, "погода", "Газ")
    assert offered.likeliest(texts, 4) == (*found, "погода")
    assert offered.likeliest(texts, 2) == found[:2]
    assert offered.likeliest([], 3) == ("погода",)
    assert offered.likeliest(texts)[:3] == found
    assert len(offered.likeliest(texts)) == len(existing) - 1
    assert offered.allowed == ("Спорт",)


def test_a_word_that_fills_a_text_costs_no_memory() -> None:
    assert Vocabulary("open", (), [("ааааа", ())]).likeliest(["а" * 100_000]) == ("ааааа",)


def test_stems_are_loaded_when_they_are_needed() -> None:
    program = "import sys, tgtagger.vocabulary; sys.exit('snowballstemmer' in sys.modules)"
    assert run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_a_run_adds_is_known_at_once() -> None:
    chosen = Vocabulary("prefer", existing=[("море", ())])
    assert chosen.likeliest(["новость о море"], most=3) == ("море",)
    chosen.remember(["новость", "море"])
    assert chosen.choose(["новости", "Моря"]) == ("новость", "море")
    assert chosen.likeliest(["новость о море"], most=9) == ("море", "новость")
