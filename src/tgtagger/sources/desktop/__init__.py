"""Telegram Desktop's machine-readable export: `result.json`, of one chat or of a whole account.

`file` finds the chats and streams their records, `guard` removes bytes that would crash ijson,
`convert` turns a record into a post, `albums` finds the albums, `source` makes pages of posts.
Knows no store.
"""

from tgtagger.sources.desktop.convert import CONVERTER
from tgtagger.sources.desktop.source import DesktopExport, reconvert

__all__ = ["CONVERTER", "DesktopExport", "reconvert"]
