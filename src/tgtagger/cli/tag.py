"""`tgtagger tag`: give posts their tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.events import RunEvents
from tgtagger.cli.failures import usage
from tgtagger.cli.options import (
    ChannelsOption,
    ConcurrencyOption,
    JsonOption,
    LimitOption,
    MaxCostOption,
    MaxTimeOption,
    ModelOption,
    ProviderOption,
    SinceOption,
    TaggerOption,
    VocabularyOption,
    tagging_settings,
)
from tgtagger.cli.prompts import confirm, is_asked
from tgtagger.cli.render import Screen
from tgtagger.cli.reports import tell_estimate, tell_prompt, tell_tag
from tgtagger.cli.review import review as show_review
from tgtagger.config import Settings
from tgtagger.model.posts import PostFilter
from tgtagger.runs import shapes, tag
from tgtagger.runs.summary import TagSummary
from tgtagger.runs.tag import Queue, Tagging, TagOptions
from tgtagger.runs.times import read_duration, since_until

EPILOG = """Examples:
  tgtagger tag                             all pending posts, newest first
  tgtagger tag --channel @news --since 7d
  tgtagger tag --post @news/531 --force    one post, again
  tgtagger tag --stale                     after a change of model or prompt
  tgtagger tag --review                    ten posts: accept, edit, refuse
  tgtagger tag --dry-run                   posts, requests, tokens, cost, time
  tgtagger tag --max-cost 0.50 --max-time 10m

Without a language model the embedded tagger works: no key, no network.
To use a model, set TGTAGGER_LLM_PROVIDER and TGTAGGER_LLM_MODEL.

Exit codes:
   0  all done
   2  wrong usage or settings
   3  you must act: the key, the quota or the model
   5  some posts failed (see tgtagger retry-failed)
   6  the database failed
  75  try later: another run is at work, the server is down or asks for a
      long wait, or the limit of time or cost is reached"""

REVIEWED, MOST_REVIEWED = 10, 1000
"""Posts that a review shows, and the most of them."""

ASK_BEYOND = 1000
"""Posts: a run on a terminal asks before it sends more than these to a server."""

NOTHING: Mapping[Queue, str] = {
    "pending": "nothing to tag: no post is pending. To tag posts again: --force. "
    "To retry failed posts: tgtagger retry-failed",
    "stale": "nothing to tag: all tags are from the current prompt, model and vocabulary",
    "all": "nothing to tag: there is no such post",
}


def command(
    ctx: typer.Context,
    channel: ChannelsOption = None,
    post: Annotated[
        list[str] | None,
        typer.Option(metavar="POST", help="Only this post: @name/123 or a link (repeat for more)."),
    ] = None,
    limit: LimitOption = None,
    since: SinceOption = "",
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Tag posts again, whatever their status.")
    ] = False,
    stale: Annotated[
        bool,
        typer.Option(
            "--stale",
            help="Tag posts again if their tags are from another prompt, model or vocabulary.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show posts, requests, cost and time. Send nothing."),
    ] = False,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Only show the prompt for the model.")
    ] = False,
    review: Annotated[
        int | None,
        typer.Option(
            "--review",
            metavar="[N]",
            min=0,
            max=MOST_REVIEWED,
            help="Look at N posts (10) with their new tags, and answer for each.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask no question.")] = False,
    tagger: TaggerOption = "",
    provider: ProviderOption = "",
    model: ModelOption = "",
    vocabulary: VocabularyOption = "",
    concurrency: ConcurrencyOption = "",
    max_cost: MaxCostOption = "",
    max_time: MaxTimeOption = "",
    as_json: JsonOption = False,
) -> int:
    """Give every new post its tags."""
    called, screen = invocation(ctx), screen_of(ctx)
    settings = tagging_settings(called, tagger, provider, model, vocabulary, concurrency, max_cost)
    if show_prompt:
        if channel or post or since or limit or force or stale or dry_run or review is not None:
            advice = "leave out the other options: it shows a sample, and no posts of yours"
            raise usage("--show-prompt works alone", advice)
        _show_prompt(screen, settings, as_json=as_json)
        return 0
    first, _ = since_until(since, "")
    wanted = PostFilter(
        channels=tuple(channel or ()), posts=tuple(post or ()), since=first, limit=limit
    )
    if force and stale:
        raise usage("--force and --stale exclude each other", "use one of them")
    if force and not (channel or post or since or limit or dry_run or yes or review is not None):
        confirm("Tag all posts again?", otherwise="--force for all posts needs --yes")
    if review is not None:
        wanted = replace(wanted, limit=_reviewed(review, limit=limit, dry_run=dry_run,
                                                 max_time=max_time))  # fmt: skip
    queue: Queue = "all" if force else "stale" if stale else "pending"
    options = TagOptions(wanted, queue, read_duration(max_time) if max_time else None)
    if dry_run:
        show_estimate(screen, settings, options, as_json=as_json)
        return 0
    if review is not None:
        return show_review(screen, settings, options, nothing=NOTHING[queue], as_json=as_json)
    summary = tag_or_ask(screen, settings, options, yes=yes)
    if as_json:
        screen.json(shapes.tag_summary(summary))
    else:
        tell_tag(screen, summary, nothing=NOTHING[queue], sums_up=True)
    return summary.code


def _reviewed(asked: int, *, limit: int | None, dry_run: bool, max_time: str) -> int:
    """Return how many posts a review shows; raise InputError for what has no meaning beside it."""
    if limit or dry_run or max_time:
        raise usage(
            "--review excludes --limit, --dry-run and --max-time",
            "leave them out: --review N says how many posts, and you say when to end",
        )
    return asked or REVIEWED


def show_estimate(
    screen: Screen, settings: Settings, options: TagOptions, *, as_json: bool
) -> None:
    """Show what a run would take: a dry run."""
    estimate = tag.estimate(settings, options)
    if as_json:
        screen.json(shapes.tag_estimate(estimate))
    else:
        tell_estimate(screen, estimate)


def tag_or_ask(
    screen: Screen, settings: Settings, options: TagOptions, *, yes: bool = False
) -> TagSummary:
    """Tag posts; before a large run, show its cost on a terminal, and ask."""
    events = RunEvents(screen)
    with tag.prepared(settings, options, events) as tagging:
        if not yes and is_asked():
            _ask(screen, tagging)
        return tagging.run(events)


def _ask(screen: Screen, tagging: Tagging) -> None:
    if tagging.tagger.paid and tagging.count() > ASK_BEYOND:
        tell_estimate(screen, tagging.estimate(), to_stderr=True)
        confirm("Send them?", otherwise="a run of more than 1,000 posts needs --yes")


def _show_prompt(screen: Screen, settings: Settings, *, as_json: bool) -> None:
    shown = tag.show_prompt(settings)
    if as_json:
        screen.json(shapes.prompt(shown))
    else:
        tell_prompt(screen, shown)
