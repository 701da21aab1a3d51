"""The tools that read: posts, tags, channels, counts, the state of the archive.

Each looks for at most fifty things, and gives fewer where they are large; a cursor leads on, for
ever. Each says what the archive has not read. Knows no transport.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from tgtagger.errors import InputError
from tgtagger.mcp import answers
from tgtagger.mcp.answers import MOST, Coverage, fitted, fitting_part, room, size
from tgtagger.mcp.items import (
    added_name,
    buckets_of,
    channel_number,
    channel_of,
    coverage_of,
    hit_of,
    job_of,
    moment,
    post_of,
    tag_of,
)
from tgtagger.mcp.marks import Marks, plain
from tgtagger.model.channels import ChannelState
from tgtagger.model.choices import PostStatus
from tgtagger.model.counts import GroupCount, RisingTag
from tgtagger.model.posts import PostFilter
from tgtagger.model.stored import FoundPost
from tgtagger.model.tags import ListedTag
from tgtagger.model.times import iso
from tgtagger.runs.archive import Archive
from tgtagger.runs.jobs import has_worker
from tgtagger.runs.pages import (
    Wanted,
    cursor_of,
    cut,
    read_cursor,
    read_key,
    read_page,
    write_key,
)
from tgtagger.runs.times import since_until

T = TypeVar("T")

_COUNTED = 1000
_DAYS = 30

Names = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=MOST)]
Limit = Annotated[int, Field(ge=1, le=MOST, description="At most so many.")]
Cursor = Annotated[
    str, Field(max_length=1000, description="`next_cursor` of the answer before; same filters.")
]
_WHEN = "2026-01-31, 2026-01, 2026, today, yesterday, 12h, 7d, 3mo, 1y"
Since = Annotated[str, Field(max_length=100, description=f"From then on: {_WHEN}.")]
Until = Annotated[str, Field(max_length=100, description=f"Before then: {_WHEN}.")]
Channels = Annotated[Names, Field(description="@username or number: any of them.")]
AllTags = Annotated[Names, Field(description="All of these tags.")]
Tag = Annotated[str, Field(max_length=200, description="A tag, or an alias of one.")]
PostRef = Annotated[str, Field(max_length=200, description="A post, as an answer names it.")]


@dataclass(frozen=True, slots=True)
class Reading:
    """The tools that read an archive."""

    archive: Archive
    may_write: bool = False

    def search_posts(
        self,
        query: Annotated[
            str,
            Field(
                max_length=2000,
                description='Words joined by AND, in any of their forms; OR, NOT, -, (…), "a '
                'phrase", begin*; has:photo, is:reply, is:forward.',
            ),
        ] = "",
        channels: Channels = [],  # noqa: B006 -- pydantic copies it
        tags: AllTags = [],  # noqa: B006
        any_tags: Annotated[Names, Field(description="Any of these tags.")] = [],  # noqa: B006
        not_tags: Annotated[Names, Field(description="None of these tags.")] = [],  # noqa: B006
        statuses: Annotated[list[PostStatus], Field(max_length=4)] = [],  # noqa: B006
        since: Since = "",
        until: Until = "",
        sort: Literal["date", "relevance"] = "date",
        limit: Limit = 20,
        cursor: Cursor = "",
    ) -> answers.Found:
        """Search the posts of the archive by words, tags, channels and time, the newest first.

        Word forms are found, Russian and English. Each hit has the part of the text with the
        words; get_posts has the whole text. An empty result proves nothing where `coverage` says
        that messages are unread.
        """
        wanted = Wanted(query, channels, tags, any_tags, not_tags, statuses, since, until)
        store, marks = self.archive.store, Marks()
        if sort == "date":
            page = read_page(store, wanted, limit, after=cursor)
            found, has_more, begin = page.posts, page.older is not None, 0
        else:
            (begin,) = _numbers(cursor, _ranked(wanted), 1)
            ranked = store.records.search(wanted.filter(begin + limit + 1), by_relevance=True)
            found = tuple(islice(ranked, begin, None))
            found, has_more = found[:limit], len(found) > limit
        total = store.queue.count(wanted.filter(_COUNTED))
        near = () if total else store.records.near(wanted.filter())
        answer = answers.Found(
            notice=marks.notice,
            posts=[],
            total=total,
            similar_words=[plain(word) for word in near[:5]],
            next_cursor=None,
            coverage=self._coverage(channels),
        )
        hits = [hit_of(each, marks) for each in found]
        cursors = (
            [cursor_of(each, wanted) for each in found]
            if sort == "date"
            else [write_key((begin + at,), _ranked(wanted)) for at in range(1, len(found) + 1)]
        )
        answer.posts = fitted(answer, hits, cursors, has_more=has_more)
        return answer

    def list_posts(
        self,
        around: Annotated[
            str, Field(max_length=200, description="A post: what was posted around it.")
        ] = "",
        before: Annotated[
            str, Field(max_length=200, description="A post: what was posted before it.")
        ] = "",
        after: Annotated[
            str, Field(max_length=200, description="A post: what was posted after it.")
        ] = "",
        channels: Channels = [],  # noqa: B006
        tags: AllTags = [],  # noqa: B006
        since: Since = "",
        until: Until = "",
        limit: Limit = 20,
        cursor: Annotated[
            str,
            Field(max_length=1000, description="`next_cursor` or `newer_cursor`; same filters."),
        ] = "",
        *,
        whole_text: Annotated[
            bool, Field(description="The whole texts; else their beginnings.")
        ] = False,
    ) -> answers.Listed:
        """List posts by time, the newest first: of channels, of tags, or around one post.

        Around, before and after a post are meant within its channel, unless `channels` or `tags`
        are given.
        """
        store, marks = self.archive.store, Marks()
        anchors = {"around": around, "before": before, "after": after}
        given = [name for name, post in anchors.items() if post]
        if len(given) > 1:
            raise InputError("posts_of_several", given=" and ".join(given))
        side, place = "", None
        if given:
            (side,) = given
            details = store.records.post(anchors[side])
            place = details.key
            if not channels and not tags:
                channels = [channel_number(details.post.id.channel_id)]
        wanted = Wanted(channels=channels, tags=tags, since=since, until=until)
        if cursor:
            side = "after" if cursor.startswith(_NEWER) else "before"
            place = read_cursor(cursor.removeprefix(_NEWER), wanted)
        found, has_newer, has_older = self._beside(wanted.filter(), limit, side, place)
        answer = answers.Listed(
            notice=marks.notice,
            posts=[],
            newer_cursor=None,
            next_cursor=None,
            coverage=self._coverage(channels),
        )
        hits = [hit_of(each, marks, is_whole=whole_text) for each in found]
        middle = place if side == "around" else None
        keys = [each.key for each in found]
        first, last = fitting_part(answer, hits, keys, middle, is_newer=side == "after")
        if found and (has_newer or first > 0):
            answer.newer_cursor = _NEWER + cursor_of(found[first], wanted)
        if found and (has_older or last < len(found)):
            answer.next_cursor = cursor_of(found[last - 1], wanted)
        answer.posts = list(hits[first:last])
        return answer

    def get_posts(
        self,
        posts: Annotated[
            list[PostRef], Field(min_length=1, max_length=MOST, description="Posts by their names.")
        ],
        cursor: Cursor = "",
    ) -> answers.Posts:
        """Read posts whole: text, tags with who gave each, media, counters.

        What does not fit into one answer follows with `next_cursor`, also the rest of a long text.
        """
        store, marks, of = self.archive.store, Marks(), "\n".join(posts)
        begin, offset = _numbers(cursor, of, 2)
        answer = answers.Posts(notice=marks.notice, posts=[], next_cursor=None)
        answer.next_cursor = write_key((MOST, 10**6), of)  # its room is kept
        left = room(answer)
        answer.next_cursor = None
        for at in range(begin, len(posts)):
            item, end = post_of(store.records.post(posts[at]), marks, offset)
            left -= size(item)
            if left < 0 and answer.posts:
                answer.next_cursor = write_key((at, offset), of)
                break
            answer.posts.append(item)
            if item.text_goes_on:
                answer.next_cursor = write_key((at, end), of)
                break
            offset = 0
        return answer

    def list_tags(
        self,
        contains: Annotated[
            str, Field(max_length=100, description="Letters in the tag or in an alias.")
        ] = "",
        limit: Limit = MOST,
        cursor: Cursor = "",
    ) -> answers.Tags:
        """List the tags with how many posts each has, the most used first."""
        part = contains.strip().casefold()
        known = self._remember("tags", self.archive.store.tags.listed)
        found = [each for each in known if _has_letters(part, each.name, *each.aliases)]
        of = f"tags {part}"
        items, following = cut(found, _by_use, limit, cursor, of=of)
        answer = answers.Tags(
            notice=Marks().notice, tags=[], next_cursor=None, coverage=self._coverage(())
        )
        cursors = [write_key(_by_use(each), of) for each in items]
        tags = [tag_of(each) for each in items]
        answer.tags = fitted(answer, tags, cursors, has_more=following is not None)
        return answer

    def list_channels(
        self,
        contains: Annotated[
            str, Field(max_length=100, description="Letters in the title or username.")
        ] = "",
        limit: Limit = MOST,
        cursor: Cursor = "",
    ) -> answers.Channels:
        """List the channels of the archive with how much of each is read."""
        marks, part = Marks(), contains.strip().casefold()
        found = [
            each
            for each in sorted(self._channels(), key=_by_id)
            if _has_letters(part, each.channel.title, each.channel.username or "")
        ]
        of = f"channels {part}"
        items, following = cut(found, _by_id, limit, cursor, of=of)
        answer = answers.Channels(
            notice=marks.notice,
            channels=[],
            not_read=[added_name(source) for source in self._not_read()[:20]],
            next_cursor=None,
            coverage=self._coverage(()),
        )
        cursors = [write_key(_by_id(each), of) for each in items]
        channels = [channel_of(each, marks) for each in items]
        answer.channels = fitted(answer, channels, cursors, has_more=following is not None)
        return answer

    def tag_stats(
        self,
        tag: Tag = "",
        by: Literal["day", "week"] = "week",
        since: Since = "",
        until: Until = "",
        limit: Limit = MOST,
        cursor: Cursor = "",
    ) -> answers.Stats:
        """Count posts by day or week, of one tag or of all; the latest first.

        With a tag: also which tags go together with it. Without: also which tags rise.
        """
        store, marks = self.archive.store, Marks()
        counts = store.statistics
        days = counts.tag_by_day(tag) if tag else self._remember("days", counts.posts_by_day)
        begin, end = since_until(since, until)
        first = begin.date() if begin else dt.date.min
        last = (end - dt.timedelta.resolution).date() if end else dt.date.max
        buckets = buckets_of([day for day in days if first <= day.day <= last], by)
        related, rising = tuple[GroupCount, ...](), tuple[RisingTag, ...]()
        if tag and not cursor:
            related = counts.related(tag, 10)
        elif not cursor:
            rising = self._remember("rising tags", partial(counts.rising, _DAYS, 10))
        of = f"stats {tag}\n{by}\n{since}\n{until}"
        items, following = cut(buckets, lambda each: (-each[0].toordinal(),), limit, cursor, of=of)
        return answers.Stats(
            notice=marks.notice,
            tag=plain(counts.tag(tag).name) if tag else None,
            by=by,
            posts=sum(posts for _, posts in buckets),
            buckets=[answers.Bucket(begins=str(day), posts=posts) for day, posts in items],
            related=[
                answers.Related(tag=plain(each.name or ""), posts=each.posts) for each in related
            ],
            rising=[
                answers.Rising(
                    tag=plain(each.name), last_30_days=each.late, the_30_days_before=each.early
                )
                for each in rising
            ],
            next_cursor=following,
            coverage=self._coverage(()),
        )

    def archive_status(self) -> answers.Status:
        """Tell how much is stored, tagged and failed, what runs lately did, what is not read."""
        store, marks = self.archive.store, Marks()
        state = self._remember("state", store.status.archive)
        return answers.Status(
            notice=marks.notice,
            posts=state.posts,
            channels=len(state.channels),
            tags=state.tags,
            failures=[
                answers.Failure(
                    kind=each.failure,
                    posts=each.count,
                    next_due=moment(each.next_due),
                )
                for each in state.failures
            ],
            due=state.due,
            last_runs=[
                answers.Run(
                    number=each.id,
                    command=each.command,
                    started_at=iso(each.started_at),
                    ended_at=moment(each.ended_at),
                    exit_code=each.exit_code,
                )
                for each in state.runs[:5]
            ],
            jobs=[job_of(each) for each in store.jobs.latest(5)],
            has_worker=has_worker(store),
            may_write=self.may_write,
            coverage=self._coverage(()),
        )

    # ---- parts

    def _beside(
        self, asked: PostFilter, limit: int, side: str, place: int | None
    ) -> tuple[Sequence[FoundPost], bool, bool]:
        """Return posts on a side of a place, the newest first; whether newer and older ones follow.

        Without a side: the newest of all.
        """
        page = self.archive.store.records.page
        if side == "after":
            found, has_newer = page(asked, limit, before=place)
            return found, has_newer, True
        if side == "around":
            assert place is not None
            half = max(1, limit // 2)
            above, has_newer = page(asked, half, before=place)
            below, has_older = page(asked, max(1, limit - half), after=place + 1)
            return (*above, *below), has_newer, has_older
        found, has_older = page(asked, limit, after=place)
        return found, False, has_older

    def _remember(self, name: str, count: Callable[[], T]) -> T:
        return self.archive.remember(f"agents' {name}", count, is_exact=True)

    def _channels(self) -> tuple[ChannelState, ...]:
        return self._remember("channels", self.archive.store.status.channels)

    def _not_read(self) -> Sequence[str]:
        return self._remember("sources", self.archive.store.channels.followed_sources)

    def _coverage(self, names: Sequence[str]) -> Coverage:
        """Return what the archive has of these channels; of none named, of all."""
        chosen = self._channels()
        if names:
            ids = set(self.archive.store.channels.identify(names))
            chosen = tuple(each for each in chosen if each.channel.id in ids)
        return coverage_of(chosen, added=0 if names else len(self._not_read()))


_NEWER = "~"
"""What a cursor begins with that leads to newer posts."""


def _ranked(wanted: Wanted) -> str:
    return f"ranked {wanted.mark.hex()}"


def _numbers(cursor: str, of: str, count: int) -> tuple[int, ...]:
    """Return the numbers in a cursor; zeros without one. Raises InputError."""
    found = read_key(cursor, of) if cursor else (0,) * count
    if len(found) != count or not all(type(each) is int and 0 <= each < 10**9 for each in found):
        raise InputError("cursor_wrong", cursor=cursor[:40])
    return found


def _by_id(state: ChannelState) -> tuple[int, ...]:
    return (state.channel.id,)


def _has_letters(part: str, *names: str) -> bool:
    return any(part in name.casefold() for name in names)


def _by_use(tag: ListedTag) -> tuple[int, str]:
    return (-tag.posts, tag.name)
