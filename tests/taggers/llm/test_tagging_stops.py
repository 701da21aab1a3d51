"""Tagging by a model when its server fails: what is waited for, what ends a run, who is next.

A real store, a simulated server (tests/llm_server), virtual time. Ten posts go in a request; the
first request goes alone.
"""

from __future__ import annotations

from typing import Any

import pytest

from llm_server import Brain, Fault, Seen, contents, faults, refusals
from support.make import page, post
from support.tagging import attempts, failures, fill, make, poison, statuses, tag, turns
from tgtagger.errors import ActionNeeded, TryLater
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.taggers.llm.queue import Sizes

# ---- stop: a key, a quota, a model, an address


@pytest.mark.row("H5")
@pytest.mark.parametrize(
    ("fault", "kind", "error"),
    [
        (refusals.wrong_key(echo=True), "key_rejected", ActionNeeded),
        (faults.status(403), "key_rejected", ActionNeeded),
        (refusals.no_credits(None), "quota", ActionNeeded),
        (refusals.insufficient_quota(), "quota", ActionNeeded),
        (refusals.insufficient_quota("credit_balance_exhausted"), "quota", ActionNeeded),
        (refusals.daily_free_limit(), "quota", TryLater),
        (refusals.unknown_model("x"), "unknown_model", ActionNeeded),
        (faults.status(404), "unknown_model", ActionNeeded),
        (faults.redirect("https://elsewhere.example/v1", 301), "wrong_address", ActionNeeded),
        (faults.redirect("https://elsewhere.example/v1", 308), "wrong_address", ActionNeeded),
        (refusals.rate_limited(86400, "seconds"), "throttled", TryLater),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_what_stops_a_run_costs_one_request(
    store: Store, fault: Fault, kind: str, error: type[Exception]
) -> None:
    fill(store, 30)
    told = tag(store, Brain(rule=lambda _: fault), concurrency=8)
    assert (told.requests, told.kind, type(told.stopped)) == (1, kind, error)
    assert statuses(store) == {"pending": 30}
    assert turns(store) == {0: 30}
    assert told.stopped is not None
    assert "sk-test" not in told.stopped.message
    assert ("24 h" in told.stopped.message) == (kind == "throttled")


@pytest.mark.row("H5")
def test_a_stop_in_the_middle_keeps_what_was_answered(store: Store) -> None:
    fill(store, 200)
    brain = Brain(latency=1.0)
    brain.rule = lambda _: refusals.insufficient_quota() if len(brain.completions) == 7 else None
    told = tag(store, brain, concurrency=4)
    assert told.kind == "quota"
    # Those on their way with the seventh were paid for: they are kept.
    assert statuses(store) == {"tagged": 80, "pending": 120}
    assert (told.requests, brain.paid_twice()) == (9, {})


@pytest.mark.row("H5")
def test_the_key_goes_nowhere_else(store: Store) -> None:
    fill(store, 1)
    brain = Brain(script=[faults.redirect("http://127.0.0.1:1/v1/other", 307)])
    tag(store, brain)
    # Within the same server it is followed, here to a path that it has not.
    assert [seen.path for seen in brain.requests] == ["/v1/chat/completions", "/v1/other"]


# ---- throttled: everybody waits, nobody is to blame


@pytest.mark.row("H3")
@pytest.mark.parametrize(
    ("form", "at_least"),
    [
        ("seconds", 7), ("float", 7), ("date", 6), ("ms", 7), ("requests", 7), ("tokens", 7),
        ("epoch", 6), ("epoch-ms", 7), ("past", 0), ("none", 0), ("junk", 0), ("negative", 0),
        ("nan", 0), ("infinite", 0), ("empty", 0),
    ],
)  # fmt: skip
def test_a_wait_is_honoured_in_every_form(store: Store, form: Any, at_least: float) -> None:
    fill(store, 12)
    told = tag(store, Brain(script=[refusals.rate_limited(7, form)]))
    assert told.seconds >= at_least
    assert told.seconds <= at_least + 2
    assert (told.requests, statuses(store), turns(store)) == (3, {"tagged": 12}, {1: 12})
    assert attempts(store, 12) == ["throttled", None]


@pytest.mark.row("H3")
def test_one_request_tries_whether_the_pause_is_over(store: Store) -> None:
    fill(store, 100)
    brain = Brain(latency=1.0)
    brain.rule = lambda seen: refusals.rate_limited(30, "seconds") if 1 <= seen.at < 40 else None
    tag(store, brain, concurrency=8)
    sent = [round(seen.at) for seen in brain.completions]
    assert sent.count(1) == 8  # they were on their way together
    after = [at for at in sent if at > 1]
    assert len([at for at in after if at < 40]) == 1  # the one that tried after 30 s
    assert statuses(store) == {"tagged": 100}
    assert turns(store) == {1: 100}


@pytest.mark.row("H3")
def test_a_server_that_only_asks_to_wait_ends_the_run(store: Store) -> None:
    fill(store, 30)
    told = tag(store, Brain(rule=lambda _: refusals.rate_limited(50, "seconds")))
    assert (told.kind, type(told.stopped)) == ("throttled", TryLater)
    assert told.requests == 3  # 50 s and 50 s are waited for, 150 are too long
    assert statuses(store) == {"pending": 30}


@pytest.mark.row("H3", "H9")
@pytest.mark.parametrize("form", ["seconds", "none"])
def test_posts_that_are_always_throttled_hold_nobody_up(store: Store, form: Any) -> None:
    fill(store, 400)
    fault = refusals.rate_limited(40, form)
    brain = Brain(rule=lambda seen: fault if "number394 " in " ".join(seen.texts) else None)
    told = tag(store, brain, concurrency=4)
    assert told.kind == "throttled"  # of the ten with the one, nobody knows which it is
    assert (statuses(store), turns(store)) == (
        {"tagged": 390, "pending": 10},
        {1: 390, 0: 10},
    )
    assert told.requests < 40 + 25


@pytest.mark.row("H3")
@pytest.mark.parametrize("form", ["seconds", "past"])
def test_a_server_that_asks_to_wait_for_nothing_again_and_again(store: Store, form: Any) -> None:
    fill(store, 10)
    told = tag(store, Brain(rule=lambda _: refusals.rate_limited(0, form)))
    assert told.kind == "throttled"
    assert told.requests < 30


@pytest.mark.row("H3")
def test_a_model_that_is_still_loading_is_waited_for(store: Store) -> None:
    fill(store, 12)
    told = tag(store, Brain("llamacpp", loading=3), provider="llamacpp")
    assert (told.requests, statuses(store), turns(store)) == (5, {"tagged": 12}, {1: 12})


# ---- the provider is down


@pytest.mark.row("H4")
@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize(
    "fault",
    [faults.status(500), faults.reset("before"), contents.prose(), refusals.unprocessable()],
    ids=lambda fault: fault.name,
)
def test_ten_failures_in_a_row_end_the_run(store: Store, fault: Fault, concurrency: int) -> None:
    fill(store, 100)
    told = tag(store, Brain(rule=lambda _: fault), concurrency=concurrency)
    assert (told.kind, type(told.stopped)) == ("provider_down", TryLater)
    assert told.requests <= 13  # where nothing is named, the same and two more formats are tried
    # Of a server that answers, if uselessly, a post may have had its turn.
    had_turns = failures(store).get("bad_answer", 0)
    assert had_turns <= (5 if fault.name == contents.prose().name else 0)
    assert turns(store)[0] == 100 - had_turns


@pytest.mark.row("H4")
def test_a_provider_that_goes_down_on_the_way(store: Store) -> None:
    fill(store, 1000)
    brain = Brain(latency=1.0, rule=lambda seen: faults.status(500) if seen.at >= 5 else None)
    told = tag(store, brain, concurrency=16)
    answered = sum(brain.answered.values())
    assert told.kind == "provider_down"
    assert statuses(store) == {"tagged": answered, "pending": 1000 - answered}
    # Sixteen were on their way together; then one at a time.
    assert len([seen for seen in brain.completions if seen.at >= 5]) <= 16 + 10


@pytest.mark.row("H1")
def test_a_server_that_is_off_harms_no_post(store: Store) -> None:
    fill(store, 3)  # too few for ten failures
    import httpx

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    tagger = make(Brain(), transport=httpx.MockTransport(refuse))
    told = tag(store, Brain(), tagger=tagger)
    assert (told.kind, statuses(store), turns(store)) == ("provider_down", {"pending": 3}, {0: 3})
    assert tagger.spending.requests == 3


@pytest.mark.row("H4")
def test_an_outage_is_ridden_out(store: Store) -> None:
    fill(store, 600)
    brain = Brain(latency=2.0, rule=lambda seen: faults.status(503) if 20 < seen.at < 40 else None)
    told = tag(store, brain, concurrency=16, sizes=Sizes(posts=1), retry_base=2.0)
    assert (told.kind, statuses(store)) == (None, {"tagged": 600})
    assert told.requests <= 650


# ---- fallback models


def test_the_next_model_works_when_one_is_down(store: Store) -> None:
    fill(store, 40)
    brain = Brain(models=["a", "b"])
    brain.rule = lambda seen: faults.status(500) if seen.model == "a" else None
    told = tag(store, brain, models=("a", "b"))
    asked = [seen.model for seen in brain.completions]
    assert asked.count("a") == 3
    assert (statuses(store), turns(store)) == ({"tagged": 40}, {1: 40})
    assert len(told.warnings) == 1
    assert {link.model for link in store.records.post("news/1").links} == {"b"}


def test_the_next_model_gets_the_post_that_one_refuses(store: Store) -> None:
    fill(store, 20)
    brain = Brain(models=["a", "b"])
    brain.rule = lambda seen: contents.refusal() if seen.model == "a" and poison(
        contents.refusal())(seen) else None  # fmt: skip
    told = tag(store, brain, models=("a", "b"))
    assert [seen.model for seen in brain.completions].count("b") == 1
    assert (statuses(store), told.warnings) == ({"tagged": 20}, [])
    assert {link.model for link in store.records.post("news/7").links} == {"b"}
    assert {link.model for link in store.records.post("news/8").links} == {"a"}


def test_a_model_that_is_not_there_is_passed_over_once(store: Store) -> None:
    fill(store, 40)
    told = tag(store, Brain(models=["b"]), models=("a", "b"))
    assert (told.requests, statuses(store), len(told.warnings)) == (5, {"tagged": 40}, 1)


def test_a_post_that_every_model_refuses_has_failed(store: Store) -> None:
    fill(store, 20)
    told = tag(store, Brain(models=["a", "b"], rule=poison(contents.refusal())), models=("a", "b"))
    assert (statuses(store), failures(store)) == ({"tagged": 19, "failed": 1}, {"refused": 1})
    assert told.requests == 9 + 1


# ---- nothing goes on for ever


def endless(brain: Brain, most: int = 200) -> Brain:
    """Return a brain that breaks the test instead of answering for ever."""
    rule = brain.rule

    def bounded(seen: Seen) -> Fault | None:
        assert len(brain.completions) < most, "it asks for ever"
        return rule(seen) if rule is not None else None

    brain.rule = bounded
    return brain


@pytest.mark.parametrize(
    "trouble", [faults.status(500), faults.reset("before"), contents.no_tags(), contents.prose()],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_a_fallback_that_fails_at_what_the_first_refuses(store: Store, trouble: Fault) -> None:
    fill(store, 20)
    brain = Brain(models=["a", "b"])
    refused = poison(contents.refusal())
    brain.rule = lambda seen: refused(seen) if seen.model == "a" else trouble
    told = tag(store, endless(brain), models=("a", "b"))
    assert (told.kind, statuses(store)) == (None, {"tagged": 19, "failed": 1})
    assert [seen.model for seen in brain.completions].count("b") == 3
    assert told.warnings == []  # the first one does its work


@pytest.mark.parametrize("models", [("a", "nowhere"), ("a", "nowhere", "c")])
def test_a_fallback_that_is_not_there(store: Store, models: tuple[str, ...]) -> None:
    fill(store, 20)
    brain = Brain(models=["a", "c"])
    refused = poison(contents.refusal())
    brain.rule = lambda seen: refused(seen) if seen.model == "a" else None
    told = tag(store, endless(brain), models=models)
    expected = {"tagged": 20} if "c" in models else {"tagged": 19, "failed": 1}
    assert (told.kind, statuses(store)) == (None, expected)
    assert len(told.warnings) == 1


def test_without_a_pause_between_tries_it_ends_too(store: Store) -> None:
    fill(store, 10)
    brain = endless(Brain(rule=lambda _: refusals.rate_limited(0, "none")))
    assert tag(store, brain, retry_base=0).kind == "throttled"


def test_a_limit_counts_what_several_models_answered(store: Store) -> None:
    for model, first in (("a", 1), ("b", 11)):
        fill(store, 5, first=first)
        tag(store, Brain(models=[model]), models=(model,))
    for number in [*range(1, 6), *range(11, 16)]:
        store.posts.save_page(
            page(post(number + 100, store.records.post(f"news/{number}").post.text))
        )
    wanted = PostFilter(statuses=("pending",), limit=6)
    told = tag(store, Brain(models=["a", "b"]), wanted, models=("a", "b"))
    assert (len(told.results), told.requests) == (6, 0)
