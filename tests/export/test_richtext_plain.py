"""Markdown without marks takes a short way to HTML, and comes out the same."""

from __future__ import annotations

import random

from tgtagger.export import richtext

PIECES = (
    *("a", "b ", "слово", " ", "\n", "\n\n", "\n\n\n", "http://x.y/z?a=1", "https://t.me/a.", "."),
    *("!", "(", ")", "1", "1.", "2)", "#", "^", "{", "$", "@", "=", "---", "+", ":", "\u00a0"),
    *("\t", "\x0b", "\u2028", "\x85", "\x1c", "a@b.c", '"', "'", ">", "]", "²", "١", "    ", "*"),
)


def test_the_short_way_gives_what_the_long_one_gives() -> None:
    chance = random.Random(1)
    short = 0
    for _ in range(4000):
        text = "".join(chance.choices(PIECES, k=chance.randint(0, 9)))
        found = richtext._plain(text)
        if found is not None:
            short += 1
            assert found == richtext._reader().render(text), text
    assert short > 500
