"""The facts that sources tell of a post: one table, which rows, rules and records read.

A new plain fact is a field of `PostData`, a line here, a column of the schema, a field of `Post`
and a line in docs/records.md; what it is in a source's own words stands with that source. Knows no
SQL and no JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rule = Literal["content", "fact", "source"]
"""What a newer state of a post does to a column (`decide.merge_post`).

content: makes sense with its like only, so all are replaced at once, or none · fact: stands for
itself, and a known value is never replaced by an unknown one · source: who told it
"""

Shown = Literal["plain", "json"]
"""How a record shows a column: as it is, or as the JSON that it holds."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `posts` that comes from a source.

    `shown` is None for what no record tells, and `default` is the column or the JSON that a record
    shows in place of NULL.
    """

    name: str
    rule: Rule
    shown: Shown | None = None
    default: str | None = None


COLUMNS = (
    Column("size", "fact"),  # messages it is made of
    Column("date", "fact", "plain"),
    Column("edited", "fact", "plain"),
    Column("text", "content", "plain"),
    Column("media_text", "content"),
    Column("markdown", "content", "plain", default="text"),
    Column("entities", "content"),
    Column("views", "fact", "plain"),
    Column("forwards", "fact", "plain"),
    Column("replies", "fact"),
    Column("reactions", "fact", "json"),
    Column("media", "content", "json", default="[]"),
    Column("forward", "fact", "json"),
    Column("reply_to", "fact", "plain"),
    Column("reply", "fact"),
    Column("author", "fact", "plain"),
    Column("source", "source", "plain"),
    Column("grouped_id", "fact"),
    Column("problem", "content"),
    Column("text_hash", "content"),
)
"""In the order in which records show them."""
