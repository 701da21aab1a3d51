"""Lists of tags as models write them: numbered, marked, several tags in one string."""

from __future__ import annotations

import pytest

from tgtagger.taggers.llm.api.lists import split_tags
from tgtagger.vocabulary import Vocabulary

THREE = ("alpha", "beta", "gamma")


@pytest.mark.parametrize(
    "names",
    [
        ["1. alpha", "2. beta", "3. gamma"],
        ["1) alpha", "2) beta", "3) gamma"],
        ["(1) alpha", "(2) beta", "(3) gamma"],
        ["[1] alpha", "[2] beta", "[3] gamma"],
        ["1 - alpha", "2 - beta", "3 - gamma"],
        ["1: alpha", "2: beta", "3: gamma"],
        ["tag1: alpha", "tag2: beta", "tag3: gamma"],
        ["1\ufe0f\u20e3 alpha", "2\ufe0f\u20e3 beta", "3\ufe0f\u20e3 gamma"],
        ["a) alpha", "b) beta", "c) gamma"],
        ["- alpha", "* beta", "• gamma"],
        ["**alpha**", "`beta`", "“gamma”"],
        ["#alpha", "＃beta", "##gamma"],
        ["alpha, beta, gamma"],
        ["alpha; beta; gamma"],
        ["alpha、beta、gamma"],
        ["alpha، beta، gamma"],
        ["alpha\nbeta\ngamma"],
        ["alpha | beta | gamma"],
        ["#alpha #beta #gamma"],
        ["#alpha#beta#gamma"],
        ["#alpha, #beta, #gamma"],
        ["1. alpha 2. beta 3. gamma"],
        ["1. alpha\n2. beta\n3. gamma"],
        ["1. alpha, 2. beta, 3. gamma"],
        ["#alpha #beta", "gamma"],
        ["1、alpha", "2、beta", "3、gamma"],
        ["１．alpha", "２．beta", "３．gamma"],
        ["١. alpha", "٢. beta", "٣. gamma"],
        ["① alpha", "② beta", "③ gamma"],
        ["#1 alpha", "#2 beta", "#3 gamma"],
        ["№ 1. alpha", "№ 2. beta", "№ 3. gamma"],
        ["1 alpha", "2 beta", "3 gamma"],
        ["1. 🔹 alpha", "2. 🔹 beta", "3. 🔹 gamma"],
        ["🔹 alpha", "➡️beta", "★ gamma"],
        ["alpha 🔥", "+ beta", "■ gamma ✓"],
        ["[x] alpha", "[ ] beta", "⁃ gamma"],
        ["Tags: alpha, beta, gamma"],
        ["Теги: alpha", "tag: beta", "Keywords: gamma"],
        ["alpha|beta|gamma"],
        ["alpha / beta / gamma"],
        [["alpha", "beta", "gamma"]],
        [{"topic": "alpha", "score": 0.9}, {"Tag": "beta"}, {"name": "gamma"}],
    ],
)
def test_three_tags(names: list[object]) -> None:
    assert Vocabulary("open").choose(split_tags(names)) == THREE


@pytest.mark.parametrize(
    "names",
    [
        ["1. FC Köln", "Bundesliga"],
        ["2024", "2 - 1", "5G"],
        ["C#", "F#", "Node.js"],
        ["9/11", "7-Eleven", "3D"],
        [{"name": "alpha", "why": "b"}, 5, "1. x"],
        ["1 Timothy", "2 Timothy"],
        ["A. Pushkin", "B. Pasternak"],
        ["$BTC", "№1", "°C", "«Спартак»", "AC/DC"],
        ["Washington, D.C.", "alpha"],  # one bad tag among others
        ["C# .NET"],
        [],
    ],
)
def test_what_stays(names: list[object]) -> None:
    assert split_tags(names) == names
