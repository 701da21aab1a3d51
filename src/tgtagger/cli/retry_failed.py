"""`tgtagger retry-failed`: try again what failed."""

from __future__ import annotations

from typing import Annotated

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.events import RunEvents
from tgtagger.cli.options import ChannelsOption, JsonOption, LimitOption
from tgtagger.cli.reports import tell_failures, tell_tag
from tgtagger.cli.tag import show_estimate
from tgtagger.model.posts import PostFilter
from tgtagger.runs import shapes, tag
from tgtagger.runs.query import read_classes
from tgtagger.runs.tag import TagOptions

EPILOG = """Examples:
  tgtagger retry-failed                        failed posts that are due
  tgtagger retry-failed --force                all failed posts, now
  tgtagger retry-failed --force --class refused
  tgtagger retry-failed --dry-run

A failed post is due again after 5 minutes, 1 hour, 6 hours, then every 24
hours. It gets 5 tries at most (TGTAGGER_MAX_ATTEMPTS). A post that no new try
can help waits for --force.

Exit codes:
   0  all done
   2  wrong usage or settings
   3  you must act: the key, the quota or the model
   5  some posts failed again
   6  the database failed
  75  try later"""


def command(
    ctx: typer.Context,
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="All failed posts, also those that are not due."),
    ] = False,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class", metavar="CLASS", help="Only this class of failures (repeat for more)."
        ),
    ] = None,
    channel: ChannelsOption = None,
    limit: LimitOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show posts, requests, cost and time. Send nothing."),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Tag failed posts again when they are due."""
    screen = screen_of(ctx)
    wanted = PostFilter(
        channels=tuple(channel or ()), failures=read_classes(classes or ()), limit=limit
    )
    options = TagOptions(wanted, "failed" if force else "due")
    settings = invocation(ctx).settings()
    if dry_run:
        show_estimate(screen, settings, options, as_json=as_json)
        return 0
    events = RunEvents(screen)
    with tag.prepared(settings, options, events) as tagging:
        summary = tagging.run(events)
        failures = () if as_json else tagging.store.status.archive().failures
    if as_json:
        screen.json(shapes.tag_summary(summary))
        return summary.code
    are_left = failures and not force
    waits = "no failed post is due (to retry all: --force)" if are_left else "no post has failed"
    tell_tag(screen, summary, nothing=f"nothing to retry: {waits}", sums_up=True)
    if failures or summary.posts:
        tell_failures(screen, failures)
    return summary.code
