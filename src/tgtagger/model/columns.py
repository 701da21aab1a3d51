"""The facts that sources tell of a post: one table, which rows, rules and records read.

A new plain fact is a field of `PostData`, a line here, a column of the schema, a field of `Post`
and a line in docs/records.md; what it is in a source's own words stands with that source. Knows
neither SQL nor what a structure in JSON holds (`store.values`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rule = Literal["content", "fact", "source"]
"""What a newer state of a post does to a column (`decide.merge_post`).

content: makes sense with its like only, so all are replaced at once, or none · fact: stands for
itself, and a known value is never replaced by an unknown one · source: who told it
"""

Kind = Literal["integer", "text", "time", "json"]
"""What a column holds. time: UTC, ISO 8601 text · json: a list or a small structure, as text"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `posts` that comes from a source, and may be NULL unless it is `needed`.

    `in_record` tells whether a record shows it; `otherwise` is what it shows in place of NULL: the
    name of another column, or JSON.
    """

    name: str
    kind: Kind
    rule: Rule
    in_record: bool = True
    needed: bool = False
    otherwise: str | None = None


COLUMNS = (
    Column("size", "integer", "fact", in_record=False, needed=True),  # messages it is made of
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
    Column("reply", "json", "fact", in_record=False),  # what the id alone does not say
    Column("author", "text", "fact"),
    Column("source", "text", "source", needed=True),
    Column("grouped_id", "integer", "fact", in_record=False),
    Column("problem", "text", "content", in_record=False),  # why content could not be read
    Column("text_hash", "text", "content", in_record=False, needed=True),
)
"""In the order in which records show them."""
