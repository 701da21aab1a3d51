"""Run locks as leases: rows that who holds a lock renews, since a run may be on another machine.

A run that is killed holds its lock until the lease is over, unless somebody asks on its machine,
where it is seen that its process is gone. The clock is the server's, so that those of the machines
may differ. Knows no reason for a lock.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import platform
import threading
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy.engine import Engine

from tgtagger.errors import TgTaggerError, TryLater
from tgtagger.store import tag_queue
from tgtagger.store.again import Again
from tgtagger.store.driver_errors import unwrapped
from tgtagger.store.postgres import engine
from tgtagger.store.postgres.errors import map_errors
from tgtagger.store.statements import Statement

_log = logging.getLogger(__name__)

SECONDS = 60
"""How long a lease lasts; it is renewed after a third of that."""

TABLES = (
    """
    CREATE TABLE run_leases (
        name TEXT NOT NULL,
        of TEXT NOT NULL,
        holder TEXT NOT NULL,
        is_shared INTEGER NOT NULL,
        who TEXT NOT NULL,
        until timestamptz NOT NULL,
        PRIMARY KEY (name, of, holder)
    )
    """,
)

_ALL = "*"
"""What a run is about that is about all."""

_UNTIL = f"clock_timestamp() + INTERVAL '{SECONDS} seconds'"
_FORGET = Statement("DELETE FROM run_leases WHERE until < clock_timestamp()")
_IN_THE_WAY = Statement(
    "SELECT 1 FROM run_leases WHERE name = :name AND (is_shared = 0 OR :shared = 0) "
    f"AND (of = '{_ALL}' OR of IN listed_texts(:of) OR '{_ALL}' IN listed_texts(:of)) LIMIT 1"
)
_ANY = Statement("SELECT 1 FROM run_leases WHERE name = :name LIMIT 1")
_TAKE = Statement(
    "INSERT INTO run_leases (name, of, holder, is_shared, who, until) "
    f"SELECT :name, value, :holder, :shared, :who, {_UNTIL} FROM listed_texts(:of) AS j"
)
_RENEW = Statement(f"UPDATE run_leases SET until = {_UNTIL} WHERE holder = :holder")
_HOLDERS = Statement("SELECT DISTINCT holder, who FROM run_leases")
_RELEASE = Statement("DELETE FROM run_leases WHERE holder = :holder")


@contextlib.contextmanager
def hold(
    made: Engine, path: str, name: str, patience: float, *, shared: bool, of: Sequence[str]
) -> Iterator[None]:
    """Hold a run lock; raise TryLater at once if another run holds it.

    `shared`: several may hold it so, while nobody holds it alone. `of`: what the run is about, all
    if that is empty. `patience`: for a server that restarts.
    """
    about = json.dumps(sorted({*of} or {_ALL}))
    holder = uuid.uuid4().hex
    who = f"{machine()} {os.getpid()}"

    def take() -> None:
        with map_errors(path), unwrapped(), engine.begun(made, engine.writing(10)) as (db, _):
            _FORGET(db)
            for other, process in _HOLDERS(db).fetchall():
                if _is_gone(process):
                    _RELEASE(db, holder=other)
            if name == "tag" and not _ANY(db, name=name).fetchone():
                tag_queue.release_all(db)  # of runs that were killed: nobody else is at work
            if _IN_THE_WAY(db, name=name, shared=int(shared), of=about).fetchone():
                raise TryLater("run_at_work", process=None, run=name, database=path)
            _TAKE(db, name=name, of=about, holder=holder, shared=int(shared), who=who)

    def release() -> None:
        with map_errors(path), unwrapped(), engine.begun(made, engine.BARE) as (db, _):
            _RELEASE(db, holder=holder)

    Again(patience)(take)
    is_over = threading.Event()
    renewal = threading.Thread(
        target=_keep, args=(made, path, holder, is_over), name=f"lease of {name}", daemon=True
    )
    renewal.start()
    try:
        yield
    finally:
        is_over.set()
        renewal.join()
        with contextlib.suppress(TgTaggerError):  # of a server that is gone: the lease ends, too
            Again(0)(release)


@functools.cache
def machine() -> str:
    """Return what tells where process numbers mean the same: this machine, since it was started.

    A container numbers processes by itself.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{platform.node()} {boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # no Linux: it is not known when the machine was started
        return f"{platform.node()} {uuid.uuid4()}"


def _is_gone(who: str) -> bool:
    """Tell whether a process was on this machine, and is no longer."""
    where, _, number = who.rpartition(" ")
    if where != machine():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _keep(made: Engine, path: str, holder: str, is_over: threading.Event) -> None:
    while not is_over.wait(SECONDS / 3):
        try:
            with map_errors(path), unwrapped(), engine.begun(made, engine.BARE) as (db, _):
                _RENEW(db, holder=holder)
        except TgTaggerError as error:
            _log.warning("the run lock could not be renewed: %s", error)
