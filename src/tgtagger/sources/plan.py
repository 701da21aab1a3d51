"""The plan of reading a channel: which request comes next, and which part of an answer to keep.

The newest page comes first: it holds the new posts and the refresh window. Then come the backfill
ranges (message ids still to be read), the highest range first. An answer without messages says that
nothing older exists: it counts when it comes twice. If two answers in a row settle nothing, and
lead to requests that were made before, the plan ends; their messages stay in the backfill ranges.

Pure: takes answers, returns requests. So a run may end anywhere, and the next one goes on from the
`ReadProgress` of the last page that was stored. Knows no network, no source and no store.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from tgtagger.model import ranges
from tgtagger.model.posts import IdRange, PostData, ReadProgress, Rejected, ServiceMessage

LONGEST_WAIT = dt.timedelta(days=1)
"""The longest time without a request that a source can ask for. So a stored moment that is further
ahead comes from a wrong clock.
"""

REFRESH = 100
"""Messages of the refresh window: one request to Telegram."""


def wait_ends(seconds: float, *, now: dt.datetime) -> dt.datetime:
    """Return the end of a wait that a source asked for: LONGEST_WAIT at most."""
    return now + dt.timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds()))


def is_left_alone(until: dt.datetime | None, *, now: dt.datetime) -> bool:
    """Tell whether a remembered wait goes on."""
    return until is not None and now < until <= now + LONGEST_WAIT


def time_left(until: dt.datetime | None, *, now: dt.datetime) -> float | None:
    """Return the seconds until a moment; None without a moment."""
    return None if until is None else max((until - now).total_seconds(), 0.0)


Item = PostData | ServiceMessage | Rejected


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which messages a user wants a run to read.

    `backfill`: None goes on with older history down to the channel's floor, True removes the
    floor, False reads only new messages.
    """

    limit: int | None = None  # posts
    since: dt.datetime | None = None  # inclusive
    until: dt.datetime | None = None  # exclusive
    refresh: int | None = None  # newest messages that are read again; None: REFRESH
    backfill: bool | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """The next page: messages with ids below `before` (None: the newest), newest first.

    `until` is set if all messages between it and `before` are newer than wanted: a source that
    can seek by date goes there directly.
    """

    before: int | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a source: its items, newest first.

    The source says that the range `seen` holds no other messages. `seen` is None if the source
    has no message below the request's `before`.
    """

    items: tuple[Item, ...]
    seen: IdRange | None
    last: bool = False  # nothing older exists


@dataclass(frozen=True, slots=True)
class Kept:
    """The part of an answer that goes into the store, with the read progress after it.

    `covers` is the range in which the store may count missing posts as deleted.
    """

    posts: tuple[PostData, ...]
    service: tuple[ServiceMessage, ...]
    rejected: tuple[Rejected, ...]
    covers: IdRange | None
    progress: ReadProgress


@dataclass(slots=True)
class Plan:
    """The plan of one run for one channel: it decides, and its caller sends requests to the source.

    Call `next` for a request and `take` with its answer, until `next` returns None.
    """

    progress: ReadProgress
    options: ReadOptions
    _request: Request | None = field(default_factory=Request)
    _new_from: int = 1  # ids from here on are new in this run
    _refreshed: int = 0  # messages read from the newest on without a gap
    _posts: int = 0
    _at_top: bool = True
    _too_new: int | None = None  # ids from here on are newer than wanted in this run
    _doubted: Request | None = None  # a request whose first answer held no messages
    _idle: int = 0  # answers in a row that settled nothing
    _asked: set[Request] = field(default_factory=set)  # since something was settled

    def __post_init__(self) -> None:
        progress, options = self.progress, self.options
        since, floor = progress.since, progress.floor
        if options.since is not None and options.since != since:
            since, floor = options.since, 0
        elif options.backfill and options.since is None:
            since, floor = None, 0
        self.progress = ReadProgress(progress.backfill, progress.top, since, floor)

    @property
    def _window(self) -> int:
        return REFRESH if self.options.refresh is None else self.options.refresh

    def next(self) -> Request | None:
        """Return the next request; None when the plan is done."""
        return self._request

    @property
    def left(self) -> int:
        """Return how many message ids this run may still read."""
        return ranges.size(self._wanted())

    @property
    def is_stuck(self) -> bool:
        """Tell whether the plan ended because two answers in a row settled nothing."""
        return self._idle > 1

    def take(self, answer: Answer) -> Kept:
        """Return the part of an answer to keep; decide the next request."""
        request = self._request
        assert request is not None  # an answer follows a request
        if self._is_doubtful(request, answer):
            self._doubted = request
            return Kept((), (), (), None, self.progress)
        if request.before is None and self._at_top and request.until is None:
            self._begin(answer)
        before = self.progress
        covers = self._covered(request, answer)
        covers = covers and _whole(covers, answer.items)
        kept = self._keep(answer, covers) if covers is not None else []
        if covers is not None:
            covers = _whole(self._cut(covers, kept), answer.items)
            kept = [item for item in kept if _is_within(item, covers)]
            self._settle(covers)
        self._go_on(request, answer, covers)
        if self.progress != before:
            self._asked.clear()
        self._asked.add(request)
        self._idle = self._idle + 1 if self._request in self._asked else 0
        if self.is_stuck:
            self._request = None
        refreshes = self._window > 0
        return Kept(
            tuple(item for item in kept if isinstance(item, PostData)),
            tuple(item for item in kept if isinstance(item, ServiceMessage)),
            tuple(item for item in kept if isinstance(item, Rejected)),
            covers if refreshes and covers is not None and covers.low <= covers.high else None,
            self.progress,
        )

    # ---- the parts of taking

    def _is_doubtful(self, request: Request, answer: Answer) -> bool:
        """Tell whether an answer is the first without messages in a range that may hold some."""
        high = (self.progress.top or 0) if request.before is None else request.before - 1
        is_at_stake = request.until is None and high > 0
        return answer.seen is None and is_at_stake and self._doubted != request

    def _begin(self, answer: Answer) -> None:
        """Add the ids that are new since the last run to the backfill."""
        progress = self.progress
        old = progress.top
        top = max([old or 0, *(number for item in answer.items for number in _ids(item))])
        first_run = old is None
        self._new_from = (old or 0) + 1
        backfill = progress.backfill
        if top > (old or 0):
            backfill = ranges.add(backfill, IdRange((old or 0) + 1, top))
        if first_run and self.options.backfill is False:
            self._new_from = top + 1  # a first run without backfill has no new messages
        self.progress = ReadProgress(backfill, top or None, progress.since, progress.floor)

    def _covered(self, request: Request, answer: Answer) -> IdRange | None:
        """Return the range of ids that is read once the answer's items are stored."""
        top = self.progress.top or 0
        low = 1 if answer.last or answer.seen is None else answer.seen.low
        high = top if request.before is None else request.before - 1
        if answer.seen is not None and request.before is not None:
            high = min(high, answer.seen.high)  # above `seen` the source may have more
        until = self.options.until
        if until is not None:
            # Messages newer than wanted stay to be read. After a seek their end is unknown.
            older = [item for item in answer.items if not _is_from(item, until)]
            newer = [item for item in answer.items if _is_from(item, until)]
            if newer:
                high = min(high, min(_ids(item)[0] for item in newer) - 1)
                self._too_new = min(self._too_new or high + 1, high + 1)
            if request.until is not None or newer:
                if not older:
                    return None
                high = min(high, max(_ids(item)[-1] for item in older))
                self._too_new = min(self._too_new or high + 1, high + 1)
        return IdRange(low, high) if low <= high else None

    def _keep(self, answer: Answer, covers: IdRange) -> list[Item]:
        found = [item for item in answer.items if _is_within(item, covers)]
        if self._window == 0:
            found = [item for item in found if self._is_to_read(item)]
        return found

    def _cut(self, covers: IdRange, kept: Sequence[Item]) -> IdRange:
        """Narrow the range to what the limit and the floor allow."""
        low = covers.low
        since = self.progress.since
        if since is not None:
            # Trailing items only: one old date among newer ones does not end the range.
            old: list[Item] = []
            for item in reversed(kept):
                if not _is_before(item, since):
                    break
                old.append(item)
            old_to_read = [item for item in old if self._is_to_read(item)]
            if old_to_read:
                floor = max(_ids(item)[-1] for item in old_to_read)
                self.progress = ReadProgress(
                    self.progress.backfill,
                    self.progress.top,
                    since,
                    max(self.progress.floor, floor),
                )
                low = max(low, floor + 1)
        if self.options.limit is not None:
            room = self.options.limit - self._posts
            for item in kept:
                if not isinstance(item, PostData) or not self._is_to_read(item):
                    continue
                if _ids(item)[0] < low:
                    break
                if room == 0:
                    low = max(low, _ids(item)[-1] + 1)
                    break
                room -= 1
            self._posts = self.options.limit - room
        return IdRange(min(low, covers.high + 1), covers.high)

    def _settle(self, covers: IdRange) -> None:
        if covers.low <= covers.high:
            backfill = ranges.subtract(self.progress.backfill, covers)
            self.progress = ReadProgress(
                backfill, self.progress.top, self.progress.since, self.progress.floor
            )

    def _go_on(self, request: Request, answer: Answer, covers: IdRange | None) -> None:
        """Decide the next request."""
        options = self.options
        if options.limit is not None and self._posts >= options.limit:
            self._request = None
            return
        ended = answer.last or answer.seen is None
        low = None if answer.seen is None else answer.seen.low
        leads_on = low is not None and (request.before is None or low < request.before)
        if options.until is not None and covers is None and not ended:
            if not leads_on:
                self._request = None  # the plan cannot go on
                return
            self._request = Request(low, options.until)
            return
        if self._at_top and not ended and leads_on and low is not None and low > 1:
            self._refreshed += sum(len(_ids(item)) for item in answer.items)
            if self._refreshed < self._window and low - 1 > self.progress.floor:
                self._request = Request(low)
                return
        self._at_top = False
        wanted = self._wanted()
        self._request = Request(wanted[-1].high + 1) if wanted else None

    def _wanted(self) -> tuple[IdRange, ...]:
        wanted = ranges.above(self.progress.backfill, self.progress.floor)
        if self.options.backfill is False:
            wanted = ranges.above(wanted, self._new_from - 1)
        if self._too_new is not None:
            wanted = ranges.subtract(wanted, IdRange(self._too_new, self.progress.top or 0))
        return wanted

    def _is_to_read(self, item: Item) -> bool:
        return any(ranges.holds(self.progress.backfill, number) for number in _ids(item))


def _is_within(item: Item, covers: IdRange) -> bool:
    return covers.low <= _ids(item)[0] and _ids(item)[-1] <= covers.high


def _whole(covers: IdRange, items: Sequence[Item]) -> IdRange:
    """Narrow a range until no album is cut (an album's ids may have other ids between them)."""
    low, high = covers.low, covers.high
    while True:
        across = [_ids(item) for item in items if len(_ids(item)) > 1]
        raised = max((ids[-1] + 1 for ids in across if ids[0] < low <= ids[-1]), default=low)
        lowered = min((ids[0] - 1 for ids in across if ids[0] <= high < ids[-1]), default=high)
        if (raised, lowered) == (low, high):
            return IdRange(low, high)
        low, high = raised, lowered


def _ids(item: Item) -> tuple[int, ...]:
    match item:
        case PostData():
            return item.ids
        case ServiceMessage():
            return (item.message_id,)
        case _:
            return (item.id if isinstance(item.id, int) else 0,)


def _date(item: Item) -> dt.datetime | None:
    return None if isinstance(item, Rejected) else item.date


def _is_from(item: Item, moment: dt.datetime) -> bool:
    date = _date(item)
    return date is not None and date >= moment


def _is_before(item: Item, moment: dt.datetime) -> bool:
    date = _date(item)
    return date is not None and date < moment
