"""What a column may hold is told once: by a row, by a JSON object, and in SQL alike."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tgtagger.store.checks import ObjectCheck, RowCheck, WrongValueError, check_of
from tgtagger.store.sqlite.fits import fits
from tgtagger.store.values import COLUMNS, COUNTS, MEDIA, Value, as_json

WRONG: dict[str, list[Any]] = {
    "posts.id": ["1", None, 1.5, b"1"],
    "posts.text": [None, 1, b"text"],
    "posts.views": ["1", 1.5],
    "posts.date": ["no", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T00:00:00+00:00", 5],
    "posts.status": ["no", None, ""],
    "posts.text_hash": ["no", "0123456789ABCDEF", "0123456789abcdef\n"],
    "posts.media": [
        "no",
        "{}",
        '[{"type": 5}]',
        '[{"type": "photo", "wrong": 1}]',
        '[{"size": 1}]',
    ],
    "posts.reactions": ["[]", '{"x": "1"}'],
    "posts.forward": ["{}", '{"channel": 1, "id": null, "url": null, "channel_id": null}'],
    "posts.entities": ['[{"type": "bold", "offset": 1}]', "[1]"],
    "post_tags.position": [-1, "0"],
    "attempts.cost_usd": ["1"],
    "answers.tags": ["[1]", '"tag"'],
    "runs.summary": ["{", b"{}"],
    "raw_forms.data": ["text", None],
}
RIGHT: dict[str, list[Any]] = {
    "posts.id": [1],
    "posts.text": [""],
    "posts.views": [None, 0],
    "posts.date": [None, "2026-01-31T23:59:59Z"],
    "posts.status": ["failed"],
    "posts.text_hash": ["0123456789abcdef"],
    "posts.media": [None, "[]", '[{"type": "poll", "options": ["a"], "duration": 1}]'],
    "posts.reactions": ['{"x": 1}'],
    "attempts.cost_usd": [None, 1, 0.5],
    "answers.tags": ['["tag"]'],
    "runs.summary": ["null", "{}"],
}


@pytest.mark.parametrize(
    ("column", "value", "may"),
    [(column, value, False) for column, values in WRONG.items() for value in values]
    + [(column, value, True) for column, values in RIGHT.items() for value in values],
)
def test_a_value_that_cannot_be_is_seen(column: str, value: object, *, may: bool) -> None:
    table, _, name = column.partition(".")
    assert check_of(COLUMNS[table][name])(value) is may
    row = RowCheck("posts.id", column)
    for _ in range(2):  # the second time its types are known
        if may:
            assert row((1, value)) == (1, value)
        else:
            with pytest.raises(WrongValueError, match=column):
                row((1, value))


@pytest.mark.parametrize(
    "text",
    [
        "[NaN]",
        '["\\ud800"]',
        "{",
        "[]]",
        '{"x": 1, "x": "1"}',
        "[1e999]",
        "-0",
        "\ufeff[]",
        "[1,]",
        "",
    ],
)
def test_what_is_json_is_as_python_reads_it(text: str) -> None:
    """A faster reader may refuse what Python takes, and never the other way round."""
    try:
        json.loads(text)
    except ValueError:
        right = False
    else:
        right = True
    assert check_of(as_json(Value("any")))(text) is right
    assert check_of(as_json(COUNTS))('{"x": 99999999999999999999999}')


def test_no_row_where_one_must_be_is_damage() -> None:
    with pytest.raises(WrongValueError, match=r"tags\.name"):
        RowCheck("tags.name")(None)


def test_the_parts_of_an_object_are_looked_at_each_time() -> None:
    media = ObjectCheck(MEDIA)
    media({"type": "poll", "options": ["a"]})
    others: list[Any] = [{"type": "poll", "options": [1]}, {"type": "no", "options": ["a"]}, {}, []]
    for wrong in others:
        with pytest.raises(WrongValueError):
            media(wrong)


@pytest.mark.parametrize("column", ["posts.text", "posts.status", "posts.date", "channels.title"])
def test_sql_says_the_same(column: str) -> None:
    table, _, name = column.partition(".")
    values = [1, "no", "tagged", "2026-01-31T23:59:59Z", b"x"]
    with closing(sqlite3.connect(":memory:")) as db:
        sql = fits({"x": column, "'a text'": "posts.text"})
        for value in values:
            (found,) = db.execute(f"SELECT {sql} FROM (SELECT ? AS x)", (value,)).fetchone()
            assert bool(found) is check_of(COLUMNS[table][name])(value), value
