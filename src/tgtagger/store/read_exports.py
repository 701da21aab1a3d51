"""Which export of each channel was read whole last: an equal one has nothing new to say.

A row holds as long as reading the file again would change nothing: it goes with the channel, when
another reading changes posts of it or rejects a message, and a row of no export takes its place
when the time changes for which its posts are kept. Knows no file: what names one, and what the
hashes in `chunks` are of, its source says.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from tgtagger.model.posts import Channel
from tgtagger.store.channels import as_channel
from tgtagger.store.checks import RowCheck, parsed
from tgtagger.store.database import Part
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.times import now, to_text

_FIND = Statement(
    "SELECT c.id, c.title, c.username, c.kind, e.channels, e.left_out, e.chunks "
    "FROM read_exports AS e JOIN channels AS c ON c.id = e.channel_id "
    "WHERE (e.stamp = :stamp OR e.file = :file) AND e.groups_too = :groups "
    "AND e.converter = :converter ORDER BY e.channel_id"
)
_CHUNKS = Statement(
    "SELECT chunks FROM read_exports WHERE channel_id = :channel AND converter = :converter"
)
_REMEMBER = Statement(
    "INSERT INTO read_exports (channel_id, file, stamp, channels, groups_too, converter, "
    "left_out, read_at, chunks) SELECT c.id, :file, :stamp, :channels, :groups, :converter, "
    ":left_out, :at, :chunks FROM (SELECT CAST(:since AS text) AS begun) AS given "
    "JOIN channels AS c ON c.id = :channel AND c.added_at <= begun WHERE NOT EXISTS (SELECT 1 "
    "FROM read_exports AS o WHERE o.channel_id = c.id AND o.converter = 0 AND o.read_at >= begun) "
    "ON CONFLICT (channel_id) DO UPDATE SET file = excluded.file, "
    "stamp = excluded.stamp, channels = excluded.channels, groups_too = excluded.groups_too, "
    "converter = excluded.converter, left_out = excluded.left_out, read_at = excluded.read_at, "
    "chunks = excluded.chunks"
)
# No converter has this version: it is no export that was read.
_READ_AGAIN = Statement(
    "INSERT INTO read_exports (channel_id, file, channels, groups_too, converter, left_out, "
    f"read_at, chunks) VALUES (:channel, '{32 * '0'}', 0, 0, 0, '{{}}', :at, :no_chunks) "
    "ON CONFLICT (channel_id) DO UPDATE SET file = excluded.file, stamp = NULL, channels = 0, "
    "groups_too = 0, converter = 0, left_out = excluded.left_out, read_at = excluded.read_at, "
    "chunks = excluded.chunks"
)
_RESTAMP = Statement("UPDATE read_exports SET stamp = :stamp WHERE file = :file")
_FORGET = Statement("DELETE FROM read_exports WHERE channel_id = :channel AND converter <> 0")

_ROW = RowCheck(
    "channels.id", "channels.title", "channels.username", "channels.kind",
    "read_exports.channels", "read_exports.left_out", "read_exports.chunks",
)  # fmt: skip
_OLD = RowCheck("read_exports.chunks")


@dataclass(frozen=True, slots=True)
class ReadExport:
    """A file that was read: its channels, each with the hashes of its chunks, and what it left."""

    channels: tuple[tuple[Channel, bytes], ...]
    left_out: Mapping[str, int]


class ReadExports(Part):
    """The exports that were read last."""

    def find(
        self, *, groups: bool, converter: int, stamp: str = "", file: str = ""
    ) -> ReadExport | None:
        """Return the export of this stamp, or with this content; None: it is to be read.

        That is so if any of its channels is gone, or what was read of it no longer counts.
        """
        with self._database.read() as db:
            rows = [
                *map(
                    _ROW,
                    _FIND(db, stamp=stamp, file=file, groups=int(groups), converter=converter),
                )
            ]
        if not rows or any(row[4] != len(rows) for row in rows):
            return None
        return ReadExport(tuple((as_channel(row[:4]), row[6]) for row in rows), parsed(rows[0][5]))

    def chunks_of(self, channel: int, converter: int) -> bytes:
        """Return the hashes of what was read of a channel; empty: nothing that counts."""
        with self._database.read() as db:
            found = _CHUNKS(db, channel=channel, converter=converter).fetchone()
            return b"" if found is None else _OLD(found)[0]

    def remember(
        self,
        chunks: Mapping[int, bytes],
        left_out: Mapping[str, int],
        *,
        since: Mapping[int, dt.datetime],
        file: str,
        stamp: str | None,
        groups: bool,
        converter: int,
    ) -> None:
        """Store that a file was read whole: of each of its channels the hashes of its chunks.

        `since`: a moment of the reading at which each channel was stored. Nothing is stored of a
        channel that somebody has removed since then, also if it is back, or of which the time has
        changed for which its posts are kept: it is read again.
        """
        at, left = now(), json.dumps(dict(left_out))
        with self._database.write() as db:
            _REMEMBER.many(
                db,
                [
                    (
                        file,
                        stamp,
                        len(chunks),
                        int(groups),
                        converter,
                        left,
                        at,
                        found,
                        to_text(since[each]),
                        each,
                    )
                    for each, found in chunks.items()
                ],
            )

    def restamp(self, file: str, stamp: str | None) -> None:
        """Store by what a file is known now, without looking into it; its content is as it was."""
        with self._database.write() as db:
            _RESTAMP(db, file=file, stamp=stamp)


def forget(db: Connection, channel: int) -> None:
    """Let the export of a channel be read again: what is stored of it has changed."""
    _FORGET(db, channel=channel)


def read_again(db: Connection, channel: int) -> None:
    """Let the export of a channel be read again, also one that is being read now."""
    _READ_AGAIN(db, channel=channel, at=now(), no_chunks=b"")
