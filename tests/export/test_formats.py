"""Lines and arrays of records; cells that a spreadsheet would run."""

from __future__ import annotations

import io
import json

import pytest

from tgtagger.export import csv_table, json_records

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
