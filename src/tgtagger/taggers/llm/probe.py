"""Ask a tagging server what it can do: its models, what each takes, two samples tagged by each.

A model is asked for the tags of two posts of ours as a run would ask: one request at a time, and
few of them. Stored capabilities are ignored. The result tells what a server does; no error is
raised.

Knows no store, no terminal, and no post of the user.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tgtagger.errors import TgTaggerError, TryLater
from tgtagger.model.choices import FailureClass
from tgtagger.model.tagging import Outcome, Tagged
from tgtagger.taggers.llm.api.answers import read_answer
from tgtagger.taggers.llm.api.capabilities import Capabilities, CapabilitiesByModel
from tgtagger.taggers.llm.api.client import Server
from tgtagger.taggers.llm.api.responses import Response, Verdict
from tgtagger.taggers.llm.exchange import (
    Exchange,
    has_only_thoughts,
    is_prose,
    scrub,
    why_missing,
)
from tgtagger.taggers.llm.prompt import count_tokens
from tgtagger.taggers.llm.queue import Sizes
from tgtagger.taggers.llm.trouble import stop_of

SAMPLES = (
    "В Костроме после ремонта открыли пешеходный мост через Волгу: по нему снова ходят в музей.",
    "The national library of Wales has put 12,000 old maps online; anyone may copy the scans.",
)

REQUESTS = 8
"""Requests to a model at most: the steps down to plain text, some refused parameters, more room."""

PATIENCE = 120.0
"""Seconds for one model, which its server may have to load first."""

LONGEST_WAIT = 10.0
"""Seconds: if a server asks for a longer wait, the probe ends."""

LOOKUP = 10.0
"""Seconds for the list of models, and for the server's own description."""

LONGEST_NAME = 200

TYPICAL = 200
"""Tokens of a post with its frame, as `prompt.count_tokens` counts them."""


@dataclass(frozen=True, slots=True)
class Tried:
    """The result for one model. `stop` would end a run, `failure` failed these posts.

    `tags` has an item for each sample: None if it got no tags, empty if no allowed tag fits.
    """

    model: str
    requests: int
    tags: tuple[tuple[str, ...] | None, ...] = (None,) * len(SAMPLES)
    takes: Capabilities | None = None  # None: nothing was answered
    seconds: float | None = None
    stop: TgTaggerError | None = None
    failure: FailureClass | None = None
    message: str = ""  # the reason for missing tags
    is_listed: bool | None = None  # None: the server lists no models
    context: int | None = None  # tokens; None: unknown


@dataclass(frozen=True, slots=True)
class Probe:
    """What a server can do. After a model that ended the probe, `models` has no more.

    `ahead` is how many seconds the server's clock is ahead of ours, None if it tells no time.
    """

    models: tuple[Tried, ...]
    listed: tuple[str, ...] | None = None
    ahead: float | None = None


async def probe(server: Server, exchange: Exchange, models: Sequence[str]) -> Probe:
    """Probe a server, and each of its models."""
    tried: list[Tried] = []
    ahead: float | None = None
    entries: Mapping[str, Mapping[str, Any]] | None = None
    properties: Mapping[str, Any] = {}
    async with server:
        for model in models:
            trial = _Trial(server, exchange, model)
            tried.append(await trial.result())
            ahead = trial.ahead if ahead is None else ahead
            if tried[-1].stop is not None and not trial.may_other_models_do:
                break
        if trial.is_there:
            entries, properties = await _look_up(server)
    listed = None if entries is None else tuple(entries)
    found = tuple(
        replace(
            each,
            is_listed=None if entries is None else _entry(entries, each.model) is not None,
            context=_context(_entry(entries or {}, each.model) or {}, properties),
        )
        for each in tried
    )
    return Probe(found, listed, ahead)


def tokens_of_request(exchange: Exchange, sizes: Sizes, posts: int) -> int:
    """Return about how many tokens a request for so many usual posts takes, with its answer."""
    head = exchange.count_tokens(SAMPLES) - sum(map(count_tokens, SAMPLES))
    content = min(posts * TYPICAL, sizes.tokens)
    return head + content + exchange.room(posts, Capabilities())


# ---- one model


class _Trial:
    """Asks one model until it answers, or nothing is left to try."""

    def __init__(self, server: Server, exchange: Exchange, model: str) -> None:
        self._server = server
        self._exchange = exchange
        self._model = model
        self._capabilities = CapabilitiesByModel((model,), exchange.dialect, {})
        self._requests = 0
        self._has_spare = True  # a failure without a reason is repeated once
        self._last = Verdict("passing", failure="timeout")
        self._has_status = False
        self.ahead: float | None = None

    @property
    def is_there(self) -> bool:
        """Tell whether the last request reached the server."""
        return self._last.reached

    @property
    def may_other_models_do(self) -> bool:
        """Tell whether the stop concerns only this model: it is missing, or cannot be started."""
        return self._has_status and (
            self._last.stop == "unknown_model" or self._last.kind == "passing"
        )

    async def result(self) -> Tried:
        try:
            async with asyncio.timeout(PATIENCE):
                while self._requests < REQUESTS:
                    if (tried := await self._ask()) is not None:
                        return tried
        except TimeoutError:
            return self._stopped(self._down(f"no answer in {PATIENCE:.0f} s"))
        if self._last.kind == "throttled":
            return self._stopped(self._throttled(None))
        return self._failed(self._last.failure or "server", self._last.message)

    async def _ask(self) -> Tried | None:
        """Ask once. Return None if another request may do better."""
        used = self._capabilities.of(self._model)
        self._requests += 1
        response = await self._server.ask(self._exchange.write(self._model, SAMPLES, used))
        self._has_status = self._has_status or response.status is not None
        self.ahead = _ahead(response)
        verdict = response.verdict
        verdict = replace(verdict, message=scrub(verdict.message, SAMPLES))
        self._last = verdict
        match verdict.kind:
            case "answered":
                return self._read(response, used)
            case "stop":
                return self._stopped(stop_of(verdict, url=self._server.url, model=self._model))
            case "throttled" | "passing":
                return await self._wait(verdict)
            case "parameter" if self._capabilities.refuse(
                self._model, used, verdict.parameter or ""
            ):
                return None
            case "bad_post" if verdict.failure == "server" and self._capabilities.doubt(
                self._model, used
            ):
                return None
        return self._failed(verdict.failure or "server", verdict.message)

    async def _wait(self, verdict: Verdict) -> Tried | None:
        """Wait until the server may do better; repeat a failure once at most."""
        if verdict.kind == "throttled":
            pause = 2.0**self._requests / 2 if verdict.wait is None else verdict.wait
            if pause > LONGEST_WAIT:
                return self._stopped(self._throttled(verdict.wait))
        else:
            pause = verdict.wait or 1.0
            may_do = verdict.reached and verdict.again and pause <= LONGEST_WAIT
            if not (may_do and self._spend_spare()):
                return self._stopped(self._down(verdict.message))
        await asyncio.sleep(pause)
        return None

    def _read(self, response: Response, used: Capabilities) -> Tried | None:
        answer = read_answer(response.tree)
        if answer.failure == "refused":
            return self._failed("refused", answer.message)
        tags = tuple(_names(outcome) for outcome in self._exchange.read(answer, SAMPLES))
        message = answer.message or why_missing(answer)
        if any(each is not None for each in tags):
            takes = self._capabilities.prove(self._model, used) or used
            message = message if None in tags else ""
            return Tried(
                self._model, self._requests, tags, takes, response.seconds, message=message
            )
        self._last = Verdict("passing", message, answer.failure or "bad_answer")
        if answer.finish == "length":
            self._capabilities.make_room(self._model, used, thinks=has_only_thoughts(answer))
            return None
        if is_prose(answer) and self._capabilities.step_down(self._model, used):
            return None
        return (
            None if self._spend_spare() else self._failed(answer.failure or "bad_answer", message)
        )

    def _spend_spare(self) -> bool:
        had, self._has_spare = self._has_spare, False
        return had

    # ---- ends without tags

    def _failed(self, failure: FailureClass, message: str) -> Tried:
        return Tried(self._model, self._requests, failure=failure, message=message)

    def _stopped(self, stop: TgTaggerError) -> Tried:
        return Tried(self._model, self._requests, stop=stop, message=stop.message)

    def _down(self, reason: str) -> TgTaggerError:
        url, is_there = self._server.url, self._last.reached
        return TryLater("provider_down", url=url, is_there=is_there, reason=reason)

    def _throttled(self, seconds: float | None) -> TgTaggerError:
        url, reason = self._server.url, self._last.message
        return TryLater("throttled", url=url, seconds=seconds, reason=reason)


def _names(outcome: Outcome | None) -> tuple[str, ...] | None:
    if outcome is None:
        return None
    return tuple(tag.name for tag in outcome.tags) if isinstance(outcome, Tagged) else ()


def _ahead(response: Response) -> float | None:
    """Return how many seconds the server's clock is ahead, less the time of the request."""
    try:
        then = email.utils.parsedate_to_datetime(response.date or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    then = then if then.tzinfo else then.replace(tzinfo=dt.UTC)
    try:
        before = (then - response.at).total_seconds()
    except OverflowError:
        return None
    if before < 0:
        return before
    return max(before - response.seconds, 0.0)  # between the beginning and the end: right


# ---- the server's own description


async def _look_up(
    server: Server,
) -> tuple[dict[str, Mapping[str, Any]] | None, Mapping[str, Any]]:
    """Return the listed models, by name, and the properties of llama.cpp's server."""
    try:
        async with asyncio.timeout(LOOKUP):
            models, properties = await asyncio.gather(server.models(), server.properties())
    except TimeoutError:
        return None, {}
    if models is None:
        return None, properties
    named = ((entry.get("id"), entry) for entry in models)
    return {
        name: entry for name, entry in named if isinstance(name, str) and len(name) <= LONGEST_NAME
    }, properties


def _entry(entries: Mapping[str, Mapping[str, Any]], model: str) -> Mapping[str, Any] | None:
    """Return a model's item of the list; some servers list it under a longer name."""
    names = (model, f"{model}:latest", f"models/{model}")
    return next((entries[name] for name in names if name in entries), None)


_CONTEXT: Sequence[tuple[str, ...]] = (
    # The context in force comes before the model's largest one.
    ("meta", "n_ctx"),
    ("loaded_context_length",),
    ("max_model_len",),
    ("top_provider", "context_length"),
    ("context_length",),
    ("max_context_length",),
    ("meta", "n_ctx_train"),
)


def _context(entry: Mapping[str, Any], properties: Mapping[str, Any]) -> int | None:
    told = [_whole_at(properties, ("default_generation_settings", "n_ctx"))]
    told += [_whole_at(entry, path) for path in _CONTEXT]
    return next((tokens for tokens in told if tokens is not None), None)


def _whole_at(tree: Any, path: tuple[str, ...]) -> int | None:
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree if type(tree) is int and 0 < tree < 2**31 else None
