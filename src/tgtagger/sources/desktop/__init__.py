"""Telegram Desktop's machine-readable export: `result.json`, of one chat or of a whole account.

`file` finds the chats and streams their records, `convert` turns a record into a post, `albums`
puts together what the export tears apart, `source` makes pages of them. Knows no store.
"""

from tgtagger.sources.desktop.convert import CONVERTER
from tgtagger.sources.desktop.source import DesktopExport, reconvert

__all__ = ["CONVERTER", "DesktopExport", "reconvert"]
