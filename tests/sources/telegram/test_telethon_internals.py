"""Telethon's internals stand behind one module, which was checked with the Telethon installed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import telethon

import tgtagger
from tgtagger.sources.telegram import telethon_internals

ROOT = Path(tgtagger.__file__).parent
INTERNALS = Path(telethon_internals.__file__)
DOCUMENTED = {"telethon", "telethon.errors", "telethon.sessions", "telethon.tl"}


def test_this_telethon_is_the_one_that_was_checked() -> None:
    assert telethon.__version__ == telethon_internals.CHECKED_WITH, (
        f"Telethon is {telethon.__version__} now: read each function of {INTERNALS} beside its "
        "source, run `pytest tests/sources/telegram tests/matrix`, then set CHECKED_WITH"
    )


def telethon_modules(tree: ast.AST) -> set[str]:
    """Return what of Telethon a module imports, as far as its documentation is concerned."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} if node.module != "telethon" else {
                "telethon" if alias.name == "TelegramClient" else f"telethon.{alias.name}"
                for alias in node.names
            }  # fmt: skip
    parts = (name.split(".") for name in found)
    return {".".join(part[:2]) for part in parts if part[0] == "telethon"}


def private_names(tree: ast.AST) -> Iterator[str]:
    """Yield the private attributes that a module reads of anything but `self` and `cls`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            of = node.value.id if isinstance(node.value, ast.Name) else ""
            is_public = node.attr.startswith("__") and node.attr.endswith("__")
            if of not in {"self", "cls"} and not is_public:
                yield f"{ast.unparse(node)}, line {node.lineno}"


USERS = [
    path
    for path in sorted(ROOT.rglob("*.py"))
    if path != INTERNALS
    and "telethon" in (text := path.read_text(encoding="utf-8"))
    and telethon_modules(ast.parse(text))
]


def test_telethon_is_used_in_one_package_only() -> None:
    assert {path.parent for path in USERS} == {INTERNALS.parent}


@pytest.mark.parametrize("path", USERS, ids=lambda path: path.name)
def test_no_other_module_uses_what_telethon_does_not_promise(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert telethon_modules(tree) <= DOCUMENTED
    assert not list(private_names(tree))


def test_the_internals_themselves_would_be_found() -> None:
    tree = ast.parse(INTERNALS.read_text())
    assert "telethon.crypto" in telethon_modules(tree)
    assert any("client._sender" in name for name in private_names(tree))
