"""The converters by source: what `parse --reconvert` runs over stored raw forms.

Needs no network, and knows no store.
"""

from __future__ import annotations

from collections.abc import Callable

from tgtagger.model.posts import PostData, RawPost, SourceName
from tgtagger.sources import desktop
from tgtagger.sources.preview import convert as preview
from tgtagger.sources.telegram import convert as telegram

ALL: tuple[tuple[SourceName, int, Callable[[RawPost], PostData | None]], ...] = (
    ("desktop", desktop.CONVERTER, desktop.reconvert),
    ("preview", preview.CONVERTER, preview.reconvert),
    ("telegram", telegram.CONVERTER, telegram.reconvert),
)
"""Source, version of its converter, and the converter itself."""
