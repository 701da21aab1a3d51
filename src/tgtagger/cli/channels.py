"""`tgtagger channels`: list the channels."""

from __future__ import annotations

from typing import Any

import typer

from tgtagger.cli import runs
from tgtagger.cli.options import JsonOption
from tgtagger.cli.render import Screen, ago, local_time, number
from tgtagger.views import ChannelState

EPILOG = """Examples:
  tgtagger channels
  tgtagger channels --json

Exit codes:
  0 listed · 2 no database yet · 6 database"""


def command(ctx: typer.Context, *, as_json: JsonOption = False) -> int:
    """List the channels in the database."""
    screen = runs.screen_of(ctx)
    with runs.open_to_read(ctx) as store:
        found = store.channels()
    if as_json:
        screen.json([as_json_object(state) for state in found])
    else:
        draw(screen, found)
    return 0


def draw(screen: Screen, found: tuple[ChannelState, ...]) -> None:
    """Draw channels as a table."""
    if not found:
        screen.say("no channels yet: run tgtagger parse")
        return
    gaps = any(state.unread for state in found)  # history that is still to be read
    rows = [
        [
            f"@{state.channel.username}" if state.channel.username else str(state.channel.id),
            state.channel.title,
            number(state.posts),
            number(state.pending),
            local_time(state.newest) if state.newest else "",
            ago(state.parsed_at),
            *([number(state.unread)] if gaps else []),
        ]
        for state in found
    ]
    columns = ["channel", "title", "posts", "pending", "newest post", "parsed"]
    screen.table([*columns, "unread"] if gaps else columns, rows)


def as_json_object(state: ChannelState) -> dict[str, Any]:
    """Return what the table shows."""
    return {
        "id": abs(state.channel.id),
        "username": state.channel.username,
        "title": state.channel.title,
        "kind": state.channel.kind,
        "posts": state.posts,
        "pending": state.pending,
        "newest": state.newest and f"{state.newest:%Y-%m-%dT%H:%M:%SZ}",
        "parsed_at": state.parsed_at and f"{state.parsed_at:%Y-%m-%dT%H:%M:%SZ}",
        "unread": state.unread,
        "paused": state.paused,
    }
