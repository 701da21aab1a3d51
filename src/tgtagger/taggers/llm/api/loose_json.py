"""Read the JSON value at a place of a text, also if a model wrote it nearly right.

Nearly right are: commas before a closing bracket, Python's quotes, tuples and words, quotes and
marks of other languages, keys without quotes, comments. A value with a missing comma, quote or
bracket is not read: what it means cannot be told.

Pure. Knows no post and no tag.
"""

from __future__ import annotations

import json
import re
from typing import Any


class NotJson(Exception):
    """There is no value at this place. `at` is how far the text was read."""

    def __init__(self, at: int, *, is_cut_off: bool) -> None:
        super().__init__(at)
        self.at = at
        self.is_cut_off = is_cut_off


_DECODER = json.JSONDecoder()
NEAR_THE_END = 8
"""Letters: an error so near to the end of a text may come from the end itself."""


def decode(text: str, start: int) -> tuple[Any, int]:
    """Return the object or array that begins at `start`, and where it ends. Raises NotJson."""
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        at = error.pos
        is_cut_off = error.msg.startswith("Unterminated string") or len(text) - at < NEAR_THE_END
    except (ValueError, RecursionError):
        raise NotJson(len(text), is_cut_off=False) from None
    mended, end = _mended(text, start)
    if mended is not None:
        try:
            return json.loads(mended), end
        except (ValueError, RecursionError):
            raise NotJson(max(at, end), is_cut_off=False) from None
    raise NotJson(max(at, end), is_cut_off=is_cut_off or end >= len(text))


_TOKEN = re.compile(
    r"""\s+ | //[^\n]* | \#[^\n]* | /\*[^*]{0,500}\*/
    | (?P<string>"(?:[^"\\\n]|\\.)*")
    | '(?P<single>(?:[^'\\\n]|\\.)*)' (?=\s*[,:\]})，：])
    | [“„«](?P<curly>[^“”„«»"\\\n]*)[”“»]
    | `(?P<code>[^`"\\\n]*)`
    | (?P<mark>[\[\]{}(),:，：])
    | (?P<number>-?[0-9]{1,18}(?:\.[0-9]{1,18})?(?![\w.]))
    | (?P<word>[A-Za-z_]\w{0,40})
    """,
    re.VERBOSE,
)
_MARKS = str.maketrans("()，：", "[],:")
_WORDS = {"None": "null", "True": "true", "False": "false", "null": "null", "true": "true",
          "false": "false"}  # fmt: skip
_COLON = re.compile(r"\s*[:：]")
_SINGLE = re.compile(r"\\'|(\")")
_OPEN_STRING = re.compile(r"""["'“„«`][^\n]*\Z""")


def _mended(text: str, start: int) -> tuple[str | None, int]:
    """Return a value as JSON and where it ends; None if it cannot be mended, and where that is."""
    written: list[str] = []
    open_ones: list[str] = []
    at = start
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return None, len(text) if _OPEN_STRING.match(text, at) else at
        kind, words = token.lastgroup, token[0]
        at = token.end()
        match kind:
            case None:
                continue
            case "mark" if (words := words.translate(_MARKS)) in "]}":
                if open_ones.pop() + words not in {"[]", "{}"}:
                    return None, at
                if written[-1] == ",":
                    written.pop()
                written.append(words)
                if not open_ones:
                    return "".join(written), at
            case "mark":
                if words in "[{":
                    open_ones.append(words)
                written.append(words)
            case _:
                scalar = _scalar(token, is_key=bool(_COLON.match(text, at)))
                if scalar is None:
                    return None, at
                written.append(scalar)
    return None, at


def _scalar(token: re.Match[str], *, is_key: bool) -> str | None:
    """Return a string, a number or a word as JSON; None for a word that is no value."""
    words = token[0]
    match token.lastgroup:
        case "single":
            inner = _SINGLE.sub(lambda found: '\\"' if found[1] else "'", token["single"])
            return f'"{inner}"'
        case "curly" | "code" as kind:
            return f'"{token[kind]}"'
        case "word":
            return f'"{words}"' if is_key else _WORDS.get(words)
        case _:
            return words
