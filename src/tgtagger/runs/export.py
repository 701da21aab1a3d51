"""Write posts of the archive in a format: into a stream, or as a folder.

Knows no face: it is told whether a terminal shows the stream.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from tgtagger.errors import InputError
from tgtagger.export import FORMATS, Format
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.system.terminal_text import in_json

NEWEST = 100
"""Posts in a feed, unless a limit says otherwise: readers fetch it whole, again and again."""


@dataclass(frozen=True, slots=True)
class FolderWritten:
    """The result of writing a folder: its posts, the changed files, the removed files."""

    posts: int
    changed: int
    removed: int


def read_format(name: str) -> Format:
    """Return the format of this name. Raises InputError for another."""
    if name not in FORMATS:
        raise InputError("format_unknown", name=name, known=tuple(FORMATS))
    return FORMATS[name]


def write_folder(store: Store, wanted: PostFilter, form: Format, path: Path) -> FolderWritten:
    """Bring a folder up to date; a person's own files stay."""
    with store.select(wanted) as selection:
        folder = form.write(selection, path)
        return FolderWritten(selection.count, folder.changed, folder.removed)


def write_stream(
    store: Store,
    wanted: PostFilter,
    form: Format,
    stream: BinaryIO,
    *,
    title: str,
    raw: bool = False,
    shown: bool = False,
) -> int:
    """Write posts; return how many. `shown`: a terminal shows them, so write terminal-safe text.

    `title` is a feed's title. `raw` keeps cells that a spreadsheet would run.
    """
    count: int
    if form.name == "csv":
        count = form.write(store.records.posts(wanted), stream, raw=raw, shown=shown)
    elif form.name == "rss":
        newest = replace(wanted, limit=wanted.limit or NEWEST)
        count = form.write(store.records.posts(newest), stream, title=title)
    else:
        records = store.records.lines(wanted)
        count = form.write(map(in_json, records) if shown else records, stream)
    return count
