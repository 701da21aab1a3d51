"""`tgtagger doctor --backup`: copy the database while others write to it."""

from __future__ import annotations

from typing import Annotated

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.wording import number, plural, size_of
from tgtagger.config import path_of
from tgtagger.runs import shapes
from tgtagger.store import Store

BackupOption = Annotated[
    str | None,
    typer.Option(
        "--backup",
        metavar="FILE",
        help="Copy the database to a new file, while other runs go on. No checks.",
        show_default=False,
    ),
]


def back_up(ctx: typer.Context, target: str, *, as_json: bool) -> int:
    """Make the copy, and say where it is."""
    screen = screen_of(ctx)
    location = invocation(ctx).settings().db
    with screen.progress("copying the database", tells=not as_json) as live:

        def told(done: int, total: int) -> None:
            left = "being checked" if done == total else f"of {number(total // 10**6)} MB"
            live.update(done // 10**6, done / total, left)

        made = Store.back_up(location, path_of(target), told)
    if as_json:
        screen.json(shapes.backup(made))
    else:
        size = size_of(made.size)
        screen.sum_up(f"copied {plural(made.posts, 'post')} to {made.path} ({size})")
    return 0
