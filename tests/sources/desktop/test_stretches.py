"""What the fast reading yields is what ijson alone yields: the same records, the same end."""

from __future__ import annotations

import io
import itertools
import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import ijson
import pytest

from support.exports import chat, message
from tgtagger.sources.desktop import file as export
from tgtagger.sources.desktop import stretches
from tgtagger.sources.desktop.guard import BUFFER, UNREADABLE, Guarded

VALUES = [
    *(b"0", b"-0", b"-0.0", b"1.10", b"1e5", b"1E400", b"-1e-400", b"0.1234567890123456789"),
    *(b"18446744073709551615", b"18446744073709551616", b"-9223372036854775809", b"9" * 5000),
    *(b"1e99999999999999999999", b"1." + b"0" * 3000 + b"1", b"1e-9999999999999999999"),
    *(b"NaN", b"Infinity", b"01", b"1.", b"tru", b"null", b"true", b"[1,]", b"[1.5, [2.25]]"),
    *(rb'"\ud800"', rb'"\ude00 \ud83d\u0041"', rb'"\ud83d\ude00"', b'"\xff"', b'"\xed\xa0\x80"'),
    *(b'"a\nb"', b'"a\x01b"', b'"\x7f"', rb'"\u0000"', rb'"\n  },\n  {"', b'"\n  },\n  {"'),
    *(b"[" * 600 + b"]" * 600, b"[" * 1500 + b"]" * 1500, b"[" * 3000 + b"]" * 3000),
    *(b'{"a": 1, "b": 2, "a": 3}', b'{\n  },\n  "a": {}', b"{\n  }, {\n  }", b"1}, 5, {\n  },"),
    *(b'"12345678901234567890"', b'" 12345678901234567890 \\" 12345678901234567890"'),
    b'1\n  }\n ],\n "messages": [\n  {\n   "id": 77\n  },\n  {"id": 78',
    b'1\n  }\n ],\n "other": [\n  {\n   "id": 77\n  },\n  {"id": 78',
    b'1\n  }],\n  [{\n  },\n  {"id": 78',
    b'1}, {\n  },\n  ,{"id": 78',
]
HEADS = [
    b'{\n "name": "N",\n "type": "public_channel",\n "id": 5,\n "messages": [',
    b'{\n "name": "\\"messages\\": [",\n "id": 5,\n "messages": [',
    b'{\n "messages": [{"id": 1}],\n "messages": [',
    b'{\n "messages": 1,\n "messages": [',
    b'{\n "messages": {"item": {"id": 1}},\n "messages": [',
    b'{\n "messages.item": 1,\n "messages": [',
    b'{\n "chats": {\n "messages": [',
    b'[\n "messages": [',
    b'{\n "id": 01,\n "messages": [',
    b'{\n "id": 1e99999999999999999999,\n "messages": [',
    b'{\n "list": [{"messages": 5}],\n "messages": [',
]


def layout(*messages: dict[str, Any], indent: int | None = 1) -> bytes:
    return json.dumps(chat(*messages), ensure_ascii=False, indent=indent).encode()


def outcome(records: Any) -> tuple[list[Any], str | None]:
    """Return the records, with a float for each number with a point, and the kind of the end."""
    found: list[Any] = []
    try:
        found.extend(map(_plain, records))
    except export.CutOff as error:
        return found, str(error)
    except UNREADABLE as error:
        return found, type(error).__name__
    return found, None


def _plain(record: Any) -> list[Any]:
    """Return all that is in a record, in its order; it may be nested too deeply for recursion."""
    found: list[Any] = []
    left = [record]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            found.append(list(value))
            left += value.values()
        elif isinstance(value, list):
            found.append(len(value))
            left += value
        else:
            found.append(repr(float(value) if isinstance(value, Decimal) else value))
    return found


def fast(data: bytes, monkeypatch: pytest.MonkeyPatch, stretch: int) -> Any:
    monkeypatch.setattr(stretches, "STRETCH", stretch)
    return outcome(export.read_records(io.BytesIO(data), "messages.item"))


def slow(data: bytes) -> Any:
    return outcome(ijson.items(Guarded(io.BytesIO(data)), "messages.item", buf_size=BUFFER))


def read_fast(data: bytes) -> int:
    """Return how many messages come without ijson."""
    return sum(1 for _ in stretches.read(io.BytesIO(data)))


@pytest.mark.parametrize("at", [0, 7, 19])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:30]))
def test_any_value_is_read_as_ijson_reads_it(
    value: bytes, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [message(n, f"text {n}") for n in range(20)]
    some[at]["extra"] = "?"
    data = layout(*some).replace(b'"?"', value)
    for stretch in (700, 3000, 1 << 20):
        assert fast(data, monkeypatch, stretch) == slow(data)


@pytest.mark.parametrize("head", HEADS)
def test_any_head_is_read_as_ijson_reads_it(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = layout(*(message(n, "x") for n in range(5)))
    data = head + whole[whole.index(b'"messages": [') + 13 :]
    for end in (b"", b"}", b"\n}}", b"]"):
        assert fast(data + end, monkeypatch, 900) == slow(data + end)


def test_any_change_is_read_as_ijson_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Random(8)
    pieces = [*VALUES[:24], b"\n  },", b"\n  {", b",", b"]", b"}", b'"', b"\\", b"\r\n", b" ", b""]
    for _ in range(400):
        some = [message(n, "ж" * chance.randrange(60)) for n in range(chance.randrange(1, 12))]
        data = layout(*some, indent=chance.choice([1, 1, 1, 1, 2, None]))
        if chance.random() < 0.1:
            data = data.replace(b"\n", b"\r\n")
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(data))
            data = data[:at] + chance.choice(pieces) + data[at + chance.randrange(3) :]
        if chance.random() < 0.4:
            data = data[: chance.randrange(len(data))]
        stretch = chance.choice([300, 1000, 5000])
        assert fast(data, monkeypatch, stretch) == slow(data), data


def test_desktop_s_own_layout_is_read_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = message(3, "on account 40817810099910004312, or 40817810099910004313")
    some = [message(n, f'text {n} \\ "') for n in range(50)]
    for stretch in (1000, 1 << 20):
        monkeypatch.setattr(stretches, "STRETCH", stretch)
        assert read_fast(layout(*some)) == 49  # the last one is followed by no comma
        assert read_fast(layout(*some, digits, *some)) == 100
    assert read_fast(layout(*some, indent=2)) == read_fast(layout(*some, indent=None)) == 0
    assert read_fast(layout()) == 0


def test_a_reading_that_ends_early_has_read_no_more_than_a_stretch(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(layout(*(message(n, "x" * 400) for n in range(5000))))
    with export.open_export(path) as file:
        assert len(list(itertools.islice(export.read_records(file, "messages.item"), 10))) == 10
        assert 0 < file.tell() <= stretches.STRETCH + (1 << 16) < path.stat().st_size
