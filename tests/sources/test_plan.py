"""The plan of reading: whatever happens between runs, nothing is left out, and none asked twice."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.make import minute, post
from tgtagger.model import ranges
from tgtagger.model.posts import IdRange, PostData, ReadProgress
from tgtagger.sources.plan import Answer, Kept, Plan, ReadOptions, Request

SIZE = 10


@dataclass
class World:
    """A channel whose messages are their numbers; pages of ten."""

    ids: list[int]
    progress: ReadProgress = field(default_factory=ReadProgress)
    read: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    asked: list[Request] = field(default_factory=list)
    seeks: bool = True

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        ids = sorted(self.ids, reverse=True)
        if request.until is not None and self.seeks:
            ids = [n for n in ids if minute(n) < request.until]
        elif request.before is not None:
            ids = [n for n in ids if n < request.before]
        page = ids[:SIZE]
        if not page:
            return Answer((), None, last=request.until is None)
        by_date = request.until is not None and self.seeks
        high = page[0] if request.before is None or by_date else request.before - 1
        whole = request.before is None and len(page) == len(self.ids)  # a server says how many
        return Answer(tuple(post(n) for n in page), IdRange(page[-1], high), whole or page[-1] == 1)

    def run(self, read_options: ReadOptions, *, pages: int = 1000) -> list[Kept]:
        """Read, as a run does that is killed after so many pages were stored."""
        plan = Plan(self.progress, read_options)
        kept: list[Kept] = []
        while (request := plan.next()) is not None and len(kept) < pages:
            taken = plan.take(self.answer(request))
            kept.append(taken)
            self.progress = taken.progress
            new = {number for item in taken.posts for number in item.ids}
            self.read |= new
            if taken.covers is not None:
                covered = set(range(taken.covers.low, taken.covers.high + 1))
                self.deleted |= (self.read & covered) - new
                self.deleted -= new
            assert len(self.asked) < 5000, "it goes round in circles"
        return kept

    def lost(self) -> set[int]:
        """What is neither read nor in the backfill."""
        top = self.progress.top or 0
        return {
            n
            for n in self.ids
            if n <= top and n not in self.read and not ranges.holds(self.progress.backfill, n)
        }


IDS = st.lists(st.integers(1, 120), unique=True, min_size=1).map(sorted)
MOMENTS = st.none() | st.integers(0, 130).map(minute)
READ_OPTIONS = st.builds(
    ReadOptions,
    limit=st.none() | st.integers(1, 30),
    since=MOMENTS,
    until=MOMENTS,
    refresh=st.sampled_from([None, 0, 5, 25]),
    backfill=st.sampled_from([None, True, False]),
)
STEPS = st.lists(
    st.tuples(
        READ_OPTIONS, st.integers(0, 6), st.lists(st.integers(121, 240), max_size=25, unique=True)
    ),
    max_size=6,
)


@pytest.mark.row("T2")
@given(IDS, STEPS, st.booleans())
def test_nothing_is_lost_whatever_runs_came_before(
    ids: list[int],
    steps: list[tuple[ReadOptions, int, list[int]]],
    seeks: bool,  # noqa: FBT001
) -> None:
    world = World(ids, seeks=seeks)
    for read_options, pages, newer in steps:
        world.run(read_options, pages=pages)
        assert not world.lost()
        top = max(world.ids)
        world.ids += sorted({n for n in newer if n > top})
    world.run(ReadOptions(backfill=True))
    assert set(world.ids) <= world.read
    assert not world.progress.backfill
    assert not world.deleted


@given(IDS)
def test_what_is_read_is_not_asked_for_again(ids: list[int]) -> None:
    world = World(ids)
    world.run(ReadOptions())
    assert len(world.asked) <= len(ids) // SIZE + 3  # an empty end is asked for twice
    world.asked.clear()
    world.run(ReadOptions(refresh=SIZE))
    assert len(world.asked) == 1


@given(IDS, st.integers(1, 40))
def test_a_limit_counts_posts_and_the_rest_comes_later(ids: list[int], limit: int) -> None:
    world = World(ids)
    for _ in range(len(ids) // limit + 1):
        before = set(world.read)
        world.run(ReadOptions(limit=limit))
        assert len(world.read - before) <= limit
    assert world.read == set(ids)


@given(IDS, st.integers(0, 130))
def test_since_is_a_floor_that_stays_until_backfill(ids: list[int], at: int) -> None:
    world = World(ids)
    world.run(ReadOptions(since=minute(at)))
    assert world.read == {n for n in ids if n >= at}
    assert world.progress.since == minute(at)
    world.asked.clear()
    world.run(ReadOptions(refresh=SIZE))
    assert world.read == {n for n in ids if n >= at}
    assert len(world.asked) == 1  # what is below the floor is not asked for again
    world.run(ReadOptions(backfill=True))
    assert world.read == set(ids)
    assert world.progress.since is None


@given(IDS, st.integers(0, 130), st.booleans())
def test_until_leaves_newer_posts_for_another_run(
    ids: list[int],
    at: int,
    seeks: bool,  # noqa: FBT001
) -> None:
    world = World(ids, seeks=seeks)
    world.run(ReadOptions(until=minute(at)))
    assert world.read == {n for n in ids if n < at}
    world.run(ReadOptions())
    assert world.read == set(ids)


def test_no_backfill_reads_what_is_new_and_the_newest_page_at_first() -> None:
    world = World(list(range(1, 101)))
    world.run(ReadOptions(backfill=False, refresh=SIZE))
    assert world.read == set(range(91, 101))
    world.ids += range(101, 131)
    world.run(ReadOptions(backfill=False, refresh=SIZE))
    assert world.read == set(range(91, 131))
    assert ranges.size(world.progress.backfill) == 90


def test_deletions_are_seen_in_the_refresh_window_only() -> None:
    world = World(list(range(1, 51)))
    world.run(ReadOptions())
    world.ids = [n for n in world.ids if n not in {48, 12}]
    world.run(ReadOptions(refresh=SIZE))
    assert world.deleted == {48}
    world.run(ReadOptions(refresh=50))
    assert world.deleted == {48, 12}


def test_one_old_date_among_newer_ones_is_no_end() -> None:
    world = World(list(range(1, 31)))
    plan = Plan(ReadProgress(), ReadOptions(since=minute(5)))
    request = plan.next()
    assert request is not None
    answer = world.answer(request)
    odd = [post(n, date=minute(1)) if n == 25 else post(n) for n in range(30, 20, -1)]
    kept = plan.take(Answer(tuple(odd), answer.seen))
    assert len(kept.posts) == 10
    assert plan.next() == Request(21)


def test_an_album_is_cut_whole_by_a_limit() -> None:
    album = PostData((5, 6, 7), minute(5), grouped_id=1)
    plan = Plan(ReadProgress(), ReadOptions(limit=1))
    plan.next()
    kept = plan.take(Answer((post(8), album, post(4)), IdRange(4, 8)))
    assert [item.ids for item in kept.posts] == [(8,)]
    assert kept.progress.backfill == (IdRange(1, 7),)


# ---- servers that answer with something else


def test_an_answer_without_messages_is_believed_when_it_comes_twice() -> None:
    world = World(list(range(1, 31)))
    plan = Plan(ReadProgress(), ReadOptions(refresh=SIZE))
    world.progress = plan.take(world.answer(Request())).progress
    nothing = Answer((), None, last=True)
    kept = plan.take(nothing)
    assert kept.covers is None
    assert kept.progress.backfill == (IdRange(1, 20),)
    assert plan.next() == Request(21)
    assert plan.take(nothing).progress.backfill == ()
    assert (plan.next(), plan.is_stuck) == (None, False)


def test_an_empty_newest_page_deletes_nothing_at_once() -> None:
    plan = Plan(ReadProgress((), 30), ReadOptions())
    nothing = Answer((), None, last=True)
    assert plan.take(nothing).covers is None
    assert plan.take(nothing).covers == IdRange(1, 30)


def test_a_server_that_ignores_what_it_is_asked_for_is_no_endless_loop() -> None:
    world = World(list(range(1, 31)))
    plan = Plan(ReadProgress(), ReadOptions())
    asked = 0
    while plan.next() is not None:
        kept = plan.take(world.answer(Request()))  # always the newest page
        asked += 1
        assert asked < 20
    assert plan.is_stuck
    assert kept.progress.backfill == (IdRange(1, 20),)


FAULTS = st.sampled_from(["none", "none", "nothing", "newest", "oldest", "rejected"])


@pytest.mark.row("T2")
@given(IDS, st.lists(st.tuples(READ_OPTIONS, st.lists(FAULTS, max_size=9)), max_size=4))
@example(list(range(1, 61)), [(ReadOptions(), ["oldest", "none"])])
def test_wrong_answers_lose_nothing_and_come_to_an_end(
    ids: list[int], runs: list[tuple[ReadOptions, list[str]]]
) -> None:
    """No server says twice in a row that there is nothing: that is believed."""

    class Wrong(World):
        denied: Request | None = None

        def answer(self, request: Request) -> Answer:
            fault = faults.pop() if faults else "none"
            if fault == "nothing" and request != self.denied:
                self.denied = request
                return Answer((), None, last=True)
            right = super().answer(request)
            match fault:
                case "newest":
                    return super().answer(Request())
                case "oldest" if request.before is not None:
                    ids = sorted(self.ids)[:SIZE]
                    page = tuple(post(n) for n in reversed(ids) if n < request.before)
                    return Answer(page, IdRange(page[-1].ids[0], page[0].ids[0])) if page else right
                case "rejected" if right.seen is not None:
                    return Answer((), IdRange(right.seen.high + 1, right.seen.high + 1))
            return right

    world, faults = Wrong(ids), list[str]()
    for read_options, planned in runs:
        faults = list(planned)
        world.run(read_options)
        assert not world.lost()
    faults = []
    world.run(ReadOptions(backfill=True))
    assert set(world.ids) <= world.read


ANSWERS = st.builds(
    lambda numbers, low, length, last: Answer(
        tuple(post(n) for n in sorted(numbers, reverse=True)),
        None if low is None else IdRange(low, low + length),
        last=last,
    ),
    st.lists(st.integers(-5, 200), max_size=5, unique=True),
    st.none() | st.integers(-5, 200),
    st.integers(0, 50),
    st.booleans(),
)


@pytest.mark.row("T2")
@given(READ_OPTIONS, st.lists(ANSWERS, min_size=1, max_size=6))
@example(
    ReadOptions(until=minute(0)),
    [Answer((post(2),), IdRange(0, 1)), Answer((), None)],  # requests by turns
)
def test_any_answers_for_ever_come_to_an_end(
    read_options: ReadOptions, answers: list[Answer]
) -> None:
    plan = Plan(ReadProgress(), read_options)
    for answer in itertools.islice(itertools.cycle(answers), 3000):
        if plan.next() is None:
            return
        plan.take(answer)
    raise AssertionError("it goes round in circles")


SETS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 8)), max_size=8)


@given(SETS, SETS)
def test_ranges_are_sets(more: list[tuple[int, int]], less: list[tuple[int, int]]) -> None:
    found: ranges.Ranges = ()
    expected: set[int] = set()
    for low, length in more:
        found = ranges.add(found, IdRange(low, low + length))
        expected |= set(range(low, low + length + 1))
    for low, length in less:
        found = ranges.subtract(found, IdRange(low, low + length))
        expected -= set(range(low, low + length + 1))
    assert {n for part in found for n in range(part.low, part.high + 1)} == expected
    assert ranges.size(found) == len(expected)
    assert list(found) == sorted(found)


def test_a_floor_is_given_up_by_another_since() -> None:
    progress = ReadProgress((IdRange(1, 10),), 20, minute(15), 10)
    later = Plan(progress, ReadOptions(since=minute(2))).progress
    assert (later.since, later.floor) == (minute(2), 0)
    assert Plan(progress, ReadOptions(since=minute(15))).progress.floor == 10
    assert Plan(progress, ReadOptions()).progress.floor == 10


@pytest.mark.parametrize("moment", [dt.datetime(2026, 1, 1, tzinfo=dt.UTC)])
def test_an_empty_channel_ends_at_once(moment: dt.datetime) -> None:
    world = World([])
    world.run(ReadOptions(since=moment))
    assert len(world.asked) == 1


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=60),
    st.lists(st.tuples(st.none() | st.integers(1, 5), st.integers(1, 3)), max_size=4),
)
def test_albums_with_others_between_are_never_cut(
    groups: list[int], runs: list[tuple[int | None, int]]
) -> None:
    """Messages by group (0: none), an album over at most ten ids; every page holds whole albums."""
    members: dict[object, list[int]] = {}
    for number, group in enumerate(groups, 1):
        members.setdefault((group, number // 9) if group else number, []).append(number)
    items = [PostData(tuple(ids), minute(ids[0])) for ids in members.values()]
    items.sort(key=lambda item: item.ids[-1], reverse=True)
    progress, read = ReadProgress(), set[int]()
    for limit, most in [*runs, (None, 1000)]:
        pages = most
        plan = Plan(progress, ReadOptions(limit=limit))
        while (request := plan.next()) is not None and pages:
            pages -= 1
            before = request.before or 1000
            page = [item for item in items if item.ids[0] < before][:12]
            low = min((item.ids[0] for item in page), default=1)
            while page != (more := [i for i in items if low <= i.ids[-1] < before]):
                page, low = more, min(item.ids[0] for item in more)
            top = max(item.ids[-1] for item in items)
            high = top if request.before is None else before - 1
            kept = plan.take(
                Answer(tuple(page), IdRange(low, high) if page else None, last=low == 1)
            )
            progress = kept.progress
            read |= {number for item in kept.posts for number in item.ids}
            unread = {n for part in progress.backfill for n in range(part.low, part.high + 1)}
            assert read | unread == set(range(1, top + 1))
    assert read == set(range(1, len(groups) + 1))
