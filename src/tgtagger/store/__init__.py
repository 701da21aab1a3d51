"""The archive: posts, tags and what is known about them, in one database.

`Store` is the only way in. Its parts are named as their modules: `store.posts.save_page`,
`store.queue.save`, `store.curation.merge`. A public method is one transaction; plain values go in
and come out, and no connection or row ever leaves. A method that returns an iterator reads one
snapshot, open until the iterator ends. Writing waits 30 seconds for another writer, then raises
TryLater; reading never waits. A database that cannot be used raises StoreError.

What only a SQLite file has is in `sqlite`, what saves a damaged file in `rescue`. Knows neither
where posts come from nor how they are tagged, and no rule: it asks `decide` what a new post changes
in a stored one, and obeys a `TagUpdate` without thinking.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Self

from tgtagger.errors import InputError, NoDatabase
from tgtagger.model.events import OnSteps, unheard
from tgtagger.model.posts import PostFilter
from tgtagger.store.claims import LEASE, Claims
from tgtagger.store.database import Database, Part
from tgtagger.store.places import is_on_server, named, place_of
from tgtagger.store.read_exports import ReadExport
from tgtagger.store.rooms import LockName, Opened
from tgtagger.store.selection import Selection, Trace, select
from tgtagger.store.sqlite import opening
from tgtagger.store.sqlite.connections import BUSY_TIMEOUT
from tgtagger.store.sqlite.schema_version import SCHEMA, OlderSchema, Schema
from tgtagger.store.words import folded

if TYPE_CHECKING:  # a command uses few of them
    from tgtagger.model.copies import Backup, Copied, Recovered
    from tgtagger.store.agents import Agents
    from tgtagger.store.answers import Answers
    from tgtagger.store.changes import Changes
    from tgtagger.store.channels import Channels
    from tgtagger.store.copying import OnProgress
    from tgtagger.store.curation import Curation
    from tgtagger.store.facets import Counts
    from tgtagger.store.integrity import Integrity
    from tgtagger.store.jobs import Jobs
    from tgtagger.store.limits import Limits
    from tgtagger.store.posts import Posts
    from tgtagger.store.progress import Progress
    from tgtagger.store.proposals import Proposals
    from tgtagger.store.queue import Queue
    from tgtagger.store.read_exports import ReadExports
    from tgtagger.store.records import Records
    from tgtagger.store.rescue.recovery import Convert
    from tgtagger.store.retention import Retention
    from tgtagger.store.runs import Runs
    from tgtagger.store.shifted_ids import ShiftedIds
    from tgtagger.store.statistics import Statistics
    from tgtagger.store.status import Status
    from tgtagger.store.surroundings import Around
    from tgtagger.store.tags import Tags

__all__ = [
    "LEASE",
    "Claims",
    "LockName",
    "ReadExport",
    "Selection",
    "Store",
    "Trace",
    "database_path",
    "folded",
    "is_on_server",
    "kept_backups",
    "named",
]

database_path = opening.database_path


class Store:
    """One archive, opened for reading or for writing."""

    # The parts, each named as its module.
    posts: Posts
    progress: Progress
    queue: Queue
    proposals: Proposals
    answers: Answers
    limits: Limits
    tags: Tags
    curation: Curation
    agents: Agents
    changes: Changes
    channels: Channels
    retention: Retention
    records: Records
    surroundings: Around
    facets: Counts
    read_exports: ReadExports
    runs: Runs
    jobs: Jobs
    status: Status
    statistics: Statistics
    integrity: Integrity
    shifted_ids: ShiftedIds

    def __init__(self, opened: Opened) -> None:
        self.place = opened.path  # as people are told
        self.is_new = opened.is_new  # opening it made it
        self._database = Database(opened)

    def __getattr__(self, name: str) -> Part:
        """Load a part when it is first used: a command needs few of them, and begins sooner.

        A part has nothing of its own, so it does no harm if two threads make one at once.
        """
        if name not in Store.__annotations__:
            raise AttributeError(f"a store has no part {name!r}")
        part: Part = getattr(_module_of(name), Store.__annotations__[name])(self._database)
        setattr(self, name, part)
        return part

    @classmethod
    def open(
        cls,
        location: str,
        *,
        create: bool = True,
        busy_timeout: float = BUSY_TIMEOUT,
        schema: Schema = SCHEMA,
        on_upgrade: OnSteps = unheard,
    ) -> Self:
        """Open for writing, and bring the schema up to date. Raises StoreError, TryLater.

        `create`: make the file if there is none; else raise NoDatabase. `busy_timeout` is in
        seconds.
        """
        for part in Store.__annotations__:  # a run or a server loads nothing in the middle of work
            _module_of(part)
        opened = place_of(location).open_to_write(
            location, schema, create=create, busy_timeout=busy_timeout, on_upgrade=on_upgrade
        )
        return cls(opened)

    @classmethod
    def open_to_read(cls, location: str, *, schema: Schema = SCHEMA) -> Self:
        """Open for reading only, and change nothing.

        Raises NoDatabase if there is none, OlderSchema if it is not up to date.
        """
        return cls(place_of(location).open_to_read(location, schema))

    @classmethod
    def open_up_to_date(
        cls, location: str, *, schema: Schema = SCHEMA, on_upgrade: OnSteps = unheard
    ) -> Self:
        """Open for reading only; first an older schema is brought up to date, a large log ended."""
        return cls(place_of(location).open_up_to_date(location, schema, on_upgrade=on_upgrade))

    @staticmethod
    def back_up(location: str, target: Path, on_progress: OnSteps = unheard) -> Backup:
        """Copy the database of one moment to a new file, while others write.

        `on_progress` is called with the bytes copied and the bytes in all. Any schema is copied.
        Raises InputError for a target that cannot be used, StoreError for a damaged copy.
        """
        from tgtagger.store.sqlite import backup

        if is_on_server(location):
            raise InputError("backup_of_server")
        path = opening.database_path(location)
        opening.require(opening.look(path), path)
        return backup.back_up(path, target, on_progress)

    @staticmethod
    def copy(
        source: str,
        target: str,
        on_progress: OnProgress = lambda *_: None,
        *,
        schema: Schema = SCHEMA,
    ) -> Copied:
        """Copy a whole archive into another database, or go on where a killed copy ended.

        The source is only read. Raises OlderSchema if it is not up to date; InputError for a target
        that has rows of its own, StoreError if the copy is not equal in the end.
        """
        from tgtagger.store import copying

        try:
            reading = place_of(source).open_to_read(source, schema)
        except NoDatabase as error:
            raise NoDatabase("copy_source_missing", **error.data) from error
        with contextlib.closing(reading) as old:
            _begin_copy(old, target, schema)
            opened = place_of(target).open_to_write(
                target, schema.of_copy, create=False, busy_timeout=BUSY_TIMEOUT
            )
            with contextlib.closing(opened) as new, new.lock("copy"):
                return copying.copy(Database(old), Database(new), schema.newest, on_progress)

    @staticmethod
    def recover(location: str, target: Path, convert: Convert) -> Recovered:
        """Save what can be read of a damaged database into a new file. Only reads the old one.

        `convert` makes a post from its raw record if its row is lost. Raises InputError for a
        target that cannot be used, StoreError if nothing can be saved.
        """
        from tgtagger.store.rescue import recovery

        if is_on_server(location):
            raise InputError("recovery_of_server")
        return recovery.recover(opening.database_path(location), target, convert)

    @property
    def path(self) -> Path:
        """The file that the archive is kept in."""
        assert isinstance(self.place, Path), "an archive on a server has no file"
        return self.place

    @property
    def identity(self) -> object:
        """What tells it from another archive of its name."""
        return self._database.opened.identity

    @property
    def is_replaced(self) -> bool:
        """Tell whether another file has taken its place since it was opened (a backup, say)."""
        return self._database.opened.is_replaced

    def close(self) -> None:
        self._database.opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lock(
        self, name: LockName, *, shared: bool = False, of: Sequence[str] = ()
    ) -> contextlib.AbstractContextManager[None]:
        """Hold the lock of this kind of run. Raises TryLater at once if another run holds it.

        `shared`: several may hold it so, while nobody holds it alone. `of`: the channels that the
        run is about, all if that is empty: on a server, a run about others may go on.
        """
        return self._database.opened.lock(name, shared=shared, of=of)

    def select(
        self, wanted: PostFilter, on_steps: OnSteps = unheard
    ) -> contextlib.AbstractContextManager[Selection]:
        """Fix the posts of a filter, to read them several times in one snapshot."""
        return select(self._database, wanted, on_steps)


def _module_of(part: str) -> ModuleType:
    return import_module(f"tgtagger.store.{part}")


def kept_backups(path: Path) -> tuple[Path, ...]:
    """Return the paths of the backups that upgrades have made beside a database."""
    from tgtagger.store.sqlite import migrate

    return migrate.kept_backups(path)


def _begin_copy(source: Opened, target: str, schema: Schema) -> None:
    """Mark the target as half a copy, if it is none yet; make it, if there is none."""
    from tgtagger.store import copying

    there, is_file = place_of(target), isinstance(source.path, Path) and not is_on_server(target)
    if is_file and database_path(target).resolve() == Path(source.path).resolve():
        raise InputError("copy_onto_itself", path=source.path)
    try:
        opened = there.open_to_read(target, schema.of_copy)
    except NoDatabase:
        pass
    except OlderSchema:  # no copy, but an archive
        with contextlib.closing(there.open_to_read(target, schema)) as other:
            if other.identity == source.identity:
                raise InputError("copy_onto_itself", path=source.path) from None
    else:
        opened.close()
        return
    empty = there.open_to_write(target, schema, busy_timeout=BUSY_TIMEOUT)
    with contextlib.closing(empty) as new:
        copying.begin(Database(new), schema.of_copy.newest)
