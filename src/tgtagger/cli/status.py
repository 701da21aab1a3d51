"""`tgtagger status`: how everything stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from tgtagger.cli import channels
from tgtagger.cli.context import screen_of
from tgtagger.cli.opening import open_to_read
from tgtagger.cli.options import JsonOption
from tgtagger.cli.render import Screen
from tgtagger.cli.reports import advice, draw_failures
from tgtagger.cli.wording import ago, number, plural, size_of
from tgtagger.model.choices import PostStatus
from tgtagger.model.state import ArchiveState, DaySpent, Run
from tgtagger.runs import shapes
from tgtagger.runs.note import deeds_of

EPILOG = """Examples:
  tgtagger status
  tgtagger status --json | jq .posts

Exit codes:
   0  shown
   2  there is no database yet
   6  the database failed"""

_STYLES: Mapping[PostStatus, str] = {
    "tagged": "green", "pending": "yellow", "skipped": "bright_black", "failed": "red"
}  # fmt: skip


def command(ctx: typer.Context, *, as_json: JsonOption = False) -> int:
    """Show posts by status, channels, failures and the last runs."""
    screen = screen_of(ctx)
    with open_to_read(ctx) as store:
        state, path = store.status.archive(), store.place
    if as_json:
        screen.json(_with_advice(shapes.archive(state, path), state))
    else:
        _draw(screen, state, path)
    return 0


def _draw(screen: Screen, state: ArchiveState, path: Path | str) -> None:
    screen.heading(f"{path} · {size_of(state.size)} · {plural(state.tags, 'tag')}")
    screen.shares([(status, count, _STYLES[status]) for status, count in state.posts.items()])
    if state.posts["pending"]:
        screen.line(f"pending: {plural(state.posts['pending'], 'post')}; to tag them: tgtagger tag")
    if state.due:
        screen.line(
            f"due: {plural(state.due, 'failed post')}; to retry them: tgtagger retry-failed"
        )
    if state.rejected:
        screen.line(f"rejected: {plural(state.rejected, 'message')}; to see why: tgtagger doctor")
    screen.write()
    channels.draw(screen, state.channels)
    channels.draw_added(screen, state.followed)
    if state.failures:
        screen.write()
        draw_failures(screen, state.failures)
    if state.spent:
        screen.write()
        _draw_spent(screen, state.spent)
    if state.runs:
        screen.write()
        _draw_runs(screen, state.runs)


_ENDINGS: Mapping[int | None, str] = {
    None: "at work, or killed", 0: "all done", 1: "a bug", 2: "wrong settings or input",
    3: "you must act", 4: "a channel cannot be read", 5: "some posts failed",
    6: "the database failed", 75: "try later", 130: "Ctrl-C", 143: "SIGTERM",
}  # fmt: skip


def _ending(code: int | None) -> str:
    return _ENDINGS.get(code, f"exit code {code}")


def _did(summary: str | None) -> str:
    """Return a few words on what a run did, made of its summary."""
    counts = deeds_of(summary).counts
    names = (name for name in ("new", "updated", "tagged", "failed") if name in counts)
    return ", ".join(f"{number(counts[name])} {name}" for name in names)


def _draw_runs(screen: Screen, runs: tuple[Run, ...]) -> None:
    rows = [
        [
            str(run.id),
            run.command,
            ago(run.started_at),
            _ending(run.exit_code),
            _did(run.summary),
        ]
        for run in runs
    ]
    screen.table(["run", "command", "started", "ended with", "did"], rows)


def _draw_spent(screen: Screen, spent: tuple[DaySpent, ...]) -> None:
    rows = [
        [
            item.day,
            item.model,
            number(item.posts),
            "?" if item.prompt_tokens is None else number(item.prompt_tokens),
            "?" if item.completion_tokens is None else number(item.completion_tokens),
            "?" if item.cost_usd is None else f"{item.cost_usd:.4f}",
        ]
        for item in spent
    ]
    screen.table(["day", "model", "posts asked", "tokens in", "out", "USD"], rows)


def _with_advice(shape: dict[str, Any], state: ArchiveState) -> dict[str, Any]:
    """Return the shape with a hint for each class of failed posts."""
    failures = zip(shape["failures"], state.failures, strict=True)
    told = [{**each, "hint": advice(count)} for each, count in failures]
    return {**shape, "failures": told}
