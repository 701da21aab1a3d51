"""Lines and arrays of records; cells that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from support.make import page, post
from tgtagger.export import csv_table, json_records
from tgtagger.model.posts import Forward, PostFilter
from tgtagger.store import Store

RECORDS = [json.dumps({"id": n, "text": "é\n"}, ensure_ascii=False) for n in range(1203)]
BATCHES = [[each.encode() for each in RECORDS[at : at + 500]] for at in (0, 500, 1000)]


def test_lines_and_arrays_of_records() -> None:
    stream = io.BytesIO()
    assert json_records.write_lines(iter(BATCHES), stream) == 1203
    assert stream.getvalue().decode().splitlines() == RECORDS
    stream = io.BytesIO()
    assert json_records.write_array(iter(BATCHES), stream) == 1203
    assert json.loads(stream.getvalue()) == [json.loads(record) for record in RECORDS]
    stream = io.BytesIO()
    assert json_records.write_array(iter([]), stream) == 0
    assert json.loads(stream.getvalue()) == []
    assert json_records.write_lines(iter([]), stream) == 0


def test_a_table_is_read_back_as_it_was(store: Store) -> None:
    texts = ['a "b" c', "a,b", "a\nb", "a\r\nb", " a ", '"', ",", "plain", "é;\tü", ""]
    store.posts.save_page(page(*(post(at, text) for at, text in enumerate(texts, 1))))
    stream, as_csv = io.BytesIO(), io.StringIO(newline="")
    csv_table.write(store.records.posts(PostFilter()), stream, raw=True)
    rows = list(csv.reader(io.StringIO(stream.getvalue().decode(), newline="")))
    assert [row[rows[0].index("text")] for row in rows[:0:-1]] == texts
    csv.writer(as_csv).writerows(rows)
    assert as_csv.getvalue().encode() == stream.getvalue()


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", " =1", "＝1", "\nx"])
def test_a_cell_that_would_run(cell: str) -> None:
    assert csv_table.harmless(cell) == "'" + cell


def test_a_control_character_in_a_cell_is_seen() -> None:
    assert csv_table.harmless("\rx") == "\\x0dx"
    assert csv_table.harmless("\n=1") == "'\n'=1"  # each piece, whoever tears the cell apart


@pytest.mark.parametrize("cell", ["text", "a=b", "", None, 5])
def test_a_cell_that_would_not(cell: str | int | None) -> None:
    assert csv_table.harmless(cell) == cell


@pytest.mark.parametrize("text", ["x" * 32_767, "😀" * 16_383, "short"])
def test_a_cell_that_excel_takes_stays(text: str) -> None:
    assert csv_table.fitting(text) == text


@pytest.mark.parametrize("text", ["x" * 32_768, "😀" * 16_384, "é😀" * 20_000])
def test_a_cell_that_excel_would_spread_is_cut_with_a_mark(text: str) -> None:
    cell = str(csv_table.fitting(text))
    assert 32_760 <= len(cell.encode("utf-16-le")) // 2 <= 32_767
    assert cell.endswith("… [cut]")
    assert text.startswith(cell.removesuffix("… [cut]"))


def test_each_cell_of_a_stranger_is_harmless(store: Store) -> None:
    store.posts.save_page(page(post(1, "x")))
    (plain,) = store.records.posts(PostFilter())
    name = "x;=1+1"
    channel = replace(plain.channel, title=name, username=name)
    evil = replace(
        plain, channel=channel, url=f"https://t.me/{name}/1", tags=(name,), author=name, text=name,
        reactions={name: 1}, forward=Forward(None, name, None, None),
    )  # fmt: skip
    stream = io.BytesIO()
    csv_table.write([evil], stream, in_file=True)
    table = stream.getvalue().decode()
    assert table.count(";'=1+1") == 8
    assert ";=" not in table


def test_only_raw_cells_are_longer_than_excel_takes(store: Store) -> None:
    store.posts.save_page(page(post(1, "x" * 40_000)))
    (long,) = store.records.posts(PostFilter())
    for raw, most in ((False, 32_767), (True, 40_000)):
        stream = io.BytesIO()
        csv_table.write([long], stream, raw=raw, in_file=True)
        text = stream.getvalue().decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
        assert len(row["text"]) == most
