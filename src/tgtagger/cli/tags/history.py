"""`tgtagger tags history` and `undo`: what was done to tags, by whom, and as it was before.

Tells each change as it was typed. Knows not what an undo restores: the store does.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tgtagger.cli.context import screen_of
from tgtagger.cli.opening import open_to_change, open_to_read
from tgtagger.cli.options import JsonOption
from tgtagger.cli.render import Screen
from tgtagger.cli.tags.changing import DryRunOption, YesOption, ask, shown
from tgtagger.cli.wording import ago, number, one_line, plural
from tgtagger.model.changes import PastChange, TakenBack
from tgtagger.runs import shapes
from tgtagger.runs.tags import undo as undo_change
from tgtagger.system.terminal_text import shell_word

UNDO_EPILOG = """Examples:
  tgtagger tags undo
  tgtagger tags undo 12 --dry-run
  tgtagger tags history"""


def undo(
    ctx: typer.Context,
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="[N]",
            min=1,
            max=2**31,
            help="The number of the change in tags history.",
            show_default=False,
        ),
    ] = None,
    *,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Undo the last change of tags, or change N: one of yours, an agent's session, or a run.

    After the undo of a run, its posts have the tags from before it, or are pending again. What you
    did since then stays. An undo is a change, too: undo it by its number.
    """
    with open_to_change(ctx) as store:
        if not (yes or dry_run):
            with shown(ctx, "looking what an undo changes", as_json=as_json) as live:
                found = undo_change(store, number, dry_run=True, on_steps=live.steps)
            number = found.change.number
            ask(found.posts, f"undo change {number} ({_named(found.change)})")
        with shown(ctx, "undoing", as_json=as_json) as live:
            undone = undo_change(store, number, dry_run=dry_run, on_steps=live.steps)
    screen = screen_of(ctx)
    if as_json:
        screen.json(shapes.taken_back(undone, dry_run=dry_run))
    else:
        _tell_undone(screen, undone, dry_run=dry_run)


def _tell_undone(screen: Screen, undone: TakenBack, *, dry_run: bool) -> None:
    change = undone.change
    done = "would undo" if dry_run else "undid"
    if change.by != "run":
        screen.line(f"{done} change {change.number} ({_named(change)}): "
                    f"{plural(undone.posts, 'post')} as before")  # fmt: skip
    elif not undone.posts:
        screen.line(f"nothing of run {change.number} is left to undo")
    else:
        screen.line(
            f"{done} run {change.number}: {plural(undone.links, 'tag')} removed from "
            f"{plural(undone.posts, 'post')}; {plural(undone.tags, 'tag')} were on no other post"
        )
        if undone.posts > undone.pending:
            as_before = plural(undone.posts - undone.pending, "post")
            screen.line(f"with the tags from before the run again: {as_before}")
    if undone.kept:
        screen.line(f"unchanged, with new tags since then: {plural(undone.kept, 'post')}")
    if undone.pending and not dry_run:
        screen.line(
            f"pending again: {plural(undone.pending, 'post')}. Before you tag, change the model, "
            "prompt or vocabulary: else the tags will be the same"
        )
    if undone.undo is not None and not dry_run:
        screen.say(f"to undo this: tgtagger tags undo {undone.undo}")


def _named(change: PastChange) -> str:
    """Return a change as it was typed: `merge AI нейросети --into ИИ`."""
    names = [*map(shell_word, change.names)]
    if change.undoes is not None:
        return f"undo {change.undoes}"
    if change.by == "run":
        return f"{change.what} with {' '.join(names)}"
    if change.by == "agent":
        return one_line(f"agent: {' '.join(names)}")
    if change.what == "merge":
        names.insert(-1, "--into")
    what, end = ("alias", " --remove") if change.what == "unalias" else (change.what, "")
    return one_line(f"{what} {' '.join(names)}{end}")


HISTORY_EPILOG = """Examples:
  tgtagger tags history
  tgtagger tags history --limit 100 --json"""


def history(
    ctx: typer.Context,
    *,
    most: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=2**31, help="At most N changes.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the changes of tags, by you, by agents and by runs."""
    screen = screen_of(ctx)
    with open_to_read(ctx) as store:
        found, swept = store.changes.past(most), store.changes.swept_until()
    if as_json:
        screen.json([shapes.past_change(change) for change in found])
        return
    if not found:
        screen.say("no changes of tags yet" if swept is None else "no changes of tags lately")
    else:
        rows = [
            [str(change.number), ago(change.at), _named(change), number(change.posts),
             f"undone {ago(change.undone_at)}" if change.undone_at else ""]
            for change in found
        ]  # fmt: skip
        with screen.paged():
            screen.table(["number", "when", "change", "posts", ""], rows)
    if swept is not None:
        screen.sum_up(f"changes up to {swept:%Y-%m-%d} are no longer kept, and cannot be undone")
