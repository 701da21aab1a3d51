"""What the web face says to do about a failure: of a kind that there is, with the data it has."""

from __future__ import annotations

import ast
from pathlib import Path

import tgtagger
from test_kinds import raised, strings, wanted
from tgtagger import messages, web
from tgtagger.errors import InputError, StoreError, TryLater
from tgtagger.web import failures
from tgtagger.web.hints import HINTS, hint_of
from tgtagger.web.words import PAUSES

WEB = Path(str(web.__file__)).parent
TABLES = {"hints.py", "failures.py"}
OWN = {text for path in WEB.glob("*.py") if path.name not in TABLES for text in strings(path)}
"""The texts of the web face; some are kinds of failures of its own."""


def test_a_hint_is_of_a_kind_that_there_is() -> None:
    kinds = messages.SENTENCES.keys() | OWN
    assert HINTS.keys() <= kinds
    assert failures.SENTENCES.keys() | failures.ENDINGS.keys() | failures.HINTS.keys() <= kinds


def test_a_hint_has_its_data() -> None:
    for where, kind, data in raised():
        for told in (HINTS.get(kind), failures.SENTENCES.get(kind), failures.HINTS.get(kind)):
            if told is not None and data is not None:
                assert wanted(told) <= data, f"{where}: {kind}"


def test_why_a_job_ended_wants_no_data() -> None:
    assert not any("{" in text for text in failures.ENDINGS.values())


def test_what_waits_is_told_in_words_of_the_pages() -> None:
    sources = Path(str(tgtagger.__file__)).parent / "sources"
    told = {
        ast.literal_eval(node.args[1])
        for path in sources.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Wait"
    }
    assert told == set(PAUSES.values())


def test_a_hint_names_no_command() -> None:
    assert "tgtagger" not in "".join(hint for hint in HINTS.values() if isinstance(hint, str))


def test_a_failure_without_a_hint_of_its_kind_has_that_of_its_class() -> None:
    assert hint_of(TryLater("database_locked", path="x", process=None, program=None))
    assert hint_of(StoreError("database_damaged", path="x"))
    assert hint_of(InputError("no_database", path="x"))
    assert hint_of(InputError("usage", sentence="x")) is None


def test_names_are_listed() -> None:
    error = InputError("post_ambiguous", number=3, names=tuple(map(str, range(12))))
    assert hint_of(error) == "name it with its channel: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"
    assert hint_of(InputError("tag_unknown", name="x", near=("a", "b"))) == "did you mean a or b?"
    assert hint_of(InputError("tag_unknown", name="x", near=())) == "see the list of tags"
