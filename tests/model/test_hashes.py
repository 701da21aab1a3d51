"""A large set in little memory holds what was added, and nothing else."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from tgtagger.model import hashes
from tgtagger.model.hashes import Hashes
from tgtagger.model.tagging import PostId


@pytest.mark.parametrize("parts", [1, 7, 1024])
def test_it_holds_what_a_set_holds(monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    monkeypatch.setattr(hashes, "_PARTS", parts)
    chance = random.Random(3)
    held, expected = Hashes(), set()
    for _ in range(2000):
        item = chance.choice(("text", PostId(7, 0)))
        item = (
            f"{item}{chance.randrange(700)}"
            if isinstance(item, str)
            else PostId(7, chance.randrange(700))
        )
        assert (item in held) == (item in expected)
        assert held.add(item) == (item not in expected)
        expected.add(item)
        assert len(held) == len(expected)
    assert all(item in held for item in expected)
    assert PostId(8, 1) not in held


def test_it_takes_few_bytes_an_item() -> None:
    count = 40_000
    tracemalloc.start()
    held = Hashes()
    for number in range(count):
        held.add(f"{number:016x}")
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(held) == count
    assert used < 16 * count, used / count
