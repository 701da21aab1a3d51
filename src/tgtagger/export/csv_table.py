"""CSV for spreadsheets: a row a post, its tags in one cell.

A spreadsheet runs a cell that begins like a formula, and a post can be made to: such cells get an
apostrophe in front, unless they are wanted raw.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable
from typing import BinaryIO

from tgtagger.views import Post

COLUMNS = (
    "channel_id", "channel", "channel_title", "id", "url", "date", "edited", "deleted", "text",
    "tags", "status", "views", "forwards", "reactions", "media", "forward_from", "reply_to",
    "author", "source",
)  # fmt: skip

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write(posts: Iterable[Post], stream: BinaryIO, *, raw: bool = False) -> int:
    """Write posts under a line of headings; return how many."""
    count = 0
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    try:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for post in posts:
            cells = _cells(post)
            writer.writerow(cells if raw else [harmless(cell) for cell in cells])
            count += 1
    finally:
        text.flush()
        text.detach()  # the stream is the caller's
    return count


def harmless(cell: str | int | None) -> str | int | None:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA):
        return "'" + cell
    return cell


def _cells(post: Post) -> list[str | int | None]:
    reactions = post.reactions or {}
    return [
        post.channel.id,
        post.channel.username,
        post.channel.title,
        post.id.message_id,
        post.url,
        _time(post.date),
        _time(post.edited),
        _time(post.deleted),
        post.text,
        "; ".join(post.tags),
        post.status,
        post.views,
        post.forwards,
        "; ".join(f"{name} {count}" for name, count in reactions.items()) or None,
        "; ".join(item.type for item in post.media) or None,
        post.forward.channel if post.forward else None,
        post.reply_to,
        post.author,
        post.source,
    ]


def _time(moment: dt.datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
