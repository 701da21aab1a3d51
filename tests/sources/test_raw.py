"""Raw records: read back as they were, with the dictionary and without."""

from __future__ import annotations

import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger.sources import raw

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
MESSAGE = {
    "id": 7,
    "type": "message",
    "date": "2025-05-01T12:00:00",
    "date_unixtime": "1746093600",
    "from": "Новости дня",
    "from_id": "channel1234567890",
    "text": "Коротко о главном",
    "text_entities": [{"type": "plain", "text": "Коротко о главном"}],
}


@given(VALUES)
def test_a_record_comes_back_as_it_was(record: Any) -> None:
    packed = raw.pack(record)
    assert raw.unpack(packed) == record
    assert zstd.get_frame_info(packed).dictionary_id


def test_numbers_and_letters_that_orjson_refuses_come_back() -> None:
    record = {"large": 2**70, "half": "\ud800"}
    assert raw.unpack(raw.pack(record)) == record


def test_a_record_of_before_the_dictionary_is_read() -> None:
    assert raw.unpack(zstd.compress(json.dumps(MESSAGE).encode(), 1)) == MESSAGE


def test_the_dictionary_is_the_one_that_archives_name() -> None:
    """A record cannot be read without the dictionary it was made with: this file never changes."""
    data = Path(raw.__file__).with_name("raw.dict").read_bytes()
    assert hashlib.sha256(data).hexdigest() == (
        "690e7bdfbd41b734289652bd4b2a239534aee8fca636d6dd16426f6826ac86fc"
    )


def test_a_short_record_takes_less_than_half_of_its_room() -> None:
    data = raw.dump(MESSAGE)
    assert data is not None
    assert len(raw.pack(MESSAGE)) < len(zstd.compress(data, raw.LEVEL)) / 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        raw.pack(MESSAGE)[:-1],
        raw.pack(MESSAGE)[:4] + b"\x23\x01\x02\x03\x04" + raw.pack(MESSAGE)[9:],
        zstd.compress(b"no JSON"),
        zstd.compress(b"\xff"),
    ],
    ids=["nothing", "unpacked", "cut off", "another dictionary", "no JSON", "no text"],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a packed record|Expecting value|decode"):
        raw.unpack(data)


def test_threads_pack_and_unpack_at_once() -> None:
    records = [MESSAGE | {"id": number} for number in range(500)]
    with ThreadPoolExecutor(8) as threads:
        packed = list(threads.map(raw.pack, records))
        assert list(threads.map(raw.unpack, packed)) == records
