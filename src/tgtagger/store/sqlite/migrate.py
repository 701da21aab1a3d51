"""Bring the schema of a database up to date, after a backup beside it.

One transaction, under the write lock from the first query to the commit: the schema is the old one
or the new one, and the backup has everything that was committed before. Knows no table.
"""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from tgtagger.errors import InputError, StoreError
from tgtagger.model.events import OnSteps, unheard
from tgtagger.store.sqlite import backup, stale_log
from tgtagger.store.sqlite.connections import driver
from tgtagger.store.sqlite.errors import is_full, map_errors
from tgtagger.store.sqlite.schema_version import SCHEMA, Schema

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

_log = logging.getLogger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"


def backup_path(path: Path, revision: str) -> Path:
    """Return the path of the backup of a version: beside the file itself."""
    file = path.resolve()
    return file.with_name(f"{file.name}.schema-{revision}.backup")


def kept_backups(path: Path, schema: Schema = SCHEMA) -> tuple[Path, ...]:
    """Return the paths of the backups that upgrades have made beside a database."""
    try:
        found = [backup_path(path, revision) for revision in schema.revisions]
        return tuple(kept for kept in found if kept.is_file())
    except (OSError, RuntimeError):  # a folder that cannot be entered, a link that leads to itself
        return ()


def migrate(engine: Engine, path: Path, schema: Schema, on_upgrade: OnSteps = unheard) -> None:
    """Bring the schema up to date; the usual case costs one small query."""
    with map_errors(path):
        with engine.connect() as connection, connection.begin():
            if schema.version_of(driver(connection), path) == schema.newest:
                return
        with engine.connect() as connection:
            db = driver(connection)
            # With foreign keys, dropping a table to make it again deletes the rows that refer to
            # it. SQLite obeys this only outside of a transaction.
            db.execute("PRAGMA foreign_keys = OFF")
            kept: Path | None = None
            try:
                with connection.begin():
                    # Another process may have been first: this query has the write lock.
                    old = schema.version_of(db, path)
                    if old == schema.newest:
                        return
                    if old is not None:
                        kept = _keep(path, old, schema, on_upgrade)
                    stale_log.number(db)
                    told = unheard if kept is None else _half(on_upgrade, second=True)
                    upgrade(connection, schema, schema.newest, old, told)
            except Exception as error:
                if kept is not None and is_full(error):
                    kept.unlink(missing_ok=True)  # the database is unchanged; free the space
                raise
            finally:
                db.execute("PRAGMA foreign_keys = ON")
    if kept is not None:
        _log.warning(
            "%s was upgraded to schema %s (from %s); a copy of the old file is %s",
            path, schema.newest, old, kept,
        )  # fmt: skip


def _half(on_upgrade: OnSteps, *, second: bool = False) -> OnSteps:
    """Let the backup be the first half of an upgrade, and its revisions the second."""
    return lambda done, total: on_upgrade(done + total * second, 2 * total)


def upgrade(
    connection: Connection,
    schema: Schema,
    revision: str,
    old: str | None = None,
    on_upgrade: OnSteps = unheard,
) -> None:
    """Run the migrations up to a revision, in the open transaction.

    `on_upgrade` is told of the revisions after the `old` one.
    """
    from alembic import command
    from alembic.config import Config

    revisions = schema.revisions
    total = len(revisions) if old is None else revisions.index(revision) - revisions.index(old)
    done = itertools.count(1)
    config = Config()
    for name, value in (
        ("script_location", str(_MIGRATIONS)),
        ("path_separator", "newline"),
        ("version_locations", "\n".join(map(str, schema.folders))),
    ):
        config.set_main_option(name, value.replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["on_revision"] = lambda **_: on_upgrade(next(done), total)
    command.upgrade(config, revision)


def _keep(path: Path, revision: str, schema: Schema, on_upgrade: OnSteps) -> Path:
    """Make the backup. It replaces that of an earlier attempt, which has the same content."""
    target = backup_path(path, revision)
    try:
        backup.back_up(path, target, _half(on_upgrade), over=True, schema=schema)
    except (InputError, StoreError) as error:
        raise StoreError("upgrade_not_backed_up", path=path, reason=error) from error
    return target
