"""`tgtagger work`: do the jobs that were asked for in the browser, or by the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.options import JsonOption, MaxTimeOption
from tgtagger.runs.times import read_duration

if TYPE_CHECKING:
    from tgtagger.model.jobs import Job

EPILOG = """Examples:
  tgtagger work                     until Ctrl-C
  tgtagger work --max-time 10m      for cron, beside: tgtagger serve --no-worker

Jobs are asked for in the pages of tgtagger serve, or by its API, and kept in
the database: none is lost when a worker dies, and the next one goes on with it.
One that reads waits while a run of cron's reads. tgtagger serve has a worker of
its own; several workers do no job twice, and tag together.

Exit codes:
  0 the time is over (a job that is not done stays queued) · 2 usage or settings
  6 the database failed · 75 a rescue of it is at work
  130 and 143 ended by Ctrl-C and SIGTERM"""


def command(
    ctx: typer.Context,
    max_time: MaxTimeOption = "",
    *,
    as_json: JsonOption = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
    lane: Annotated[str, typer.Option("--lane", hidden=True)] = "",
) -> int:
    """Do the jobs that were asked for in the browser, or by the API."""
    from tgtagger.cli.hints import hint_of
    from tgtagger.cli.reports import tell_job
    from tgtagger.errors import TryLater
    from tgtagger.runs import shapes, work, workers
    from tgtagger.system import parent

    if with_parent or lane:
        parent.end_with_parent()
    called, screen = invocation(ctx), screen_of(ctx)
    settings = called.settings()
    if lane:  # the process that the worker starts for some jobs
        try:
            work.work_off(settings, work.LANES[lane], hint_of)
        except TryLater as busy:
            if busy.data.get("run") != "lead":
                raise
            return busy.exit_code  # another worker was a moment quicker: the job is in its hands
        return 0

    def tell(job: Job) -> None:
        if as_json:
            screen.json(shapes.job(job))
        else:
            tell_job(screen, job)

    workers.work(
        settings,
        lambda wanted: [*called.again(settings), "work", "--lane", wanted.name],
        ended=tell,
        idle=lambda: None if with_parent else screen.sum_up("no job is queued: waiting for one"),
        seconds=read_duration(max_time).total_seconds() if max_time else None,
    )
    return 0
