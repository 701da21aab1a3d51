"""`tgtagger search`: find posts."""

from __future__ import annotations

from typing import Annotated

import typer

from tgtagger.cli import runs
from tgtagger.cli.filters import StatusOption, read_filter
from tgtagger.cli.options import (
    AnyTagsOption,
    ChannelsOption,
    JsonOption,
    NotTagsOption,
    SinceOption,
    TagsOption,
    UntilOption,
)
from tgtagger.cli.render import Screen, plural
from tgtagger.errors import InputError
from tgtagger.views import Post

EPILOG = """Examples:
  tgtagger search новости                  finds новостей, новостями, too
  tgtagger search '"solar power" -china'   a phrase, and a word not wanted
  tgtagger search econom* --since 30d --tag ai
  tgtagger search --tag ai                 the newest with this tag

Exit codes:
  0 done, even if nothing was found · 2 a query, channel or tag that is not known · 6 database"""


def command(
    ctx: typer.Context,
    query: Annotated[
        str,
        typer.Argument(
            metavar="[QUERY]",
            help='Words (all of them), "a phrase", begin*, -unwanted.',
            show_default=False,
        ),
    ] = "",
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
        raise InputError(f"--sort {sort!r} is not known", hint="date or relevance")
    if sort == "relevance" and not query:
        raise InputError("--sort relevance needs words to look for", hint="give a QUERY")
    screen = runs.screen_of(ctx)
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
    with runs.open_to_read(ctx) as store:
        if query:
            found = list(store.search(wanted, by_relevance=sort == "relevance"))
            results = [(item.post, item.record, item.snippet) for item in found]
        else:
            results = [
                (post, record, ((post.text, False),)) for post, record in store.posts_with(wanted)
            ]
    for post, record, snippet in results:
        if as_json:
            screen.record(record)
        else:
            draw(screen, post, snippet)
    if not as_json:
        screen.say(plural(len(results), "post") + " found" if results else "nothing found")
    return 0


def draw(screen: Screen, post: Post, text: tuple[tuple[str, bool], ...]) -> None:
    """Draw one post as a result."""
    channel = f"@{post.channel.username}" if post.channel.username else post.channel.title
    screen.post(
        channel=channel,
        date=post.date,
        link=post.url,
        text=text,
        tags=post.tags,
        notes=media_notes(post),
    )


def media_notes(post: Post) -> list[str]:
    """Say in a line what hangs on a post."""
    kinds: dict[str, int] = {}
    for item in post.media:
        kinds[item.type] = kinds.get(item.type, 0) + 1
    line = ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in kinds.items())
    return [f"[{line}]"] if line else []
