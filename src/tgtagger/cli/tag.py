"""`tgtagger tag`: give posts their tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from tgtagger.cli import context, reports, tagging
from tgtagger.cli.options import (
    ChannelsOption,
    ConcurrencyOption,
    JsonOption,
    LimitOption,
    MaxCostOption,
    MaxTimeOption,
    ModelOption,
    SinceOption,
    TaggerOption,
    VocabularyOption,
    invocation,
    tagging_flags,
)
from tgtagger.cli.times import read_duration, since_until
from tgtagger.errors import InputError
from tgtagger.model.posts import PostFilter

EPILOG = """Examples:
  tgtagger tag                             all pending posts, newest first
  tgtagger tag --channel @news --since 7d
  tgtagger tag --post @news/531 --force    one post, again
  tgtagger tag --stale                     what another prompt or model produced
  tgtagger tag --dry-run                   posts, requests, tokens, cost, time
  tgtagger tag --max-cost 0.50 --max-time 10m

Exit codes:
  0 all done · 2 usage or settings · 3 a person must act: the key, the quota, or
  the model · 5 some posts failed (see tgtagger retry-failed) · 6 the database
  75 try later: another tag run is at work, the server is down or asks for a
  long wait, or the time or the cost given was reached

Without a language model named, the embedded tagger works: offline, with no key.
A model is named with TGTAGGER_LLM_PROVIDER and TGTAGGER_LLM_MODEL."""


NOTHING: Mapping[tagging.Queue, str] = {
    "pending": "nothing to tag: no such post is pending; others want --force, failed ones "
    "tgtagger retry-failed",
    "stale": "nothing to tag: these posts have no tags of another prompt, model or list of tags",
    "all": "nothing to tag: there is no such post",
}


def command(
    ctx: typer.Context,
    channel: ChannelsOption = None,
    post: Annotated[
        list[str] | None,
        typer.Option(metavar="POST", help="Only this post: @name/123 or a link (repeat)."),
    ] = None,
    limit: LimitOption = None,
    since: SinceOption = "",
    *,
    force: Annotated[bool, typer.Option("--force", help="Tag again, whatever the status.")] = False,
    stale: Annotated[
        bool,
        typer.Option("--stale", help="Tag again what another prompt, model or list of tags gave."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would take; send nothing.")
    ] = False,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Only show what a model would be told.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    tagger: TaggerOption = "",
    model: ModelOption = "",
    vocabulary: VocabularyOption = "",
    concurrency: ConcurrencyOption = "",
    max_cost: MaxCostOption = "",
    max_time: MaxTimeOption = "",
    as_json: JsonOption = False,
) -> int:
    """Give every new post its tags."""
    called, screen = invocation(ctx), context.screen_of(ctx)
    flags = tagging_flags(tagger, model, vocabulary, concurrency, max_cost)
    if show_prompt:
        reports.tell_prompt(screen, tagging.show_prompt(called, **flags), as_json=as_json)
        return 0
    first, _ = since_until(since, "")
    wanted = PostFilter(
        channels=tuple(channel or ()), posts=tuple(post or ()), since=first, limit=limit
    )
    if force and stale:
        raise InputError("--force and --stale are two different choices", hint="give one of them")
    if force and not (channel or post or since or limit or dry_run or yes):
        context.confirm("Tag all posts again?", otherwise="--force on every post wants --yes")
    queue: tagging.Queue = "all" if force else "stale" if stale else "pending"
    duration = read_duration(max_time) if max_time else None
    options = tagging.TagOptions(wanted, queue, dry_run, yes, duration)
    summary, code = tagging.tag(called, screen, options, **flags)
    if as_json:
        screen.json(summary)
    else:
        reports.tell_tag(screen, summary, nothing=NOTHING[queue])
    return code
