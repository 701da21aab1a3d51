"""Tagging by a model when some posts fail: they are found, and fail alone; and when again.

A real store, a simulated server (tests/llm_server), virtual time. Ten posts go in a request; the
first request goes alone.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

import pytest

from llm_server import Brain, Fault, Seen, contents, faults, refusals
from support.make import page, post
from support.sql import writing
from support.tagging import PENDING, attempts, failures, fill, poison, statuses, tag, turns
from tgtagger.model.choices import FailureClass
from tgtagger.model.posts import PostFilter
from tgtagger.pipeline import TagRules
from tgtagger.store import Store
from tgtagger.taggers.llm.costs import Price
from tgtagger.taggers.llm.queue import Sizes

FAILED = PostFilter(statuses=("failed",))


# ---- passing: again, in smaller groups, after a while

PASSING: list[tuple[Fault, FailureClass]] = [
    (faults.status(500), "server"),
    (faults.status(502), "server"),
    (faults.status(503), "server"),
    (faults.status(408), "server"),
    (faults.status(529), "server"),
    (refusals.error_in_200(502), "server"),
    (faults.reset("before"), "network"),
    (faults.reset("headers"), "network"),
    (faults.reset("body"), "network"),
    (faults.close("before"), "network"),
    (faults.close("body"), "network"),
    (faults.short_body(), "network"),
    (faults.bad_chunks(), "network"),
    (faults.hang(), "timeout"),
    (faults.drip(1), "timeout"),
    (faults.endless(), "bad_answer"),
    (faults.gzip_bomb(), "bad_answer"),
    (faults.huge(), "bad_answer"),
    (faults.html(), "bad_answer"),
    (faults.cut_json(), "bad_answer"),
    (faults.deep_json(), "bad_answer"),
    (faults.event_stream(), "bad_answer"),
    (faults.cp1251(), "bad_answer"),
    (faults.empty_body(), "bad_answer"),
    (contents.prose(), "bad_answer"),
    (contents.empty(), "bad_answer"),
    (contents.unclosed_think(), "bad_answer"),
    (contents.no_choices(), "bad_answer"),
    (contents.no_tags(), "bad_answer"),
    (contents.wrong_types(5), "bad_answer"),
    (contents.many_tags(10_000), "bad_answer"),
    (contents.huge_tag(1_000_000), "bad_answer"),
    (contents.finish("error"), "server"),
]


@pytest.mark.row("H1", "H2", "H4", "H6", "H7")
@pytest.mark.parametrize(
    ("fault", "failure"), PASSING, ids=lambda value: getattr(value, "name", value)
)
def test_what_passes_is_asked_again_in_halves(
    store: Store, fault: Fault, failure: FailureClass
) -> None:
    fill(store, 10)
    told = tag(store, Brain(script=[fault]), timeout=60)
    assert (told.requests, statuses(store), turns(store)) == (3, {"tagged": 10}, {1: 10})
    assert attempts(store, 1) == [failure, None]


@pytest.mark.row("H9")
@pytest.mark.parametrize(
    ("fault", "failure"), PASSING, ids=lambda value: getattr(value, "name", value)
)
def test_a_post_that_always_fails_fails_alone(
    store: Store, fault: Fault, failure: FailureClass
) -> None:
    fill(store, 20)
    told = tag(store, Brain(rule=poison(fault)), timeout=60)
    # The newest ten; then 10, 5, 5 (one of them ends well), and the five of the other alone.
    assert told.requests == 1 + 1 + 2 + 5
    assert (statuses(store), failures(store)) == ({"tagged": 19, "failed": 1}, {failure: 1})
    assert attempts(store, 7) == [failure] * 3
    assert turns(store) == {1: 20}
    due = store.status.archive().failures[0].next_due
    assert due is not None
    assert dt.timedelta(minutes=4) < due - dt.datetime.now(dt.UTC) <= dt.timedelta(minutes=5)


@pytest.mark.row("H4")
def test_backoff_is_never_earlier_than_told(store: Store) -> None:
    fill(store, 10)
    late = faults.status(500, headers={"Retry-After": "20"})
    told = tag(store, Brain(script=[late]))
    assert told.seconds >= 20


def test_a_server_may_say_that_trying_again_is_pointless(store: Store) -> None:
    fill(store, 1)
    told = tag(store, Brain(rule=lambda _: faults.status(500, headers={"x-should-retry": "false"})))
    assert (told.requests, failures(store)) == (1, {"server": 1})


# ---- a bad post

REFUSED: list[tuple[Fault, FailureClass]] = [
    (contents.refusal(), "refused"),
    (contents.content_filter(), "refused"),
    (refusals.moderation_403(), "refused"),
    (refusals.context_length(), "too_long"),
    (refusals.too_large(), "too_long"),
    (refusals.unprocessable(), "server"),
]


@pytest.mark.row("H6", "H7", "H9")
@pytest.mark.parametrize(
    ("fault", "failure"), REFUSED, ids=lambda value: getattr(value, "name", value)
)
def test_a_bad_post_is_found_and_its_neighbours_are_unharmed(
    store: Store, fault: Fault, failure: FailureClass
) -> None:
    fill(store, 20)
    told = tag(store, Brain(rule=poison(fault)))
    assert told.requests == 9  # so short a post is not worth a shorter question
    assert (statuses(store), failures(store)) == ({"tagged": 19, "failed": 1}, {failure: 1})
    due = store.status.archive().failures[0].next_due
    assert (due is None) == (failure != "server")  # only --force brings back what cannot pass


def test_a_post_that_is_too_long_is_asked_again_shorter(store: Store) -> None:
    long = "A storm came over the harbour town. " * 100
    store.posts.save_page(page(post(1, long)))
    brain = Brain()
    brain.rule = lambda seen: refusals.context_length() if len(seen.texts[0]) > 2000 else None
    told = tag(store, brain)
    assert (told.requests, statuses(store)) == (2, {"tagged": 1})
    first, second = store.records.post("news/1").attempts
    assert (first.failure, first.sent_letters) == ("too_long", None)
    assert second.sent_letters == len(brain.completions[1].texts[0])
    assert 900 < second.sent_letters < 2000
    assert brain.completions[1].texts[0].endswith("town.")


def test_a_long_post_is_cut_at_a_sentence_and_that_is_known(store: Store) -> None:
    store.posts.save_page(page(post(1, "Шторм пришёл в город. " * 900)))
    brain = Brain()
    tag(store, brain, sizes=Sizes(post_tokens=300))
    (sent,) = brain.completions[0].texts
    assert sent.endswith("город.")
    assert 400 < len(sent) <= 700
    assert store.records.post("news/1").attempts[0].sent_letters == len(sent)


def test_groups_are_bounded_by_tokens(store: Store) -> None:
    store.posts.save_page(
        page(*(post(n, f"Number {n}. " + "Storm at sea. " * 60) for n in range(1, 11)))
    )
    brain = Brain()
    tag(store, brain, sizes=Sizes(tokens=700))
    assert [len(seen.posts) for seen in brain.completions] == [3, 3, 3, 1]


def test_what_an_answer_leaves_out_is_asked_again(store: Store) -> None:
    fill(store, 10)
    brain = Brain(script=[contents.missing("p3", "p4", "p9")])
    told = tag(store, brain)
    assert [len(seen.posts) for seen in brain.completions] == [10, 2, 1]
    assert (statuses(store), brain.paid_twice()) == ({"tagged": 10}, {})
    assert told.kind is None


@pytest.mark.row("H7")
def test_an_answer_that_was_cut_off_is_used_as_far_as_it_is_whole(store: Store) -> None:
    fill(store, 10)
    brain = Brain(script=[contents.too_long(4)])
    tag(store, brain)
    assert [len(seen.posts) for seen in brain.completions] == [10, 3, 3]
    assert (statuses(store), brain.paid_twice()) == ({"tagged": 10}, {})
    first, second, _ = brain.completions
    per_post = [seen.body["max_tokens"] / len(seen.posts) for seen in (first, second)]
    assert per_post[1] > 1.5 * per_post[0]  # the next has more room


@pytest.mark.parametrize(
    "fault",
    [contents.fenced(), contents.chatty(), contents.thinking(), contents.bom(), faults.bom_body(),
     contents.number_ids(), contents.shuffled(), contents.duplicates(), contents.unknown_ids()],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_a_right_answer_in_any_wrapping_is_read_at_once(store: Store, fault: Fault) -> None:
    fill(store, 10)
    told = tag(store, Brain(script=[fault]))
    assert (told.requests, statuses(store)) == (1, {"tagged": 10})


@pytest.mark.row("I1")
def test_what_a_model_makes_up_is_never_a_tag(store: Store) -> None:
    fill(store, 10)
    tag(store, Brain(script=[contents.hostile_tags()]))
    for name in (item.name for item in store.tags.counts()):
        assert name.isprintable()
        assert len(name) <= 40
        assert not set("<>{}[]()") & set(name)


# ---- bad posts that stand together, and servers that ask for the impossible


def newest_are_bad(count: int, of: int, fault: Fault) -> Callable[[Seen], Fault | None]:
    """Return a rule: the fault hits every request that holds one of the newest posts."""
    return lambda seen: fault if any(_number(text) > of - count for text in seen.texts) else None


def _number(text: str) -> int:
    return int(text.split("number")[1].split(maxsplit=1)[0])


@pytest.mark.row("H9")
@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("bad", [4, 12])
@pytest.mark.parametrize(
    ("fault", "failure"),
    [(contents.no_tags(), "bad_answer"), (faults.status(500), "server"),
     (refusals.unprocessable(), "server"), (contents.refusal(), "refused")],
    ids=lambda value: getattr(value, "name", value),
)  # fmt: skip
def test_bad_posts_before_all_others_starve_nobody(
    store: Store, batch: int, bad: int, fault: Fault, failure: FailureClass
) -> None:
    fill(store, 80)
    brain = Brain(rule=newest_are_bad(bad, 80, fault))
    for _ in range(6):
        tag(store, brain, sizes=Sizes(posts=batch))
    assert statuses(store) == {"tagged": 80 - bad, "failed": bad}
    assert failures(store) == {failure: bad}
    assert not brain.paid_twice()


@pytest.mark.parametrize("fault", [contents.no_tags(), faults.status(500)], ids=lambda f: f.name)
def test_bad_posts_among_themselves_use_up_their_turns(store: Store, fault: Fault) -> None:
    fill(store, 10)
    tag(store, Brain(rule=newest_are_bad(10, 10, fault)))
    requests = 0
    for _ in range(12):
        store_due(store)
        wanted = PostFilter(statuses=("failed",), due_by=dt.datetime.now(dt.UTC), attempts_below=5)
        requests += tag(store, Brain(rule=lambda _: fault), wanted).requests
    assert requests <= 150
    assert max(turns(store)) >= 4


def store_due(store: Store) -> None:
    with writing(store) as db:
        db.execute(
            "UPDATE posts SET next_attempt_at = '2020-01-01T00:00:00Z', status = 'failed', "
            "failure = coalesce(failure, 'server'), attempts = max(attempts, 1)"
        )


def test_a_long_wait_of_a_broken_server_ends_the_run(store: Store) -> None:
    fill(store, 30)
    late = faults.status(502, headers={"Retry-After": "3600"})
    told = tag(store, Brain(rule=lambda _: late))
    assert (told.kind, told.requests, turns(store)) == ("throttled", 1, {0: 30})
    soon = faults.status(502, headers={"Retry-After": "25"})
    told = tag(store, Brain(rule=lambda _: soon), max_time=10.0)
    assert (told.kind, told.requests) == ("time_cap", 1)
    assert told.seconds < 1


def test_a_pointless_repetition_is_no_reason_to_fail_the_neighbours(store: Store) -> None:
    fill(store, 20)
    for_good = faults.status(500, headers={"x-should-retry": "false"})
    tag(store, Brain(rule=poison(for_good)))
    assert statuses(store) == {"tagged": 19, "failed": 1}


def test_of_three_models_each_is_asked(store: Store) -> None:
    fill(store, 200)
    brain = Brain(models=["a", "b", "c"], latency=1.0)
    brain.rule = lambda seen: faults.status(500) if seen.model == "a" and seen.at > 3 else None
    tag(store, brain, models=("a", "b", "c"), concurrency=8, sizes=Sizes(posts=1))
    assert {seen.model for seen in brain.completions} == {"a", "b"}
    assert statuses(store) == {"tagged": 200}


def test_what_two_models_answered_is_copied_once(store: Store) -> None:
    fill(store, 3)
    tag(store, Brain(models=["b"]), models=("b",))
    tag(store, Brain(models=["a"]), PostFilter(), models=("a",), rules=TagRules(fresh=True))
    for number in range(1, 4):
        store.posts.save_page(
            page(post(number + 100, store.records.post(f"news/{number}").post.text))
        )
    told = tag(store, Brain(models=["a", "b"]), models=("a", "b"))
    assert (told.requests, len(told.results)) == (0, 3)
    assert {link.model for link in store.records.post("news/101").links} == {"a"}


def test_answers_on_their_way_are_kept_when_the_time_is_over(store: Store) -> None:
    import time

    fill(store, 100)
    brain = Brain(latency=2.0)
    over = TagRules(deadline=time.monotonic() - 1)
    told = tag(store, brain, rules=over, max_time=3.0, concurrency=8, sizes=Sizes(posts=1))
    assert told.kind == "time_cap"
    assert statuses(store)["tagged"] == told.requests == 9


def test_an_unreadable_answer_does_not_make_a_known_price_unknown(store: Store) -> None:
    fill(store, 30)
    told = tag(store, Brain(script=[None, faults.html()]), max_cost=10.0,
               prices={"test-model": Price(1, 1)})  # fmt: skip
    assert (told.kind, statuses(store)) == (None, {"tagged": 30})


@pytest.mark.parametrize("text", ["мой пароль 1qwerty", "Secret Meeting At Nine O'Clock Tonight"])
def test_a_short_post_is_not_repeated_either(store: Store, text: str) -> None:
    store.posts.save_page(page(post(1, text)))
    echo = faults.status(400, body={"error": {"message": f"cannot: {text.upper()}"}})
    tag(store, Brain(rule=lambda _: echo))
    error = store.records.post("news/1").error
    assert error is not None
    assert text.casefold() not in error.casefold()


def test_a_shorter_context_than_was_hoped_for_is_learned(store: Store) -> None:
    store.posts.save_page(
        page(*(post(n, f"Number {n}. " + "Storm at sea. " * 40) for n in range(1, 101)))
    )
    brain = Brain()
    brain.rule = lambda seen: (
        refusals.context_length() if sum(map(len, seen.texts)) > 2500 else None
    )
    told = tag(store, brain)
    assert statuses(store) == {"tagged": 100}
    refused = [seen for seen in brain.completions if sum(map(len, seen.texts)) > 2500]
    assert len(refused) <= 12
    assert told.requests < 50


def test_a_request_that_is_too_large_for_the_quota_is_split(store: Store) -> None:
    fill(store, 40)
    large = faults.status(429, body={"error": {"message": "Request too large for gpt-x: TPM"}})
    brain = Brain(rule=lambda seen: large if len(seen.texts) > 5 else None)
    told = tag(store, brain)
    assert (told.kind, statuses(store)) == (None, {"tagged": 40})


def test_a_hostile_answer_is_given_up_soon(store: Store) -> None:
    import time

    from tgtagger.taggers.llm.api.answers import read_tags

    begun = time.process_time()
    for _ in range(10):
        json.loads("[" + "1," * 190_000 + "1]")
    yardstick = time.process_time() - begun  # machines differ
    begun = time.process_time()
    for text in ("[" * 900 + "1," * 190_000, '{"a":' * 900 + '"x' * 150_000):
        assert read_tags(text, ["p1", "p2"]) == {}
    assert time.process_time() - begun < 40 * yardstick  # it was seven seconds each


# ---- retries over runs


@pytest.mark.row("H9")
def test_a_post_has_its_turns_and_then_waits_for_a_person(store: Store) -> None:
    fill(store, 1)
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    hours = []
    wanted = PENDING
    for _ in range(5):
        told = tag(store, Brain(rule=lambda _: faults.status(500)), wanted,
                   rules=TagRules(clock=lambda: start))  # fmt: skip
        assert told.requests == 3
        due = store.status.archive().failures[0].next_due
        hours.append(None if due is None else (due - start).total_seconds() / 3600)
        wanted = FAILED
    assert hours == [5 / 60, 1, 6, 24, None]
    assert turns(store) == {5: 1}
    assert attempts(store, 1) == ["server"] * 15
    tag(store, Brain(), FAILED)
    assert statuses(store) == {"tagged": 1}


def test_of_failed_posts_those_with_fewer_turns_come_first(store: Store) -> None:
    fill(store, 2)
    tag(store, Brain(rule=lambda _: faults.status(500)))
    tag(store, Brain(rule=lambda _: faults.status(500)), PostFilter(posts=("news/2",)))
    brain = Brain()
    tag(store, brain, FAILED, sizes=Sizes(posts=1))
    assert ["number1 " in seen.texts[0] for seen in brain.completions] == [True, False]


def test_which_failed_posts_are_taken(store: Store) -> None:
    fill(store, 20)
    tag(store, Brain(rule=poison(contents.refusal())))
    fill(store, 10, first=101)
    tag(store, Brain(rule=lambda seen: faults.status(500) if any("number105 " in text
        for text in seen.texts) else None))  # fmt: skip
    now = dt.datetime.now(dt.UTC)
    later = now + dt.timedelta(hours=1)

    def count(**wanted: object) -> int:
        return store.queue.count(PostFilter(statuses=("failed",), **wanted))  # type: ignore[arg-type]

    assert (count(), count(due_by=now), count(due_by=later)) == (2, 0, 1)
    assert (count(due_by=later, attempts_below=1), count(failures=("refused",))) == (0, 1)
