"""Decide what becomes of a row of a damaged file: kept, kept without wrong values, or dropped.

Pure. Invents nothing: a wrong value becomes NULL, or the value that a new row begins with, or one
that a better source replaces. A post that is not as it was stored is marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tgtagger.store.post_rows import text_hash
from tgtagger.store.rescue.columns import FileColumn

DAMAGED = "it was damaged in the database"
"""The `problem` of a post that is not as it was stored: reading it again mends it."""

_BEGINNINGS: dict[tuple[str, str], Any] = {
    ("channels", "kind"): "channel",
    ("posts", "size"): 1,
    ("posts", "text"): "",
    ("posts", "source"): "preview",  # the poorest: any other replaces what it told
    ("posts", "status"): "pending",
    ("posts", "attempts"): 0,
}
"""What takes the place of a wrong value where a value is needed."""

_MEANINGLESS = frozenset(
    "text_hash added_at changed_at attempts failure error next_attempt_at tagged_at".split()
)
"""Columns of posts that were not published: a post is whole without them."""

Row = list[Any]


def mend(table: str, columns: Sequence[FileColumn], row: Row, now: str) -> Row | None:
    """Return the row with wrong values replaced; None for a row that has lost its meaning."""
    wrong = [at for at, column in enumerate(columns) if not column.holds(row[at])]
    names = {columns[at].name for at in wrong}
    for at in wrong:
        column = columns[at]
        if (table, column.name) == ("posts", "text_hash"):
            continue  # made below
        if column.is_key or column.name in {"channel_id", "message_id", "post_id", "tag_id"}:
            return None
        if column.name == "added_at":
            row[at] = now
        elif (table, column.name) in {("posts", "text"), ("channels", "title")}:
            row[at] = _legible(row[at]) or f"channel {row[0]}" * (table == "channels")
        elif column.may_be_null:
            row[at] = None
        elif (table, column.name) in _BEGINNINGS:
            row[at] = _BEGINNINGS[table, column.name]
        else:
            return None
    if table == "posts":
        _mend_post([column.name for column in columns], row, names)
    return row


def _mend_post(names: Sequence[str], row: Row, wrong: set[str]) -> None:
    at = {name: place for place, name in enumerate(names)}
    made = text_hash(row[at["text"]], row[at["media_text"]])
    if "text_hash" in wrong:
        row[at["text_hash"]] = made
    is_whole = row[at["text_hash"]] == made and not wrong - _MEANINGLESS
    # The hash stays that of the text that was stored: when it comes again, its tags still fit it.
    if not is_whole:  # whatever else was wrong with it is found again when it is read again
        row[at["problem"]] = DAMAGED


def _legible(value: object) -> str:
    """Return text with replacement characters for bad bytes; an empty one for another type."""
    return value.decode(errors="replace") if isinstance(value, bytes) else ""
