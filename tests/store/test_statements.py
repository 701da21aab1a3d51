"""What every SQL statement of the program keeps to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tgtagger

SOURCES = sorted(Path(tgtagger.__file__).parent.rglob("*.py"))
POSITIONAL = re.compile(r'INSERT (?:OR \w+ )?INTO [\w{}.\[\]]+[" f\n]*(?:VALUES|SELECT)\b')


def test_every_insert_names_its_columns() -> None:
    found = [
        f"{path.name}: {match[0]}"
        for path in SOURCES
        for match in POSITIONAL.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.parametrize(
    "statement", ['"INSERT INTO tags VALUES (?)"', '"INSERT OR IGNORE INTO tags "\n  "SELECT 1"']
)
def test_an_insert_without_columns_is_seen(statement: str) -> None:
    assert POSITIONAL.search(statement)
