"""The hash of a chunk: what was read before an update is known after it, whoever read it."""

from __future__ import annotations

import copy
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import orjson
import pytest

from support.exports import message
from tgtagger.sources.desktop import equality
from tgtagger.sources.desktop.convert import dump


def keys(*messages: Any) -> list[int]:
    return [key for key, *_ in equality.chunks(iter(messages), "channel")]


def test_a_chunk_is_known_by_the_json_of_its_messages() -> None:
    some = [message(1, "ж"), message(2, "b")]
    found = blake2b(orjson.dumps(some), digest_size=8, key=b"channel")
    assert keys(*some) == [int.from_bytes(found.digest(), "little")]


def test_who_read_a_number_makes_no_difference() -> None:
    assert keys(message(1, x=Decimal("1.10"))) == keys(message(1, x=1.1)) != [0]


@pytest.mark.parametrize("value", [1 << 64, "\ud800"])
def test_a_chunk_with_a_rare_value_has_no_hash(value: Any) -> None:
    assert keys(message(1, x=value), message(200)) == [0, keys(message(200))[0]]


@pytest.mark.parametrize(
    "record",
    [
        message(1, "ж"),
        message(1, ["ж", {"type": "bold", "text": "b"}]),
        message(1, "a", text_entities=[{"type": "plain", "text": "b"}]),
        message(1, ["a"], text_entities=["a"]),
        message(1, 5, text_entities=[{"text": 5.0}]),
        message(1, "a", text_entities={"text": "a"}),
        ["a"],
        None,
    ],
)
def test_a_message_s_json_is_all_of_it(record: Any) -> None:
    assert dump(copy.deepcopy(record)) == orjson.dumps(record)
