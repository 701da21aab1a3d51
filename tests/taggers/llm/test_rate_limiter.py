"""When the next request may go: pauses, one that tries, width, pace, and the breaker.

With numbers for a clock; at the end whole runs against a limit, in virtual time.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm_server import Brain, Limit, refusals
from support.tagging import fill, statuses, tag
from tgtagger.store import Store
from tgtagger.taggers.llm.api.rate_limits import Limits
from tgtagger.taggers.llm.queue import Sizes
from tgtagger.taggers.llm.rate_limiter import (
    ALONE_AFTER,
    BREAKER,
    LONGEST_BACKOFF,
    QUIET,
    SHORT,
    SLOWEST,
    RateLimiter,
    Ticket,
)


def limiter(
    concurrency: int = 4, *, rpm: int = 0, base: float = 1.0, chance: float = 1.0
) -> RateLimiter:
    return RateLimiter(concurrency, rpm=rpm, base=base, chance=lambda: chance)


def opened(concurrency: int = 4, *, rpm: int = 0, chance: float = 1.0) -> RateLimiter:
    """A rate limiter whose first request was answered, at second 0."""
    made = limiter(concurrency, rpm=rpm, chance=chance)
    made.answered(made.sent(0), 0)
    return made


def fill_up(made: RateLimiter, now: float) -> list[Ticket]:
    """Send as many as may go now."""
    sent = []
    while made.delay(now) == 0:
        sent.append(made.sent(now))
        assert len(sent) < 100
    return sent


# ---- the first goes alone, then as many as are allowed


def test_the_first_goes_alone() -> None:
    made = limiter(4)
    (first,) = fill_up(made, 0)
    assert made.delay(5) is None
    made.answered(first, 6)
    assert len(fill_up(made, 6)) == 4
    assert made.delay(7) is None


@pytest.mark.parametrize("concurrency", [1, 2, 16])
def test_no_more_at_once_than_are_allowed(concurrency: int) -> None:
    assert len(fill_up(opened(concurrency), 0)) == concurrency


def test_what_says_nothing_of_the_server_leaves_things_as_they_are() -> None:
    made = limiter(4)
    made.sent(0)
    made.dropped()
    assert len(fill_up(made, 1)) == 1  # still alone


# ---- throttled: closed for all, and one tries


def test_a_pause_is_for_all_and_one_tries() -> None:
    made = opened(4, chance=0.5)
    tickets = fill_up(made, 10)
    pause = made.throttled(tickets[0], 11, 20.0)
    assert pause == 20.5  # a little later than told, never earlier
    assert made.delay(12) is None  # three are on their way still
    for ticket in tickets[1:]:
        made.answered(ticket, 13)
    assert made.delay(13) == pytest.approx(18.5)  # which does not end the pause
    (trying,) = fill_up(made, 31.5)
    assert made.delay(32) is None
    made.answered(trying, 33)
    assert made.delay(34) is not None


def test_late_answers_do_not_open_and_late_refusals_do_not_lengthen() -> None:
    made = opened(4)
    tickets = fill_up(made, 0)
    made.throttled(tickets[0], 1, 10.0)
    end = 1 + 11.0
    made.answered(tickets[1], 2)
    assert made.throttled(tickets[2], 3, None) == pytest.approx(end - 3)
    assert made.throttled(tickets[3], 4, 2.0) == pytest.approx(end - 4)
    assert made.delay(5) == pytest.approx(end - 5)
    assert len(fill_up(made, end)) == 1


def test_a_later_word_on_the_end_of_a_pause_counts() -> None:
    made = opened(4, chance=0)
    tickets = fill_up(made, 0)
    made.throttled(tickets[0], 1, 10.0)
    made.throttled(tickets[1], 2, 30.0)
    for ticket in tickets[2:]:
        made.answered(ticket, 3)
    assert made.delay(3) == 29


def test_without_a_word_pauses_double_until_something_is_answered() -> None:
    made = limiter(1)
    now, pauses = 0.0, []
    for _ in range(9):
        pauses.append(made.throttled(made.sent(now), now, None))
        now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert made.waited == sum(pauses)
    made.answered(made.sent(now), now)
    assert made.waited == 0
    assert made.throttled(made.sent(now), now, None) == 1


def test_a_server_that_asks_for_nothing_again_and_again_gets_longer_pauses() -> None:
    made = limiter(1)
    now, pauses = 0.0, []
    for _ in range(6):
        pauses.append(made.throttled(made.sent(now), now, 0.0))
        now += pauses[-1]
    assert pauses == [0, 2, 4, 8, 16, 32]
    assert made.throttled(made.sent(now), now, 100.0) == 101  # and never less than it asks for


def test_pauses_that_overlap_are_waited_for_once() -> None:
    made = opened(4, chance=0)
    tickets = fill_up(made, 0)
    made.throttled(tickets[0], 0, 10.0)
    made.throttled(tickets[1], 5, 10.0)
    assert made.waited == 15


# ---- width and pace: down by much, up by little


def widths(made: RateLimiter, now: float, rounds: int) -> list[int]:
    """Return how many go at once, in rounds that are all answered."""
    counts = []
    for _ in range(rounds):
        tickets = fill_up(made, now)
        counts.append(len(tickets))
        for ticket in tickets:
            made.answered(ticket, now)
        now += QUIET / 2
    return counts


def test_a_throttled_request_halves_the_width_which_grows_by_at_most_one_a_round() -> None:
    made = opened(16, chance=0)
    tickets = fill_up(made, 0)
    for ticket in tickets:  # of those that were refused together only the first counts
        made.throttled(ticket, 1, 5.0)
    assert len(fill_up(made, 6)) == 1
    made.answered(Ticket(1, 0), 7)
    grown = widths(made, 100, 14)
    assert (grown[0], grown[-1]) == (8, 16)
    assert all(0 <= after - before <= 1 for before, after in itertools.pairwise(grown))


def test_the_width_is_never_below_one() -> None:
    made = limiter(2)
    now = 0.0
    for _ in range(10):
        assert made.delay(now) == 0
        now += made.throttled(made.sent(now), now, 1.0)
        assert made.delay(now) == 0
        made.answered(made.sent(now), now)


def test_the_pace_is_what_the_server_was_seen_to_take() -> None:
    made = opened(8, chance=0)
    now = 0.0
    for _ in range(2):
        for ticket in fill_up(made, now):
            made.answered(ticket, now)
        now += 1
    for ticket in [made.sent(now), made.sent(now)]:
        made.throttled(ticket, now, 30.0)  # 17 answers in 2 s, and then 32 s nothing
    now += 30
    made.answered(made.sent(now), now + 2)
    now += 2
    assert made.delay(now) == pytest.approx(2)
    now += 2
    assert len(fill_up(made, now)) == 1
    assert made.delay(now) == pytest.approx(2)


def test_one_refusal_that_passes_tells_no_pace() -> None:
    made = opened(8, chance=0)
    for ticket in fill_up(made, 0):
        made.answered(ticket, 1)
    made.throttled(made.sent(2), 2, 1.0)
    made.answered(made.sent(3), 4)
    assert made.delay(4) == 0
    assert len(fill_up(made, 4)) == 4  # but fewer go at once


def test_few_answers_in_a_long_time_tell_a_slow_pace() -> None:
    made = opened(8, chance=0)
    tickets = [made.sent(0), made.sent(0), made.sent(0)]
    made.answered(tickets[0], 1)
    made.throttled(tickets[1], 1, 39.0)
    made.throttled(tickets[2], 1, 39.0)
    made.answered(made.sent(40), 40)
    assert made.delay(40) == pytest.approx(20)  # two in 40 s


def learned_pace(made: RateLimiter, now: float) -> float:
    """Return the requests a second that the rate limiter lets go; one is answered for it."""
    now += made.delay(now) or 0
    ticket = made.sent(now)
    pace = 1 / (made.delay(now) or 1e-9)
    made.answered(ticket, now)
    return pace


def test_the_pace_rises_by_a_tenth_in_a_quiet_minute_up_to_the_users() -> None:
    made = opened(4, rpm=60, chance=0)
    for now in range(1, 13):
        made.answered(made.sent(now), now)
    for ticket in [made.sent(13), made.sent(14)]:
        made.throttled(ticket, 14, 6.0)
    made.answered(made.sent(20), 20)  # 13 in 20 s: less than seven tenths at once it never takes
    paces = [learned_pace(made, 20 + QUIET * minute) for minute in range(1, 9)]
    assert paces == pytest.approx([0.7, 0.77, 0.847, 0.9317, 1, 1, 1, 1])


def test_refusals_one_after_another_do_not_stop_a_run() -> None:
    """A server that is too busy refuses at random: that says little about the pace it takes."""
    made = opened(4, rpm=60, chance=0)
    now = 0.0
    for _ in range(50):
        now += made.delay(now) or 0
        for ticket in [made.sent(now), made.sent(now)]:
            made.throttled(ticket, now, 20.0)
        now += made.delay(now) or 0
        made.answered(made.sent(now), now)
    assert SLOWEST <= learned_pace(made, now) < 1.5 * SLOWEST


def test_a_users_pace_below_the_slowest_stays() -> None:
    made = opened(4, rpm=1, chance=0)
    made.throttled(made.sent(0), 0, 1.0)
    made.answered(made.sent(1), 1)
    assert learned_pace(made, 1) <= 1 / 60


@pytest.mark.row("H3")
@given(
    st.integers(1, 300),
    st.integers(1, 8),
    st.lists(st.floats(0, 20), min_size=1, max_size=200),
    st.sampled_from([0.0, 0.05, 0.3]),
    st.randoms(use_true_random=False),
)
def test_no_minute_has_more_requests_than_the_user_allows(
    rpm: int, concurrency: int, latencies: list[float], refused: float, rng: random.Random
) -> None:
    made = RateLimiter(concurrency, rpm=rpm, chance=rng.random)
    sent: list[float] = []
    running: list[tuple[float, Ticket]] = []
    now = 0.0
    for latency in latencies:
        while (delay := made.delay(now)) != 0:
            if delay is None:
                running.sort()
                end, ticket = running.pop(0)
                now = max(now, end)
                if rng.random() < refused:
                    made.throttled(ticket, now, rng.choice([None, 3.0]))
                else:
                    made.answered(ticket, now)
            else:
                now += delay
        sent.append(now)
        running.append((now + latency, made.sent(now)))
    for start, at in enumerate(sent):
        within = sum(at <= other < at + 60 for other in sent[start:])
        assert within <= rpm + 1


# ---- what other runs are told


class Archive:
    """What the runs of an archive share."""

    now = 0.0
    closed_until = 0.0
    next_at = 0.0
    writes = 0

    def closed_for(self) -> float:
        return max(self.closed_until - self.now, 0.0)

    def close(self, seconds: float) -> None:
        self.writes += 1
        self.closed_until = max(self.closed_until, self.now + seconds)

    def take_turns(self, seconds: float) -> float:
        self.writes += 1
        start = max(self.next_at, self.now)
        self.next_at = start + seconds
        return start - self.now


def sharing(archive: Archive, rpm: int = 0, concurrency: int = 4) -> RateLimiter:
    made = RateLimiter(concurrency, rpm=rpm, shared=archive, chance=lambda: 0.0)
    made.answered(made.sent(0), 0)
    return made


def test_a_pause_of_one_run_is_a_pause_of_all() -> None:
    archive = Archive()
    one, other = sharing(archive), sharing(archive)
    assert other.delay(0) == 0.0
    for ticket in fill_up(one, 0):
        one.throttled(ticket, 0, 20.0)
    assert archive.writes == 1  # whatever was on its way
    assert other.delay(0.5) == 0.0  # it looks once a second
    archive.now = 2.0
    assert other.delay(2.0) == 18.0
    assert other.waited == 0  # it was not asked itself
    archive.now = 20.0
    (alone,) = fill_up(other, 20.0)
    other.answered(alone, 20.1)
    assert len(fill_up(other, 20.1)) > 1


def test_a_pause_that_is_too_long_is_not_waited_for_unasked() -> None:
    archive = Archive()
    archive.close(SHORT + 1)
    assert sharing(archive).delay(2.0) == 0.0


@pytest.mark.row("H3")
@example(63, [0.0, 0.0, 0.0, 2.0], 1)
@given(
    st.integers(1, 600),
    st.lists(st.floats(0, 3), min_size=4, max_size=100),
    st.integers(1, 5),
)
def test_runs_together_keep_the_pace_that_the_user_allows(
    rpm: int, latencies: list[float], runs: int
) -> None:
    """Each asks as fast as it may, and sometimes does not."""
    archive, rest = Archive(), itertools.cycle(latencies)
    made = [RateLimiter(4, rpm=rpm, shared=archive, chance=lambda: 0.5) for _ in range(runs)]
    busy: list[tuple[float, int, Ticket]] = []
    sent: list[float] = []
    until = min(400.0, 150 * 60 / rpm)
    while archive.now < until:
        nearest = until
        for number, each in enumerate(made):
            while (delay := each.delay(archive.now)) == 0:
                sent.append(archive.now)
                busy.append((archive.now + next(rest), number, each.sent(archive.now)))
            nearest = nearest if delay is None else min(nearest, archive.now + delay)
        busy.sort()
        archive.now = max(archive.now, min([nearest, *(end for end, _, _ in busy)]))
        while busy and busy[0][0] <= archive.now:
            _, number, ticket = busy.pop(0)
            made[number].answered(ticket, archive.now)
    for start, at in enumerate(sent):
        within = sum(at <= other < at + 60 for other in sent[start:])
        assert within <= rpm + max(1, rpm / 60)
    # A run takes whole turns, of a second at most: 63 a minute are one in 0.95 s.
    seconds = max(int(rpm / 60), 1) / max(rpm / 60, 1)
    assert archive.writes <= max(len(sent), until * runs / seconds) + runs


def test_turns_are_taken_some_at_a_time() -> None:
    archive = Archive()
    made, sent = sharing(archive, rpm=1200, concurrency=8), 0
    while archive.now < 30:
        delay = made.delay(archive.now)
        assert delay is not None
        archive.now += delay
        if not delay:
            made.answered(made.sent(archive.now), archive.now)
            sent += 1
    assert sent > 0.95 * 600
    assert archive.writes < 40


# ---- what headers tell


@pytest.mark.parametrize(
    ("limits", "delay"),
    [
        (Limits(0, 30), 30),  # none are left
        (Limits(1, 30), 30 / 2 / 2),  # the rest is spread
        (Limits(59, 60), 60 / 60 / 2),
        (Limits(0, SHORT + 1), 0),  # of a day: that is no pace
        (Limits(None, 30), 0),
        (Limits(0, None), 0),
        (Limits(0, 0), 0),
        (Limits(tokens_left=0, tokens_reset=6), 6),
        (Limits(tokens_left=5, tokens_reset=6), 0),
        (Limits(tokens_left=0, tokens_reset=SHORT + 1), 0),
    ],
)
def test_it_slows_down_before_it_is_told_to(limits: Limits, delay: float) -> None:
    made = limiter(4)
    made.answered(made.sent(0), 100, limits)
    assert made.delay(100) == pytest.approx(delay)


def test_those_on_their_way_are_counted_with_what_is_left() -> None:
    made = opened(4)
    tickets = fill_up(made, 0)
    made.answered(tickets[0], 1, Limits(3, 20))
    assert made.delay(1) == 20


# ---- failures: a row of them goes alone and slow, and then it is the provider


def test_a_burst_counts_as_three() -> None:
    made = opened(16)
    for ticket in fill_up(made, 0):
        made.failed(ticket, 1)
    assert made.failures == ALONE_AFTER
    assert not made.is_down
    assert made.delay(1) == 1  # and then one at a time
    assert len(fill_up(made, 2)) == 1


@pytest.mark.row("H4")
@pytest.mark.parametrize("concurrency", [1, 2, 16])
def test_ten_in_a_row_are_a_provider_that_is_down(concurrency: int) -> None:
    made = opened(concurrency)
    now, requests = 0.0, 0
    while not made.is_down:
        now += made.delay(now) or 0
        for ticket in fill_up(made, now):
            requests += 1
            made.failed(ticket, now)
    assert made.failures == BREAKER
    assert requests <= max(concurrency, ALONE_AFTER) + BREAKER - ALONE_AFTER + 1
    assert 120 < now < 125  # 1, 2, 4 … 60 seconds between


def test_a_success_between_starts_the_count_over() -> None:
    made = opened(4)
    for second in range(20):
        made.failed(made.sent(second), second)
        made.failed(made.sent(second), second)
        made.answered(made.sent(second), second)
    assert made.failures == 0
    assert len(fill_up(made, 20)) == 4  # and two in a row are no reason to go alone


def test_another_model_starts_over_alone() -> None:
    made = opened(4)
    for _ in range(BREAKER):
        made.failed(made.sent(0), 0)
    made.start_over()
    assert (made.failures, made.is_down) == (0, False)
    assert len(fill_up(made, 1000)) == 1


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 10))
def test_a_backoff_has_an_upper_bound(tries: int, chance: float, base: float) -> None:
    made = limiter(base=base, chance=chance)
    assert 0 <= made.retry_delay(tries) <= min(LONGEST_BACKOFF, base * 2.0 ** min(tries, 20))


# ---- any order of things

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "send", "answered", "throttled", "failed", "dropped", "over"]),
        st.floats(0, 90),  # seconds since the step before
        st.integers(0, 20),  # which of those on their way
        st.none() | st.floats(0, 300),  # what a server asks for
        st.builds(
            Limits,
            st.none() | st.floats(0, 100),
            st.none() | st.floats(0, 1e6),
            st.none() | st.floats(0, 100),
            st.none() | st.floats(0, 1e6),
        ),
    ),
    max_size=80,
)


@given(st.integers(1, 6), st.sampled_from([0, 1, 60]), STEPS, st.floats(0, 1))
def test_any_order_of_answers(
    concurrency: int,
    rpm: int,
    steps: list[tuple[str, float, int, float | None, Limits]],
    chance: float,
) -> None:
    made = limiter(concurrency, rpm=rpm, chance=chance)
    running: list[Ticket] = []
    now, not_before = 1000.0, 0.0
    for what, seconds, which, asked, limits in steps:
        now += seconds
        delay = made.delay(now)
        assert delay is None or 0 <= delay < 10_000
        assert (delay is not None) or running  # something will end the wait
        if what == "send" and delay is not None:
            now += delay
            assert now >= not_before
            running.append(made.sent(now))
            assert len(running) <= concurrency
        elif what == "over":
            made.start_over()
        elif what != "send" and running:
            ticket = running.pop(which % len(running))
            match what:
                case "answered":
                    made.answered(ticket, now, limits)
                case "failed":
                    made.failed(ticket, now)
                case "dropped":
                    made.dropped()
                case _:
                    pause = made.throttled(ticket, now, asked)
                    # Of a moment in time the last digits of a wait are lost.
                    assert pause >= (asked or 0) - 1e-6
                    not_before = max(not_before, now + (asked or 0) - 1e-6)
        assert made.failures >= 0
        assert made.waited >= 0


# ---- whole runs: a limit of sixty a minute, sixteen at once, two seconds each


def one_at_a_time(store: Store, brain: Brain) -> int:
    fill(store, 600)
    told = tag(store, brain, concurrency=16, sizes=Sizes(posts=1))
    assert (told.kind, statuses(store)) == (None, {"tagged": 600})
    assert not brain.paid_twice()
    assert told.seconds < 900
    return told.requests


@pytest.mark.row("H3")
@pytest.mark.parametrize(
    "limit",
    [
        lambda: Limit(60),
        lambda: Limit(60, headers=False, sliding=True, count_refused=True),
        lambda: Limit(60, headers=False, retry_after=False),
        lambda: Limit(60, headers=True, retry_after=False, sliding=True),
    ],
    ids=["told", "retry-after, sliding, refusals count", "nothing told", "headers only, sliding"],
)
def test_a_limit_costs_few_requests(store: Store, limit: Callable[[], Limit]) -> None:
    assert one_at_a_time(store, Brain(latency=2.0, limit=limit())) <= 660


@pytest.mark.row("H3")
def test_a_server_that_refuses_at_random_is_worn_down(store: Store) -> None:
    fill(store, 100)
    numbers = itertools.count()
    brain = Brain(latency=2.0)
    brain.rule = lambda _: refusals.rate_limited(2) if next(numbers) % 3 == 2 else None
    told = tag(store, brain, concurrency=16, sizes=Sizes(posts=1))
    assert statuses(store) == {"tagged": 100}
    assert told.seconds < 100 * (1 / SLOWEST + 10)
