"""The filters that search and export share."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from tgtagger.cli import completion
from tgtagger.cli.queries import read_query
from tgtagger.cli.times import since_until
from tgtagger.errors import InputError
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Status

StatusOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="pending, tagged, skipped or failed (repeat: any).",
        autocompletion=completion.statuses,
    ),
]
_STATUSES = ("pending", "tagged", "skipped", "failed")


def read_filter(
    *,
    query: str | None,
    channels: list[str] | None,
    tags: list[str] | None,
    any_tags: list[str] | None,
    not_tags: list[str] | None,
    since: str,
    until: str,
    statuses: list[str] | None,
    limit: int | None,
) -> PostFilter:
    """Return the filter that the options of a command make, and the query's own filters."""
    asked = read_query(query or "")
    for option, name in ((since, "since"), (until, "until")):
        if option and getattr(asked, name):
            raise InputError(f"{name} stands in the query and as an option", hint="leave one out")
    statuses = [*(statuses or ()), *asked.statuses]
    for status in statuses:
        if status not in _STATUSES:
            raise InputError(f"no status {status!r}", hint="one of: " + ", ".join(_STATUSES))
    first, last = since_until(since or asked.since, until or asked.until)
    return PostFilter(
        channels=(*(channels or ()), *asked.channels),
        tags=(*(tags or ()), *asked.tags),
        any_tags=tuple(any_tags or ()),
        not_tags=(*(not_tags or ()), *asked.not_tags),
        since=first,
        until=last,
        statuses=cast("tuple[Status, ...]", tuple(statuses)),
        query=asked.words or None,
        limit=limit,
    )
