"""What a word is to a full-text index, of any database: the form of a text, and where words end.

Pure; knows no index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_JOINERS = "\u00ad\u200d\u2060\ufeff"  # soft hyphen, joiners, a byte order mark
_POINTS = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670"
_INVISIBLE = re.compile(f"(?<=[^\\W\\d_])[{_JOINERS}]|(?<=[\u0900-\u0dff])[{_JOINERS}]|[{_POINTS}]")
"""What stands within a word and is no part of it for who searches: Hebrew points, the vowels and
the stroke of Arabic, a soft hyphen, a joiner after a letter or an Indic sign (not in an emoji)."""


def folded(text: str) -> str:
    """Return a text in the form that the index takes: composed, without invisible parts.

    `й` may be one character or two, and a Hebrew word may have points: they are one word.
    """
    if text.isascii():
        return text
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return _INVISIBLE.sub("", text)


def tokens(text: str) -> Iterator[str]:
    """Split as the index does: runs of letters, digits, marks and private-use characters."""
    word = ""
    for letter in text:
        if letter.isalnum() or _is_of_word(letter):
            word += letter
        elif word:
            yield word
            word = ""
    if word:
        yield word


def _is_of_word(letter: str) -> bool:
    return unicodedata.category(letter) in {"Mn", "Mc", "Co"} and not "\ufe00" <= letter <= "\ufe0f"
