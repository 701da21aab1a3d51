"""What several routes of the API take: the filters of posts, how many, after what."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from tgtagger.model.choices import PostStatus
from tgtagger.runs.pages import Wanted

MOST = 200

_Names = Annotated[str, Query(max_length=200)]

Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many.")]
After = Annotated[str, Query(max_length=500, description="`next` of the page before.")]
_WHEN = "`2026-01-31`, `2026-01-31T12:00`, `2026-01`, `2026`, `today`, `yesterday`, `12h`, `7d` …"


async def wanted_posts(
    query: Annotated[
        str,
        Query(
            max_length=2000,
            description="Words joined by AND, in any of their forms; `OR`, `NOT`, `-`, `(…)`, "
            '`"a phrase"`, `begin*`; `tag:`, `channel:`, `since:`, `has:photo`, `is:reply` …',
            examples=["storm -sea tag:weather since:30d"],
        ),
    ] = "",
    channel: Annotated[
        list[_Names] | None,
        Query(max_length=100, description="@name, id or title; repeated: any of them."),
    ] = None,
    tag: Annotated[
        list[_Names] | None, Query(max_length=100, description="Repeated: all of them.")
    ] = None,
    any_tag: Annotated[
        list[_Names] | None,
        Query(alias="any-tag", max_length=100, description="Repeated: any of them."),
    ] = None,
    not_tag: Annotated[
        list[_Names] | None,
        Query(alias="not-tag", max_length=100, description="Repeated: none of them."),
    ] = None,
    status: Annotated[
        list[PostStatus] | None, Query(max_length=4, description="Repeated: any of them.")
    ] = None,
    since: Annotated[
        str, Query(max_length=100, description=f"From then on: {_WHEN}", examples=["7d"])
    ] = "",
    until: Annotated[str, Query(max_length=100, description=f"Before: {_WHEN}")] = "",
) -> Wanted:
    """Return which posts are looked for."""
    return Wanted(
        query,
        channels=channel or (),
        tags=tag or (),
        any_tags=any_tag or (),
        not_tags=not_tag or (),
        statuses=status or (),
        since=since,
        until=until,
    )


WantedDep = Annotated[Wanted, Depends(wanted_posts)]
