"""`make torture`: rows are chosen by how they begin, shards are joined, the page gets one table."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pytest

from support import torture
from support.fault_matrix import ROWS, Tried

SHARDS = {
    "K1-killed_reading": (["K1"], ["one.py"]),
    "K3-killed_migrating": (["D1", "K3"], ["two.py"]),
    "slow-gold": ([], ["three.py"]),
}


def test_rows_are_chosen_by_how_they_begin() -> None:
    assert set(torture.chosen(SHARDS, [])) == set(SHARDS)
    assert set(torture.chosen(SHARDS, ["K"])) == {"K1-killed_reading", "K3-killed_migrating"}
    assert torture.chosen(SHARDS, ["D1,"]) == {"K3-killed_migrating": ["two.py"]}
    assert set(torture.chosen(SHARDS, ["slow", "K1"])) == {"K1-killed_reading", "slow-gold"}
    assert torture.chosen(SHARDS, ["X"]) == {}


def test_what_shards_found_of_one_row_is_joined() -> None:
    row = Tried(tests=2, figures={"rounds": 200, "kills": 40, "max_stopping": 0.5, "how": "a"})
    row.join(Tried(tests=1, violations=1, figures={"rounds": 3, "kills": 2, "max_stopping": 0.2}))
    assert (row.tests, row.violations, row.rounds) == (3, 1, 203)
    assert row.seen == "kills 42 · max_stopping 0.5 · how a"


def test_a_violation_counts_after_a_try_that_went_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torture, "KEPT", tmp_path)
    monkeypatch.setattr(torture, "sources", lambda: "")
    (tmp_path / "state").write_text("")
    tries = iter((1, 1, 0))
    counted = '{"K1": {"tests": 1, "violations": %d}}'
    script = "import pathlib, sys; pathlib.Path(sys.argv[4]).write_text(sys.argv[6]); sys.exit(%s)"
    words = []
    for code in tries:
        command = [sys.executable, "-c", script % code]
        monkeypatch.setattr(torture, "PYTEST", command)
        words.append(torture.run("K1-killed_reading", ["", counted % code]))
    assert [each.partition(",")[0] for each in words] == ["violations", "violations", "well"]
    assert torture.joined(SHARDS)["K1"].violations == 2
    assert torture.is_done("K1-killed_reading")


def test_the_page_gets_one_table_whatever_it_had(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Reliability\n\nWords.\n", encoding="utf-8")
    for rounds in (5, 1200):
        rows = {"K1": Tried(tests=1, seconds=90, figures={"rounds": rounds, "kills": rounds})}
        torture.write(rows, page, dt.date(2026, 12, 1))
    text = page.read_text(encoding="utf-8")
    assert text.startswith(
        "# Reliability\n\nWords.\n\n## Tried at length\n\nAll rows on 2026-12-01:"
    )
    assert text.count("| K1 |") == text.count("## Tried") == 1
    assert "| K1 | 1 | 1200 | none | 1.5 | kills 1200 |\n" in text
    assert "K1" in ROWS
