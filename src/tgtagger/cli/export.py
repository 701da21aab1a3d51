"""`tgtagger export`: write posts for other programs, and for reading."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Annotated, BinaryIO

import typer

from tgtagger.cli import completion, context
from tgtagger.cli.filters import StatusOption, read_filter
from tgtagger.cli.options import (
    AnyTagsOption,
    ChannelsOption,
    LimitOption,
    NotTagsOption,
    SinceOption,
    TagsOption,
    UntilOption,
    path_of,
)
from tgtagger.cli.wording import plural
from tgtagger.errors import InputError
from tgtagger.export import FOLDERS, FORMATS, csv_table, json_array, json_records, open_target
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.system.terminal_text import in_json

NEWEST = 100
"""Posts in a feed, unless --limit says otherwise: readers fetch it whole, again and again."""

_ENDINGS = {".csv": "csv", ".json": "json", ".rss": "rss", ".xml": "rss"}
"""What a file is if no format was named: a table is what posts.csv is taken for."""

EPILOG = """Examples:
  tgtagger export -o posts.jsonl
  tgtagger export --format csv --tag ai --since 30d -o ai.csv
  tgtagger export --format md -o ~/notes/telegram    a vault for Obsidian
  tgtagger export --format html -o site              open site/index.html
  tgtagger export --format rss --tag ai -o ai.xml    the newest 100 posts
  tgtagger export | jq -r '.tags[]' | sort | uniq -c

Exit codes:
  0 written · 2 a filter or file that is not possible
  6 the database, or no space left

A file is written beside its name and renamed: it is whole, or it is not there.
md and html make a folder; exported there again, only what changed is written.
Newest posts come first. The records are described in docs/records.md."""


def command(
    ctx: typer.Context,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="jsonl, json, csv, md, html or rss.  [default: as PATH ends, else jsonl]",
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
            help="A file, for md and html a folder; -: standard output.",
        ),
    ] = "-",
    query: Annotated[
        str, typer.Option(metavar="QUERY", help="Only what this search finds.", show_default=False)
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
        typer.Option("--raw", help="csv: leave cells that a spreadsheet would run as they are."),
    ] = False,
) -> int:
    """Write posts as JSON lines, JSON, CSV, Markdown notes, a web site or a feed."""
    form = form or _ENDINGS.get(PurePath(output).suffix.lower(), "jsonl")
    if form not in FORMATS:
        raise InputError(f"no format {form!r}", hint="one of: " + ", ".join(FORMATS))
    if raw and form != "csv":
        raise InputError("--raw is for csv", hint="leave it out, or give --format csv")
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
    path = None if output == "-" else path_of(output)
    screen = context.screen_of(ctx)
    if form in FOLDERS:
        if path is None:
            raise InputError(f"{form} is a folder", hint="name one with -o")
        with context.open_to_read(ctx) as store:
            screen.say(_write_folder(store, wanted, form, path))
        return 0
    is_shown = path is None and sys.stdout.isatty()
    with context.open_to_read(ctx) as store, open_target(path) as stream:
        count = _write_file(
            store, wanted, form, stream, raw=raw, shown=is_shown, title=_title(query, tag, channel)
        )
    if path is not None:
        screen.say(f"wrote {plural(count, 'post')} to {path}")
    return 0


def _write_folder(store: Store, wanted: PostFilter, form: str, path: Path) -> str:
    with store.select(wanted) as selection:
        if form == "md":
            from tgtagger.export import vault

            folder = vault.write(selection, path)
        else:
            from tgtagger.export import site

            folder = site.write(selection, path)
        gone = f", {plural(folder.removed, 'file')} removed" if folder.removed else ""
        changed = plural(folder.changed, "file")
        return f"wrote {plural(selection.count, 'post')} to {path}: {changed} changed{gone}"


def _write_file(
    store: Store,
    wanted: PostFilter,
    form: str,
    stream: BinaryIO,
    *,
    raw: bool,
    shown: bool,
    title: str,
) -> int:
    """Write a file. What is `shown` on a terminal must not steer it."""
    if form == "csv":
        return csv_table.write(store.records.posts(wanted), stream, raw=raw, shown=shown)
    if form == "rss":
        from tgtagger.export import feed

        newest = replace(wanted, limit=wanted.limit or NEWEST)
        return feed.write(store.records.posts(newest), stream, title=title)
    records = store.records.lines(wanted)
    write = json_records.write if form == "jsonl" else json_array.write
    return write(map(in_json, records) if shown else records, stream)


def _title(query: str, tags: list[str] | None, channels: list[str] | None) -> str:
    """Return what a feed is called, by what it was narrowed to."""
    return " · ".join([*(channels or ()), *(tags or ()), *([query] if query else ())]) or "Archive"
