"""`tgtagger export`: write posts for other programs, and for reading."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from tgtagger.cli import completion
from tgtagger.cli.context import screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.opening import open_to_read
from tgtagger.cli.options import (
    AnyTagsOption,
    ChannelsOption,
    LimitOption,
    NotTagsOption,
    SinceOption,
    StatusOption,
    TagsOption,
    UntilOption,
    one_of,
)
from tgtagger.cli.wording import plural
from tgtagger.config import path_of
from tgtagger.errors import InputError
from tgtagger.export import FORMATS, format_of, makes_file, open_target
from tgtagger.runs import export
from tgtagger.runs.export import FolderWritten
from tgtagger.runs.query import read_filter

WRITING = "writing posts"

EPILOG = """Examples:
  tgtagger export -o posts.jsonl
  tgtagger export --format csv --tag ai --since 30d -o ai.csv
  tgtagger export --format md -o ~/notes/telegram    a vault for Obsidian
  tgtagger export --format html -o site              open site/index.html
  tgtagger export --format rss --tag ai -o ai.xml    the newest 100 posts
  tgtagger export --format html --public -o /srv/www/news    for a web server
  tgtagger export | jq -r '.tags[]' | sort | uniq -c

Newest posts come first. A file is never half written: it gets its name when
it is whole. md and html write a folder; a second export into the same folder
writes only what changed. docs/records.md describes the records.

Exit codes:
   0  written
   2  a wrong filter or file
   6  the database failed, or the disk is full"""


def command(
    ctx: typer.Context,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"{one_of([*FORMATS])}.  [default: by the ending of PATH, else jsonl]",
            autocompletion=completion.formats,
            show_default=False,
        ),
    ] = "",
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A file; for md and html a folder; -: standard output.",
        ),
    ] = "-",
    query: Annotated[
        str,
        typer.Option(
            metavar="QUERY", help="Only posts that this search finds.", show_default=False
        ),
    ] = "",
    channel: ChannelsOption = None,
    tag: TagsOption = None,
    any_tag: AnyTagsOption = None,
    not_tag: NotTagsOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    status: StatusOption = None,
    limit: LimitOption = None,
    *,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="csv: write cells unchanged, for programs."),
    ] = False,
    public: Annotated[
        bool,
        typer.Option("--public", help="html, rss: let all users of this machine read it."),
    ] = False,
) -> int:
    """Write posts as JSON lines, JSON, CSV, Markdown notes, a web site or a feed."""
    path = None if output == "-" else path_of(output)
    written = format_of(path, form)
    if raw and written.name != "csv":
        raise usage("--raw works only with csv", "leave it out, or add --format csv")
    wanted = read_filter(
        query=query or None,
        channels=channel,
        tags=tag,
        any_tags=any_tag,
        not_tags=not_tag,
        since=since,
        until=until,
        statuses=status,
        limit=limit,
    )
    if path is not None and output.endswith("/") and not written.is_folder:
        raise InputError("target_is_folder", path=path)
    if public and not written.is_published:
        raise usage("--public works only with html and rss", "leave it out")
    if public and not written.is_folder and not makes_file(path):
        raise usage("--public needs a file", "choose one with -o FILE")
    screen = screen_of(ctx)
    if written.is_folder:
        if path is None:
            raise usage(f"{written.name} writes a folder", "choose one with -o FOLDER")
        with open_to_read(ctx) as store, screen.progress(WRITING, tells=True) as live:
            done = export.write_folder(
                store, wanted, written, path, public=public, on_steps=live.steps
            )
        screen.sum_up(_told(done, path))
        return 0
    title = " · ".join([*(channel or ()), *(tag or ()), *([query] if query else ())])
    shown = path is None and sys.stdout.isatty()
    with (
        open_to_read(ctx) as store,
        open_target(path, public=public) as stream,
        contextlib.nullcontext() if shown else screen.progress(WRITING, tells=True) as live,
    ):
        count = export.write_stream(
            store,
            wanted,
            written,
            stream,
            title=title or "Archive",
            raw=raw,
            shown=shown,
            in_file=makes_file(path),
            on_steps=None if live is None else live.steps,
        )
    if path is not None:
        screen.sum_up(f"wrote {plural(count, 'post')} to {path}")
    return 0


def _told(done: FolderWritten, path: Path) -> str:
    gone = f", {plural(done.removed, 'file')} removed" if done.removed else ""
    changed = plural(done.changed, "file")
    return f"wrote {plural(done.posts, 'post')} to {path}: {changed} changed{gone}"
