"""Tell people about a run: what came in, what was tagged, its cost, what to do next.

Knows no store.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tgtagger.cli.hints import hint_of
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import duration, local_time, number, plural
from tgtagger.errors import TgTaggerError
from tgtagger.model.jobs import Job
from tgtagger.model.posts import PageStored
from tgtagger.model.state import FailureCount
from tgtagger.model.tagging import Spending, TaggingError, TagResult
from tgtagger.runs.events import Remark
from tgtagger.runs.summary import (
    ChannelReport,
    ParseReport,
    PromptShown,
    TagEstimate,
    TagSummary,
)

SHOWN = 5
"""Rejected posts named one by one on a terminal; the rest are counted."""

NOTHING = "nothing to tag: no post is pending"


# ---- while a run goes on


def line(stored: PageStored | TagResult) -> str:
    """Return the line of `-v` about a page or a post: its tags or its failure, never its text."""
    if isinstance(stored, PageStored):
        return (
            f"{stored.channel.title}: a page with {stored.new} new, {stored.updated} updated, "
            f"{stored.unchanged} unchanged, {stored.deleted} deleted, "
            f"{len(stored.rejected)} rejected"
        )
    outcome = stored.outcome
    words = ", ".join(stored.tags) or type(outcome).__name__.lower()
    if isinstance(outcome, TaggingError):
        words = f"failed ({outcome.failure}): {outcome.message}"
    return f"{stored.id.channel_id}/{stored.id.message_id}: {words}"


def spent(so_far: Spending) -> str:
    """Return the cost of a run so far, for its live line."""
    if so_far.cost_usd:
        return f"{so_far.cost_usd:.4f} USD"
    tokens = (so_far.prompt_tokens or 0) + (so_far.completion_tokens or 0)
    return f"{number(tokens)} tokens" if tokens else ""


def _chats(*, kinds: Mapping[str, int]) -> str:
    named = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in kinds.items())
    return f"left out, because they are not channels: {named}"


def _unnamed(*, count: int) -> str:
    channels = plural(count, "channel")
    return f"left out: {channels} without a public name; to read them: tgtagger login"


def made(path: Path | str) -> str:
    """Return the line that tells where a new database is."""
    return f"a new database: {path.absolute() if isinstance(path, Path) else path}"


_REMARKS: Mapping[Remark, Callable[..., str]] = {
    "archive_made": made,
    "nobody_signed_in": lambda: "nobody is signed in: reading the public web preview",
    "channels_left_out": _unnamed,
    "fed_by_exports": lambda: (
        "nothing to read: all channels come from exports and have no public names; "
        "to read them from Telegram: tgtagger login"
    ),
    "all_set_aside": lambda: (
        "nothing to read: all channels are paused or removed; "
        "to read one again: tgtagger channels resume CHANNEL"
    ),
    "chats_left_out": _chats,
    "first_by_the_embedded_tagger": lambda: (
        "tagged by the embedded tagger: no key, no network. "
        "For finer tags, set a language model: TGTAGGER_LLM_PROVIDER (see docs/providers.md)"
    ),
}
_ALWAYS = {"archive_made", "first_by_the_embedded_tagger"}
"""Remarks that are said without a terminal, too."""


def tell_remark(screen: Screen, kind: Remark, **data: object) -> None:
    """Say a remark of a run; without a terminal also one that is made for the first time."""
    is_first = data.pop("is_first", False)
    if (is_first or kind in _ALWAYS) and not screen.quiet:
        screen.warn(_REMARKS[kind](**data))
    elif kind not in _ALWAYS:
        screen.say(_REMARKS[kind](**data))


# ---- after parsing


def tell_parse(screen: Screen, report: ParseReport, *, sums_up: bool = False) -> None:
    """Say on a terminal what came in; say problems with or without one.

    `sums_up`: without a terminal say it, too, in one line.
    """
    for each in report.channels:
        _tell_channel(screen, each)
    read = [each for each in report.channels if each.channel is not None]
    if sums_up and not screen.talks and read:
        screen.sum_up(_summed_up(read))
    told: dict[str, TgTaggerError] = {}  # an error of several channels is said once
    for error in (*(each.error for each in report.channels), report.error):
        if error is not None:
            told.setdefault(error.message, error)
    for error in told.values():
        _tell_error(screen, error)


def _tell_channel(screen: Screen, report: ChannelReport) -> None:
    if report.channel is not None and (report.error is None or report.new or report.updated):
        screen.say(f"{report.channel.title}: {', '.join(_counts(report))}")
    for item in report.rejected[:SHOWN]:
        screen.warn(f"rejected: message {item.id} of {report.source}: {item.reason}")
    if report.rejections > SHOWN:
        screen.warn(f"rejected: {report.rejections - SHOWN} more: see tgtagger doctor")


def _summed_up(read: Sequence[ChannelReport]) -> str:
    """Return one line on all channels of a run."""
    first = read[0]
    if len(read) == 1 and first.channel is not None:
        return f"{first.channel.title}: {', '.join(_counts(first))}"
    whole = ChannelReport(
        "",
        new=sum(each.new for each in read),
        updated=sum(each.updated for each in read),
        deleted=sum(each.deleted for each in read),
        unchanged=sum(each.unchanged for each in read),
        service=sum(each.service for each in read),
        unread=sum(each.unread or 0 for each in read),
    )
    return f"{plural(len(read), 'channel')}: {', '.join(_counts(whole))}"


def _tell_error(screen: Screen, error: TgTaggerError) -> None:
    screen.warn(f"error: {error.message}")
    if hint := hint_of(error):
        screen.warn(f"hint: {hint}")


def _counts(report: ChannelReport) -> Iterator[str]:
    yield plural(report.new, "new post")
    for count, words in (
        (report.updated, "updated"),
        (report.deleted, "deleted in Telegram"),
        (report.unchanged, "unchanged"),
    ):
        if count:
            yield plural(count, words, words)
    if report.service:
        yield plural(report.service, "service message")
    if report.unread:
        yield f"{plural(report.unread, 'message')} of the history not read yet"


# ---- after tagging


def tell_tag(
    screen: Screen, summary: TagSummary, *, nothing: str = NOTHING, sums_up: bool = False
) -> None:
    """Say on a terminal what a run did (`nothing` if it had no post); say problems always.

    `sums_up`: without a terminal say it, too, in one line.
    """
    stopped = summary.stopped
    lines = []
    if summary.posts:
        lines.append(_done(summary))
        if summary.provenance.source != "keywords":
            lines.append(_cost(summary.spent))
    elif summary.elsewhere:
        lines.append(f"nothing to tag: another run works at {plural(summary.elsewhere, 'post')}")
    elif stopped is None:
        lines.append(nothing)
    if screen.talks:
        for line in lines:
            screen.say(line)
    elif sums_up and lines:
        screen.sum_up("; ".join(lines))
    if summary.failed:
        counts = summary.by_class.items()
        classes = ", ".join(f"{number(count)} {name}" for name, count in counts)
        screen.warn(
            f"failed: {plural(summary.failed, 'post')} ({classes}); to see why: tgtagger status; "
            "to try again: tgtagger retry-failed"
        )
    if stopped is not None:
        screen.warn(f"stopped: {stopped.message}")
        if summary.pending:
            screen.warn(f"{plural(summary.pending, 'post')} still pending")
        if summary.hint:
            screen.warn(f"hint: {summary.hint}")


def _done(summary: TagSummary) -> str:
    made_by = summary.provenance
    with_what = "the embedded tagger" if made_by.source == "keywords" else str(made_by.model)
    words = f"tagged {plural(summary.tagged, 'post')} with {with_what}"
    if summary.copied:
        words += f" ({number(summary.copied)} copied from equal texts)"
    if summary.skipped:
        words += f", skipped {plural(summary.skipped, 'post')} with nothing to tag"
    if summary.pending and not summary.stopped:
        words += f"; {plural(summary.pending, 'post')} still pending"
    return words


def _cost(whole: Spending) -> str:
    words = plural(whole.requests, "request")
    if whole.retries:
        words += f" ({number(whole.retries)} of them repeated)"
    if whole.prompt_tokens is None or whole.completion_tokens is None:
        words += "; the server does not report tokens"
    else:
        cached = f" ({number(whole.cached_tokens)} cached)" if whole.cached_tokens else ""
        words += (
            f"; {plural(whole.prompt_tokens, 'token')} in{cached}, "
            f"{number(whole.completion_tokens)} out"
        )
    words = f"{words}; {_dollars(whole.cost_usd)}"
    if whole.unanswered:
        lost = plural(whole.unanswered, "request")
        words += f"; {lost} got no answer, but may be billed"
    return words


def _dollars(cost: float | None) -> str:
    if cost is None:
        return "cost unknown (to set the price: TGTAGGER_LLM_PRICES)"
    return f"{cost:.4f} USD" if cost >= 0.01 or cost == 0 else f"{cost:.6f} USD"


def tell_estimate(screen: Screen, estimate: TagEstimate, *, to_stderr: bool = False) -> None:
    """Say what a run would take: posts, requests, tokens, cost, time."""
    write = screen.warn if to_stderr else screen.line
    posts, needs = plural(estimate.posts, "post"), estimate.needs
    if estimate.provenance.source == "keywords":
        write(f"{posts} would be tagged by the embedded tagger: no request, no cost")
        return
    aside = [
        f"{number(count)} {words}"
        for count, words in (
            (needs.copied, "copied from equal texts"), (needs.skipped, "without words")
        )
        if count
    ]  # fmt: skip
    beside = f" ({', '.join(aside)})" if aside else ""
    write(f"{posts} would be tagged by {estimate.provenance.model}{beside}")
    write(f"requests  {number(needs.requests)}")
    write(
        f"tokens    about {number(needs.prompt_tokens)} in, {number(needs.completion_tokens)} out"
    )
    cost, seconds = needs.cost_usd, needs.seconds
    about = _dollars(cost).removeprefix("cost ") if cost is None else f"about {_dollars(cost)}"
    write(f"cost      {about}")
    shown = "unknown: this model has not answered yet" if seconds is None else duration(seconds)
    write(f"time      {shown}")


def tell_prompt(screen: Screen, shown: PromptShown) -> None:
    """Show the messages that a model would get."""
    for message in shown.messages:
        screen.heading(f"── {message['role']}")
        screen.text(message["content"])
        screen.write()
    hashes = f"prompt {shown.prompt}, vocabulary {shown.vocabulary or shown.mode}"
    screen.say(f"models: {', '.join(shown.models)}; {hashes} (--stale compares these)")


# ---- posts that failed


_ADVICE: Mapping[str, str] = {
    "throttled": "tried again when due; the server asked to wait",
    "timeout": "tried again when due; for a slow model, raise TGTAGGER_LLM_TIMEOUT",
    "network": "tried again when due; to check the connection: tgtagger doctor",
    "server": "tried again when due; to check the server: tgtagger doctor",
    "bad_answer": "tried again when due; or set another model: TGTAGGER_LLM_MODEL",
    "refused": "refused by the provider; set another model, then: tgtagger retry-failed --force",
    "crashed": "runs died of it (out of memory?); to try again: tgtagger retry-failed --force",
    "too_long": "too long; set a model with more context, then: tgtagger retry-failed --force",
}
_FOR_EVER = "no more automatic tries; to try again: tgtagger retry-failed --force"


def advice(failed: FailureCount) -> str:
    """Return what to do about the failed posts of a class."""
    return _FOR_EVER if failed.is_used_up else _ADVICE.get(failed.failure, "")


def draw_failures(screen: Screen, failures: tuple[FailureCount, ...]) -> None:
    """Draw the failed posts by class: how many, the last error, when again, what to do."""
    rows = [
        [item.failure, number(item.count), item.last_error or "", _due(item.next_due), advice(item)]
        for item in failures
    ]
    screen.table(["failed", "posts", "last error", "next due", "what to do"], rows)


def _due(when: dt.datetime | None) -> str:
    if when is None:
        return "never"
    return "now" if when <= dt.datetime.now(dt.UTC) else local_time(when)


def tell_failures(screen: Screen, failures: tuple[FailureCount, ...]) -> None:
    if failures:
        draw_failures(screen, failures)
    else:
        screen.say("no failed posts are left")


# ---- jobs

_COUNTED = ("new", "updated", "tagged", "skipped", "failed")


def tell_job(screen: Screen, job: Job) -> None:
    """Tell how a job ended: a line, and what to do if it failed."""
    end = job.end
    if end is None:
        return
    summary = json.loads(job.summary) if job.summary else {}
    parts = [summary, *(summary.get(part) or {} for part in ("parse", "tag", "retry"))]
    counts = {name: sum(part.get(name) or 0 for part in parts) for name in _COUNTED}
    told = ", ".join(f"{number(count)} {name}" for name, count in counts.items() if count)
    words = f"job {job.id} ({job.kind}): {end.state}" + f": {told}" * bool(told)
    if end.failure is None:
        screen.sum_up(words)
        return
    screen.warn(f"{words}: {end.error}" if not told else f"{words}; {end.error}")
    if end.hint:
        screen.warn(f"hint: {end.hint}")
