"""An export that was read before and has not changed is not read again.

It is known by its stamp, or else by its content. Knows no message.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from tgtagger.errors import TgTaggerError
from tgtagger.store import ReadExport, Store


class EqualExport:
    """What the archive knows of an export: asked before it is read, told after."""

    def __init__(self, store: Store, path: Path, *, groups: bool) -> None:
        self._known = store.read_exports
        self._path = path
        self._groups = groups
        self._file: tuple[Path, str, str, bool] | None = None  # place, hash, stamp, it counts
        self._since: dict[int, dt.datetime] = {}  # when the chunks of a channel were looked up

    def find(self) -> ReadExport | None:
        """Return the export as it was read; None: it is to be read."""
        from tgtagger.sources.desktop import CONVERTER, find_file, hash_of, stamp_of

        try:
            path = find_file(self._path)
            stamp, counts = stamp_of(path)
            found = self._known.find(groups=self._groups, converter=CONVERTER, stamp=stamp)
            if found is not None and counts:
                return found
            content = hash_of(path)
            self._file = path, content, stamp, counts
            found = self._known.find(groups=self._groups, converter=CONVERTER, file=content)
            if found is not None and self._is_as_it_was():
                self._known.restamp(content, stamp if counts else None)
                return found
        except (OSError, TgTaggerError):  # the reader tells what is wrong with the file
            pass
        return None

    def chunks_of(self, channel: int) -> bytes:
        """Return the chunks of a channel that are stored as they are."""
        from tgtagger.sources.desktop import CONVERTER

        found = self._known.chunks_of(channel, CONVERTER)
        if found:
            self._since[channel] = dt.datetime.now(dt.UTC)
        return found

    def remember(
        self,
        chunks: Mapping[int, bytes],
        left_out: Mapping[str, int],
        since: Mapping[int, dt.datetime],
    ) -> None:
        """Store that the export was read whole, unless the file has changed meanwhile.

        `since`: when the first page of each channel was stored.
        """
        from tgtagger.sources.desktop import CONVERTER

        if self._file is None or not chunks or not self._is_as_it_was():
            return
        _, content, stamp, counts = self._file
        self._known.remember(
            chunks,
            left_out,
            since={**since, **self._since},
            file=content,
            stamp=stamp if counts else None,
            groups=self._groups,
            converter=CONVERTER,
        )

    def _is_as_it_was(self) -> bool:
        """Tell whether the file is the one whose content was hashed."""
        from tgtagger.sources.desktop import hash_of, stamp_of

        assert self._file is not None
        path, content, stamp, counts = self._file
        try:
            if stamp_of(path)[0] != stamp:
                return False
            return counts or hash_of(path) == content
        except OSError:
            return False
