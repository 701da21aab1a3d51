"""What the web face says to do about a failure: of a kind that there is, with the data it has."""

from __future__ import annotations

from pathlib import Path

from test_kinds import raised, strings, wanted
from tgtagger import messages, web
from tgtagger.errors import InputError, StoreError, TryLater
from tgtagger.web.hints import HINTS, hint_of

WEB = Path(str(web.__file__)).parent


def test_a_hint_is_of_a_kind_that_there_is() -> None:
    own = {text for path in WEB.glob("*.py") if path.name != "hints.py" for text in strings(path)}
    assert HINTS.keys() <= messages.SENTENCES.keys() | own


def test_a_hint_has_its_data() -> None:
    for where, kind, data in raised():
        hint = HINTS.get(kind)
        if hint is not None and data is not None:
            assert wanted(hint) <= data, f"{where}: {kind}"


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
