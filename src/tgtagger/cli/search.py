"""`tgtagger search`: find posts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from tgtagger.cli.context import open_to_read, screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.options import (
    AnyTagsOption,
    ChannelsOption,
    JsonOption,
    NotTagsOption,
    SinceOption,
    StatusOption,
    TagsOption,
    UntilOption,
)
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import plural
from tgtagger.export import captions
from tgtagger.model.archive import FoundPost, Post
from tgtagger.runs.query import read_filter

EPILOG = """Examples:
  tgtagger search новости                  finds новостей, новостями, too
  tgtagger search '"solar power" -china'   a phrase, and a word not wanted
  tgtagger search 'econom*' --since 30d --tag ai
  tgtagger search 'ракета channel:@news since:7d -tag:война'
  tgtagger search --tag ai                 the newest with this tag

Words are looked for in all their forms, Russian and English; "a phrase" and
begin* as they stand. tag:, -tag:, channel:, since:, until: and status: in the
query narrow as the options do.

Exit codes:
  0 done, even if nothing was found · 2 a query, channel or tag that is unknown
  6 database"""


def command(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY]...",
            help='Words (all of them), "a phrase", begin*, -unwanted, tag:ai, since:7d.',
            show_default=False,
        ),
    ] = None,
    channel: ChannelsOption = None,
    tag: TagsOption = None,
    any_tag: AnyTagsOption = None,
    not_tag: NotTagsOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    status: StatusOption = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="At most N posts.")
    ] = 20,
    sort: Annotated[
        str, typer.Option(metavar="ORDER", help="date (newest first) or relevance.")
    ] = "date",
    *,
    as_json: JsonOption = False,
) -> int:
    """Find posts by words, in any of their forms, newest first."""
    if sort not in {"date", "relevance"}:
        raise usage(f"--sort {sort!r} is not known", "date or relevance")
    screen = screen_of(ctx)
    wanted = read_filter(
        query=" ".join(words or ()) or None,
        channels=channel,
        tags=tag,
        any_tags=any_tag,
        not_tags=not_tag,
        since=since,
        until=until,
        statuses=status,
        limit=limit,
    )
    if sort == "relevance" and wanted.query is None:
        raise usage("--sort relevance wants words to be relevant to", "name some, or leave it out")
    with open_to_read(ctx) as store:
        found = list(store.records.search(wanted, by_relevance=sort == "relevance"))
    if as_json:
        screen.records(item.record for item in found)
        return 0
    with screen.paged():
        draw_found(screen, found)
    screen.say(plural(len(found), "post") + " found" if found else "nothing found")
    return 0


def draw_found(screen: Screen, found: Iterable[FoundPost]) -> None:
    """Draw results, with what was found in them."""
    for item in found:
        draw(screen, item.post, item.snippet)


def draw(screen: Screen, post: Post, text: tuple[tuple[str, bool], ...]) -> None:
    """Draw one post as a result."""
    kinds = captions.kinds(post)
    channel = f"@{post.channel.username}" if post.channel.username else post.channel.title
    screen.post(
        channel=channel,
        date=post.date,
        link=post.url,
        text=text,
        tags=post.tags,
        notes=[f"[{', '.join(kinds)}]"] if kinds else [],
    )
