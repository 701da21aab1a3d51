"""What a tag looks like, which names are not tags, and when two spellings are one tag.

Knows no word forms (`forms`) and no list of tags (`choice`).
"""

from __future__ import annotations

import functools
import re
import unicodedata

MAX_LENGTH = 40
MAX_WORDS = 4

# Letters and marks of the scripts from Hebrew to Burmese, of Khmer and of Mongolian.
_JOINED = (
    "\u0591-\u05f2\u0610-\u061a\u0620-\u0669\u066e-\u06d3\u06d5-\u06ff\u0710-\u0963\u0966-\u0df3"
    "\u0e01-\u0e4e\u0e81-\u0ede\u0f00-\u109f\u1780-\u17d3\u1820-\u18aa\ua8e0-\ua8ff\ua9e0-\uaaff"
)
_VIRAMA = "\u09cd\u0d4d"  # a joiner after it makes a letter that closes a word
_STRAY_JOINER = re.compile(
    f"(?<![{_JOINED}])[\u200c\u200d]|\u200c(?![{_JOINED}])|(?<![{_VIRAMA}])\u200d(?![{_JOINED}])"
)
_JOINERS = re.compile("([\u200c\u200d])[\u200c\u200d]*")


def drop_stray_joiners(text: str) -> str:
    """Return a text with joiners only inside the words that are written so: نرم‌افزار, ක්‍රීඩා."""
    if "\u200c" not in text and "\u200d" not in text:
        return text
    return _STRAY_JOINER.sub("", _JOINERS.sub(r"\1", text))


# Controls, lone surrogates and invisible characters: zero widths, directions, stray joiners, soft
# hyphens, variation selectors, the "tag characters" that can hide text, code points without a
# character.
_NO_CHARACTERS = "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    f"\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff{_NO_CHARACTERS}]"
)
_SPACES = re.compile(r"[\s_]+")
_DOTTED = re.compile(r"\.[A-Z]")
_EDGES = "#＃\"＂'`«»‹›“”„‘’‚()[]{}<>.,;:!?…-–—/\\|*~ "


@functools.lru_cache(4096)
def normalise(name: str) -> str:
    """Return a tag as it is shown: one line, single spaces, no hash sign, no marks around it.

    Case is kept: it tells a name from a word. `C#`, `C++` and `.NET` stay whole.
    """
    name = unicodedata.normalize("NFC", drop_stray_joiners(_DROPPED.sub("", name)))
    name = _SPACES.sub(" ", name).strip()
    kept_end = name[-1:] if name.endswith("#") and len(name.rstrip("#")) <= 2 else ""
    start = "." if _DOTTED.match(name) else ""
    bare = name.strip(_EDGES)
    return start + bare + kept_end if bare else ""


_BETWEEN_WORDS = re.compile(r"[\s\-‐‑–_]+")


@functools.lru_cache(4096)
def key(name: str) -> str:
    """Return the key that all spellings of a tag share: without case, ё, hyphens and spaces.

    Without joiners, too: they are often left out.
    """
    bare = _JOINERS.sub("", normalise(name))
    folded = unicodedata.normalize("NFKC", bare).casefold().replace("ё", "е")
    return _BETWEEN_WORDS.sub(" ", folded).strip()


def words_of(name: str) -> list[str]:
    """Return a normalised name's words, split as `key` splits them, with their case."""
    return _BETWEEN_WORDS.sub(" ", unicodedata.normalize("NFKC", name)).split()


LINE_BREAK = r"[\n\r\v\f\x85\u2028\u2029]"

_NOT_IN_A_TAG = re.compile(
    rf"{LINE_BREAK}"
    r"|[()\[\]{}<>（）［］｛｝＜＞〈〉《》「」『』【】〔〕⟨⟩]"
    r"|:\s|："  # an explanation
    r"|[,，、|]"  # several tags; also the separators of names in a vocabulary's file
    r"|[@＠]"
    r"|https?:|://|www\.|\w\.\w+/",
    re.IGNORECASE,
)


def is_tag(name: str) -> bool:
    """Tell whether a normalised name can serve as a tag."""
    return (
        0 < len(name) <= MAX_LENGTH
        and len(name.split()) <= MAX_WORDS
        and any(character.isalpha() for character in name)
        and not _NOT_IN_A_TAG.search(name)
    )
