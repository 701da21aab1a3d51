"""`tgtagger status`: how everything stands."""

from __future__ import annotations

import json
from typing import Any

import typer

from tgtagger.cli import advice, channels, report, runs
from tgtagger.cli.options import JsonOption
from tgtagger.cli.render import ago, megabytes, number, plural
from tgtagger.views import ArchiveState

EPILOG = """Exit codes:
  0 shown · 2 no database yet · 6 database"""

_TIME = "%Y-%m-%dT%H:%M:%SZ"


def command(ctx: typer.Context, *, as_json: JsonOption = False) -> int:
    """Say how everything stands: posts by status, channels, failures, the last runs."""
    screen = runs.screen_of(ctx)
    with runs.open_to_read(ctx) as store:
        state, path = store.state(), store.path
    if as_json:
        screen.json(_as_json(state, str(path)))
        return 0
    screen.heading(f"{path} · {megabytes(state.size)} · {plural(state.tags, 'tag')}")
    counts = [f"{number(count)} {status}" for status, count in state.posts.items() if count]
    screen.line("posts: " + (", ".join(counts) or "none yet"))
    if state.rejected:
        screen.line(f"rejected: {plural(state.rejected, 'message')}: see tgtagger doctor")
    screen.write()
    channels.draw(screen, state.channels)
    if state.failures:
        screen.write()
        report.draw_failures(screen, state.failures)
    if state.runs:
        screen.write()
        rows = [
            [str(run.id), run.command, ago(run.started_at), _ending(run.exit_code)]
            for run in state.runs
        ]
        screen.table(["run", "command", "started", "ended with"], rows)
    return 0


def _ending(code: int | None) -> str:
    return {None: "at work, or killed", 0: "all done"}.get(code, f"exit code {code}")


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
