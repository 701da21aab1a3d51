"""Where an archive is kept: in a file, or on a server. Chooses the room that opens it.

Knows of a server only how its URL begins: what speaks to it is imported when it is needed, and may
not be installed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tgtagger.errors import InputError
from tgtagger.model.events import OnSteps
from tgtagger.store.rooms import Opened
from tgtagger.store.sqlite.schema_version import Schema

_SERVERS = ("postgresql:", "postgresql+", "postgres:")
"""How the URL of a server begins; `postgres:` is how its own tools write it, too."""


class _ToWrite(Protocol):
    def __call__(
        self,
        location: str,
        schema: Schema,
        *,
        create: bool = ...,
        busy_timeout: float = ...,
        on_upgrade: OnSteps = ...,
    ) -> Opened: ...


class _UpToDate(Protocol):
    def __call__(self, location: str, schema: Schema, *, on_upgrade: OnSteps) -> Opened: ...


@dataclass(frozen=True, slots=True)
class Place:
    """The functions of a room that open an archive."""

    open_to_write: _ToWrite
    open_to_read: Callable[[str, Schema], Opened]
    open_up_to_date: _UpToDate


def is_on_server(location: str) -> bool:
    """Tell whether a location is the URL of a server."""
    return location.lower().startswith(_SERVERS)


def place_of(location: str) -> Place:
    """Return how the archive at a location is opened.

    Raises InputError if what speaks to its server is not installed.
    """
    if not is_on_server(location):
        from tgtagger.store.sqlite import archive_file as room
    else:
        try:
            from tgtagger.store.postgres import archive_on_server as room  # type: ignore[no-redef]
        except ImportError as error:  # of the driver, which is an extra
            raise InputError("postgres_missing") from error
    return Place(room.open_to_write, room.open_to_read, room.open_up_to_date)


def named(location: str) -> str:
    """Return a location as people are told it: of a URL no password."""
    if not is_on_server(location):
        return location
    from tgtagger.store.postgres import opening

    return opening.shown(opening.read_url(location))
