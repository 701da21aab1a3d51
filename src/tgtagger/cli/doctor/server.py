"""The checks of the tagging server in `tgtagger doctor`: make the tagger, and probe the server.

Knows no HTTP and no rule about a server's answers (`taggers.llm`). Puts all words of a server on
one line; `probe` sees to it that they hold no key.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tgtagger.cli.doctor.findings import SKEW, failure
from tgtagger.cli.hints import hint_of
from tgtagger.cli.wording import number, one_line, plural
from tgtagger.config import Settings, is_private
from tgtagger.errors import ActionNeeded, TgTaggerError, TryLater
from tgtagger.runs.findings import Finding
from tgtagger.runs.taggers import make_llm, remember_capabilities
from tgtagger.store import Store
from tgtagger.system import signals

if TYPE_CHECKING:
    from tgtagger.taggers.llm.api.capabilities import Capabilities
    from tgtagger.taggers.llm.probe import Probe, Tried
    from tgtagger.taggers.llm.tagger import LlmTagger

MOST_NAMES = 5

_FORMATS = {
    "json_schema": "a JSON schema",
    "json_object": "JSON, but no schema",
    "text": "plain text only",
}


def look(settings: Settings, *, has_archive: bool) -> Iterator[Finding]:
    """Yield the findings; store the capabilities of the models in the archive, if there is one."""
    try:
        with _archive(settings, has_archive=has_archive) as store:
            tagger = make_llm(settings, store)
    except TgTaggerError as error:
        yield failure("tagger", error)
        return
    models, url = ", then ".join(settings.llm_models), tagger.server.url
    yield Finding("tagger", "ok", f"posts are tagged by {models} at {url}")
    if url.startswith("http://") and not is_private(url):
        what = "the key and the posts" if settings.llm_api_key else "the posts"
        yield Finding(
            "server", "warning", f"others can read {what} on the way to {url}", "use https://"
        )
    try:
        found = signals.run(tagger.probe)
    except TgTaggerError as error:  # a malformed address
        yield failure("server", error)
        return
    if has_archive:
        remember_capabilities(settings, url, found)
    yield from _server(found)
    for tried in found.models:
        yield from _model(tried, found)
        if tried.takes is not None:
            yield _format(tried, tried.takes)
            yield _context(tagger, tried)
            yield from _examples(tried)
    if found.ahead is not None:
        yield _clock(found.ahead)


def _archive(
    settings: Settings, *, has_archive: bool
) -> contextlib.AbstractContextManager[Store | None]:
    return Store.open_up_to_date(settings.db) if has_archive else contextlib.nullcontext()


def _server(found: Probe) -> Iterator[Finding]:
    if found.listed is not None:
        yield Finding(
            "server",
            "ok",
            f"the server lists {plural(len(found.listed), 'model')}{_names(': ', found.listed)}",
        )
    elif any(tried.takes is not None for tried in found.models):
        yield Finding("server", "ok", "the server answers; it does not list its models")
    for tried in found.models:
        stop = tried.stop
        if stop is None or stop.kind == "unknown_model":
            continue
        hint = hint_of(stop)
        if stop.kind == "wrong_address":
            hint = "set TGTAGGER_LLM_URL to its base, usually up to /v1"
        if stop.kind == "throttled":  # it works, and is busy with other clients
            yield Finding("server", "warning", stop.message, hint)
        else:
            yield Finding("server", "error", stop.message, hint, stop.exit_code)


def _model(tried: Tried, found: Probe) -> Iterator[Finding]:
    model, stop, failure = tried.model, tried.stop, tried.failure
    if stop is not None and stop.kind == "unknown_model":
        hint = _which_model(tried, found.listed)
        yield Finding("model", "error", stop.message, hint, stop.exit_code)
    elif failure == "refused":
        yield Finding(
            "model", "warning", f"{model} refuses the example: {tried.message}",
            "it may refuse posts, too; to change the model: TGTAGGER_LLM_MODEL",
        )  # fmt: skip
    elif failure is not None:
        hint = "set another model: TGTAGGER_LLM_MODEL"
        if failure == "too_long":
            hint = f"two short posts are too much for its context: {_LONGER}"
        elif found.listed is None:
            hint += "; or check TGTAGGER_LLM_URL, the server's base, usually up to /v1"
        error = TryLater if failure in {"network", "timeout"} else ActionNeeded
        yield Finding(
            "model", "error", f"{model} gives no tags: {tried.message}", hint, error.exit_code
        )
    elif tried.takes is not None:
        listed = ", but the server does not list it" if tried.is_listed is False else ""
        yield Finding("model", "ok", f"{model} answers in {tried.seconds:.1f} s{listed}")


def _which_model(tried: Tried, listed: Sequence[str] | None) -> str:
    if listed is None:
        return (
            "set TGTAGGER_LLM_MODEL to one of its models; and check TGTAGGER_LLM_URL, "
            "its base, usually up to /v1"
        )
    if tried.is_listed:
        return "the server lists this model: check that the key may use it"
    near = difflib.get_close_matches(tried.model, listed, n=3, cutoff=0.5)
    if near:
        return f"did you mean {_names('', near)}? Set TGTAGGER_LLM_MODEL"
    return "set one of its models: TGTAGGER_LLM_MODEL"


def _format(tried: Tried, takes: Capabilities) -> Finding:
    words = f"{tried.model} takes {_FORMATS[takes.format]}"
    if takes.format == "json_schema" and not takes.bounds:
        words += " (without the number of tags)"
    if takes.dropped:
        words += f"; requests leave out {', '.join(takes.dropped)}"
    if takes.room > 1:
        words += f"; its answers may be {takes.room} times as long as usual"
    return Finding("format", "ok", words)


_LONGER = (
    "give it a longer one (Ollama: OLLAMA_CONTEXT_LENGTH, llama.cpp: --ctx-size, vLLM: "
    "--max-model-len, LM Studio: the model's settings)"
)


def _context(tagger: LlmTagger, tried: Tried) -> Finding:
    most = tagger.options.sizes.posts
    needed = tagger.tokens_of_request(most)
    usual = f"a request with {plural(most, 'post')} takes about {number(needed)}"
    if tried.context is None:
        hint = None
        if tagger.options.provider == "ollama":
            hint = "Ollama's is 4096 tokens on most machines; to change it: OLLAMA_CONTEXT_LENGTH"
        return Finding(
            "context", "ok", f"the context of {tried.model} is not known; {usual} tokens", hint
        )
    words = f"the context of {tried.model} has {number(tried.context)} tokens; {usual}"
    if tried.context >= needed:
        return Finding("context", "ok", words)
    fits = [posts for posts in range(1, most) if tagger.tokens_of_request(posts) <= tried.context]
    fewer = f"set TGTAGGER_LLM_BATCH={fits[-1]}, or " if fits else ""
    return Finding("context", "warning", words, f"{fewer}{_LONGER}")


def _examples(tried: Tried) -> Iterator[Finding]:
    from tgtagger.taggers.llm.probe import SAMPLES

    for text, tags in zip(SAMPLES, tried.tags, strict=True):
        words = f"{tried.model} on “{one_line(text, 40)}”"
        if tags is None:
            yield Finding(
                "example", "warning", f"{words}: {tried.message}",
                "if posts fail like this, set another model: TGTAGGER_LLM_MODEL",
            )  # fmt: skip
        else:
            said = ", ".join(one_line(tag) for tag in tags) or "none of the allowed tags fits"
            yield Finding("example", "ok", f"{words}: {said}")


def _clock(ahead: float) -> Finding:
    if abs(ahead) <= SKEW:
        return Finding("clock", "ok", "the clock here agrees with the server's")
    way = "behind" if ahead > 0 else "ahead of"
    minutes = round(abs(ahead) / 60)
    apart = plural(minutes, "minute") if minutes < 120 else plural(round(minutes / 60), "hour")
    return Finding(
        "clock", "warning", f"the clock here is {apart} {way} the server's",
        "set the clock: retries depend on it",
    )  # fmt: skip


def _names(before: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    more = len(names) - MOST_NAMES
    shown = ", ".join(one_line(name) for name in names[:MOST_NAMES])
    return f"{before}{shown}{f' and {number(more)} more' if more > 0 else ''}"
