"""The page of runs: what each did, how it ended, what the models cost by day, an undo."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from tgtagger.model.state import DaySpent, Run
from tgtagger.runs.note import Deeds, deeds_of
from tgtagger.web import plots
from tgtagger.web.dependencies import ArchiveDep
from tgtagger.web.failures import why_ended
from tgtagger.web.language import Language, Texts
from tgtagger.web.plots import Plot
from tgtagger.web.rendering import page, words_of

router = APIRouter()

SHOWN = 30
DAYS = 60
"""Days of the plot of costs."""

COMMANDS: Texts = {
    "parse": "read channels",
    "tag": "tagged posts",
    "retry-failed": "tried failed posts again",
    "sync": "read and tagged",
}
DID: Texts = {
    "new": "{count} new",
    "updated": "{count} updated",
    "deleted": "{count} deleted",
    "rejected": "{count} could not be stored",
    "tagged": "{count} tagged",
    "skipped": "{count} without anything to tag",
    "failed": "{count} failed",
}
ENDINGS: Texts = {
    "None": "at work, or killed",
    "0": "all done",
    "1": "a bug",
    "2": "wrong settings or input",
    "3": "a person must act",
    "4": "a channel is not to be had",
    "5": "some posts failed",
    "6": "the database failed",
    "75": "to try later",
    "130": "stopped by a person",
    "143": "stopped by the system",
}


@router.get("/runs")
def runs(
    request: Request,
    archive: ArchiveDep,
    before: Annotated[int, Query(ge=1, le=2**31)] = 2**31,
    *,
    every: Annotated[bool, Query(alias="all")] = False,
) -> HTMLResponse:
    store, t = archive.store, words_of(request)
    found = store.runs.past(SHOWN + 1, before, eventful=not every)
    shown = found[:SHOWN]
    spent = archive.remember("spent", lambda: store.status.spent(DAYS))
    values = {
        "runs": [_Told(run, t) for run in shown],
        "undoable": store.changes.left_tags([run.id for run in shown]),
        "older": shown[-1].id if len(found) > SHOWN else None,
        "is_first": before == 2**31,
        "all": every,
        "plot": _plot(spent, t) if before == 2**31 else None,
        "models": _by_model(spent),
        "days": DAYS,
    }
    return page(request, "runs.html", values, part="runs")


class _Told:
    """A run in words."""

    def __init__(self, run: Run, t: Language) -> None:
        self.run = run
        self.deeds: Deeds = deeds_of(run.summary)
        self.command = t.text(COMMANDS.get(run.command, run.command))
        self.did = in_words(self.deeds, t)
        self.ending = t.text(ENDINGS.get(str(run.exit_code), str(run.exit_code)))
        self.is_well = run.exit_code == 0
        self.why, self.words = None, None
        if self.deeds.stopped is not None:
            self.why, self.words, _ = why_ended(*self.deeds.stopped, None, t)
        took = run.ended_at and run.ended_at - run.started_at
        self.took = took and str(dt.timedelta(seconds=round(took.total_seconds())))


def in_words(deeds: Deeds, t: Language) -> str:
    """Return what a run did, in a few words."""
    counts = deeds.counts.items()
    return ", ".join(t.text(DID[name], count=t.number(count)) for name, count in counts)


def _by_model(spent: Sequence[DaySpent]) -> dict[str, tuple[int, int, float]]:
    """Return the posts, the tokens and the cost of each model, the dearest first."""
    sums: dict[str, tuple[int, int, float]] = {}
    for each in spent:
        posts, tokens, cost = sums.get(each.model, (0, 0, 0.0))
        more = (each.prompt_tokens or 0) + (each.completion_tokens or 0)
        sums[each.model] = posts + each.posts, tokens + more, cost + (each.cost_usd or 0)
    return dict(sorted(sums.items(), key=lambda item: (-item[1][2], -item[1][0])))


def _plot(spent: Sequence[DaySpent], t: Language) -> tuple[Plot, str, str] | None:
    """Return what the models cost by day, its name and its unit; None: nothing was asked.

    Where no server told what it cost, the tokens are plotted; where none told those, the posts.
    """
    if any(each.cost_usd for each in spent):
        name, unit = t.text("What the models cost by day, USD"), "usd"
        values = [each.cost_usd or 0 for each in spent]
    elif any(each.prompt_tokens for each in spent):
        name, unit = t.text("Tokens by day"), "count"
        values = [(each.prompt_tokens or 0) + (each.completion_tokens or 0) for each in spent]
    else:
        name, unit = t.text("Posts that models were asked about by day"), "count"
        values = [each.posts for each in spent]
    days = [dt.date.fromisoformat(each.day) for each in spent]
    drawn = plots.over_time(zip(days, values, strict=True), "day")
    return None if drawn is None else (drawn, name, unit)
