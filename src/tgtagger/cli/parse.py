"""`tgtagger parse`: read exports into the database."""

from __future__ import annotations

from typing import Annotated

import typer

from tgtagger.cli import parsing, runs, tagging
from tgtagger.cli.options import JsonOption, LimitOption, SinceOption, UntilOption, invocation
from tgtagger.cli.times import since_until
from tgtagger.errors import InputError, exit_code

EPILOG = """Examples:
  tgtagger parse ~/Downloads/ChatExport_2026-01-31
  tgtagger parse news/result.json science/result.json --then-tag
  tgtagger parse export --since 30d

Exit codes:
  0 all kept · 2 a file is missing, unreadable, foreign or cut off (what could be read is kept)
  5 some posts were rejected · 6 the database failed · 75 another parse is at work

Parsing a file again changes nothing; a newer export of the same chat updates and adds."""


def command(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH...",
            help="Telegram Desktop exports: result.json, or its folder; of one chat or an account.",
            show_default=False,
        ),
    ] = None,
    limit: LimitOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    *,
    groups: Annotated[bool, typer.Option("--groups", help="Take groups, too.")] = False,
    reconvert: Annotated[
        bool,
        typer.Option("--reconvert", help="Run a newer converter over what is stored; no PATH."),
    ] = False,
    then_tag: Annotated[
        bool, typer.Option("--then-tag", help="Tag what is pending in these channels afterwards.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Read channels from Telegram Desktop exports into the database."""
    called, screen = invocation(ctx), runs.screen_of(ctx)
    first, last = since_until(since, until)
    if bool(sources) == reconvert:
        raise InputError(
            "give the path of an export" if not sources else "--reconvert takes no PATH",
            hint="see: tgtagger parse --help",
        )
    if reconvert:
        reports, code = parsing.reconvert(called)
    else:
        options = parsing.ParseOptions(limit, first, last, groups)
        reports, code = parsing.parse(called, screen, sources or [], options)
    parsing.tell_parse(screen, reports)
    summary = parsing.parse_summary(reports)
    if then_tag:
        tagged, tag_code = tagging.tag_channels(called, screen, reports)
        summary["tag"] = tagged
        code = exit_code([code, tag_code])
    if as_json:
        screen.json(summary)
    return code
