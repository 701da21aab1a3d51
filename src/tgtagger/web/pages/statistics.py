"""The page of statistics: posts and tags over time, tags that rise, channels."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from tgtagger.model.counts import DayCount
from tgtagger.store import Store
from tgtagger.web import plots
from tgtagger.web.dependencies import Archive, ArchiveDep
from tgtagger.web.pages.tags import counted
from tgtagger.web.rendering import page

router = APIRouter()

TRENDS = 10
"""Tags with a line of their own: the most used."""
RISING, RISING_DAYS = 10, 30


@router.get("/statistics")
def statistics(request: Request, archive: ArchiveDep) -> HTMLResponse:
    store = archive.store
    state = archive.remember("state", store.status.archive)
    days = archive.remember("days", store.statistics.posts_by_day)
    values = {
        "state": state,
        "posts": sum(state.posts.values()),
        "plot": plots.over_time((each.day, each.posts) for each in days),
        "trends": _trends(archive, days) if days else (),
        "rising": archive.remember("rising", lambda: store.statistics.rising(RISING_DAYS, RISING)),
        "rising_days": RISING_DAYS,
        "channels": sorted(state.channels, key=lambda each: -each.posts),
    }
    return page(request, "statistics.html", values, part="statistics")


def _trends(archive: Archive, days: Sequence[DayCount]) -> list[tuple[str, int, plots.Line]]:
    """Return the most used tags, each with its posts and its line over the time of all posts."""
    tags = [(tag.name, tag.posts) for tag in counted(archive)[:TRENDS] if tag.posts]
    series = archive.remember("trends", lambda: _by_day(archive.store, [name for name, _ in tags]))
    return [
        (
            name,
            posts,
            plots.line_of(
                ((each.day, each.posts) for each in series[name]), days[0].day, days[-1].day
            ),
        )
        for name, posts in tags
        if name in series  # counted a moment apart
    ]


def _by_day(store: Store, names: Sequence[str]) -> dict[str, tuple[DayCount, ...]]:
    return {name: store.statistics.tag_by_day(name) for name in names}
