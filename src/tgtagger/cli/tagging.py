"""A tagging run: posts through a tagger into the store, and the sum of it. Draws nothing itself."""

from __future__ import annotations

import datetime as dt
import functools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tgtagger import pipeline
from tgtagger.cli import reports
from tgtagger.cli.context import confirm, is_asked, noted_run
from tgtagger.cli.options import Invocation
from tgtagger.cli.parsing import ChannelReport
from tgtagger.cli.render import Live, Screen
from tgtagger.cli.taggers import make_llm, make_tagger
from tgtagger.config import Settings
from tgtagger.errors import InputError, TgTaggerError, exit_code
from tgtagger.model.events import Events
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import (
    FailureClass,
    Skipped,
    Tagged,
    TaggingError,
    TagResult,
    Wait,
    is_stop,
)
from tgtagger.pipeline import Tagger, TagRules
from tgtagger.store import Store
from tgtagger.system import signals

ASK_BEYOND = 1000
"""Posts to a server that a run on a terminal does not send without asking."""

Queue = Literal["pending", "all", "stale", "due", "failed"]
"""Which posts a run takes. pending: new ones · all: whatever their status · stale: tagged otherwise
than they would be now · due: failed, to be tried again · failed: all of these"""


@dataclass(frozen=True, slots=True)
class TagOptions:
    wanted: PostFilter = field(default_factory=PostFilter)
    queue: Queue = "pending"
    dry_run: bool = False
    yes: bool = False
    max_time: dt.timedelta | None = None

    @property
    def is_retry(self) -> bool:
        return self.queue in {"due", "failed"}


def tag(
    called: Invocation, screen: Screen, options: TagOptions, **flags: str | None
) -> tuple[dict[str, Any], int]:
    """Tag posts; return the summary, or the estimate of a dry run, and the exit code."""
    settings = called.settings(**flags)
    if settings.tagger == "llm":
        settings.check_llm()
    if options.dry_run:
        with Store.open_up_to_date(settings.db) as store:
            tagger = make_tagger(settings, store)
            return _estimate(store, tagger, options, settings), 0
    command = "retry-failed" if options.is_retry else "tag"
    with Store.open(settings.db) as store, store.lock("tag"):
        seconds = None if options.max_time is None else options.max_time.total_seconds()
        tagger = make_tagger(settings, store, max_time=seconds)
        _ask_first(store, screen, tagger, options, settings)
        with noted_run(store, command, tagger.provenances[0]) as note:
            note.summary, note.code = tag_into(
                store, screen, settings, tagger, options, note.number, seconds=seconds
            )
        return note.summary, note.code


def tag_into(
    store: Store,
    screen: Screen,
    settings: Settings,
    tagger: Tagger,
    options: TagOptions,
    run: int,
    *,
    seconds: float | None = None,
) -> tuple[dict[str, Any], int]:
    """Tag posts of a store whose lock is held, in so many seconds."""
    wanted = _wanted(options, tagger, settings)
    total = store.queue.count(wanted)
    is_first = (
        total > 0 and not tagger.paid and not store.runs.has_tagged_with(tagger.provenances[0], run)
    )
    rules = TagRules(
        settings.max_attempts,
        fresh=options.queue == "all",
        deadline=None if seconds is None else time.monotonic() + seconds,
    )
    tally = _Tally()
    start = functools.partial(pipeline.tag, store, tagger, wanted, run, rules=rules)
    signals.run(_follow, start, screen, tally, total, tagger)
    summary = reports.summary(tagger, tally.counts, tally.failures, tally.stopped)
    summary["pending"] = store.queue.count(PostFilter(statuses=("pending",)))
    if is_first and not screen.quiet:
        screen.warn(reports.HINT)
    codes = [5] * bool(tally.counts["failed"])
    if tally.stopped is not None:
        codes.append(tally.stopped.exit_code)
    return summary, exit_code(codes)


@dataclass(slots=True)
class _Tally:
    """What became of the posts of a run so far."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    stopped: TgTaggerError | None = None

    def add(self, result: TagResult) -> None:
        self.counts["copied"] += result.copied
        match result.outcome:
            case Tagged():
                self.counts["tagged"] += 1
            case Skipped():
                self.counts["skipped"] += 1
            case TaggingError(failure):
                self.counts["failed"] += 1
                self.failures[failure] += 1


class _Shown:
    """Shows what a run tells while it works."""

    def __init__(self, screen: Screen, live: Live) -> None:
        self._screen = screen
        self._live = live

    def wait(self, wait: Wait) -> None:
        self._live.wait(wait.seconds, wait.reason)

    def warn(self, message: str) -> None:
        self._screen.warn(message)


Start = Callable[[Events], AsyncGenerator[TagResult]]


async def _follow(start: Start, screen: Screen, tally: _Tally, total: int, tagger: Tagger) -> None:
    """Follow a run to its end, told to the screen; what stops it is kept, and not raised."""
    done = 0
    with screen.progress("Tagging") as live:
        try:
            async with aclosing(start(_Shown(screen, live))) as results:
                async for result in results:
                    done += 1
                    tally.add(result)
                    live.update(done, done / total if total else None, reports.spent(tagger))
                    screen.detail(reports.line(result))
        except TgTaggerError as error:
            if not is_stop(error.kind):
                raise
            tally.stopped = error


def _wanted(options: TagOptions, tagger: Tagger, settings: Settings) -> PostFilter:
    wanted = options.wanted
    match options.queue:
        case "pending":
            return replace(wanted, statuses=("pending",))
        case "stale":
            return replace(wanted, statuses=("tagged", "skipped"), stale_for=tagger.provenances)
        case "due":
            return replace(
                wanted,
                statuses=("failed",),
                due_by=dt.datetime.now(dt.UTC),
                attempts_below=settings.max_attempts,
            )
        case "failed":
            return replace(wanted, statuses=("failed",))
    return wanted


# ---- before a run


def _ask_first(
    store: Store, screen: Screen, tagger: Tagger, options: TagOptions, settings: Settings
) -> None:
    """On a terminal, show what a large run would cost, and ask."""
    if not tagger.paid or options.yes or not is_asked():
        return
    if store.queue.count(_wanted(options, tagger, settings)) > ASK_BEYOND:
        told = _estimate(store, tagger, options, settings)
        reports.tell_estimate(screen, told, to_stderr=True)
        confirm("Send them?", otherwise="a run of more than 1,000 posts wants --yes")


def _estimate(
    store: Store, tagger: Tagger, options: TagOptions, settings: Settings
) -> dict[str, Any]:
    """Return what a run would be. Sends nothing."""
    wanted = _wanted(options, tagger, settings)
    posts = store.queue.count(wanted)
    provenance = tagger.provenances[0]
    # What equal texts were answered before is copied: it is taken from the count, and not sent.
    is_copied = tagger.paid and options.queue != "all"
    known = store.queue.answered(wanted, tagger.provenances) if is_copied else ()
    copied = {post.id for post, _, _ in known}
    left = (post for post in store.queue.posts(wanted) if post.id not in copied)
    seconds = store.answers.mean_seconds(provenance.model or "") if tagger.paid else None
    found = tagger.estimate(left, mean_seconds=seconds)
    aside = {"skipped": found.skipped, "copied": found.copied + len(copied)} if tagger.paid else {}
    return {
        "posts": posts,
        **aside,
        "requests": found.requests,
        "prompt_tokens": found.prompt_tokens,
        "completion_tokens": found.completion_tokens,
        "cost_usd": found.cost_usd,
        "seconds": found.seconds,
        "tagger": provenance.source,
        "model": provenance.model,
    }


def show_prompt(called: Invocation, **flags: str | None) -> dict[str, Any]:
    """Return what a model would be told, with a sample in the place of the posts."""
    settings = called.settings(**flags)
    if settings.tagger != "llm":
        raise InputError(
            "the embedded tagger has no prompt",
            hint="name a model's server: docs/providers.md",
        )
    try:
        with Store.open_up_to_date(settings.db) as store:
            tagger = make_llm(settings, store)
    except InputError:
        tagger = make_llm(settings, None)  # there is no archive yet
    provenance, request = tagger.provenances[0], tagger.sample_request(SAMPLE)
    return {
        "prompt": provenance.prompt,
        "vocabulary": provenance.vocabulary,
        "mode": tagger.exchange.vocabulary.mode,
        "models": list(settings.llm_models),
        "messages": request["messages"],
    }


SAMPLE = "(here stands the text of a post)"


def tag_channels(
    called: Invocation, screen: Screen, read: Sequence[ChannelReport]
) -> tuple[dict[str, Any] | None, int]:
    """Tag what is pending in the channels that were just read."""
    channels = tuple(str(item.channel.id) for item in read if item.channel)
    if not channels:
        return None, 0
    summary, code = tag(called, screen, TagOptions(PostFilter(channels=channels)))
    reports.tell_tag(screen, summary)
    return summary, code


def read_classes(names: Sequence[str]) -> tuple[FailureClass, ...]:
    """Return the failure classes that a user names. Raises InputError for another."""
    from typing import get_args

    known = get_args(FailureClass)
    for name in names:
        if name not in known:
            raise InputError(f"no class {name!r}", hint="one of: " + ", ".join(known))
    return tuple(names)  # type: ignore[arg-type]
