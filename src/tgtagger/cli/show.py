"""`tgtagger show`: everything about one post."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from tgtagger.cli.context import screen_of
from tgtagger.cli.opening import open_to_read
from tgtagger.cli.options import NUMBERS, JsonOption, only_numbers
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import ago, local_time, number, one_line
from tgtagger.export import captions
from tgtagger.model.stored import PostDetails
from tgtagger.model.tagging import Attempt
from tgtagger.runs import shapes

EPILOG = """Examples:
  tgtagger show @news/531
  tgtagger show https://t.me/c/1006503122/531

Exit codes:
   0  shown
   2  there is no such post
   6  the database failed"""

CONTEXT = NUMBERS


def command(
    ctx: typer.Context,
    post: Annotated[
        str,
        typer.Argument(
            metavar="POST",
            help="@name/123, a t.me link, or CHANNEL_ID/123.",
            callback=only_numbers,
        ),
    ],
    *,
    as_json: JsonOption = False,
) -> int:
    """Show one post: its text, its tags and where they come from, its attempts."""
    screen = screen_of(ctx)
    with open_to_read(ctx) as store:
        details = store.records.post(post)
    if as_json:
        screen.json(shapes.post(details))
    else:
        _draw_post(screen, details)
        _draw_tagging(screen, details)
    return 0


def _draw_post(screen: Screen, details: PostDetails) -> None:
    found = details.post
    counters = [
        f"{number(value)} {name}"
        for name, value in (("views", found.views), ("forwards", found.forwards))
        if value is not None
    ]
    counters += [f"{name} {number(count)}" for name, count in (found.reactions or {}).items()]
    kinds = captions.kinds(found)
    notes = [f"[{', '.join(kinds)}]"] if kinds else []
    notes += [f"“{one_line(words)}”" for item in found.media for words in item.words]
    notes += (
        [f"forwarded from {found.forward.channel or 'an unknown sender'}"] if found.forward else []
    )
    notes += [f"reply to message {found.reply_to}"] if found.reply_to else []
    notes += [f"edited {local_time(found.edited)}"] if found.edited else []
    notes += [f"by {found.author}"] if found.author else []
    notes += [", ".join(counters)] if counters else []
    notes += [f"not read completely: {details.problem}"] if details.problem else []
    screen.post(
        channel=found.channel.title,
        date=found.date,
        link=found.url,
        text=((found.text, False),),
        tags=(),
        notes=notes,
        lines=10_000,
    )


def _draw_tagging(screen: Screen, details: PostDetails) -> None:
    """Draw a post's tags with their provenance, its failure, its attempts."""
    if details.links:
        rows = [
            [link.name, link.source, link.model or "", str(link.run or ""), ago(link.added_at)]
            for link in details.links
        ]
        screen.table(["tag", "from", "model", "run", "when"], rows)
    else:
        screen.line(f"no tags: {details.post.status}")
    if details.failure:
        due = f", due {local_time(details.next_attempt_at)}" if details.next_attempt_at else ""
        screen.line(f"failed: {details.failure}: {details.error}{due}")
    if details.attempts:
        rows = [
            [
                local_time(item.at),
                item.model or "",
                item.failure or "answered",
                "" if item.http_status is None else str(item.http_status),
                "" if item.latency_ms is None else f"{item.latency_ms / 1000:.1f} s",
                _tokens(item),
                "; ".join(_notes(item)),
            ]
            for item in details.attempts
        ]
        screen.table(["attempt", "model", "outcome", "status", "took", "tokens", "note"], rows)


def _tokens(attempt: Attempt) -> str:
    if attempt.prompt_tokens is None or attempt.completion_tokens is None:
        return ""
    return f"{number(attempt.prompt_tokens)} + {number(attempt.completion_tokens)}"


def _notes(attempt: Attempt) -> Iterator[str]:
    if attempt.error:
        yield attempt.error
    if attempt.sent_letters is not None:
        yield f"only the first {number(attempt.sent_letters)} letters were sent"
