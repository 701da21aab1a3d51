"""Filters written among the words of a query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.runs.query import Asked, read_query


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("ракета", Asked("ракета")),
        ('"solar power" -china', Asked('"solar power" -china')),
        ("ракета tag:война", Asked("ракета", tags=["война"])),
        ('tag:"машинное обучение" x', Asked("x", tags=["машинное обучение"])),
        ("-tag:ai TAG:b tag:c", Asked("", tags=["b", "c"], not_tags=["ai"])),
        ("channel:@news since:7d until:1d status:failed",
         Asked("", channels=["@news"], since="7d", until="1d", statuses=["failed"])),
        ("https://t.me/x", Asked("https://t.me/x")),
        ('"tag:ai" x', Asked('"tag:ai" x')),
        ("ratio:3 12:30", Asked("ratio:3 12:30")),
    ],
)  # fmt: skip
def test_a_query_is_taken_apart(text: str, asked: Asked) -> None:
    assert read_query(text) == asked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tag:", "tag: names nothing"),
        ('tag:"open', "not closed"),
        ("since:1d since:2d", "stands twice"),
        ("-since:1d", "cannot be excluded"),
        ('tag:""', "names nothing"),
        ("chanel:@news x", "chanel: is no filter"),
        ("-tags:ai x", "-tags: is no filter"),
    ],
)
def test_what_is_wrong_is_explained(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        read_query(text)
    assert hint_of(error.value)


@given(st.text())
def test_no_query_is_a_bug(text: str) -> None:
    try:
        read_query(text)
    except InputError:
        return


@given(st.text(alphabet="абв xyz\"-*'", max_size=30))
def test_words_stay_as_they_are(text: str) -> None:
    assert read_query(text).words.split() == " ".join(text.split()).split() or '"' in text
