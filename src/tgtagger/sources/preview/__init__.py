"""The public web preview of a channel (t.me/s): read without an account.

`page` finds the messages of a page, `convert` makes posts of them, `client` gets the pages,
`source` reads a channel.

The preview holds less than Telegram: counters are rounded, edits have no date, a long post or a new
kind of post may be cut. Knows no store.
"""

from tgtagger.sources.preview.client import Preview, look
from tgtagger.sources.preview.source import PreviewChannel

__all__ = ["Preview", "PreviewChannel", "look"]
