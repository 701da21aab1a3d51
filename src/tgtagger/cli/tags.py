"""`tgtagger tags`: list the tags."""

from __future__ import annotations

from typing import Annotated

import typer

from tgtagger.cli import runs
from tgtagger.cli.options import JsonOption
from tgtagger.cli.render import ago, number

EPILOG = """Examples:
  tgtagger tags
  tgtagger tags --json | jq -r '.[].name'

Exit codes:
  0 listed · 2 no database yet · 6 database"""


def command(
    ctx: typer.Context,
    *,
    unused: Annotated[
        bool, typer.Option("--unused", help="Only the tags that no post has.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """List the tags, the most used first."""
    screen = runs.screen_of(ctx)
    with runs.open_to_read(ctx) as store:
        found = store.tags(unused=unused)
    if as_json:
        screen.json(
            [
                {
                    "name": tag.name,
                    "posts": tag.posts,
                    "sources": tag.sources,
                    "last_used": tag.last_used and f"{tag.last_used:%Y-%m-%dT%H:%M:%SZ}",
                }
                for tag in found
            ]
        )
    elif found:
        rows = [
            [tag.name, number(tag.posts), ", ".join(tag.sources), ago(tag.last_used)]
            for tag in found
        ]
        screen.table(["tag", "posts", "from", "last given"], rows)
    else:
        screen.say("no unused tags" if unused else "no tags yet: run tgtagger tag")
    return 0
