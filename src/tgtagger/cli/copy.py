"""`tgtagger copy`: copy the archive into another database, of the same kind or of another one."""

from __future__ import annotations

from typing import Annotated

import typer

from tgtagger.cli.context import screen_of
from tgtagger.cli.options import JsonOption
from tgtagger.model.choices import CopyStage

EPILOG = """Examples:
  tgtagger copy posts.db postgresql://server/posts
  tgtagger copy postgresql://server/posts posts.db

FROM is only read, as it is at this moment: others may write to it meanwhile,
and what they write is not copied. TO must be new or empty. Killed or stopped,
the same command goes on, and until it has ended no other command uses TO.
A password is better kept in ~/.pgpass than in a URL.

Exit codes:
   0  copied, and compared row by row
   2  FROM or TO is not there, or TO has an archive of its own
   6  a database failed, or FROM has an older schema
  75  another program uses TO, or copies into it"""

_STAGES: dict[CopyStage, str] = {
    "copy": "",
    "index": "building the search index",
    "compare": "being compared",
}


def command(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="The database to read: a path or a URL.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="The database to write: a path or a URL.")
    ],
    *,
    as_json: JsonOption = False,
) -> int:
    """Copy the whole archive into another database: SQLite or PostgreSQL, both ways."""
    from tgtagger.cli.wording import number, plural
    from tgtagger.runs import shapes
    from tgtagger.store import Store

    screen = screen_of(ctx)
    with screen.progress("copying the archive", tells=not as_json) as live:

        def told(stage: CopyStage, done: int, total: int) -> None:
            share = done / total if total else 1.0
            live.update(done, share, _STAGES[stage], total=total)

        made = Store.copy(source, target, told)
    if as_json:
        screen.json(shapes.copied(made))
        return 0
    rows, kept = plural(made.rows, "row"), ""
    if made.kept:
        kept = f"; {number(made.kept)} of them were there from a copy that was stopped"
    screen.sum_up(
        f"copied {plural(made.posts, 'post')} from {made.source} to {made.target} ({rows}{kept})"
    )
    return 0
