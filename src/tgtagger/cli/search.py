"""`tgtagger search`: find posts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated

import typer

from tgtagger.cli.context import screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.opening import open_to_read
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
from tgtagger.cli.wording import number, plural
from tgtagger.export import captions
from tgtagger.model.stored import FoundPost, Post
from tgtagger.runs.query import read_filter

EPILOG = """Examples:
  tgtagger search новости                  also finds новостей, новостями
  tgtagger search '"solar power" -china'   a phrase, without a word
  tgtagger search '(storm OR flood) has:photo since:30d'
  tgtagger search 'ракета channel:news -tag:война'
  tgtagger search --tag ai --count         how many posts have this tag

A word finds all its forms, in Russian and English. "a phrase" and begin* find
exactly these letters. A post must have all the words. To change this, use OR
(or |), NOT (or -) and parentheses.

Filters in a query:
  tag:ai  channel:news  status:failed  since:7d  until:2026-01-31
  before:2025  after:2025-06  date:today
  has:photo (or video, audio, voice, file, poll, link)
  is:forward (or reply, edited, deleted, failed)

Exit codes:
   0  done, even if nothing was found
   2  a wrong query, or an unknown channel or tag
   6  the database failed"""


def command(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY]...",
            help='Words, "a phrase", begin*, -unwanted, OR, tag:ai, since:7d.',
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
    count: Annotated[
        bool, typer.Option("--count", help="Print only the number of posts found.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Find posts by words, in all word forms, newest first."""
    if sort not in {"date", "relevance"}:
        raise usage(f"--sort: there is no order {sort!r}", "use date or relevance")
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
        raise usage("--sort relevance needs a word to search for", "add a word, or leave it out")
    with open_to_read(ctx) as store:
        if count:
            return _show_count(screen, store.queue.count(replace(wanted, limit=None)), as_json)
        found = list(store.records.search(wanted, by_relevance=sort == "relevance"))
        # Fewer than asked for: they are all.
        total = len(found)
        if total == limit and screen.talks and not as_json:
            total = store.queue.count(replace(wanted, limit=None))
        near = () if found else store.records.near(wanted)
    if as_json:
        screen.records(item.record for item in found)
    else:
        with screen.paged():
            draw_found(screen, found)
    if not found or not as_json:
        _say_total(screen, len(found), total, near)
    return 0


def _show_count(screen: Screen, posts: int, as_json: bool) -> int:  # noqa: FBT001
    if as_json:
        screen.json({"posts": posts})
    else:
        screen.write(str(posts))
    return 0


def _say_total(screen: Screen, shown: int, total: int, near: Sequence[str]) -> None:
    """Say how many posts were found, and what to do if they are too many, or none."""
    if not shown:
        line = "nothing found"
        if near:
            line += f"; did you mean {' or '.join(near)}?"
        screen.sum_up(line)
    elif total > shown:
        screen.say(
            f"{number(shown)} of {plural(total, 'post')}; for more: --limit {2 * shown}; "
            "for fewer: since:30d or another filter"
        )
    else:
        screen.say(plural(shown, "post") + " found")


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
