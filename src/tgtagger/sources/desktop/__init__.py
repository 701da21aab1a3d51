"""Telegram Desktop's machine-readable export: `result.json`, of one chat or of a whole account.

`file` finds the chats and streams their records, `guard` removes bytes that would crash ijson,
`convert` turns a record into a post, `albums` finds the albums, `source` makes pages of posts.
Knows no store.
"""

from tgtagger.sources.desktop.convert import CONVERTER
from tgtagger.sources.desktop.equality import counts, hash_of, stamp_of
from tgtagger.sources.desktop.file import find_file
from tgtagger.sources.desktop.source import DesktopExport, reconvert

__all__ = [
    "CONVERTER", "DesktopExport", "counts", "find_file", "hash_of", "reconvert", "stamp_of"
]  # fmt: skip
