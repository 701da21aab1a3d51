"""The rules of tags: when two spellings are one tag, and what is no tag at all.

Pure. Knows no post and no database; the store keeps tags by their `key`.
"""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 40
MAX_WORDS = 4

_DROPPED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SPACES = re.compile(r"[\s_]+")
_EDGES = "#\"'`«»“”„‘’()[]{}<>.,;:!?…-–—/\\|*~ "


def normalise(name: str) -> str:
    """Return a tag as it is shown: one line, single spaces, no hash sign, no wrapping marks.

    Case is kept: it tells a name from a word. `C#`, `C++` and `.NET` stay whole.
    """
    name = unicodedata.normalize("NFC", name)
    name = _SPACES.sub(" ", _DROPPED.sub("", name)).strip()
    kept_end = name[-1:] if name.endswith("#") and len(name.rstrip("#")) <= 2 else ""
    start = "." if re.match(r"\.[A-Z]", name) else ""
    return start + name.strip(_EDGES) + kept_end if name.strip(_EDGES) else ""


def key(name: str) -> str:
    """Return what two spellings of one tag have in common: case, ё, hyphens and spaces aside."""
    folded = unicodedata.normalize("NFKC", normalise(name)).casefold().replace("ё", "е")
    return re.sub(r"[\s\-‐‑–_]+", " ", folded).strip()


def is_tag(name: str) -> bool:
    """Tell whether a normalised name can serve as a tag."""
    return (
        0 < len(name) <= MAX_LENGTH
        and len(name.split()) <= MAX_WORDS
        and any(character.isalpha() for character in name)
        and "http" not in name.casefold()
    )
