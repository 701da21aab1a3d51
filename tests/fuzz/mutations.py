"""Damage to valid input, seeded: to a tree of JSON, to mark-up, to bytes.

Shared by Hypothesis, which draws the seed, and by atheris, which calls it between its own changes.
A changed tree stays JSON, so that what is tried is the reader of its values and not the parser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

Mutation = Callable[[bytes, Random], bytes]

NUMBERS = [
    -1,
    0,
    1,
    2**31 - 1,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    10**400,
    -(2**63),
    0.5,
    1e308,
    -1e-308,
]
STRINGS = [
    "", " ", "\0", "\n", "\r\n", "\t", "\x1b[2J", "\x85", "\u2028", "\u200b", "\u202e", "\ufffe",
    "\ufeff", "\ud83d", "\ude00", "\ude00\ud83d", "😀", "e\u0301", "ß", "ﬁ", "²", "٣", "Ёж", "İ",
    "9" * 25, "9" * 5000, "x" * 3000, "*", "**", "_", "`", "```", "[", "](", "<b>", "<!--", "&amp;",
    "&", "||", "1. ", "- ", "> ", "# ", "~~~", "\\", "0001-01-01T00:00:00+10:00",
    "9999-12-31T23:59:59-10:00", "-62135596801", "253402300800", "1e999", "nan", "1.95M",
    "channel5", "https://a.b/c?d=(e)#f", "javascript:x", "t.me/a/5", "/", "..", "=1+1", '"', "'",
    "%", ",", ";", ":",
]  # fmt: skip
"""Values that have broken a reader somewhere: of lengths, of time, of Unicode, of mark-up."""
HOSTILE: list[Any] = [None, True, False, [], {}, [[]], [None], {"": None}, *NUMBERS, *STRINGS]


def change_tree(tree: Any, chance: Random) -> Any:
    """Return a copy of a tree with one value in it changed, gone, doubled or put deep inside."""
    root = [deepcopy(tree)]
    places = list(_places(root))
    container, key = chance.choice(places)
    value = container[key]
    match chance.randrange(9):
        case 0 | 1:
            container[key] = deepcopy(chance.choice(HOSTILE))
        case 2:
            other, there = chance.choice(places)
            container[key] = deepcopy(other[there])
        case 3 if container is not root:
            del container[key]
        case 4:
            for _ in range(chance.choice([1, 2, 50, 120])):
                value = chance.choice([[value], {"text": value}, {chance.choice(STRINGS): value}])
            container[key] = value
        case 5 if isinstance(container, list):
            container[key:key] = [deepcopy(value) for _ in range(chance.choice([1, 1, 2, 30]))]
        case 6 if isinstance(container, dict):
            del container[key]
            names = [str(name) for parent, name in places if isinstance(parent, dict)]
            container[chance.choice([*names, *STRINGS])] = value
        case _:
            container[key] = _near(value, chance)
    return root[0]


def _places(container: Any) -> Iterator[tuple[Any, Any]]:
    """Yield where each value of a tree stands: its list or object, and its place in that."""
    keys = range(len(container)) if isinstance(container, list) else list(container)
    for key in keys:
        yield container, key
        if isinstance(container[key], list | dict):
            yield from _places(container[key])


def _near(value: Any, chance: Random) -> Any:
    """Return a value of the same kind that is not quite the same."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return chance.choice([value + 1, value - 1, -value, chance.choice(NUMBERS)])
    if isinstance(value, str):
        at = chance.randrange(len(value) + 1)
        piece = value[at : at + chance.randrange(1, 9)]
        return value[:at] + chance.choice([*STRINGS, piece * 3, value[::-1]]) + value[at:]
    if isinstance(value, list):
        return chance.sample(value, len(value))
    return deepcopy(chance.choice(HOSTILE))


def change_json(data: bytes, chance: Random) -> bytes:
    """Change values of a JSON text; its bytes, where it is none."""
    try:
        tree = json.loads(data)
        for _ in range(chance.choice([1, 1, 2, 4])):
            tree = change_tree(tree, chance)
        return json.dumps(tree, ensure_ascii=chance.random() < 0.5).encode(errors="surrogatepass")
    except (ValueError, RecursionError):
        return change_bytes(data, chance)


def change_bytes(data: bytes, chance: Random) -> bytes:
    """Flip bits, cut, double, move, or put in what has broken something before."""
    found = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5])):
        start = chance.randrange(len(found) + 1)
        end = min(len(found), start + int(chance.expovariate(0.1)))
        match chance.randrange(6):
            case 0 if found:
                found[min(start, len(found) - 1)] ^= 1 << chance.randrange(8)
            case 1:
                del found[start:end]
            case 2:
                found[start:start] = found[start:end] * chance.choice([1, 1, 100])
            case 3:
                del found[start:]
            case 4:
                found[start:end] = chance.randbytes(chance.randrange(1, 5))
            case _:
                found[start:end] = chance.choice(STRINGS).encode(errors="surrogatepass")
    return bytes(found)


_PIECE = re.compile(r"<[^<>]*>|[^<>]+")


def change_markup(data: bytes, chance: Random) -> bytes:
    """Take tags out, double them, nest them deeply, garble their attributes; or change bytes."""
    pieces: list[str] = _PIECE.findall(data.decode(errors="replace"))
    if not pieces or chance.random() < 0.2:
        return change_bytes(data, chance)
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(len(pieces))
        match chance.randrange(7):
            case 0:
                del pieces[at]
            case 1:
                pieces[at] *= chance.choice([2, 3, 30, 300])
            case 2:
                pieces.insert(at, chance.choice(pieces))
            case 3:
                pieces[at] = re.sub(r'"[^"]*"', f'"{chance.choice(STRINGS)}"', pieces[at], count=1)
            case 4:
                pieces[at] = str(_near(pieces[at], chance))
            case 5:
                pieces[at] = chance.choice(STRINGS)
            case _:
                other = chance.randrange(len(pieces))
                pieces[at], pieces[other] = pieces[other], pieces[at]
        if not pieces:
            break
    return "".join(pieces).encode(errors="replace")
