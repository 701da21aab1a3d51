"""`tgtagger tag`: give posts their tags."""

from __future__ import annotations

from typing import Annotated

import typer

from tgtagger.cli import runs, tagging
from tgtagger.cli.options import (
    ChannelsOption,
    JsonOption,
    LimitOption,
    SinceOption,
    invocation,
)
from tgtagger.cli.times import read_duration, since_until
from tgtagger.errors import InputError
from tgtagger.types import PostFilter

EPILOG = """Examples:
  tgtagger tag                             all pending posts, newest first
  tgtagger tag --channel @news --since 7d
  tgtagger tag --post @news/531 --force    one post, again
  tgtagger tag --stale                     what an older tagger produced

Exit codes:
  0 all done · 2 usage or settings · 5 some posts failed · 6 the database failed
  75 another tag run is at work, or the time was over

The embedded tagger works offline, needs no key and costs nothing."""


def command(
    ctx: typer.Context,
    channel: ChannelsOption = None,
    post: Annotated[
        list[str] | None,
        typer.Option(metavar="POST", help="Only this post: @name/123 or a link (repeat)."),
    ] = None,
    limit: LimitOption = None,
    since: SinceOption = "",
    *,
    force: Annotated[bool, typer.Option("--force", help="Tag again, whatever the status.")] = False,
    stale: Annotated[
        bool, typer.Option("--stale", help="Tag again what another tagger or version tagged.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many posts it would be.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    tagger: Annotated[
        str, typer.Option(metavar="NAME", help="keywords: the embedded tagger.", show_default=False)
    ] = "",
    max_time: Annotated[
        str,
        typer.Option(
            metavar="DURATION", help="Stop after so long: 90s, 10m, 2h.", show_default=False
        ),
    ] = "",
    as_json: JsonOption = False,
) -> int:
    """Give every new post its tags."""
    called, screen = invocation(ctx), runs.screen_of(ctx)
    first, _ = since_until(since, "")
    wanted = PostFilter(
        channels=tuple(channel or ()), posts=tuple(post or ()), since=first, limit=limit
    )
    if force and stale:
        raise InputError("--force and --stale are two different choices", hint="give one of them")
    if force and not (channel or post or since or limit or dry_run or yes):
        runs.confirm("Tag all posts again?", otherwise="--force on every post wants --yes")
    duration = read_duration(max_time) if max_time else None
    options = tagging.TagOptions(wanted, force, stale, dry_run, duration)
    summary, code = tagging.tag(called, screen, options, tagger=tagger or None)
    if as_json:
        screen.json(summary)
    else:
        tagging.tell_tag(screen, summary)
    return code
