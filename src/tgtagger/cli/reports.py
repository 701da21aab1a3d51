"""What a tagging run tells, to programs and to people: counts, tokens, cost, why it stopped."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from tgtagger.cli import advice
from tgtagger.cli.hints import hint_of
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import duration, local_time, number, plural
from tgtagger.errors import TgTaggerError
from tgtagger.model.archive import FailureCount
from tgtagger.model.tagging import Spending, TaggingError, TagResult
from tgtagger.pipeline import Tagger

HINT = (
    "tagged by the embedded tagger: no key, no network. A language model tags more finely: "
    "see docs/providers.md, TGTAGGER_LLM_PROVIDER and a key"
)


def summary(
    tagger: Tagger, counts: Counter[str], failures: Counter[str], stopped: TgTaggerError | None
) -> dict[str, Any]:
    """Return a run as JSON (docs/records.md); `pending` is the store's to say."""
    found: dict[str, Any] = {
        "tagged": counts["tagged"],
        "skipped": counts["skipped"],
        "failed": counts["failed"],
        "pending": 0,
        "copied": counts["copied"],
        "requests": 0,
        "retries": 0,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "cached_tokens": 0,
        "cost_usd": 0.0,
        "by_class": dict(failures),
        "stopped": None,
        "tagger": tagger.provenances[0].source,
        "model": tagger.provenances[0].model,
    }
    if stopped is not None:
        found["stopped"] = {
            "class": stopped.kind, "message": stopped.message, "hint": hint_of(stopped),
        }  # fmt: skip
    if tagger.paid:
        found |= _spending(tagger)
    return found


def _spending(tagger: Tagger) -> dict[str, Any]:
    def told(spending: Spending) -> dict[str, Any]:
        return {
            "requests": spending.requests,
            "retries": spending.retries,
            "prompt_tokens": spending.prompt_tokens,
            "completion_tokens": spending.completion_tokens,
            "cached_tokens": spending.cached_tokens,
            "cost_usd": spending.cost_usd,
            "answers_without_tokens": spending.answers_without_tokens,
            "answers_without_cost": spending.answers_without_cost,
            "unanswered": spending.unanswered,
        }

    spending = tagger.spending
    models = [{"model": model, **told(each)} for model, each in spending.models]
    return told(spending) | {"models": models}


def spent(tagger: Tagger) -> str:
    """Return what a run has cost so far, for its live line."""
    spending = tagger.spending
    if spending.cost_usd:
        return f"{spending.cost_usd:.4f} USD"
    tokens = (spending.prompt_tokens or 0) + (spending.completion_tokens or 0)
    return f"{number(tokens)} tokens" if tokens else ""


def line(result: TagResult) -> str:
    """Return what `-v` tells of a post: its tags or its failure, never its text."""
    outcome = result.outcome
    words = ", ".join(result.tags) or type(outcome).__name__.lower()
    if isinstance(outcome, TaggingError):
        words = f"failed ({outcome.failure}): {outcome.message}"
    return f"{result.id.channel_id}/{result.id.message_id}: {words}"


def tell_tag(
    screen: Screen, told: dict[str, Any], *, nothing: str = "nothing to tag: no post is pending"
) -> None:
    """Say on the terminal what a run did, `nothing` if it had no post; problems in any case."""
    if "posts" in told:
        tell_estimate(screen, told)
        return
    done = told["tagged"] + told["skipped"] + told["failed"]
    if done:
        screen.say(_done(told))
        if told["tagger"] != "keywords":
            screen.say(_cost(told))
    elif told["stopped"] is None:
        screen.say(nothing)
    if told["failed"]:
        classes = ", ".join(f"{number(count)} {name}" for name, count in told["by_class"].items())
        screen.warn(
            f"failed: {plural(told['failed'], 'post')} ({classes}): see tgtagger status, and "
            "tgtagger retry-failed"
        )
    if told["stopped"]:
        screen.warn(f"stopped: {told['stopped']['message']}")
        if told["pending"]:
            screen.warn(f"{plural(told['pending'], 'post')} still pending, unharmed")
        if told["stopped"]["hint"]:
            screen.warn(f"hint: {told['stopped']['hint']}")


def _done(told: dict[str, Any]) -> str:
    with_what = "the embedded tagger" if told["tagger"] == "keywords" else str(told["model"])
    words = f"tagged {plural(told['tagged'], 'post')} with {with_what}"
    if told["copied"]:
        words += f" ({number(told['copied'])} copied from equal texts)"
    if told["skipped"]:
        words += f", skipped {plural(told['skipped'], 'post')} with nothing to tag"
    if told["pending"] and not told["stopped"]:
        words += f"; {plural(told['pending'], 'post')} still pending"
    return words


def _cost(told: dict[str, Any]) -> str:
    words = plural(told["requests"], "request")
    if told["retries"]:
        words += f" ({number(told['retries'])} of them again)"
    if told["prompt_tokens"] is None:
        words += "; the server does not say how many tokens"
    else:
        cached = f" ({number(told['cached_tokens'])} cached)" if told["cached_tokens"] else ""
        words += (
            f"; {plural(told['prompt_tokens'], 'token')} in{cached}, "
            f"{number(told['completion_tokens'])} out"
        )
    words = f"{words}; {_dollars(told['cost_usd'])}"
    if told["unanswered"]:
        lost = plural(told["unanswered"], "request")
        words += f"; {lost} brought no answer, which may have been billed all the same"
    return words


def _dollars(cost: float | None) -> str:
    if cost is None:
        return "cost unknown (no price is known for this model: TGTAGGER_LLM_PRICES)"
    return f"{cost:.4f} USD" if cost >= 0.01 or cost == 0 else f"{cost:.6f} USD"


def _about(cost: float) -> str:
    return f"about {_dollars(cost)}"


def tell_estimate(screen: Screen, told: dict[str, Any], *, to_stderr: bool = False) -> None:
    """Say what a run would be."""
    write = screen.warn if to_stderr else screen.line
    if told["tagger"] == "keywords":
        write(
            f"{plural(told['posts'], 'post')} would be tagged by the embedded tagger: "
            "no request, no cost"
        )
        return
    aside = [
        f"{number(told[name])} {words}"
        for name, words in (("copied", "copied from equal texts"), ("skipped", "without words"))
        if told[name]
    ]
    write(
        f"{plural(told['posts'], 'post')} would be tagged by {told['model']}"
        + (f" ({', '.join(aside)})" if aside else "")
    )
    write(f"requests  {number(told['requests'])}")
    write(
        f"tokens    about {number(told['prompt_tokens'])} in, "
        f"{number(told['completion_tokens'])} out"
    )
    cost = told["cost_usd"]
    write(f"cost      {_dollars(cost).removeprefix('cost ') if cost is None else _about(cost)}")
    seconds = told["seconds"]
    shown = "unknown: this model has not answered yet" if seconds is None else duration(seconds)
    write(f"time      {shown}")


def draw_failures(screen: Screen, failures: tuple[FailureCount, ...]) -> None:
    """Draw the failed posts by class: how many, the last error, when again, what to do."""
    rows = [
        [
            item.failure,
            number(item.count),
            item.last_error or "",
            _due(item.next_due),
            advice.about(item.failure, is_due=item.next_due is not None),
        ]
        for item in failures
    ]
    screen.table(["failed", "posts", "last error", "next due", "what to do"], rows)


def _due(when: dt.datetime | None) -> str:
    if when is None:
        return "not by itself"
    return "now" if when <= dt.datetime.now(dt.UTC) else local_time(when)


def tell_failures(screen: Screen, failures: tuple[FailureCount, ...]) -> None:
    if failures:
        draw_failures(screen, failures)
    else:
        screen.say("no post is failed now")


def tell_prompt(screen: Screen, told: dict[str, Any], *, as_json: bool) -> None:
    """Show what a model would be told."""
    if as_json:
        screen.json(told)
        return
    for message in told["messages"]:
        screen.heading(f"── {message['role']}")
        screen.text(message["content"])
        screen.write()
    models = ", ".join(told["models"])
    hashes = f"prompt {told['prompt']}, vocabulary {told['vocabulary'] or told['mode']}"
    screen.say(f"models: {models}; {hashes} (what --stale compares)")
