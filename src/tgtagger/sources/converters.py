"""The table of all sources' converters, which convert stored raw records again.

Needs no network, and knows no store.
"""

from __future__ import annotations

from collections.abc import Callable

from tgtagger.model.choices import SourceName
from tgtagger.model.posts import PostData, StoredRawRecord
from tgtagger.sources import desktop
from tgtagger.sources.preview import convert as preview
from tgtagger.sources.telegram import convert as telegram

ALL: tuple[tuple[SourceName, int, Callable[[StoredRawRecord], PostData | None]], ...] = (
    ("desktop", desktop.CONVERTER, desktop.reconvert),
    ("preview", preview.CONVERTER, preview.reconvert),
    ("telegram", telegram.CONVERTER, telegram.reconvert),
)
"""Source, version of its converter, and the converter itself."""
