"""Every kind of error has one sentence; what a command line can do about it stands in its hint."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import tgtagger
from tgtagger import messages
from tgtagger.cli import COMMANDS, hints
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError, StoreError, TryLater

SOURCE = Path(tgtagger.__file__).parent
AREAS = (messages.running, messages.settings, messages.sources, messages.store, messages.tagging)
ADVICE = (hints.running, hints.settings, hints.sources, hints.store, hints.tagging)


def strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_a_kind_has_one_home() -> None:
    for areas in (AREAS, ADVICE):
        tables = [getattr(area, "SENTENCES", None) or getattr(area, "HINTS", {}) for area in areas]
        counts = Counter(kind for table in tables for kind in table)
        assert [kind for kind, count in counts.items() if count > 1] == []


def test_a_hint_is_of_a_kind_that_there_is() -> None:
    assert set(hints.HINTS) <= set(messages.SENTENCES)
    for area, advice in zip(AREAS, ADVICE, strict=True):
        assert set(advice.HINTS) <= set(area.SENTENCES), advice.__name__


def test_a_kind_is_used() -> None:
    """A sentence that nothing raises is dead, or its kind is spelt otherwise where it is raised."""
    tables = {Path(str(area.__file__)) for area in (*AREAS, *ADVICE)}
    used = {text for path in SOURCE.rglob("*.py") if path not in tables for text in strings(path)}
    assert set(messages.SENTENCES) - used == set()


COMMAND = re.compile(rf"\btgtagger ({'|'.join(n for group in COMMANDS.values() for n in group)})\b")
OPTION = re.compile(r"--[a-z]")


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.__name__.rpartition(".")[2])
def test_a_sentence_names_no_command_and_no_option(area: object) -> None:
    for text in strings(Path(str(getattr(area, "__file__", "")))):
        assert not COMMAND.search(text), text
        assert not OPTION.search(text), text


def test_a_sentence_is_filled_with_data() -> None:
    error = TryLater("run_at_work", run="tag", database="x.db", process=12)
    again = "try again when it has ended"
    assert str(error) == f"another tag run is at work on x.db (process 12): {again}"
    error = TryLater("run_at_work", run="tag", database="{x}.db", process=None)
    assert error.message == f"another tag run is at work on {{x}}.db: {again}"
    assert hint_of(error) is None


def test_a_hint_is_filled_with_the_same_data() -> None:
    error = InputError("setting_unknown", path="x.toml", key="tag", near="tags", known=["tags"])
    assert hint_of(error) == "did you mean tags?"
    assert hint_of(InputError("usage", sentence="no", advice=None)) is None


def test_a_shortage_says_what_to_do_whatever_was_done() -> None:
    error = StoreError("settings_file_unreadable", path="x", reason="full", shortage="room")
    assert hint_of(error) == "make room; what was committed is kept"


def test_what_wraps_an_error_says_what_to_do_about_that_one() -> None:
    reason = InputError("period_empty", since="2", until="1")
    error = InputError("vocabulary_wrong", path="x.txt", reason=reason)
    assert error.message == "x.txt: nothing lies from 2 until 1"
    assert hint_of(error) == "swap the two"
