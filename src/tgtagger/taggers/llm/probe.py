"""Ask a tagging server what it can do: its models, what each takes, two samples tagged by each.

A model is asked for the tags of two posts of our own as a run would ask, one request at a time and
few of them, beginning with no memory of what it takes. What a server does is told in the result,
and never raised.

Knows no store, no terminal, and no post of the user's.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tgtagger.model.tagging import FailureClass, Outcome, Tagged
from tgtagger.taggers.llm import stops
from tgtagger.taggers.llm.api.answers import read_reply
from tgtagger.taggers.llm.api.capabilities import Formats
from tgtagger.taggers.llm.api.client import Heard
from tgtagger.taggers.llm.api.requests import Capabilities
from tgtagger.taggers.llm.api.responses import Verdict
from tgtagger.taggers.llm.exchange import has_only_thoughts, is_prose, why_missing
from tgtagger.taggers.llm.prompt import count_tokens

if TYPE_CHECKING:
    from tgtagger.taggers.llm.tagger import LlmTagger

SAMPLES = (
    "В Костроме после ремонта открыли пешеходный мост через Волгу: по нему снова ходят в музей.",
    "The national library of Wales has put 12,000 old maps online; anyone may copy the scans.",
)

REQUESTS = 8
"""Requests to a model at most: the steps down to plain text, some refused parameters, more room."""

PATIENCE = 120.0
"""Seconds for one model, which its server may have to load first."""

LONGEST_WAIT = 10.0
"""Seconds that a server may ask to wait before it is left alone."""

LOOKUP = 10.0
"""Seconds for the list of models, and for what a server says of itself."""

LONGEST_NAME = 200

TYPICAL = 200
"""Tokens of a post with its frame, as `prompt.count_tokens` counts them."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one model. `stop` is what would end a run, `failure` what failed these posts.

    `tags` has an entry a sample: None where it got none, empty where no allowed tag fits.
    """

    model: str
    requests: int
    tags: tuple[tuple[str, ...] | None, ...] = (None,) * len(SAMPLES)
    takes: Capabilities | None = None  # None: nothing was answered
    seconds: float | None = None
    stop: stops.Stop | None = None
    failure: FailureClass | None = None
    message: str = ""  # why there are no tags
    is_listed: bool | None = None  # None: the server lists no models
    context: int | None = None  # tokens; None: nobody says


@dataclass(frozen=True, slots=True)
class Probe:
    """What a server can do. Models after one that ended it all are not in `models`.

    `ahead` are the seconds that the server's clock is ahead of ours, None where it tells no time.
    """

    models: tuple[Tried, ...]
    listed: tuple[str, ...] | None = None
    ahead: float | None = None


async def probe(tagger: LlmTagger) -> Probe:
    """Ask the server of a tagger, and each of its models."""
    tried: list[Tried] = []
    ahead: float | None = None
    entries: Mapping[str, Mapping[str, Any]] | None = None
    properties: Mapping[str, Any] = {}
    async with tagger.server:
        for model in tagger.options.models:
            trial = _Trial(tagger, model)
            tried.append(await trial.result())
            ahead = trial.ahead if ahead is None else ahead
            if tried[-1].stop is not None and not trial.may_other_models_do:
                break
        if trial.is_there:
            entries, properties = await _look_up(tagger)
    listed = None if entries is None else tuple(entries)
    models = tuple(
        replace(
            each,
            is_listed=None if entries is None else _entry(entries, each.model) is not None,
            context=_context(_entry(entries or {}, each.model) or {}, properties),
        )
        for each in tried
    )
    return Probe(models, listed, ahead)


def tokens_of_request(tagger: LlmTagger, posts: int) -> int:
    """Return about how many tokens a request for so many usual posts takes, its answer included."""
    asking = tagger.asking
    head = asking.count_tokens(SAMPLES) - sum(map(count_tokens, SAMPLES))
    content = min(posts * TYPICAL, tagger.options.sizes.tokens)
    return head + content + asking.room(posts, Capabilities())


# ---- one model


class _Trial:
    """Asks one model until it answers, or there is no more to be tried."""

    def __init__(self, tagger: LlmTagger, model: str) -> None:
        self._tagger = tagger
        self._model = model
        self._formats = Formats((model,), tagger.dialect, {})
        self._requests = 0
        self._has_spare = True  # what failed without a reason is asked once more
        self._last = Verdict("passing", failure="timeout")
        self._has_status = False
        self.ahead: float | None = None

    @property
    def is_there(self) -> bool:
        """Tell whether the last request got to the server."""
        return self._last.reached

    @property
    def may_other_models_do(self) -> bool:
        """Tell whether what stopped this model was its own: not there, or not to be started."""
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
        """Ask once; None: once more, since something else may do better."""
        tagger, used = self._tagger, self._formats.of(self._model)
        self._requests += 1
        heard = await tagger.server.ask(tagger.asking.write(self._model, SAMPLES, used))
        self._has_status = self._has_status or heard.status is not None
        self.ahead = _ahead(heard)
        verdict = replace(heard.verdict, message=self._clean(heard.verdict.message))
        self._last = verdict
        match verdict.kind:
            case "answered":
                return self._read(heard, used)
            case "stop":
                why, later = verdict.stop or "wrong_address", verdict.comes_back
                return self._stopped(
                    stops.told(
                        why, verdict.message, url=tagger.server.url, model=self._model, later=later
                    )
                )
            case "throttled" | "passing":
                return await self._wait(verdict)
            case "parameter" if self._formats.refuse(self._model, used, verdict.parameter or ""):
                return None
            case "bad_post" if verdict.failure == "server" and self._formats.step_down(
                self._model, used
            ):
                return None
        return self._failed(verdict.failure or "server", verdict.message)

    async def _wait(self, verdict: Verdict) -> Tried | None:
        """Wait until the server may do better; what fails gets one more chance, and no third."""
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

    def _read(self, heard: Heard, used: Capabilities) -> Tried | None:
        reply = read_reply(heard.tree)
        if reply.failure == "refused":
            return self._failed("refused", reply.message)
        tags = tuple(_names(outcome) for outcome in self._tagger.asking.read(reply, SAMPLES))
        message = reply.message or why_missing(reply)
        if any(each is not None for each in tags):
            takes = self._formats.prove(self._model, used) or used
            message = message if None in tags else ""
            return Tried(self._model, self._requests, tags, takes, heard.seconds, message=message)
        self._last = Verdict("passing", message, reply.failure or "bad_answer")
        if reply.finish == "length":
            self._formats.make_room(self._model, used, thinks=has_only_thoughts(reply))
            return None
        if is_prose(reply) and self._formats.step_down(self._model, used):
            return None
        return None if self._spend_spare() else self._failed(reply.failure or "bad_answer", message)

    def _spend_spare(self) -> bool:
        had, self._has_spare = self._has_spare, False
        return had

    def _clean(self, message: str) -> str:
        return stops.scrub(message, SAMPLES)

    # ---- how it ends without tags

    def _failed(self, failure: FailureClass, message: str) -> Tried:
        return Tried(self._model, self._requests, failure=failure, message=message)

    def _stopped(self, stop: stops.Stop) -> Tried:
        return Tried(self._model, self._requests, stop=stop, message=stop.message)

    def _down(self, message: str) -> stops.Stop:
        if self._last.reached:
            words, hint = "fails", "see whether it has room for the model, or try again later"
        else:
            words, hint = "does not answer", "see whether it runs there (TGTAGGER_LLM_URL)"
        return stops.Stop("provider_down", f"{self._tagger.server.url} {words}: {message}", hint)

    def _throttled(self, seconds: float | None) -> stops.Stop:
        wait = "" if seconds is None else f" {seconds:.0f} s"
        words = f"{self._tagger.server.url} asks to wait{wait} ({self._last.message})"
        return stops.Stop("throttled", words, stops.LATER)


def _names(outcome: Outcome | None) -> tuple[str, ...] | None:
    if outcome is None:
        return None
    return tuple(tag.name for tag in outcome.tags) if isinstance(outcome, Tagged) else ()


def _ahead(heard: Heard) -> float | None:
    """Return the seconds that the server's clock is ahead, as far as the way there allows."""
    try:
        then = email.utils.parsedate_to_datetime(heard.date or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    then = then if then.tzinfo else then.replace(tzinfo=dt.UTC)
    try:
        before = (then - heard.at).total_seconds()
    except OverflowError:
        return None
    if before < 0:
        return before
    return max(before - heard.seconds, 0.0)  # somewhen between, as it should


# ---- what a server says of itself


async def _look_up(
    tagger: LlmTagger,
) -> tuple[dict[str, Mapping[str, Any]] | None, Mapping[str, Any]]:
    """Return the models that are listed, by name, and the properties of llama.cpp's server."""
    server = tagger.server
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
    """Return a model's entry; some list it under a longer name than it may be called by."""
    names = (model, f"{model}:latest", f"models/{model}")
    return next((entries[name] for name in names if name in entries), None)


_CONTEXT: Sequence[tuple[str, ...]] = (
    # What is in force comes before what a model could do at most.
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
