"""`tgtagger status`: how everything stands."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import typer

from tgtagger.cli import advice, channels, context, reports
from tgtagger.cli.options import JsonOption
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import ago, megabytes, number, plural
from tgtagger.model.archive import ArchiveState, DaySpent

EPILOG = """Examples:
  tgtagger status
  tgtagger status --json | jq .posts

Exit codes:
  0 shown · 2 no database yet · 6 database"""

_STYLES = {"tagged": "green", "pending": "yellow", "skipped": "bright_black", "failed": "red"}
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def command(ctx: typer.Context, *, as_json: JsonOption = False) -> int:
    """Say how everything stands: posts by status, channels, failures, the last runs."""
    screen = context.screen_of(ctx)
    with context.open_to_read(ctx) as store:
        state, path = store.status.archive(), store.path
    if as_json:
        screen.json(_as_json(state, str(path)))
        return 0
    screen.heading(f"{path} · {megabytes(state.size)} · {plural(state.tags, 'tag')}")
    screen.shares([(status, count, _STYLES[status]) for status, count in state.posts.items()])
    if state.posts["pending"]:
        screen.line(f"to be tagged: {plural(state.posts['pending'], 'post')}: tgtagger tag")
    if state.due:
        screen.line(f"due again: {plural(state.due, 'post')}: tgtagger retry-failed")
    if state.rejected:
        screen.line(f"rejected: {plural(state.rejected, 'message')}: see tgtagger doctor")
    screen.write()
    channels.draw(screen, state.channels)
    channels.draw_added(screen, state.followed)
    if state.failures:
        screen.write()
        reports.draw_failures(screen, state.failures)
    if state.spent:
        screen.write()
        _draw_spent(screen, state.spent)
    if state.runs:
        screen.write()
        rows = [
            [
                str(run.id),
                run.command,
                ago(run.started_at),
                _ending(run.exit_code),
                _did(run.summary),
            ]
            for run in state.runs
        ]
        screen.table(["run", "command", "started", "ended with", "did"], rows)
    return 0


def _ending(code: int | None) -> str:
    return {None: "at work, or killed", 0: "all done"}.get(code, f"exit code {code}")


def _did(summary: str | None) -> str:
    """Say in a few words what a run did, by its summary."""
    told = json.loads(summary) if summary else None
    if not isinstance(told, dict):
        return ""
    parts = [told, *(told.get(name) for name in ("parse", "tag", "retry"))]  # of sync
    words = [
        f"{number(count)} {name}"
        for part in parts
        if isinstance(part, dict)
        for name in ("new", "updated", "tagged", "failed")
        if isinstance(count := part.get(name), int) and count
    ]
    return ", ".join(words)


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


def _as_json(state: ArchiveState, path: str) -> dict[str, Any]:
    return {
        "posts": state.posts,
        "failures": [
            {
                "class": item.failure,
                "count": item.count,
                "last_error": item.last_error,
                "next_due": item.next_due and f"{item.next_due:{_TIME}}",
                "hint": advice.about(item.failure, is_due=item.next_due is not None),
            }
            for item in state.failures
        ],
        "channels": [channels.as_json_object(item) for item in state.channels],
        "due": state.due,
        "added": state.followed,
        "spent": [asdict(item) for item in state.spent],
        "tags": state.tags,
        "rejected": state.rejected,
        "runs": [
            {
                "id": run.id,
                "command": run.command,
                "started_at": f"{run.started_at:{_TIME}}",
                "ended_at": run.ended_at and f"{run.ended_at:{_TIME}}",
                "exit_code": run.exit_code,
                "summary": run.summary and json.loads(run.summary),
            }
            for run in state.runs
        ],
        "database": {"url": f"sqlite:///{path}", "schema": state.schema, "bytes": state.size},
    }
