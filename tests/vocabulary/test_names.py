"""Which spellings are one tag, and the form that is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger import vocabulary


@pytest.mark.parametrize(
    ("spellings", "shown"),
    [
        (["#sea_salt", "Sea-Salt", " sea  salt ", "«sea salt»"], "sea salt"),
        (["Ёлка", "елка"], "Ёлка"),
        (["C++", "c++"], "C++"),
        (["C#", "#C#"], "C#"),
        ([".NET"], ".NET"),
        (["AI\u200b", "ＡＩ"], "AI"),
        (["نرم‌افزار", "نرمافزار"], "نرم‌افزار"),
        (["A\u200cI", "AI"], "AI"),
    ],
)
def test_spellings_of_one_tag(spellings: list[str], shown: str) -> None:
    assert len({vocabulary.key(name) for name in spellings}) == 1
    assert vocabulary.normalise(spellings[0]) == shown


@pytest.mark.parametrize("name", ["", "#", "12", "…", "http://a.b", "x" * 41, "a b c d e"])
def test_what_is_no_tag(name: str) -> None:
    assert not vocabulary.is_tag(vocabulary.normalise(name))


@given(st.text(max_size=60))
def test_a_tag_in_its_form_stays_in_it(name: str) -> None:
    once = vocabulary.normalise(name)
    assert vocabulary.key(once) == vocabulary.key(name)
    assert not any(ord(letter) < 32 for letter in once)
