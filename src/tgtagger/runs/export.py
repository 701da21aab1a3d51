"""Write posts of the archive in a format: into a stream, or as a folder.

Knows no face: it is told whether a terminal shows the stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from tgtagger.export import Format
from tgtagger.model.events import OnSteps, counted, unheard
from tgtagger.model.posts import PostFilter
from tgtagger.model.stored import Post
from tgtagger.store import Store
from tgtagger.system.terminal_text import in_json


@dataclass(frozen=True, slots=True)
class FolderWritten:
    """The result of writing a folder: its posts, the changed files, the removed files."""

    posts: int
    changed: int
    removed: int


def write_folder(
    store: Store,
    wanted: PostFilter,
    form: Format,
    path: Path,
    *,
    public: bool = False,
    on_steps: OnSteps = unheard,
) -> FolderWritten:
    """Bring a folder up to date; a person's own files stay. `public`: everybody can read it."""
    with store.select(wanted, on_steps) as selection:
        folder = form.write(selection, path, **({"public": True} if public else {}))
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
    in_file: bool = False,
    on_steps: OnSteps | None = None,
) -> int:
    """Write posts; return how many. `shown`: a terminal shows them, so write terminal-safe text.

    `title` is a feed's title. `raw` keeps cells that a spreadsheet would run. `in_file`: the stream
    becomes a file that other programs open.
    """
    if form.newest is not None:
        wanted = replace(wanted, limit=wanted.limit or form.newest)
    options = {"title": title, "raw": raw, "shown": shown, "in_file": in_file}
    total = store.queue.count(wanted) if on_steps is not None else 0
    posts: Iterable[Post | list[bytes]]
    if form.given == "posts":
        posts = store.records.posts(wanted)
        posts = posts if on_steps is None else counted(posts, on_steps, total)
    else:
        posts = _batches(store, wanted, on_steps or unheard, total)
        posts = map(_safe, posts) if shown else posts
    count: int = form.write(posts, stream, **{name: options[name] for name in form.options})
    return count


def _batches(
    store: Store, wanted: PostFilter, on_steps: OnSteps, total: int
) -> Iterator[list[bytes]]:
    done = 0
    for batch in store.records.batches(wanted):
        yield batch
        done += len(batch)
        on_steps(done, total)


def _safe(records: list[bytes]) -> list[bytes]:
    return [in_json(record.decode()).encode() for record in records]
