"""The filters that search and export share."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from tgtagger.cli.times import since_until
from tgtagger.errors import InputError
from tgtagger.outcomes import Status
from tgtagger.types import PostFilter

StatusOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status", metavar="STATUS", help="pending, tagged, skipped or failed (repeat: any)."
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
    """Return the filter that the options of a command make."""
    for status in statuses or ():
        if status not in _STATUSES:
            raise InputError(f"no status {status!r}", hint="one of: " + ", ".join(_STATUSES))
    first, last = since_until(since, until)
    return PostFilter(
        channels=tuple(channels or ()),
        tags=tuple(tags or ()),
        any_tags=tuple(any_tags or ()),
        not_tags=tuple(not_tags or ()),
        since=first,
        until=last,
        statuses=cast("tuple[Status, ...]", tuple(statuses or ())),
        query=query,
        limit=limit,
    )
