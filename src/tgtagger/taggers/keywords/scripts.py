"""What belongs to a word in the world's scripts: marks, joiners; and scripts without spaces.

Knows characters, no words of any language.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tgtagger.taggers.keywords.segments import Segment

# The blocks that hold a script's combining marks: a look at every code point costs 100 ms.
_BLOCKS = (
    (0x300, 0x1D00), (0x1DC0, 0x1E00), (0x2CEF, 0x2E00), (0x302A, 0x3030), (0x3099, 0x309B),
    (0xA66F, 0xAC00), (0xFB1E, 0xFB1F), (0xFE20, 0xFE30), (0x101FD, 0x12000), (0x1E000, 0x1E950),
)  # fmt: skip

# All but Latin, Greek, Cyrillic, Armenian without marks, signs and emoji.
_RARE = re.compile(
    "[^\x00-\u02ff\u0370-\u0482\u048a-\u058f\u1e00-\u1fff\u2000-\u2cee\u2e00-\u2fff\u3000-\u3004"
    "\u3008-\u3020\ue000-\uf8ff\ufe00-\ufe0f\U0001f000-\U0001faff]"
)


def is_rare(text: str) -> bool:
    """Tell whether a text may have marks, or a script without spaces. Fast."""
    return _RARE.search(text) is not None


@functools.cache
def marks() -> str:
    """Return the vowel signs, points and accents: parts of a letter, no letters to a pattern.

    For a set in a pattern. Without the marks around signs (keycaps) and the selectors of emoji.
    """
    return "".join(
        chr(code)
        for start, end in _BLOCKS
        for code in range(start, end)
        if unicodedata.category(chr(code)) in {"Mn", "Mc"}
    )


JOINERS = "\u200c\u200d"
"""They stand inside words, where `vocabulary.drop_stray_joiners` left them."""

# Thai, Lao, Tibetan, Burmese, Khmer, Japanese, Chinese; ー is in the kana's block.
UNSPACED = (
    "\u0e00-\u0e3a\u0e40-\u0e4f\u0e80-\u0fff\u1000-\u109f\u1780-\u17d3\u17d7-\u17dd\u1950-\u19ff"
    "\u1a20-\u1aaf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff"
    "\uaa60-\uaadf\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9+-]+")
_JAPANESE = re.compile("[\u3040-\u30fa]")
_KANA_OR_HAN = re.compile(
    "[\u3040-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def whole_words(line: str, *, read: bool) -> str:
    """Return a line with only the whole words of stretches without spaces, a semicolon between.

    Those of Chinese and Japanese tells a library (`segments`), if it is there and asked for, as a
    few characters in a post of another language are not worth it. Without it a change
    of characters shows some words in Japanese; Chinese, Thai, Lao, Khmer and Burmese show none: a
    clause is not a word. Latin names inside a stretch are whole.
    """
    language = _kana_or_han(line)
    segment = _segment(language) if language and read else None
    return _stretch().sub(lambda found: _words(found.group(), language, segment), line)


def _segment(language: Literal["ja", "zh"]) -> Segment | None:
    from tgtagger.taggers.keywords import segments  # its patterns take 4 ms of the start

    return segments.japanese() if language == "ja" else segments.chinese()


FEW = 0.2
"""The share of its letters in Chinese or Japanese, up to which a text is in another language."""


def unspaced_language(text: str) -> Literal["ja", "zh"] | None:
    """Return the language of a text without spaces, if it is one that a library can read.

    A shrug (ツ) or a name in characters makes no Chinese of a Russian post.
    """
    language = _kana_or_han(text)
    if language and len(_KANA_OR_HAN.findall(text)) <= FEW * sum(map(str.isalpha, text)):
        return None
    return language


def _kana_or_han(text: str) -> Literal["ja", "zh"] | None:
    if not _KANA_OR_HAN.search(text):
        return None
    return "ja" if _JAPANESE.search(text) else "zh"


def is_read(language: Literal["ja", "zh"]) -> bool:
    """Tell whether the library for a language is there."""
    return _segment(language) is not None


@functools.cache
def _japanese_word() -> re.Pattern[str]:
    # Characters of one kind that kana or the end closes: 東京で, 地震が. Before a particle, since
    # another syllable can be the word's own ending: 目指す.
    return re.compile(
        "(?<![\u3005\u4e00-\u9fff\u30a1-\u30ff0-9A-Za-z])"
        "(?:[\u3005\u4e00-\u9fff]{2,6}(?=[はがをにでとのもへや]|$)"
        "|[\u30a1-\u30fa][\u30a1-\u30ff]{2,11}(?![\u3005\u4e00-\u9fff\u30a1-\u30ff]))"
    )


@functools.cache
def _stretch() -> re.Pattern[str]:
    # With the digits and letters in it: «3人» and «Tシャツ» are no words without them.
    return re.compile(rf"[^\W_]*[{UNSPACED}][\w{marks()}{JOINERS}]*")


def _words(stretch: str, language: str | None, segment: Segment | None) -> str:
    found = _NAME.findall(stretch)
    if segment is not None:
        found += segment(stretch)
    elif language == "ja":
        found += _japanese_word().findall(stretch)
    return f" ; {' ; '.join(found)} ; "
