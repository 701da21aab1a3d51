"""Decide what to do with a row of a damaged file: keep it, replace its wrong values, or drop it.

Pure. Invents nothing: a wrong value becomes NULL, or the value of a new row, or one that any source
replaces. A post that differs from what was stored is marked. Knows no other row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tgtagger.store.post_rows import text_hash
from tgtagger.store.rescue.columns import FileColumn

DAMAGED = "it was damaged in the database"
"""The `problem` of a post that differs from what was stored: reading it again mends it."""

_SUBSTITUTES: dict[tuple[str, str], Any] = {
    ("channels", "kind"): "channel",
    ("posts", "size"): 1,
    ("posts", "text"): "",
    ("posts", "source"): "preview",  # the poorest source: any other replaces its content
    ("posts", "status"): "pending",
    ("posts", "attempts"): 0,
}
"""Substitutes for wrong values in columns that may not be NULL."""

_UNPUBLISHED = frozenset(
    "text_hash added_at changed_at attempts failure error next_attempt_at tagged_at".split()
)
"""Columns of posts that no source tells: a post is whole without them."""

Row = list[Any]


def mend(table: str, columns: Sequence[FileColumn], row: Row, now: str) -> Row | None:
    """Return the row with wrong values replaced; None if it is useless without them."""
    wrong = [at for at, column in enumerate(columns) if not column.holds(row[at])]
    names = {columns[at].name for at in wrong}
    for at in wrong:
        column = columns[at]
        if (table, column.name) == ("posts", "text_hash"):
            continue  # `_mend_post` makes it
        if column.is_key or column.name in {"channel_id", "message_id", "post_id", "tag_id"}:
            return None
        if column.name == "added_at":
            row[at] = now
        elif (table, column.name) in {("posts", "text"), ("channels", "title")}:
            row[at] = _legible(row[at]) or f"channel {row[0]}" * (table == "channels")
        elif column.may_be_null:
            row[at] = None
        elif (table, column.name) in _SUBSTITUTES:
            row[at] = _SUBSTITUTES[table, column.name]
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
    is_whole = row[at["text_hash"]] == made and not wrong - _UNPUBLISHED
    # Keep the hash of the text that was stored: when that is read again, its tags still fit.
    if not is_whole:  # reading the post again mends its other columns, too
        row[at["problem"]] = DAMAGED


def _legible(value: object) -> str:
    """Return bytes as text, with replacement characters for bad ones; "" for another type."""
    return value.decode(errors="replace") if isinstance(value, bytes) else ""
