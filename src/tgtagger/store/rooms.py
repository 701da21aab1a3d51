"""What each kind of database does in a way of its own: its room.

The archive is written once, in SQL that all databases understand. What is left differs: how a few
functions are spelled, the full-text index, … Each room (`sqlite`) brings it as one `Room`, which is
chosen once, when an archive is opened; the rest of the store asks `room_of`, and for no name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.engine import Connection

Texts = tuple[str, str | None]
"""The text of a post, and that of its media."""


class FullText(Protocol):
    """The full-text index: it is kept up to date in the transaction that writes the posts."""

    def insert(self, db: Connection, rows: Iterable[tuple[int, str, str | None]], /) -> None: ...
    def replace(self, db: Connection, post_id: int, old: Texts, new: Texts, /) -> None: ...
    def delete(self, db: Connection, post_id: int, old: Texts, /) -> None: ...
    def delete_channel(self, db: Connection, channel_id: int, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Room:
    """What one kind of database does in a way of its own."""

    spellings: Mapping[str, Callable[..., str]]
    is_in_transaction: Callable[[Connection], bool]
    fulltext: FullText


ROOM = "tgtagger_room"
"""The option of an engine that holds its room."""


def room_of(db: Connection) -> Room:
    """Return the room of the database that a connection leads to."""
    found: Room = db.get_execution_options()[ROOM]
    return found
