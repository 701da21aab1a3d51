"""`tgtagger doctor --recover FILE`: save what can be read of a damaged database, and say what."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import number, plural
from tgtagger.model.copies import Recovered, SavedTable
from tgtagger.runs import recovery as run
from tgtagger.runs import shapes
from tgtagger.store import database_path

RecoverOption = Annotated[
    Path | None,
    typer.Option(
        "--recover",
        metavar="FILE",
        help="Save the readable part of a damaged database into a new file.",
        show_default=False,
    ),
]


def recover(ctx: typer.Context, target: Path, *, as_json: bool) -> int:
    """Save what can be read; return 0 if that is everything, 5 if something is lost."""
    screen = screen_of(ctx)
    location = invocation(ctx).settings().db
    target = target.expanduser()
    found = run.recover(location, target)
    if as_json:
        screen.json(shapes.recovered(found, target))
    else:
        _tell(screen, found, database_path(location), target)
    if not found.is_all:
        screen.warn("warning: some data could not be saved")
    return 0 if found.is_all else 5


def _tell(screen: Screen, found: Recovered, damaged: Path, target: Path) -> None:
    rows = [
        [table.name, number(table.saved), _lost(table)]
        for table in found.tables
        if table.saved or table.lost or not table.knows_all
    ]
    screen.table(["table", "saved", "lost"], rows)
    screen.write()
    if found.restored:
        screen.line(f"{plural(found.restored, 'post')} restored from their raw records")
    if found.marked:
        screen.line(
            f"{plural(found.marked, 'post')} damaged: kept and marked until they are read again"
        )
    if found.to_read:
        screen.line(f"the next parse reads again: {', '.join(found.to_read)}")
    if found.is_all:
        screen.line("no loss is known")
    screen.line(f"saved into {target}; {damaged} is unchanged")
    screen.write()
    screen.heading("Next steps")
    for words, line in _steps(damaged, target):
        screen.line(f"  {words:<21}{line}")


def _steps(damaged: Path, target: Path) -> Iterator[tuple[str, str]]:
    yield "look at it", f"tgtagger --db {_quoted(target)} status"
    words = "put it in its place"
    for end in ("", "-wal", "-journal"):  # the damaged file keeps its companions
        old = damaged.with_name(damaged.name + end)
        if old.exists():
            new = damaged.with_name(f"{damaged.name}.damaged{end}")
            yield words, f"mv {_quoted(old)} {_quoted(new)}"
            words = ""
    yield words, f"mv {_quoted(target)} {_quoted(damaged)}"
    yield "fill the gaps", "tgtagger parse    (and each export once more: tgtagger parse PATH)"


def _lost(table: SavedTable) -> str:
    if table.knows_all:
        return number(table.lost)
    return f"{number(table.lost)} or more" if table.lost else "not known"


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
