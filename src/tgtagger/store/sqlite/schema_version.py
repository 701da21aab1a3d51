"""The versions of the schema that this program knows, and the version of a database.

A version is a revision of the migrations. Knows of tables only the names that tell our database
from another program's.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from tgtagger.errors import StoreError

_COPYING = "-copying"


@dataclass(frozen=True, slots=True)
class Schema:
    """The versions that a program knows, oldest first, and the folders of their migrations."""

    revisions: tuple[str, ...]
    folders: tuple[Path, ...]

    @property
    def newest(self) -> str:
        """The version that the program reads and writes."""
        return self.revisions[-1]

    @property
    def of_copy(self) -> Schema:
        """The schema of an archive of this one that is still being copied (`copying`)."""
        return Schema((*self.revisions, f"{self.newest}{_COPYING}"), self.folders)

    def version_of(self, db: sqlite3.Connection, path: Path) -> str | None:
        """Return the database's schema version; None for an empty file.

        Raises StoreError for another program's database, and for a newer tgtagger's.
        """
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = {name for (name,) in tables}
        if not names:
            return None
        if not {"alembic_version", "posts", "channels"} <= names:
            raise StoreError("foreign_database", path=path)
        (version,) = db.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
        # user_version is 0 so far: a later version raises it if older programs must not write.
        (user_version,) = db.execute("PRAGMA user_version").fetchone()
        return self.known(None if user_version else version, path)

    def known(self, version: str | None, path: Path | str) -> str:
        """Return a version. Raises StoreError for one of a newer tgtagger, and for half a copy."""
        if str(version).endswith(_COPYING) and version not in self.revisions:
            raise StoreError("copy_unfinished", path=path)
        if version is None or version not in self.revisions:
            raise StoreError("database_newer", path=path, version=version, known=self.newest)
        return version

    def require_newest(self, version: str | None, path: Path | str) -> None:
        """Raise OlderSchema for a database of another version than the newest."""
        if version != self.newest:
            raise OlderSchema("database_older", path=path, version=version, known=self.newest)


class OlderSchema(StoreError):
    """The database has to be brought up to date before it can be read."""


SCHEMA = Schema(
    (
        "0001",
        "0002",
        "0003",
        "0004",
        "0005",
        "0006",
        "0007",
        "0008",
        "0009",
        "0010",
        "0011",
        "0012",
        "0013",
        "0014",
        "0015",
        "0016",
        "0017",
        "0018",
    ),
    (Path(__file__).parent / "migrations" / "versions",),
)
"""What this program knows."""
