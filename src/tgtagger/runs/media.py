"""Which pictures of a post lie on this disk, in folders of Telegram Desktop's exports.

The archive keeps no file; the raw record of a post names those that its export had. One is taken
only from a folder that is an export of this channel, only if it lies in that folder, has the name
and the size that the record tells, and is a picture. Knows no page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tgtagger.sources import raw
from tgtagger.store import Store

TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}
"""The pictures that are shown, by the end of their name. A browser runs nothing in one."""

_HEAD = 4096  # bytes of an export, in which its chat is named
_ID = re.compile(rb'"id":\s*(-?\d{1,18})')


def pictures_of(store: Store, folders: Sequence[Path], post: str) -> tuple[Path, ...]:
    """Return the pictures of a post that lie in these folders' exports, in the post's order."""
    found = store.posts.raw_record_of(post, "desktop") if folders else None
    if found is None:
        return ()
    try:
        record = raw.unpack(found.data)
    except ValueError:  # of another time, or damaged: the post itself is shown all the same
        return ()
    messages = record if isinstance(record, list) else [record]
    exports = [folder for folder in _exports(folders) if _holds(folder, found.channel.id)]
    return tuple(path for message in messages for path in _picture(message, exports))


def _exports(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return the folders that hold an export: these, and those right in them."""
    found: list[Path] = []
    for folder in folders:
        inside = sorted(folder.iterdir()) if folder.is_dir() else []
        real = (each.resolve() for each in (folder, *inside))
        found += [each for each in real if _file_in(each, "result.json")]
    return tuple(dict.fromkeys(found))


def _picture(message: Any, folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the picture of a message, if it is on the disk."""
    if not isinstance(message, dict):
        return
    name = message.get("photo") or message.get("file")
    size = message.get("photo_file_size") or message.get("file_size")
    if not isinstance(name, str) or "\0" in name or Path(name).suffix.lower() not in TYPES:
        return
    for folder in folders:
        path = _file_in(folder, name)
        if path is None or path.suffix.lower() not in TYPES:
            continue
        if not isinstance(size, int) or path.stat().st_size == size:
            yield path
            return


def _file_in(folder: Path, name: str) -> Path | None:
    """Return the file of this name, if it lies in the folder, wherever links lead."""
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None
    except (OSError, ValueError):  # a name too long, or of no file system; a folder that is closed
        return None


def _holds(folder: Path, channel: int) -> bool:
    """Tell whether an export is of this channel, or of a whole account."""
    try:
        with (folder / "result.json").open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    first = _ID.search(head)
    return b'"chats"' in head or (first is not None and abs(int(first[1])) == abs(channel))
