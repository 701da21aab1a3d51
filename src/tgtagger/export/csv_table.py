"""CSV for spreadsheets: a row a post, its tags in one cell.

A spreadsheet runs a cell that begins like a formula, and a stranger can write such a post. Unless
cells are wanted raw, such a cell gets an apostrophe in front, and control characters are written as
terminal-safe text. Excel expects another separator than the comma in many countries, and tears
cells apart there: a piece of a cell that would call something gets its apostrophe, too. Knows no
store.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable
from typing import BinaryIO

from tgtagger.model.archive import Post
from tgtagger.model.times import iso
from tgtagger.system.terminal_text import clean, without_controls

COLUMNS = (
    "channel_id", "channel", "channel_title", "id", "url", "date", "edited", "deleted", "text",
    "tags", "status", "views", "forwards", "reactions", "media", "forward_from", "reply_to",
    "author", "source",
)  # fmt: skip

_FORMULA = re.compile(r"[\s\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]")
_PIECE = re.compile(
    # Separators stand in no repetition: many in a row would take time with their square.
    r"""([;\t\n])(?=(?:[^\S\t\n]|["\u200b\ufeff])*+(?:[=＝]|[+\-@＋－＠][^\t\n;]*[(|!]))"""
)
"""The beginning of a piece of a cell that is surely a formula: it has =, or calls something."""

_MOST = 32_767
"""Characters (of UTF-16) that Excel takes in a cell; it moves the rest into other rows."""

_CUT = "… [cut]"

Cell = str | int | None


def write(
    posts: Iterable[Post],
    stream: BinaryIO,
    *,
    raw: bool = False,
    shown: bool = False,
    in_file: bool = False,
) -> int:
    """Write posts under a line of headings; return how many. `shown`: the stream is a terminal.

    `in_file`: the stream becomes a file, which Excel reads as UTF-8 if a byte order mark begins it.
    """
    count = 0
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    try:
        if in_file and not raw:
            text.write("\ufeff")
        writer = csv.writer(text, lineterminator="\n" if shown else "\r\n")
        writer.writerow(COLUMNS)
        for post in posts:
            cells = _cells(post)
            if not raw:
                cells = [fitting(harmless(cell)) for cell in cells]
            if shown:
                cells = [clean(cell) if isinstance(cell, str) else cell for cell in cells]
            writer.writerow(cells)
            count += 1
    finally:
        text.flush()
        text.detach()  # the stream is the caller's
    return count


def harmless(cell: Cell) -> Cell:
    """Return a cell that every spreadsheet takes for text."""
    if not isinstance(cell, str):
        return cell
    cell = _PIECE.sub(r"\1'", without_controls(cell))
    return "'" + cell if _FORMULA.match(cell) else cell


def fitting(cell: Cell) -> Cell:
    """Return a cell that is no longer than Excel takes: a longer one is cut, with a mark."""
    if not isinstance(cell, str) or len(cell) <= _MOST // 2:
        return cell
    units = cell.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * _MOST:
        return cell
    return units[: 2 * (_MOST - len(_CUT))].decode("utf-16-le", "ignore") + _CUT


def _cells(post: Post) -> list[Cell]:
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
    return None if moment is None else iso(moment)
