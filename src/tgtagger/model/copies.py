"""Copies of an archive: a backup, another database, what was saved of a damaged one.

Knows not how they are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole, checked copy of the database."""

    path: Path
    posts: int
    size: int  # bytes
    schema: str


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table that was copied: the rows it has in both databases, and their hash."""

    name: str
    rows: int
    hash: str


@dataclass(frozen=True, slots=True)
class Copied:
    """An archive that was copied into another database, and compared with it."""

    source: Path | str
    target: Path | str
    tables: tuple[CopiedTable, ...]
    schema: str
    kept: int  # rows that an earlier copy, which was stopped, had left

    @property
    def posts(self) -> int:
        return next(each.rows for each in self.tables if each.name == "posts")

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.tables)


@dataclass(frozen=True, slots=True)
class SavedTable:
    """How many rows of a table of a damaged database were saved.

    `lost` counts the rows that are known to be lost; if not `knows_all` there may be more.
    """

    name: str
    saved: int
    lost: int
    knows_all: bool


@dataclass(frozen=True, slots=True)
class Recovered:
    """The result of saving a damaged database into a new one."""

    tables: tuple[SavedTable, ...]
    restored: int  # posts that were made again from their raw records
    marked: int  # posts that differ from what was stored: their `problem` says so
    to_read: tuple[str, ...]  # channels that the next run reads again, since posts may be missing
    log: str | None  # the name of the log beside the file, if it was read too

    @property
    def is_all(self) -> bool:
        """Tell whether every row was saved as it was stored."""
        is_lost = any(table.lost or not table.knows_all for table in self.tables)
        return not (is_lost or self.restored or self.marked)
