"""What is drawn: nothing from outside may steer the terminal, and a pipe gets plain lines."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.hostile import HIDDEN, TERMINAL, unseen
from support.pseudo_terminal import terminal
from support.terminal import on_terminal
from tgtagger.cli import wording
from tgtagger.cli.render import Live, Screen
from tgtagger.cli.wording import cells, folded, lines_of
from tgtagger.system import terminal_text
from tgtagger.system.terminal_text import LONGEST_LINE, clean, flat, in_json

pytestmark = pytest.mark.row("I2", "I3")

NOW = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)

HOSTILE = list((TERMINAL | HIDDEN).values())
SEEN = {HIDDEN["private"], TERMINAL["lines"]}
"""What is shown as it is: whatever the font has there, and lines."""


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_becomes_harmless(text: str) -> None:
    assert unseen(text) or text in SEEN
    assert not unseen(clean(text))


ANY_TEXT = st.text(st.characters(exclude_categories=[])) | st.text(
    st.sampled_from("".join(HOSTILE)), max_size=40
)


@given(ANY_TEXT)
def test_no_text_steers_the_terminal(text: str) -> None:
    once = clean(text)
    assert not unseen(once)
    assert clean(once) == once
    assert not unseen(flat(text))
    assert "\n" not in flat(text)


@given(ANY_TEXT)
def test_json_says_the_same_and_steers_no_terminal(text: str) -> None:
    written = in_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(written) == text
    assert not unseen(written)


@pytest.mark.parametrize(
    "text",
    ["Привет, мир!\n    код", "👨‍👩‍👧 ❤️ 🏳️‍🌈 1️⃣ 👍🏽", "می‌خواهم", "naïve 日本 ใน้ שָׁלוֹם", "क्‍ष",
     "[bold]x[/bold]", "a\u00a0b – «c»"],
)  # fmt: skip
def test_honest_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text
    assert in_json(text) == text


def test_a_line_is_one_line_and_ends() -> None:
    assert flat("a\nhint: b\u2028c\r\nd") == "a\\nhint: b\\nc\\nd"
    assert flat("x" * 10_000_000) == "x" * (LONGEST_LINE - 1) + "…"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Out = Callable[[], io.StringIO]


@pytest.fixture(params=["pipe", "terminal"])
def put_out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Out:
    """Return what puts a pipe or a terminal in place (when the test runs: pytest has its own)."""

    def put() -> io.StringIO:
        stream = Terminal() if request.param == "terminal" else io.StringIO()
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    return put


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def test_what_takes_long_is_said_once_where_no_terminal_shows_it(put_out: Out) -> None:
    out = put_out()
    with Screen().progress("copying", tells=True, after=60) as live:
        live.steps(1, 4)  # as long as it is quick nothing is shown
        assert out.getvalue() == ""
        live.show()
        live.show()
        live.steps(2, 4)
    live.show()  # it is over
    drawn = without_colours(out.getvalue())
    if out.isatty():
        assert "copying" in drawn
        assert "50 %" in drawn
    else:
        assert drawn == "copying: 25 % done, less than a minute left\n"


def test_it_is_said_by_a_timer_too_where_nothing_tells_how_far_it_is(put_out: Out) -> None:
    out = put_out()
    with Screen().progress("checking", tells=True, after=0):
        until = time.monotonic() + 9
        while not out.getvalue() and time.monotonic() < until:
            time.sleep(0.005)
    assert "checking" in out.getvalue()
    if not out.isatty():
        assert out.getvalue() == "checking: this may take long\n"


def test_what_may_have_nothing_to_do_waits_for_its_first_step(put_out: Out) -> None:
    out = put_out()
    with Screen().progress("upgrading", tells=True, is_sure=False, after=60) as live:
        live.show()
        assert out.getvalue() == ""
        live.steps(3, 4)
    assert "upgrading" in out.getvalue()


@pytest.mark.parametrize("hostile", [*HOSTILE, "[red]x[/red] [/nope] :smile: [link=http://x]y[/]"])
def test_nothing_drawn_steers_the_terminal(put_out: Out, hostile: str) -> None:
    out = put_out()
    screen = Screen()
    screen.heading(hostile)
    screen.text(hostile)
    screen.line(hostile)
    screen.warn(hostile)
    screen.table(["name", "value"], [[hostile, "1"], ["b", hostile]])
    screen.post(
        channel=hostile,
        date=NOW,
        link=hostile,
        text=((hostile, True), (hostile, False)),
        tags=(hostile,),
        notes=(hostile,),
    )
    drawn = without_colours(out.getvalue())
    assert not unseen(drawn)
    if "[red]" in hostile:
        assert "[red]x[/red] [/nope] :smile:" in drawn


def test_a_pipe_gets_no_colours_and_a_terminal_does(put_out: Out) -> None:
    out = put_out()
    Screen().post(channel="@a", date=NOW, link=None, text=(("word", True),), tags=("ai",))
    assert ("\x1b[" in out.getvalue()) is out.isatty()


@pytest.mark.parametrize("by", ["NO_COLOR", "--no-color"])
def test_no_colours_are_no_colours(put_out: Out, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = put_out()
    if by == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(no_color=by == "--no-color")
    screen.post(channel="@a", date=NOW, link=None, text=(("word", True),), tags=("ai",))
    screen.heading("x")
    codes = {
        code
        for found in re.findall(r"\x1b\[([\d;]*)m", out.getvalue())
        for code in found.split(";")
    }
    assert codes <= {"0", "1", "2"}  # bold and dim are no colours


def test_a_post_keeps_within_the_columns(put_out: Out) -> None:
    out = put_out()
    words = "Новости солнечной энергетики и электромобилей " * 30
    Screen().post(
        channel="@a",
        date=NOW,
        link="https://t.me/a/1",
        text=((words, False), ("match", True), (words, False)),
        tags=tuple(f"tag number {at}" for at in range(30)),
        lines=4,
    )
    lines = without_colours(out.getvalue()).splitlines()
    if not out.isatty():
        tags = [line for line in lines if "#" in line]
        assert len(tags) == 1  # for grep
        lines.remove(tags[0])
    assert max(map(len, lines)) <= 82  # " …" may stand beyond a full line
    text = [line for line in lines if "энергетики" in line or "электро" in line]
    assert len(text) == 4
    assert text[-1].endswith("…")


def test_a_table_is_aligned_and_numbers_stand_to_the_right(put_out: Out) -> None:
    out = put_out()
    Screen().table(["tag", "posts"], [["ai", wording.number(12345)], ["новости", "7"]])
    rows = [line.rstrip() for line in without_colours(out.getvalue()).splitlines() if line.strip()]
    rows = [row for row in rows if "─" not in row]
    assert len({len(row) for row in rows}) == 1
    assert rows[1].endswith("12\u202f345")


def test_a_narrow_table_breaks_words_and_no_numbers(put_out: Out) -> None:
    out = put_out()
    title = "Библиотека программиста | программирование, кодинг, разработка"
    row = ["1039626561", title, "12345678901", "2026-11-20 16:42", "2026-11-20 16:43", "3 h ago"]
    Screen().table(["channel", "title", "posts", "newest", "parsed", "when"], [row, row])
    drawn = without_colours(out.getvalue())
    assert [drawn.count(cell) for cell in row if cell != title] == [2] * 5
    assert not out.isatty() or max(map(len, drawn.splitlines())) <= 80


def test_ordinary_letters_need_no_care_and_are_one_column_wide() -> None:
    letters = [*map(chr, range(0x3000))]
    ordinary = [letter for letter in letters if terminal_text.is_ordinary(letter)]
    assert {*"aя«»—…№₽\u202f"} < {*ordinary}
    for letter in ordinary:
        assert [*wording._columns(letter)] == [1]
        assert terminal_text._SEEN_OR_GONE.sub("", letter) == letter
        assert terminal_text._NOT_IN_JSON.sub("", letter) == letter
    text = "".join(ordinary)
    assert terminal_text._SIGNS.sub(terminal_text._thinned, text) == text


def test_a_table_of_thousands_is_a_line_a_row_within_the_columns(put_out: Out) -> None:
    out = put_out()
    rows = [
        ["数据库" * 20, "7"],
        ["новости " * 20, "7"],
        *([f"tag {at}", "7"] for at in range(600)),
    ]
    Screen().table(["tag", "posts"], rows)
    drawn = out.getvalue().splitlines()
    assert len(drawn) == len(rows) + 1
    if out.isatty():
        assert max(map(len, drawn)) == 80
        assert "…" in drawn[1]
    assert drawn[1].endswith(" 7")


def test_progress_says_nothing_where_nobody_looks(put_out: Out) -> None:
    out = put_out()
    with Screen(quiet=True).progress("Tagging") as live:
        live.update(1, 0.5)
    assert out.getvalue() == ""
    if not out.isatty():
        with Screen().progress("Tagging") as live:
            live.update(1, 0.5)
        assert out.getvalue() == ""


@pytest.mark.parametrize("hostile", [*HOSTILE, "[red]x[/red] [/nope] :smile: [/]"])
def test_the_live_line_steers_no_terminal(put_out: Out, hostile: str) -> None:
    out = put_out()
    with Screen().progress(f"Reading {hostile}", after=0) as live:
        live.update(1, 0.5, hostile)
        live.wait(9, hostile)
    assert not unseen(out.getvalue(), live=True)
    if "[red]" in hostile:
        assert "[red]x[/red] [/nope] :smile: [/]" in without_colours(out.getvalue())


def test_a_post_with_tabs_is_shown(put_out: Out) -> None:
    out = put_out()
    text = (("a\tb\t\tc\n\tcode ", False), ("match\t", True), ("\tend", False))
    Screen().post(channel="@a", date=NOW, link=None, text=text, tags=())
    assert "match" in out.getvalue()
    assert "\t" not in out.getvalue()


def test_a_post_of_megabytes_is_shown_at_once(put_out: Out) -> None:
    out = put_out()
    for text in ("word " * 2_000_000, "\n" * 10_000_000, "x" * 10_000_000):
        Screen().post(channel="@a", date=NOW, link=None, text=((text, False),), tags=())
    assert len(out.getvalue()) < 10_000
    assert out.getvalue().count("…") >= 2


def test_json_is_one_object_and_keeps_the_text(put_out: Out) -> None:
    out = put_out()
    Screen().json({"text": "\x1b[2J é\u202e"})
    assert json.loads(out.getvalue()) == {"text": "\x1b[2J é\u202e"}
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize(
    ("before", "says"),
    [
        (5, "just now"),
        (120, "2 min ago"),
        (3 * 3600, "3 h ago"),
        (5 * 86400, "5 d ago"),
        (90 * 86400, "2025-12-10"),
        (-30, "just now"),
    ],
)
def test_how_long_ago(before: int, says: str) -> None:
    assert wording.ago(NOW - dt.timedelta(seconds=before), now=NOW) == says


def test_words_for_numbers() -> None:
    assert wording.number(1234567) == "1\u202f234\u202f567"
    assert wording.plural(1, "post") == "1 post"
    assert wording.plural(0, "post") == "0 posts"
    assert wording.plural(2, "query", "queries") == "2 queries"
    assert wording.ago(None) == "never"
    assert wording.one_line("a\n b\x1b" + "x" * 80, 12) == "a b\\x1bxxxx…"


def test_a_terminal_breaks_no_path_that_could_be_copied() -> None:
    path = "/nowhere" * 20 + "/posts.db"
    assert path in on_terminal("doctor", "--db", path, columns=80).output


@pytest.mark.parametrize("columns", [0, 1])  # a pseudo-terminal whose size nobody set has none
def test_the_narrowest_terminal_is_written_to(columns: int) -> None:
    shown = on_terminal("demo", columns=columns)
    assert shown.code == 0
    assert ("Storm Agnes reached" in shown.output) == (columns == 0)


COLUMNS = ["channel", "title", "posts", "newest post"]
ROWS = [
    ["@harbour_notes", "Notes on harbours, ferries and lighthouses", "1234567", "2026-09-23 09:04"],
    ["@shijie", "世界新闻与港口观察每日更新频道", "12", "2026-09-23 09:04"],
    ["@family", "Семейный 👨‍👩‍👧 альбом одной приморской семьи", "3", ""],
]


def drawn(columns: int, names: list[str], rows: list[list[str]]) -> list[str]:
    with terminal(columns) as (slave, shown):
        stream = io.TextIOWrapper(os.fdopen(os.dup(slave), "wb", buffering=0), encoding="utf-8")
        with contextlib.redirect_stdout(stream):
            Screen().table(names, rows)
            stream.close()
    return re.sub(r"\x1b\[[0-9;]*m", "", b"".join(shown).decode()).splitlines()


@pytest.mark.parametrize("columns", [20, 30, 40, 60, 80, 120, 200])
def test_a_table_fits_every_width_and_crops_nothing(columns: int) -> None:
    lines = drawn(columns, COLUMNS, ROWS)
    assert max(map(cells, map(str.rstrip, lines))) <= columns
    whole = " ".join(lines)
    for number_ in ("1234567", "12", "2026-09-23"):
        assert number_ in whole
    for word in ("harbours,", "lighthouses", "приморской", "@harbour_notes"):
        assert word in whole, word  # no word is broken


def test_a_narrow_terminal_gets_a_list() -> None:
    lines = drawn(40, COLUMNS, ROWS[:1])
    assert lines == [
        "@harbour_notes",
        "  title: Notes on harbours, ferries and",
        "         lighthouses",
        "  posts: 1234567",
        "  newest post: 2026-09-23 09:04",
    ]
    assert drawn(20, ["run", "did"], [["7", "some words that are long"]])[0] == "run 7"


def test_a_long_word_of_a_list_has_a_line_for_itself() -> None:
    model = "gpt-5-mini-2026-11-20-preview"
    row = ["2026-11-20", model, ""]
    assert drawn(34, ["day", "the model", "note"], [row, row]) == [
        "day 2026-11-20",
        "  the model:",
        f"    {model}",
        "",
        "day 2026-11-20",
        "  the model:",
        f"    {model}",
    ]


def test_chinese_is_broken_so_that_a_table_stays_one() -> None:
    lines = drawn(60, COLUMNS, ROWS[1:2])
    assert lines[0].split() == ["channel", "title", "posts", "newest", "post"]
    assert re.sub(r"[^\u4e00-\u9fff]", "", "".join(lines)) == ROWS[1][1]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("👨‍👩‍👧", 2),
        ("❤️", 2),
        ("👍🏽", 2),
        ("🇩🇪", 2),
        ("क्‍ष", 2),
        ("می‌خواهم", 7),
        ("é", 1),
        ("世界", 4),
    ],
)
def test_letters_have_their_columns(text: str, columns: int) -> None:
    assert cells(text) == columns


@pytest.mark.parametrize(
    ("line", "width", "lines"),
    [
        ("a short line", 20, ["a short line"]),
        ("hint: some words that go on", 20, ["hint: some words", "      that go on"]),
        ("warning  some words of it", 20, ["warning  some words", "         of it"]),
        (
            "no tags yet; to get them: tgtagger tag --limit 5 --yes; or wait",
            30,
            ["no tags yet; to get them:", "tgtagger tag --limit 5 --yes;", "or wait"],
        ),
        ("see tgtagger search --help", 12, ["see", "tgtagger search --help"]),
        ("made: /some/long/path/of/posts.db", 20, ["made:", "/some/long/path/of/posts.db"]),
    ],
)
def test_a_line_is_broken_at_blanks_and_never_in_a_command(
    line: str, width: int, lines: list[str]
) -> None:
    assert list(folded(line, width)) == lines


def test_a_wide_terminal_is_used() -> None:
    lines = drawn(120, COLUMNS, ROWS)
    (row,) = [line for line in lines if "harbour_notes" in line]
    assert "Notes on harbours, ferries and lighthouses" in row


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one  two", 20, ["one  two"]),
        ("世界新闻港口", 5, ["世界", "新闻", "港口"]),
        ("a 世界", 4, ["a", "世界"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("x abcdefgh y", 3, ["x", "abc", "def", "gh", "y"]),
        ("世", 1, ["世"]),
        ("", 5, []),
        ("e\u0301e\u0301e\u0301 x", 3, ["e\u0301e\u0301e\u0301", "x"]),
    ],
)
def test_lines_are_broken_by_columns(text: str, width: int, lines: list[str]) -> None:
    assert list(lines_of(text, width)) == lines


@given(st.text(alphabet="ab 世\u0301👍\t", max_size=40), st.integers(2, 12))
def test_no_line_is_wider_and_nothing_is_lost(text: str, width: int) -> None:
    lines = list(lines_of(text, width))
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_the_live_line_says_how_many_of_how_many_and_the_time_left() -> None:
    class Bar:
        told: ClassVar[dict[str, object]] = {}
        task_ids = (0,)

        def update(self, _task: object, **told: object) -> None:
            self.told.update(told)

    live = Live(Screen())
    live._bar = Bar()
    live._started -= 600
    live.update(250, 0.25, "0.01 USD", total=1000)
    count = str(Bar.told["count"])
    assert count.startswith("250 of 1\u202f000 · ")
    assert "about 30 min left" in count
    assert count.endswith("0.01 USD")
    live.update(5, None)
    assert str(Bar.told["count"]).startswith("5")
    assert "left" not in str(Bar.told["count"])
