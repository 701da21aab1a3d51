"""How the database of an archive is kept: as a file, or on a server.

Knows nothing of what is stored in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Storage:
    """How SQLite keeps the file: its journal mode, whether locks work, its file system."""

    mode: str
    is_locked: bool
    network: str | None  # the kind of network file system that it lies on


@dataclass(frozen=True, slots=True)
class LongTransaction:
    """A transaction that is open for long on the server of an archive; `is_idle`: it waits."""

    process: int
    program: str
    seconds: float
    is_idle: bool


@dataclass(frozen=True, slots=True)
class QueueTable:
    """The table of the posts that wait for a tagger, as the server counts: rows, dead ones."""

    rows: int
    dead: int
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class ServerState:
    """The server that an archive is on, and what one user may do there."""

    version: str
    encoding: str
    database: str
    user: str
    schema: str  # of the tables, in PostgreSQL's sense
    is_read_only: bool
    missing_rights: tuple[tuple[str, str], ...]  # such as (INSERT, posts)
    may_note: bool  # what a change of tags touches, in a temporary table
    may_upgrade: bool  # the schema
    ahead: float  # seconds that its clock is ahead of ours
    round_trip: float  # seconds
    connections: int
    most_connections: int
    long_transactions: tuple[LongTransaction, ...]  # the oldest first
    queue: QueueTable
    settings: Mapping[str, str]
    is_local: bool
    is_encrypted: bool
    is_verified: bool  # the server's certificate, and that it is this server's
