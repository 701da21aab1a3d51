"""Which extra would read a text better: a library that is not installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tgtagger.taggers.keywords import scripts, ukrainian
from tgtagger.taggers.keywords.languages import may_be_ukrainian

Extra = Literal["chinese", "japanese", "ukrainian"]

_UNSPACED: Mapping[Literal["zh", "ja"], Extra] = {"zh": "chinese", "ja": "japanese"}
_WITHOUT: Mapping[Extra, str] = {
    "chinese": "only hashtags and Latin names become tags",
    "japanese": "only the words that the characters show become tags",
    "ukrainian": "words stay in the form in which they stand",
}


def missing_for(text: str) -> Extra | None:
    """Return the extra that a text wants and that is not installed."""
    if may_be_ukrainian(text):
        return None if ukrainian.can_read() else "ukrainian"
    language = scripts.unspaced_language(text)
    return None if language is None or scripts.is_read(language) else _UNSPACED[language]


def told(extra: Extra, posts: int) -> str:
    """Return what a person is told of posts that an extra would read."""
    count = "1 post is" if posts == 1 else f"{posts:,} posts are".replace(",", "\u202f")
    return (
        f"{count} in {extra.capitalize()}: without the extra {extra!r} {_WITHOUT[extra]}; "
        f"to read them: pip install 'tgtagger[{extra}]', then tag them again"
    )
