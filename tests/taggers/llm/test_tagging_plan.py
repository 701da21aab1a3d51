"""The plan of a tagging run, with numbers for a clock: no event loop, no HTTP, no store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tgtagger.model.tagging import (
    Answered,
    Outcome,
    PostForTagging,
    PostId,
    Provenance,
    Skipped,
    Tagged,
    TaggingError,
    Wait,
)
from tgtagger.taggers.llm.api.capabilities import PLAIN, Capabilities, CapabilitiesByModel
from tgtagger.taggers.llm.api.responses import ANSWERED, Response, Verdict
from tgtagger.taggers.llm.costs import Costs, Price
from tgtagger.taggers.llm.exchange import Exchange
from tgtagger.taggers.llm.pending import News
from tgtagger.taggers.llm.plan import GRACE, Idle, Options, Over, Plan
from tgtagger.taggers.llm.prompt import make_prompt
from tgtagger.taggers.llm.queue import RequestInFlight, Sizes
from tgtagger.taggers.llm.rate_limiter import BREAKER
from tgtagger.vocabulary import Vocabulary

URL = "http://127.0.0.1:1/v1"


def posts(count: int, *, attempts: int = 0) -> list[PostForTagging]:
    return [
        PostForTagging(PostId(1, n), f"storm number{n} at sea", str(n), attempts)
        for n in range(1, count + 1)
    ]


def plan(wanted: Iterable[PostForTagging], *, prices: Any = None, **options: Any) -> Plan:
    options.setdefault("models", ("a",))
    options.setdefault("sizes", Sizes(posts=2))
    made = Options(**options)
    vocabulary = Vocabulary("open")
    exchange = Exchange(make_prompt(vocabulary), vocabulary, PLAIN)
    provenances = [Provenance("llm", model) for model in made.models]
    proven = {model: Capabilities(proven=True) for model in made.models}
    capabilities = CapabilitiesByModel(made.models, PLAIN, proven)
    costs = Costs(made.models, prices or {}, made.max_cost)
    return Plan(wanted, made, exchange, capabilities, costs, provenances, URL, now=0.0)


def answer(request: RequestInFlight, *, leaves_out: Sequence[int] = ()) -> Response:
    """Return a response with a tag for each post of a request, some left out."""
    told = [
        {"id": f"p{number}", "tags": ["storm"]}
        for number, post in enumerate(request.job.posts, 1)
        if post.id.message_id not in leaves_out
    ]
    content = json.dumps({"posts": told})
    tree = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    return Response(ANSWERED, tree, 200)


def refusal(kind: Any, **facts: Any) -> Response:
    return Response(Verdict(kind, "said the server", **facts), status=500)


class Driven:
    """A plan, and what it told so far."""

    def __init__(self, made: Plan) -> None:
        self.plan = made
        self.now = 0.0
        self.answered: list[Answered] = []
        self.told: list[object] = []

    def sends(self) -> list[RequestInFlight]:
        """Return what goes now; keep what is told."""
        requests = []
        while isinstance(step := self.plan.next(self.now), RequestInFlight | News):
            if isinstance(step, RequestInFlight):
                requests.append(step)
            else:
                self.answered += step.answered
                self.told += step.told
        self.step: Idle | Over = step
        return requests

    def send(self) -> RequestInFlight:
        (request,) = self.sends()
        return request

    def goes_on(self) -> bool:
        """Send the next request, waiting for it if need be; False: the run is over."""
        while not (requests := self.sends()):
            if isinstance(self.step, Over):
                return False
            assert self.step.seconds is not None
            self.now += self.step.seconds
        (self.last,) = requests
        return True

    def take(self, request: RequestInFlight, response: Response) -> None:
        self.plan.take(request, response, self.now)

    def outcomes(self) -> dict[int, Outcome]:
        return {each.post.id.message_id: each.outcome for each in self.answered if each.outcome}

    @property
    def pause(self) -> float | None:
        assert isinstance(self.step, Idle)
        return self.step.seconds

    @property
    def error(self) -> str | None:
        """The kind of what ended it; None where it came to its end."""
        assert isinstance(self.step, Over)
        return None if self.step.error is None else self.step.error.kind


def numbers(request: RequestInFlight) -> list[int]:
    return [post.id.message_id for post in request.job.posts]


# ---- when all is well


def test_the_first_goes_alone_and_then_all_that_may() -> None:
    run = Driven(plan(posts(20), concurrency=3))
    first = run.send()
    assert run.step == Idle(None)
    run.take(first, answer(first))
    assert [numbers(request) for request in run.sends()] == [[3, 4], [5, 6], [7, 8]]
    assert run.outcomes().keys() == {1, 2}


def test_a_run_is_over_when_all_is_told() -> None:
    run = Driven(plan(posts(2)))
    request = run.send()
    run.take(request, answer(request))
    assert run.sends() == []
    assert run.step == Over()
    (attempt, _) = [each.attempt for each in run.answered]
    assert attempt is not None
    assert (attempt.model, attempt.http_status, attempt.failure) == ("a", 200, None)


def test_posts_without_words_take_no_request() -> None:
    run = Driven(plan([replace(post, text="🔥") for post in posts(3)]))
    assert run.sends() == []
    assert run.outcomes() == dict.fromkeys((1, 2, 3), Skipped("no words to tag"))
    assert run.step == Over()


def test_the_pace_that_a_user_sets() -> None:
    run = Driven(plan(posts(4), rpm=6))
    request = run.send()
    run.take(request, answer(request))
    assert run.sends() == []
    assert run.pause == pytest.approx(10)
    assert run.told == [Wait(10.0, "keeping pace")]
    run.now = 10.0
    assert numbers(run.send()) == [3, 4]


# ---- what fails


def test_what_is_missing_in_an_answer_is_asked_again_alone() -> None:
    run = Driven(plan(posts(2)))
    first = run.send()
    run.take(first, answer(first, leaves_out=[2]))
    again = run.send()
    assert (numbers(again), again.job.tries) == ([2], 1)
    assert [each.attempt.failure for each in run.answered if each.attempt] == [None, "bad_answer"]
    assert run.outcomes().keys() == {1}


def test_a_failure_is_asked_again_in_halves_after_a_while() -> None:
    run = Driven(plan(posts(2)))
    first = run.send()
    run.take(first, refusal("passing", failure="server", wait=7.0))
    assert run.sends() == []
    assert run.pause == pytest.approx(7)
    run.now = 7.0
    half = run.send()
    assert numbers(half) == [1]
    run.take(half, answer(half))
    assert numbers(run.send()) == [2]


def test_a_bad_post_fails_alone() -> None:
    run = Driven(plan(posts(3), sizes=Sizes(posts=3), concurrency=1))
    requests = 0
    while run.goes_on():
        requests += 1
        request = run.last
        is_bad = 2 in numbers(request)
        run.take(request, refusal("bad_post", failure="refused") if is_bad else answer(request))
    assert (requests, run.error) == (1 + 2 + 2, None)
    assert {number: type(each) for number, each in run.outcomes().items()} == {
        1: Tagged, 2: TaggingError, 3: Tagged
    }  # fmt: skip


def test_what_throttles_is_waited_for_by_all() -> None:
    run = Driven(plan(posts(4)))
    first = run.send()
    run.take(first, refusal("throttled", failure="throttled", wait=30.0))
    assert run.sends() == []
    assert run.pause is not None
    assert 30 <= run.pause <= 31
    (wait,) = run.told
    assert isinstance(wait, Wait)
    assert wait.reason == "the tagging server asks to wait"
    run.now = run.pause
    assert numbers(run.send()) == [1, 2]
    assert run.outcomes() == {}


# ---- how it ends


@pytest.mark.parametrize("stop", ["key_rejected", "quota", "unknown_model", "wrong_address"])
def test_a_stop_ends_it_with_its_kind(stop: Any) -> None:
    run = Driven(plan(posts(4)))
    run.take(run.send(), refusal("stop", stop=stop))
    assert run.sends() == []
    assert (run.error, run.answered) == (stop, [])


def test_answers_on_their_way_have_a_grace_when_it_ends() -> None:
    run = Driven(plan(posts(20), concurrency=3))
    first = run.send()
    run.take(first, answer(first))
    second, third, _fourth = run.sends()
    run.take(second, refusal("stop", stop="quota"))
    assert run.sends() == []
    assert run.step == Idle(GRACE)
    run.now = 1.0
    run.take(third, answer(third))
    assert run.sends() == []
    assert run.step == Idle(GRACE - 1)
    assert run.outcomes().keys() == {1, 2, 5, 6}
    run.now = GRACE
    assert run.sends() == []
    assert run.error == "quota"


def test_a_model_that_is_not_there_gives_its_posts_to_the_next() -> None:
    run = Driven(plan(posts(2), models=("a", "b")))
    run.take(run.send(), refusal("stop", stop="unknown_model"))
    again = run.send()
    assert (again.model, numbers(again)) == ("b", [1, 2])
    assert run.told == ["there is no model a (said the server): the run continues with b"]


@pytest.mark.parametrize(("attempts", "failed"), [(0, []), (1, [1])])
def test_failures_in_a_row_end_it_and_harm_no_new_post(attempts: int, failed: list[int]) -> None:
    """A post that failed in an earlier run has had its turn; a new one stays as it was."""
    run = Driven(plan(posts(5, attempts=attempts), sizes=Sizes(posts=1), retry_base=0.0))
    requests = 0
    while run.goes_on():
        requests += 1
        run.take(run.last, refusal("passing", failure="server"))
    assert (requests, run.error) == (BREAKER, "provider_down")
    assert list(run.outcomes()) == failed


def test_the_time_of_a_run_is_not_exceeded() -> None:
    run = Driven(plan(posts(20), max_time=10.0))
    first = run.send()
    assert run.step == Idle(10.0)
    run.now = 10.0
    assert run.sends() == []
    assert run.step == Idle(GRACE)
    run.take(first, answer(first))
    assert run.sends() == []
    assert (run.error, len(run.outcomes())) == ("time_cap", 2)


def test_a_wait_beyond_the_time_of_a_run_ends_it_at_once() -> None:
    run = Driven(plan(posts(20), max_time=10.0))
    run.take(run.send(), refusal("throttled", failure="throttled", wait=30.0))
    assert run.sends() == []
    assert run.error == "time_cap"


def test_the_cap_on_cost_lets_no_request_go_that_could_exceed_it() -> None:
    run = Driven(plan(posts(4), prices={"a": Price(1.0, 1.0)}, max_cost=1e-6))
    assert run.sends() == []
    assert run.error == "cost_cap"


def test_a_wait_after_a_failure_says_why() -> None:
    run = Driven(plan(posts(1)))
    run.take(run.send(), refusal("passing", failure="timeout", wait=7.0))
    assert run.sends() == []
    reasons = [told.reason for told in run.told if isinstance(told, Wait)]
    assert reasons == ["the tagging server has trouble (said the server), and is tried again"]


@pytest.mark.parametrize(("is_local", "reached", "ends"), [
    (True, False, True), (True, True, False), (False, False, False)])  # fmt: skip
def test_a_server_of_this_machine_that_is_not_there_ends_it_at_once(
    *, is_local: bool, reached: bool, ends: bool
) -> None:
    run = Driven(plan(posts(2), is_local=is_local))
    refused = refusal("passing", failure="network", reached=reached)
    run.take(run.send(), refused)
    assert run.sends() == []
    assert isinstance(run.step, Over) is ends
    assert not ends or run.error == "provider_down"
    assert run.outcomes() == {}  # no post is blamed


def test_a_server_of_this_machine_that_was_there_is_waited_for() -> None:
    run = Driven(plan(posts(4), is_local=True))
    request = run.send()
    run.take(request, answer(request))
    refused = refusal("passing", failure="network", reached=False)
    run.take(run.send(), refused)
    run.sends()
    assert not isinstance(run.step, Over)
