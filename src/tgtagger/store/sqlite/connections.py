"""Connect to the file, also where SQLite cannot make files beside it.

In WAL mode SQLite keeps a log beside the database (-wal), and an index of it (-shm) as memory that
processes share. A folder of another user, a full disk and a network file system do not allow that.

Then a writer switches the database to a rollback journal, which needs neither, and warns. A reader
reads the file and its log without the index and without locks, and checks whether somebody wrote
meanwhile: then what it read may be torn, and it raises TryLater.

Knows one table's name, which tells our database from another program's; that one keeps its mode.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tgtagger.errors import TryLater
from tgtagger.store.rooms import Connection
from tgtagger.system.mounts import network_file_system

_log = logging.getLogger(__name__)

BUSY_TIMEOUT = 30.0
"""Seconds to wait for another process's write to end."""

LARGE_LOG = 64 << 20
"""Bytes of a write-ahead log that may stay beside the database."""

DENIED = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR_SHMOPEN,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMMAP,
        sqlite3.SQLITE_IOERR_SHMLOCK,
        sqlite3.SQLITE_IOERR_LOCK,
        sqlite3.SQLITE_IOERR_RDLOCK,
        sqlite3.SQLITE_READONLY_CANTINIT,
        sqlite3.SQLITE_READONLY_CANTLOCK,
        sqlite3.SQLITE_READONLY_RECOVERY,
        sqlite3.SQLITE_READONLY_DIRECTORY,
    }
)
"""SQLite's codes for when it cannot open a file beside the database, or cannot lock."""

_NO_SHARED_MEMORY = DENIED - {sqlite3.SQLITE_IOERR_SHMSIZE}  # SHMSIZE: a full disk

_SLOWER = "%s: %s; a rollback journal is used instead, which is slower"

_PAUSE = 0.01
"""Seconds between two attempts to open a database that another run is creating."""

_LOOK = "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"


class Unlocked(sqlite3.Connection):
    """A connection that reads without locks. `seen`: the state of the files when it was opened."""

    watched: tuple[Path, ...] = ()
    seen: tuple[tuple[int, int, int] | None, ...] = ()

    def watch(self, *files: Path) -> None:
        """Note the state of the files."""
        self.watched, self.seen = files, _state(files)

    def was_disturbed(self) -> bool:
        """Tell whether somebody has written to the files since."""
        return self.seen != _state(self.watched)


def driver(connection: Connection) -> sqlite3.Connection:
    """Return the driver's own connection."""
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)  # `engine` sets up this driver
    return found


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of its name; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def set_up(connection: sqlite3.Connection, *, writes: bool) -> None:
    """Set a connection up that transactions will run on."""
    # macOS: fsync stops at the disk's own cache; on other systems this has no effect.
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA checkpoint_fullfsync = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    # A reader reads each page once: a large cache would only cost memory (KiB, negative).
    connection.execute(f"PRAGMA cache_size = {-16384 if writes else -2048}")
    # A page of posts is about 1 MB: a checkpoint each (SQLite's default) writes twice as much.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages of 4 KiB
    # The log grows while somebody reads (an export, say). After that it is cut to this size.
    connection.execute(f"PRAGMA journal_size_limit = {LARGE_LOG}").fetchone()


def to_write(path: Path, timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """Open for writing, in WAL mode if possible; else warn."""
    path = path.resolve()  # SQLite's files lie beside the file itself, not beside a link to it
    try:
        connection = _open(
            path, "mode=rw", timeout, prepare=lambda db: _turn_to_wal(db, path, timeout)
        )
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in _NO_SHARED_MEMORY:
            raise
        try:
            connection = _without_wal(path, timeout)
        except sqlite3.Error:
            raise error from None  # another reason than shared memory
        _log.warning(_SLOWER, path, "write-ahead logging cannot be had here")
    connection.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    # FULL: in WAL mode NORMAL is quicker by 7 % and can lose the last commits in a power cut.
    # EXTRA: also syncs the folder, so that a deleted rollback journal stays deleted.
    connection.execute(f"PRAGMA synchronous = {'FULL' if mode == 'wal' else 'EXTRA'}")
    return connection


def to_read(path: Path, timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """Open for reading only: with locks if possible, else without."""
    path = path.resolve()
    try:
        return _open(path, "mode=ro", timeout)
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode
        if code != sqlite3.SQLITE_READONLY_ROLLBACK and code not in DENIED:
            raise
        try:
            if code in DENIED:
                return _without_locks(path, timeout)
            # A killed run left a half-written file: only a writer can roll it back.
            _open(path, "mode=rw", timeout).close()
            return _open(path, "mode=ro", timeout)
        except sqlite3.Error:
            raise error from None


def log_of(path: Path) -> Path:
    """Return the path of a database's write-ahead log: beside the file itself, not a link to it."""
    file = path.resolve()
    return file.with_name(f"{file.name}-wal")


def fold_large_log(log: Path, *, beyond: int = 0) -> int:
    """Fold a large log back into its file, as far as nobody reads or writes; return what is left.

    The last connection does so when it closes, but only a writer's: a log that grew while somebody
    read would stay, and be read at every start, until the next run that writes. `beyond`: what was
    left the last time; it is tried again only when the log has grown by as much as is large.
    """
    try:
        size = log.stat().st_size
        if size <= beyond + LARGE_LOG:
            return beyond if size > LARGE_LOG else 0
        file = log.with_name(log.name.removesuffix("-wal"))
        with contextlib.closing(_connect(file, "mode=rw", 0)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return log.stat().st_size
    except (OSError, sqlite3.Error):  # no log, or no right to write: it is read as it is
        return 0


@contextlib.contextmanager
def undisturbed(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Raise TryLater if somebody wrote while the body read without locks."""
    try:
        yield
    except sqlite3.Error as error:
        if isinstance(connection, Unlocked) and connection.was_disturbed():
            raise _disturbed(path) from error
        raise
    if isinstance(connection, Unlocked) and connection.was_disturbed():
        raise _disturbed(path)


def connect(path: Path, mode: str, *, timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """Open a file by a mode (`mode=rw`, `mode=ro`, `immutable=1`), without reading it."""
    return _connect(path, mode, timeout)


def uri(path: Path) -> str:
    """Return the file's URI, as SQLite wants it."""
    quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{quoted}"


def _disturbed(path: Path) -> TryLater:
    return TryLater("database_written_meanwhile", path=path)


def _look(connection: sqlite3.Connection) -> bool:
    """Read from the file for the first time; return whether it is our database."""
    (found,) = connection.execute(_LOOK).fetchone()
    return bool(found)


def _open(
    path: Path,
    mode: str,
    timeout: float,
    *,
    made: Callable[..., sqlite3.Connection] | None = None,
    prepare: Callable[[sqlite3.Connection], object] = _look,
) -> sqlite3.Connection:
    """Open a connection and read from the file, so that its errors are raised here."""
    connection = _connect(path, mode, timeout, made)
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(
    path: Path, mode: str, timeout: float, made: Callable[..., sqlite3.Connection] | None = None
) -> sqlite3.Connection:
    return (made or sqlite3.connect)(
        f"{uri(path)}?{mode}", uri=True, timeout=timeout, check_same_thread=False,
        isolation_level=None,
    )  # fmt: skip


def _turn_to_wal(db: sqlite3.Connection, path: Path, timeout: float) -> None:
    """Switch a new database, or one of ours, to WAL mode, if this file system can do that."""
    is_ours = _look(db)  # in WAL mode this is the first use of shared memory
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    if mode == "wal" or (pages > 1 and not is_ours):
        return
    network = network_file_system(path)
    if network is not None and not pages:
        _log.warning(_SLOWER, path, f"it lies on a network file system ({network})")
    if network is not None or (pages and not _is_shareable(path.parent)):
        return
    # Do not wait for readers of an old database: the next run can switch it. A new one may be in
    # the hands of another run that started at the same time; SQLite itself does not wait for that.
    db.execute("PRAGMA busy_timeout = 0")
    until = time.monotonic() + timeout
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or (not pages and time.monotonic() >= until):
                raise
        if pages:
            break
        time.sleep(_PAUSE)
    db.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
    _look(db)


def _is_shareable(folder: Path) -> bool:
    """Tell whether processes can share memory through files in this folder."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.truncate(mmap.PAGESIZE)
            mmap.mmap(file.fileno(), mmap.PAGESIZE).close()
    except (OSError, ValueError):
        return False
    return True


def _without_wal(path: Path, timeout: float) -> sqlite3.Connection:
    """Switch our database to a rollback journal, with exclusive access; return a connection."""

    def turn(alone: sqlite3.Connection) -> None:
        alone.execute("PRAGMA locking_mode = EXCLUSIVE")  # so that SQLite shares no memory
        (pages,) = alone.execute("PRAGMA page_count").fetchone()
        if pages <= 1 or _look(alone):
            alone.execute("PRAGMA journal_mode = DELETE").fetchone()

    _open(path, "mode=rw", timeout, prepare=turn).close()
    return _open(path, "mode=rw", timeout)


def _without_locks(path: Path, timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """Open the file and its log for reading, without locks."""
    wal, journal = (path.with_name(path.name + end) for end in ("-wal", "-journal"))
    if _size(journal):
        raise sqlite3.OperationalError("half written")  # it must be rolled back first
    has_log = _size(wal) > 0
    mode = "mode=ro&vfs=unix-none" if has_log else "immutable=1"

    def prepare(connection: sqlite3.Connection) -> None:
        assert isinstance(connection, Unlocked)
        connection.watch(path, *([wal] if has_log else []))
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # so that SQLite shares no memory
        _look(connection)

    return _open(path, mode, timeout, made=Unlocked, prepare=prepare)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _state(files: tuple[Path, ...]) -> tuple[tuple[int, int, int] | None, ...]:
    def one(path: Path) -> tuple[int, int, int] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    return tuple(map(one, files))
