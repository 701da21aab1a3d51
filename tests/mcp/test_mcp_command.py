"""`tgtagger mcp` as a command: its package may be missing, and no other command loads it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tgtagger.mcp
from support.loading import libraries, loaded_by
from support.terminal import in_pipes
from test_kinds import raised, strings
from tgtagger import messages
from tgtagger.errors import InputError, StoreError, TryLater
from tgtagger.mcp.hints import HINTS, hint_of

HERE = Path(str(tgtagger.mcp.__file__)).parent


def test_without_its_package_the_line_to_type_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tgtagger.cli.mcp.PACKAGE", "no_such_package")
    told = in_pipes("mcp")
    assert told.code == 2
    assert "pip install 'tgtagger[mcp]'" in told.errors
    assert told.output == ""


def test_no_other_command_loads_the_protocol(db: Path) -> None:
    commands = ("mcp --help", "serve --help", "status", "tags", "work --help")
    loaded = loaded_by(*(["--db", str(db), *command.split(" ")] for command in commands))
    for command, modules in zip(commands, loaded, strict=True):
        assert not {"mcp", "mcp_types", "starlette"} & libraries(modules), command


def test_a_hint_is_of_a_kind_that_there_is() -> None:
    own = {text for path in HERE.glob("*.py") if path.name != "hints.py" for text in strings(path)}
    assert HINTS.keys() <= messages.SENTENCES.keys() | own


def test_a_hint_wants_no_data_and_holds_no_word_of_the_archive() -> None:
    assert not any("{" in hint for hint in HINTS.values())


def test_what_an_agent_can_cause_has_a_hint() -> None:
    """Every failure of the modules that the tools call first."""
    called = ("runs/pages.py", "runs/query.py", "runs/times.py", "mcp/", "store/lookup.py",
              "store/query.py", "store/agents.py")  # fmt: skip
    kinds = {kind for where, kind, _ in raised() if where.startswith(called)}
    assert len(kinds) > 20
    assert kinds - HINTS.keys() == {"duration_wrong"}  # no tool takes a duration


def test_a_failure_without_a_hint_of_its_kind_has_that_of_its_class() -> None:
    assert hint_of(TryLater("database_locked", path="x", process=None, program=None))
    assert hint_of(StoreError("database_damaged", path="x"))
    assert hint_of(InputError("usage", sentence="x")) is None


def test_the_tools_print_nothing_and_hold_no_sql() -> None:
    for path in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print"
