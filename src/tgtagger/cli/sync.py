"""`tgtagger sync`: parse every channel, tag what is new, retry what is due. The line for cron."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from tgtagger.cli import context, parsing, reports, tagging
from tgtagger.cli.hints import hint_of
from tgtagger.cli.options import (
    AccountOption,
    ConcurrencyOption,
    Invocation,
    JsonOption,
    LimitOption,
    MaxCostOption,
    MaxTimeOption,
    ModelOption,
    RefreshOption,
    TaggerOption,
    Via,
    ViaOption,
    VocabularyOption,
    invocation,
    tagging_flags,
)
from tgtagger.cli.render import Screen
from tgtagger.cli.taggers import make_tagger
from tgtagger.cli.times import read_duration
from tgtagger.errors import Locked, StoreError, TgTaggerError, exit_code
from tgtagger.sources.plan import ReadOptions
from tgtagger.store import Store

EPILOG = """Examples:
  tgtagger sync                      every channel of the archive
  tgtagger sync -q --max-time 10m    for cron: silent when all is well

First every channel that is not paused is read, then new posts are tagged, then
what failed and is due is tried again. A second sync, parse or tag that finds
one at work leaves at once with 75; cron can ignore that (see docs/cron.md).

Exit codes:
  0 all done · 2 usage or settings · 3 a person must act · 4 a channel is not to
  be had · 5 some posts were rejected or failed · 6 the database failed
  75 try later: another run is at work, a wait was too long, a cap was reached"""


def command(
    ctx: typer.Context,
    limit: LimitOption = None,
    refresh: RefreshOption = None,
    *,
    backfill: Annotated[
        bool | None,
        typer.Option(
            "--backfill/--no-backfill",
            help="Read all history; or only what is new.",
            show_default=False,
        ),
    ] = None,
    via: ViaOption = Via.auto,
    account: AccountOption = "",
    tagger: TaggerOption = "",
    model: ModelOption = "",
    vocabulary: VocabularyOption = "",
    concurrency: ConcurrencyOption = "",
    max_cost: MaxCostOption = "",
    max_time: MaxTimeOption = "",
    as_json: JsonOption = False,
) -> int:
    """Read every channel, tag what is new, try again what is due."""
    called, screen = invocation(ctx), context.screen_of(ctx)
    flags = tagging_flags(tagger, model, vocabulary, concurrency, max_cost)
    flags["account"] = account
    seconds = read_duration(max_time).total_seconds() if max_time else None
    read_options = ReadOptions(limit, None, None, refresh, backfill)
    deadline = None if seconds is None else time.monotonic() + seconds
    reading = parsing.ParseOptions(read_options, via.value, deadline=deadline)
    summary, code = sync(called, screen, reading, **flags)
    if as_json:
        screen.json(summary)
    return code


def sync(
    called: Invocation,
    screen: Screen,
    reading: parsing.ParseOptions,
    **flags: str | None,
) -> tuple[dict[str, Any], int]:
    """Do all three under both locks; return the summary and the exit code."""
    settings = called.settings(**flags)
    if settings.tagger == "llm":
        settings.check_llm()
    with Store.open(settings.db) as store, store.lock("parse"), store.lock("tag"):
        first = make_tagger(settings, store)
        with context.noted_run(store, "sync", first.provenances[0]) as note:
            parsed, code = _parse(store, screen, settings, reading)
            summary: dict[str, Any] = {"parse": parsed, "tag": None, "retry": None}
            codes = [code]
            queues: tuple[tuple[str, tagging.Queue], ...] = (("tag", "pending"), ("retry", "due"))
            spent = 0.0
            for name, queue in queues:
                end = reading.deadline
                left = None if end is None else end - time.monotonic()
                engine = make_tagger(settings, store, max_time=left, spent=spent)
                options = tagging.TagOptions(queue=queue)
                told, code = tagging.tag_into(
                    store, screen, settings, engine, options, note.number, seconds=left
                )
                summary[name] = told
                codes.append(code)
                spent += told["cost_usd"] or 0.0
                if told["tagged"] or told["skipped"] or told["failed"] or told["stopped"]:
                    reports.tell_tag(screen, told)
                if told["stopped"]:
                    break  # what stopped new posts would stop old ones, too
            note.summary, note.code = summary, exit_code(codes)
        return summary, note.code


def _parse(
    store: Store, screen: Screen, settings: Any, options: parsing.ParseOptions
) -> tuple[dict[str, Any], int]:
    """Read every channel; what ends that as a whole is no reason not to tag."""
    try:
        reports, code = parsing.parse_into(store, screen, settings, (), options)
    except (StoreError, Locked):
        raise
    except TgTaggerError as error:
        screen.warn(f"error: {error.message}")
        if hint := hint_of(error):
            screen.warn(f"hint: {hint}")
        return parsing.parse_summary([]) | {"error": error.message}, error.exit_code
    parsing.tell_parse(screen, reports)
    return parsing.parse_summary(reports), code
