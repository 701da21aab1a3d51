"""The facts that sources tell of a post: one table, from which rows, rules and records are made.

A new plain fact is a field of `PostData`, a line here, a column of the schema, a field of `Post`
and a line in docs/records.md; each source converts it in its own module. Knows neither SQL nor what
a structure in JSON holds (`store.values`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MergeRule = Literal["content", "fact", "source"]
"""How a newer state of a post changes a column (`decide.merge_post`).

content: belongs together, so that all of them are replaced at once, or none · fact: independent
of the others; NULL never replaces a known value · source: which source told the content
"""

ColumnKind = Literal["integer", "text", "time", "json"]
"""What a column holds. time: UTC, ISO 8601 text · json: a list or a small structure, as text"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `posts` that comes from a source, and may be NULL unless it is `needed`.

    `in_record` tells whether a record shows it; `otherwise` is what the record shows for NULL: the
    value of the column with this name, or this JSON.
    """

    name: str
    kind: ColumnKind
    rule: MergeRule
    in_record: bool = True
    needed: bool = False
    otherwise: str | None = None


COLUMNS = (
    Column("size", "integer", "fact", in_record=False, needed=True),  # number of messages
    Column("date", "time", "fact"),
    Column("edited", "time", "fact"),
    Column("text", "text", "content", needed=True),
    Column("media_text", "text", "content", in_record=False),  # words of polls, link titles
    Column("markdown", "text", "content", otherwise="text"),  # NULL: as the text
    Column("entities", "json", "content", in_record=False),
    Column("views", "integer", "fact"),
    Column("forwards", "integer", "fact"),
    Column("replies", "integer", "fact", in_record=False),
    Column("reactions", "json", "fact"),
    Column("media", "json", "content", otherwise="[]"),
    Column("forward", "json", "fact"),
    Column("reply_to", "integer", "fact"),
    Column("reply", "json", "fact", in_record=False),  # channel and quote, besides the id
    Column("author", "text", "fact"),
    Column("source", "text", "source", needed=True),
    Column("grouped_id", "integer", "fact", in_record=False),
    Column("problem", "text", "content", in_record=False),  # why content could not be read
    Column("text_hash", "text", "content", in_record=False, needed=True),
)
"""In the order in which records show them."""
