"""`tgtagger export`: write posts for other programs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tgtagger.cli import runs
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
from tgtagger.cli.render import plural
from tgtagger.errors import InputError
from tgtagger.export import FORMATS, csv_table, json_array, jsonl, open_target
from tgtagger.visible import in_json

EPILOG = """Examples:
  tgtagger export -o posts.jsonl
  tgtagger export --format csv --tag ai --since 30d -o ai.csv
  tgtagger export | jq -r '.tags[]' | sort | uniq -c

Exit codes:
  0 written · 2 a filter or file that is not possible · 6 the database, or no space left

A file is written beside its name and renamed: it is whole, or it is not there. The records are
described in docs/records.md; newest posts come first."""


def command(
    ctx: typer.Context,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="jsonl, json or csv.")
    ] = "jsonl",
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="PATH", help="A file; - is standard output."),
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
    """Write posts as JSON lines, JSON or CSV, newest first."""
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
    is_shown = path is None and sys.stdout.isatty()
    with runs.open_to_read(ctx) as store, open_target(path) as stream:
        if form == "csv":
            count = csv_table.write(store.posts(wanted), stream, raw=raw, shown=is_shown)
        else:
            write = jsonl.write if form == "jsonl" else json_array.write
            records = store.records(wanted)
            count = write(map(in_json, records) if is_shown else records, stream)
    if path is not None:
        runs.screen_of(ctx).say(f"wrote {plural(count, 'post')} to {path}")
    return 0
