"""Every kind of error has one sentence; what a command line can do about it stands in its hint."""

from __future__ import annotations

import ast
import inspect
import re
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import tgtagger
from tgtagger import cli, errors, messages
from tgtagger.cli import hints
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError, StoreError, TryLater
from tgtagger.mcp import hints as mcp_hints
from tgtagger.web import failures as web_failures
from tgtagger.web import hints as web_hints

SOURCE = Path(tgtagger.__file__).parent
AREAS = (
    messages.archive, messages.running, messages.settings, messages.sources, messages.store,
    messages.tagging,
)  # fmt: skip
ADVICE = (hints.archive, hints.running, hints.settings, hints.sources, hints.store, hints.tagging)


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
    others = (web_hints, web_failures, mcp_hints)
    tables = {Path(str(area.__file__)) for area in (*AREAS, *ADVICE, *others)}
    used = {text for path in SOURCE.rglob("*.py") if path not in tables for text in strings(path)}
    assert set(messages.SENTENCES) - used == set()


COMMANDS = "|".join(name for group in cli.COMMANDS.values() for name in group)
TYPED = re.compile(rf"\btgtagger (?:{COMMANDS})\b|(?<![\w-])--[a-z]")


def spoken(path: Path) -> Iterator[str]:
    """Yield the strings of a module that are no docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    silent = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in silent
        ):
            yield node.value


def test_no_module_below_the_faces_names_a_command_or_an_option() -> None:
    found = [
        f"{path.relative_to(SOURCE)}: {text!r}"
        for path in SOURCE.rglob("*.py")
        if path.relative_to(SOURCE).parts[0] not in {"cli", "web", "mcp"}
        for text in spoken(path)
        if TYPED.search(text) and path.name != "__main__.py"
    ]
    # What the record of runs in every archive calls such a run.
    assert found == ["runs/parse.py: 'parse --reconvert'"]


def test_a_command_and_an_option_are_seen() -> None:
    assert TYPED.search("run: tgtagger login")
    assert TYPED.search("give --groups to keep groups")
    assert not TYPED.search("a newer tgtagger (schema 2)")


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
    assert hint_of(error) == "free some space; what was stored is kept"


def test_what_wraps_an_error_says_what_to_do_about_that_one() -> None:
    reason = InputError("period_empty", since="2", until="1")
    error = InputError("vocabulary_wrong", path="x.txt", reason=reason)
    assert error.message == "x.txt: the period is empty: 2 is not before 1"
    assert hint_of(error) == "swap the two dates"


# ---- where errors are raised

CLASSES = {
    name
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, errors.TgTaggerError)
}
ADDED = {"reason", "shortage"}  # by system_error
FOLLOWED = {"reason_hint"}  # by hint_of, where an error is the reason
OTHERWISE = {"not_before", "otherwise"}  # what is no data


def raised() -> Iterator[tuple[str, str, set[str] | None]]:
    """Yield where an error is made, its kind, and the names of its data (None: not written out)."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            at = 1 if node.func.id == "system_error" else 0
            if node.func.id not in CLASSES | {"system_error"} or len(node.args) <= at:
                continue
            kind, where = node.args[at], f"{path.relative_to(SOURCE)}:{node.lineno}"
            names = {keyword.arg for keyword in node.keywords}
            data = {name for name in names if name} - OTHERWISE
            if at:
                data |= ADDED
            if isinstance(kind, ast.Constant):
                yield where, str(kind.value), None if None in names else data
            elif isinstance(kind, ast.JoinedStr):
                yield where, ast.unparse(kind), None


def wanted(sentence: messages.Sentence) -> set[str]:
    """Return the data that a sentence needs."""
    if isinstance(sentence, str):
        fields = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
        return {re.split(r"[.\[]", name)[0] for name in fields}
    parameters = inspect.signature(sentence).parameters.values()
    return {p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty}


def test_every_error_is_raised_by_a_kind_with_the_data_of_its_sentence() -> None:
    found = list(raised())
    assert len(found) > 100
    for where, kind, data in found:
        assert kind in messages.SENTENCES, f"{where}: {kind!r}"
        if data is not None:
            for text in filter(None, (messages.SENTENCES[kind], hints.HINTS.get(kind))):
                needed = wanted(cast("messages.Sentence", text))
                assert needed - FOLLOWED <= data, f"{where}: {kind} needs {needed - data}"
