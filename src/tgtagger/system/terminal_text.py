"""Make text from outside safe to show: it cannot steer a terminal, and hides nothing.

All text that is shown on a terminal, or may be shown on one later, goes through this module. The
database, and exports for other programs, keep the text as it came. Pure; knows no output.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Callable

LONGEST_LINE = 2000
"""Longest text from outside within one of our lines, in letters: a name may have megabytes."""

MOST_MARKS = 4
"""Most accents and the like on one letter: no language needs more, and heaps cover other lines."""

_BREAKS = "\u2028\u2029"
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_TURNING = "\u202a-\u202e\u2066-\u2069"  # marks that turn the writing direction
_INVISIBLE = (  # except joiners, and selectors that show a sign as an emoji or as text
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2060-\u2065"
    "\u206a-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_NO_LETTERS = "".join(  # halves of surrogate pairs, noncharacters
    ("\ud800-\udfff\ufdd0-\ufdef", *(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}"
                                     for plane in range(0, 0x110000, 0x10000)))
)  # fmt: skip
_STEERING = re.compile(f"[{_CONTROLS}]")
_SEEN_OR_GONE = re.compile(
    f"(?P<seen>[{_CONTROLS}{_TURNING}])|(?P<gone>[{_INVISIBLE}]+)|(?P<none>[{_NO_LETTERS}])"
)
_NOT_IN_JSON = re.compile(f"[{_CONTROLS}{_TURNING}{_INVISIBLE}{_NO_LETTERS}{_BREAKS}]")
_SIGNS = re.compile(r"[^\w\s\x00-\x7f]+")  # where joiners and accents stand; most texts have few
_JOINERS = "\u200c\u200d"
_SELECTORS = "\ufe0e\ufe0f"
# Latin, Greek, Cyrillic and their punctuation, each one column wide: most texts have no other.
_ORDINARY = re.compile(
    r"[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1"
    r"\u03a3-\u0482\u048a-\u052f\u2010-\u2027\u202f-\u205e\u20ac\u20bd\u2116]*"
)
_PLAIN_WORD = re.compile(r"[\w./][\w./:+-]*")  # in letters of any script


def is_ordinary(text: str) -> bool:
    """Tell whether a text has only letters and signs that need no care; False is no promise.

    Each is one column wide, and stays as it is in whatever is shown.
    """
    return (text.isascii() and text.isprintable()) or _ORDINARY.fullmatch(text) is not None


def clean(text: str) -> str:
    """Return text that cannot steer a terminal; its lines stay.

    Control characters and marks that turn the writing direction become escapes that can be seen;
    invisible characters are removed. Joiners stay where they join, and selectors after a sign:
    emoji and Persian need them.
    """
    if is_ordinary(text):
        return text
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    for mark in _BREAKS:
        text = text.replace(mark, "\n")
    text = _SEEN_OR_GONE.sub(_shown, text)
    return text if text.isascii() else _SIGNS.sub(_thinned, text)


def flat(text: str, longest: int = LONGEST_LINE) -> str:
    """Return clean text as one line: line breaks become escapes, so that it cannot fake our lines.

    Text longer than `longest` letters is cut.
    """
    line = clean(text[: longest * 2]).replace("\n", "\\n")
    return line if len(line) <= longest else line[: longest - 1] + "…"


def in_json(text: str) -> str:
    r"""Return the same JSON with \u escapes for all characters that `clean` would change."""
    if is_ordinary(text):
        return text
    text = _NOT_IN_JSON.sub(lambda found: _escaped(found[0]), text)
    return _SIGNS.sub(lambda found: _thinned(found, _escaped), text)


def shell_word(text: str) -> str:
    """Return text as one word of a shell command to be copied, quoted only if it needs quotes."""
    return text if _PLAIN_WORD.fullmatch(text) else shlex.quote(text)


def without_controls(text: str) -> str:
    """Return text with escapes for its control characters, except tabs and line ends."""
    return _STEERING.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _shown(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "seen":
            code = ord(found[0])
            return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
        case "none":
            return "\ufffd"
    return ""


def _thinned(found: re.Match[str], instead: Callable[[str], str] = lambda _: "") -> str:
    """Remove joiners and accents beyond the limit from a row of signs.

    Each decision depends on what was kept before it, so that a second pass changes nothing.
    """
    before = found.string[found.start() - 1 : found.start()]
    marks = 0
    kept: list[str] = []
    for letter in found[0]:
        if letter in _JOINERS:
            is_kept = before >= "\u0600" and before not in _JOINERS
        elif letter in _SELECTORS:
            is_kept = _may_be_selected(before)
        elif unicodedata.category(letter) in {"Mn", "Me"}:
            is_kept = marks < MOST_MARKS
            marks += is_kept
        else:
            is_kept, marks = True, 0
        kept.append(letter if is_kept else instead(letter))
        before = kept[-1][-1:] or before
    return "".join(kept)


def _may_be_selected(sign: str) -> bool:
    """Tell whether a sign can be shown as an emoji or as text; one sign among letters can, too."""
    return sign == "\u2139" or (sign > " " and not sign.isalpha() and sign not in _SELECTORS)


def _escaped(letter: str) -> str:
    code = ord(letter)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
