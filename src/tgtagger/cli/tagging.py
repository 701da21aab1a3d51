"""A tagging run: pending posts through a tagger, and the sum of it. Draws nothing itself."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tgtagger import pipeline
from tgtagger.cli.options import Invocation
from tgtagger.cli.parsing import ChannelReport
from tgtagger.cli.render import Screen, plural
from tgtagger.cli.runs import noted_run
from tgtagger.errors import exit_code
from tgtagger.outcomes import Origin, Skipped, Tagged, TaggingError
from tgtagger.store import Store
from tgtagger.types import PostFilter


@dataclass(frozen=True, slots=True)
class TagOptions:
    wanted: PostFilter
    force: bool = False
    stale: bool = False
    dry_run: bool = False
    max_time: dt.timedelta | None = None


HINT = (
    "tagged by the embedded tagger: no key, no network. A language model tags more finely: "
    "see docs/tagging.md, TGTAGGER_LLM_PROVIDER and a key"
)


def tag(
    called: Invocation, screen: Screen, options: TagOptions, *, tagger: str | None = None
) -> tuple[dict[str, Any], int]:
    """Tag posts; return the summary and the exit code."""
    from tgtagger.taggers.keywords import KeywordsTagger

    settings = called.settings(tagger=tagger)
    settings.check_tagger()
    engine = KeywordsTagger(
        minimum=settings.tags_min, maximum=settings.tags_max, topics=settings.topics
    )
    wanted = _wanted(options, engine.origin)
    if options.dry_run:
        with Store.open_to_read(settings.db) as store:
            posts = store.count_posts(wanted)
        summary = {
            "posts": posts, "requests": 0, "prompt_tokens": 0, "completion_tokens": 0,
            "cost_usd": 0.0, "seconds": None, "tagger": "keywords", "model": engine.origin.model,
        }  # fmt: skip
        return summary, 0
    with Store.open(settings.db) as store, store.lock("tag"):
        total = store.count_posts(wanted)
        first = total > 0 and not store.has_tagged_with(engine.origin)
        with noted_run(store, "tag", engine.origin) as note:
            counts: Counter[str] = Counter()
            failures: Counter[str] = Counter()

            async def run() -> bool:
                deadline = (
                    None
                    if options.max_time is None
                    else time.monotonic() + options.max_time.total_seconds()
                )
                done = 0
                with screen.progress("Tagging") as live:
                    async for result in pipeline.tag(store, engine, wanted, note.number):
                        done += 1
                        live.update(done, done / total if total else None)
                        screen.detail(
                            f"{result.id.channel_id}/{result.id.message_id}: "
                            + (", ".join(result.tags) or type(result.outcome).__name__.lower())
                        )
                        match result.outcome:
                            case Tagged():
                                counts["tagged"] += 1
                            case Skipped():
                                counts["skipped"] += 1
                            case TaggingError(failure):
                                counts["failed"] += 1
                                failures[failure] += 1
                        if deadline is not None and time.monotonic() > deadline:
                            return done < total
                return False

            out_of_time = asyncio.run(run())
            note.summary = {
                "tagged": counts["tagged"],
                "skipped": counts["skipped"],
                "failed": counts["failed"],
                "pending": store.count_posts(PostFilter(statuses=("pending",))),
                "requests": 0,
                "retries": 0,
                "prompt_tokens": 0,
                "completion_tokens": 0,
                "cost_usd": 0.0,
                "by_class": dict(failures),
                "stopped": {"class": "time_cap", "message": "the time given was over"}
                if out_of_time
                else None,
                "tagger": "keywords",
                "model": engine.origin.model,
            }
            codes = [5] * bool(counts["failed"]) + [75] * out_of_time
            note.code = exit_code(codes)
        if first and not called.quiet:
            screen.warn(HINT)
        return note.summary, note.code


def _wanted(options: TagOptions, origin: Origin) -> PostFilter:
    from dataclasses import replace

    if options.stale:
        return replace(options.wanted, statuses=("tagged",), stale_for=origin)
    return replace(options.wanted, statuses=() if options.force else ("pending",))


def tell_tag(screen: Screen, summary: dict[str, Any]) -> None:
    if "posts" in summary:
        screen.line(
            f"{plural(summary['posts'], 'post')} would be tagged by the embedded tagger: "
            "no request, no cost"
        )
        return
    done = summary["tagged"] + summary["skipped"] + summary["failed"]
    if not done:
        screen.say("nothing to tag: no post is pending")
        return
    words = f"tagged {plural(summary['tagged'], 'post')} with the embedded tagger"
    if summary["skipped"]:
        words += f", skipped {plural(summary['skipped'], 'post')} without words"
    if summary["pending"]:
        words += f"; {plural(summary['pending'], 'post')} still pending"
    screen.say(words)
    if summary["stopped"]:
        screen.warn(f"stopped: {summary['stopped']['message']}; run it again to go on")


def tag_channels(
    called: Invocation, screen: Screen, reports: Sequence[ChannelReport]
) -> tuple[dict[str, Any] | None, int]:
    """Tag what is pending in the channels that were just read."""
    channels = tuple(str(report.channel.id) for report in reports if report.channel)
    if not channels:
        return None, 0
    summary, code = tag(called, screen, TagOptions(PostFilter(channels=channels)))
    tell_tag(screen, summary)
    return summary, code
