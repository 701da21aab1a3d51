"""`tgtagger sync`: parse every channel, tag what is new, retry what is due. The line for cron."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.events import RunEvents
from tgtagger.cli.options import (
    AccountOption,
    ConcurrencyOption,
    JsonOption,
    LimitOption,
    MaxCostOption,
    MaxTimeOption,
    ModelOption,
    ProviderOption,
    RefreshOption,
    TaggerOption,
    ViaOption,
    VocabularyOption,
    tagging_settings,
    via_of,
)
from tgtagger.runs import shapes, sync
from tgtagger.runs.parse import ParseOptions
from tgtagger.runs.times import read_duration
from tgtagger.sources.plan import ReadOptions

EPILOG = """Examples:
  tgtagger sync                      all channels of the database
  tgtagger sync -q --max-time 10m    for cron: silent when all is well

sync reads all channels that are not paused. Then it tags the new posts. Then
it retries the failed posts that are due. While another sync, parse or tag is
at work, it ends at once with 75: cron can ignore that (see docs/cron.md).

Exit codes:
   0  all done
   2  wrong usage or settings
   3  you must act: sign in, or change the key, quota or model
   4  a channel cannot be read
   5  some posts were rejected or failed
   6  the database failed
  75  try later: another run is at work, a wait is too long, a limit is reached"""


def command(
    ctx: typer.Context,
    limit: LimitOption = None,
    refresh: RefreshOption = None,
    *,
    backfill: Annotated[
        bool | None,
        typer.Option(
            "--backfill/--no-backfill",
            help="Read all history; or read only new posts.",
            show_default=False,
        ),
    ] = None,
    via: ViaOption = "auto",
    account: AccountOption = "",
    tagger: TaggerOption = "",
    provider: ProviderOption = "",
    model: ModelOption = "",
    vocabulary: VocabularyOption = "",
    concurrency: ConcurrencyOption = "",
    max_cost: MaxCostOption = "",
    max_time: MaxTimeOption = "",
    as_json: JsonOption = False,
) -> int:
    """Read all channels, tag new posts, and retry failed posts that are due."""
    screen = screen_of(ctx)
    seconds = read_duration(max_time).total_seconds() if max_time else None
    deadline = None if seconds is None else time.monotonic() + seconds
    read_options = ReadOptions(limit, None, None, refresh, backfill)
    settings = tagging_settings(
        invocation(ctx), tagger, provider, model, vocabulary, concurrency, max_cost,
        account=account,
    )  # fmt: skip
    options = ParseOptions(read_options, via_of(via, account), deadline=deadline)
    report = sync.sync(settings, options, RunEvents(screen))
    if as_json:
        screen.json(shapes.sync_report(report))
    return report.code
