"""The pure rules: status and merging, tags, exit codes; and formats of exports."""

from __future__ import annotations

import datetime as dt
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger import decide, vocabulary
from tgtagger.errors import exit_code
from tgtagger.export import csv_table, json_records
from tgtagger.model.tagging import (
    FailureClass,
    PostForTagging,
    PostId,
    Provenance,
    Skipped,
    SuggestedTag,
    Tagged,
    TaggingError,
)

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PROVENANCE = Provenance("keywords", "1")
POST = PostForTagging(PostId(1, 2), "text", "hash", attempts=1)


def test_what_an_answer_makes_of_a_post() -> None:
    tags = (SuggestedTag("a"),)
    tagged = decide.update_after(POST, Tagged(tags), PROVENANCE, now=NOW)
    assert (tagged.status, tagged.tags, tagged.attempts, tagged.text_hash) == (
        "tagged",
        tags,
        2,
        "hash",
    )
    assert decide.update_after(POST, Skipped("no words"), PROVENANCE, now=NOW).status == "skipped"


@pytest.mark.parametrize(
    ("failure", "attempts", "hours"),
    [
        ("server", 0, 5 / 60), ("server", 1, 1), ("timeout", 2, 6), ("network", 3, 24),
        ("server", 4, None), ("refused", 0, None), ("too_long", 0, None),
    ],
)  # fmt: skip
def test_when_a_failed_post_is_due_again(
    failure: FailureClass, attempts: int, hours: float | None
) -> None:
    post = PostForTagging(PostId(1, 2), "text", "hash", attempts)
    update = decide.update_after(post, TaggingError(failure, "why"), PROVENANCE, now=NOW)
    assert (update.status, update.failure, update.error) == ("failed", failure, "why")
    assert update.next_attempt_at == (None if hours is None else NOW + dt.timedelta(hours=hours))


def test_of_several_failures_one_code() -> None:
    assert exit_code([]) == 0
    assert exit_code([0, 5, 2]) == 2
    assert exit_code([5, 75, 3, 2]) == 3
    assert exit_code([5, 6, 75]) == 6
    assert exit_code([5, 1]) == 1


@pytest.mark.parametrize(
    ("spellings", "shown"),
    [
        (["#sea_salt", "Sea-Salt", " sea  salt ", "«sea salt»"], "sea salt"),
        (["Ёлка", "елка"], "Ёлка"),
        (["C++", "c++"], "C++"),
        (["C#", "#C#"], "C#"),
        ([".NET"], ".NET"),
        (["AI\u200b", "ＡＩ"], "AI"),
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


RECORDS = [json.dumps({"id": n, "text": "é\n"}, ensure_ascii=False) for n in range(1203)]


def test_lines_and_arrays_of_records() -> None:
    stream = io.BytesIO()
    assert json_records.write_lines(iter(RECORDS), stream) == 1203
    assert stream.getvalue().decode().splitlines() == RECORDS
    stream = io.BytesIO()
    assert json_records.write_array(iter(RECORDS), stream) == 1203
    assert json.loads(stream.getvalue()) == [json.loads(record) for record in RECORDS]
    stream = io.BytesIO()
    assert json_records.write_array(iter([]), stream) == 0
    assert json.loads(stream.getvalue()) == []
    assert json_records.write_lines(iter([]), stream) == 0


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", " =1", "＝1", "\nx"])
def test_a_cell_that_would_run(cell: str) -> None:
    assert csv_table.harmless(cell) == "'" + cell


def test_a_control_character_in_a_cell_is_seen() -> None:
    assert csv_table.harmless("\rx") == "\\x0dx"
    assert csv_table.harmless("\n=1") == "'\n'=1"  # each piece, whoever tears the cell apart


@pytest.mark.parametrize("cell", ["text", "a=b", "", None, 5])
def test_a_cell_that_would_not(cell: str | int | None) -> None:
    assert csv_table.harmless(cell) == cell
