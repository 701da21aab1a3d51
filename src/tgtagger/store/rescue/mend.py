"""What becomes of a row out of a damaged file: kept, kept without what cannot be, or left out.

Pure. Makes nothing up: a value that cannot be is absent afterwards, or the one that a row begins
with, or such that a better source replaces it. A post that is not as it was stored is marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tgtagger.store.post_rows import text_hash
from tgtagger.store.rescue.columns import Column

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
"""What stands in for a value that cannot be, where there must be one."""

_MEANINGLESS = frozenset(
    "text_hash added_at changed_at attempts failure error next_attempt_at tagged_at".split()
)
"""Columns of posts that are no part of what was published: without them a post is still whole."""

Row = list[Any]


def mend(table: str, columns: Sequence[Column], row: Row, now: str) -> Row | None:
    """Return a row that may stand in the database; None for one that says nothing any more."""
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
    """Return text with signs in the place of what is none; nothing for what is no text at all."""
    return value.decode(errors="replace") if isinstance(value, bytes) else ""
