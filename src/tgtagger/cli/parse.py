"""`tgtagger parse`: read channels into the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from tgtagger.cli import completion
from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.events import RunEvents
from tgtagger.cli.failures import usage
from tgtagger.cli.options import (
    NUMBERS,
    AccountOption,
    JsonOption,
    LimitOption,
    RefreshOption,
    SinceOption,
    UntilOption,
    ViaOption,
    only_numbers,
    via_of,
)
from tgtagger.cli.reports import tell_parse, tell_tag
from tgtagger.cli.tag import tag_or_ask
from tgtagger.errors import exit_code
from tgtagger.model.posts import PostFilter
from tgtagger.runs import parse, shapes, targets
from tgtagger.runs.tag import TagOptions
from tgtagger.runs.times import since_until
from tgtagger.sources.plan import ReadOptions

EPILOG = """Examples:
  tgtagger parse @durov
  tgtagger parse https://t.me/durov t.me/c/1234567890/5 --since 30d
  tgtagger parse ~/Downloads/ChatExport_2026-01-31 --then-tag
  tgtagger parse             read all channels of the database, for cron

SOURCE is @name, a t.me link, -100…, an invitation you have used, or the path
of an export. New posts come first, then changes in the newest posts, then
older history. You can stop a run at any time: the next run continues there.
--since stays in force until the next --since or --backfill.

Exit codes:
   0  all posts are stored
   2  a file is missing, unreadable, of another kind, or cut off
      (the readable part is stored)
   3  nobody is signed in
   4  a channel cannot be read
   5  some posts were rejected
   6  the database failed
  75  try later: another run is at work, or Telegram asks for a long wait"""

CONTEXT = NUMBERS


def command(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="Channels and exports. None: all channels that are not paused.",
            show_default=False,
            callback=only_numbers,
            autocompletion=completion.channels,
        ),
    ] = None,
    limit: LimitOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    *,
    backfill: Annotated[
        bool | None,
        typer.Option(
            "--backfill/--no-backfill",
            help="Read all history, also before --since; or read only new posts.",
            show_default=False,
        ),
    ] = None,
    refresh: RefreshOption = None,
    via: ViaOption = "auto",
    account: AccountOption = "",
    groups: Annotated[bool, typer.Option("--groups", help="Keep groups, too.")] = False,
    reconvert: Annotated[
        bool,
        typer.Option("--reconvert", help="Convert all stored posts again, without the network."),
    ] = False,
    then_tag: Annotated[
        bool, typer.Option("--then-tag", help="Then tag the pending posts of these channels.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Read channels from Telegram, its web preview or exports into the database."""
    screen = screen_of(ctx)
    first, last = since_until(since, until)
    given = {
        "--limit": limit is not None,
        "--since": bool(since),
        "--until": bool(until),
        "--backfill" if backfill else "--no-backfill": backfill is not None,
        "--refresh": refresh is not None,
        "--via": via != "auto",
        "--account": bool(account),
        "--groups": groups,
    }
    _refuse_unused([name for name, is_given in given.items() if is_given], sources or (),
                   reconvert=reconvert)  # fmt: skip
    via = via_of(via, account)
    settings = invocation(ctx).settings(account=account)
    if reconvert:
        report = parse.reconvert(settings)
    else:
        read_options = ReadOptions(limit, first, last, refresh, backfill)
        options = parse.ParseOptions(read_options, via, groups)
        report = parse.parse(settings, sources or (), options, RunEvents(screen))
    tell_parse(screen, report, sums_up=not as_json)
    summary = None
    if then_tag and report.channel_ids:
        wanted = PostFilter(channels=tuple(map(str, report.channel_ids)))
        summary = tag_or_ask(screen, settings, TagOptions(wanted))
        tell_tag(screen, summary, sums_up=not as_json)
    elif not as_json and report.channel_ids:
        screen.say("next, tag the posts: tgtagger tag; then find them: tgtagger search WORDS")
    if as_json and then_tag:
        screen.json(shapes.parsed_and_tagged(report, summary))
    elif as_json:
        screen.json(shapes.parse_report(report))
    return exit_code([report.code, *([] if summary is None else [summary.code])])


_OF_CHANNELS = ("--backfill", "--no-backfill", "--refresh", "--via", "--account")
"""Options that say how a channel is read; an export's file has nothing of the kind."""


def _refuse_unused(given: Sequence[str], sources: Sequence[str], *, reconvert: bool) -> None:
    """Raise InputError for an option that nothing in this run can honour."""
    if sources and reconvert:
        raise usage("--reconvert takes no SOURCE", "see: tgtagger parse --help")
    if reconvert and given:
        raise usage(f"{given[0]} does not work with --reconvert", "leave it out")
    unused = [name for name in given if name in _OF_CHANNELS]
    if unused and sources and all(map(targets.export_path, sources)):
        raise usage(f"{unused[0]} works with channels, not with exports", "leave it out")
