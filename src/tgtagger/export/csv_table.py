"""CSV for spreadsheets: a row a post, its tags in one cell.

A spreadsheet runs a cell that begins like a formula, and a stranger can write such a post. Unless
cells are wanted raw, such a cell gets an apostrophe in front, and control characters are written as
terminal-safe text. Excel expects another separator than the comma in many countries, and tears
cells apart there: a piece of a cell that would call something gets its apostrophe, too. Knows no
store.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import BinaryIO

from tgtagger.model.stored import Post
from tgtagger.model.times import iso
from tgtagger.system.terminal_text import clean, without_controls

COLUMNS = (
    "channel_id", "channel", "channel_title", "id", "url", "date", "edited", "deleted", "text",
    "tags", "status", "views", "forwards", "reactions", "media", "forward_from", "reply_to",
    "author", "source",
)  # fmt: skip

_OUTSIDE = [
    COLUMNS.index(name) for name in (
        "channel", "channel_title", "url", "text", "tags", "reactions", "forward_from", "author"
    )
]  # fmt: skip
"""Cells with what a stranger may have written (in an address, the name of a channel).

The others are numbers, times and words of our own.
"""

_FORMULA = re.compile(r"[\s\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]")
_PIECE = re.compile(
    # Separators stand in no repetition: many in a row would take time with their square.
    r"""([;\t\n])(?=(?:[^\S\t\n]|["\u200b\ufeff])*+(?:[=＝]|[+\-@＋－＠][^\t\n;]*[(|!]))"""
)
"""The beginning of a piece of a cell that is surely a formula: it has =, or calls something."""

_MOST = 32_767
"""Characters (of UTF-16) that Excel takes in a cell; it moves the rest into other rows."""

_TOGETHER = 500  # rows

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
    end = "\n" if shown else "\r\n"
    rows = [("" if raw or not in_file else "\ufeff") + ",".join(COLUMNS)]
    count = 0
    for post in posts:
        cells = _cells(post)
        if not raw:
            for at in _OUTSIDE:
                if cells[at]:
                    cells[at] = fitting(harmless(cells[at]))
        if shown:
            cells = [clean(cell) if isinstance(cell, str) else cell for cell in cells]
        rows.append(",".join(map(_quoted, cells)))
        count += 1
        if len(rows) >= _TOGETHER:
            stream.write(end.join([*rows, ""]).encode())
            rows.clear()
    stream.write(end.join([*rows, ""]).encode())
    return count


def _quoted(cell: Cell) -> str:
    # The csv module looks at each letter, for half of the time of an export.
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    if '"' in cell:
        return '"' + cell.replace('"', '""') + '"'
    return f'"{cell}"' if "," in cell or "\n" in cell or "\r" in cell else cell


def harmless(cell: Cell) -> Cell:
    """Return a cell that every spreadsheet takes for text."""
    if not isinstance(cell, str):
        return cell
    if not cell.isprintable() or ";" in cell:
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
