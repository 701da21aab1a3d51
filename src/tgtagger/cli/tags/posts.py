"""`tgtagger tags add` and `drop`: tags of a post, or of all posts that a filter finds, by hand.

A person's word stands: no tagger removes what was added, or gives again what was dropped. Knows
nothing of what a tag is called: see `names`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from tgtagger.cli import completion
from tgtagger.cli.context import screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.opening import open_to_change
from tgtagger.cli.options import (
    ChannelsOption,
    JsonOption,
    LimitOption,
    SinceOption,
    TagsOption,
    UntilOption,
    only_numbers,
)
from tgtagger.cli.tags.changing import DryRunOption, YesOption, ask, said, shown
from tgtagger.cli.wording import plural
from tgtagger.model.changes import TagChange
from tgtagger.model.posts import PostFilter
from tgtagger.runs import shapes
from tgtagger.system.terminal_text import shell_word

PostAndTagsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="[POST] TAG...",
        help="POST is @name/123, a t.me link, or CHANNEL_ID/123.",
        callback=only_numbers,
        autocompletion=completion.tags,
    ),
]
QueryOption = Annotated[
    str,
    typer.Option(
        "--query", metavar="QUERY", help="All posts that this search finds.", show_default=False
    ),
]

ADD_EPILOG = """Examples:
  tgtagger tags add @news/531 комета
  tgtagger tags add https://t.me/c/1006503122/531 "solar power" wind
  tgtagger tags add комета --query 'комет* since:30d'"""


def add(
    ctx: typer.Context,
    words: PostAndTagsArgument,
    *,
    query: QueryOption = "",
    channel: ChannelsOption = None,
    tag: TagsOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    limit: LimitOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add tags to a post. They are yours: the tagger never removes them.

    With a filter and no POST, all posts that match get the tags.
    """
    wanted = _picked(query, channel, tag, since, until, limit)
    with open_to_change(ctx) as store:
        forms = store.tags.forms_of_new(words if wanted is not None else words[1:])
        if wanted is None:
            _change_one(ctx, store.curation.add, words, dry_run=dry_run, as_json=as_json)
            _say_forms(ctx, forms)
            return
        change = functools.partial(store.curation.add_to, wanted, words)
        done = _change_many(ctx, change, "adding tags", yes=yes, dry_run=dry_run, as_json=as_json)
    _say_many(ctx, done, said("added", dry_run=dry_run), dry_run=dry_run, as_json=as_json)
    _say_forms(ctx, forms)


DROP_EPILOG = """Examples:
  tgtagger tags drop @news/531 политика
  tgtagger tags drop политика --channel @cats --yes"""


def drop(
    ctx: typer.Context,
    words: PostAndTagsArgument,
    *,
    query: QueryOption = "",
    channel: ChannelsOption = None,
    tag: TagsOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    limit: LimitOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove tags from a post. The tagger never gives them to it again.

    With a filter and no POST, all posts that match lose the tags.
    """
    wanted = _picked(query, channel, tag, since, until, limit)
    with open_to_change(ctx) as store:
        if wanted is None:
            _change_one(ctx, store.curation.drop, words, dry_run=dry_run, as_json=as_json)
            return
        change = functools.partial(store.curation.drop_from, wanted, words)
        done = _change_many(ctx, change, "dropping tags", yes=yes, dry_run=dry_run, as_json=as_json)
    _say_many(ctx, done, said("dropped", dry_run=dry_run), dry_run=dry_run, as_json=as_json)


def _change_many(
    ctx: typer.Context,
    change: Callable[..., TagChange],
    doing: str,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> TagChange:
    """Change the tags of all chosen posts, after a question where they are many."""
    if not (yes or dry_run):
        with shown(ctx, "counting the posts", as_json=as_json):
            posts = change(dry_run=True).posts
        ask(posts)
    with shown(ctx, doing, as_json=as_json):
        return change(dry_run=dry_run)


def _say_many(
    ctx: typer.Context, change: TagChange, done: str, *, dry_run: bool, as_json: bool
) -> None:
    screen = screen_of(ctx)
    if as_json:
        screen.json(shapes.tags_of_many(change, dry_run=dry_run))
    else:
        names = ", ".join(change.names) or "nothing"
        screen.line(f"{done} {names}: {plural(change.posts, 'post')}")


def _say_forms(ctx: typer.Context, forms: Sequence[tuple[str, str]]) -> None:
    """Say that new tags are forms of known ones: what was asked for was done, all the same."""
    for name, known in forms:
        merge = f"tgtagger tags merge {shell_word(name)} --into {shell_word(known)}"
        screen_of(ctx).warn(f"the tag {known!r} exists, too; to merge the two: {merge}")


def _picked(
    query: str,
    channels: list[str] | None,
    tags: list[str] | None,
    since: str,
    until: str,
    limit: int | None,
) -> PostFilter | None:
    """Return the filter of the options; None: there is none."""
    from tgtagger.runs.query import read_filter

    if not (query or channels or tags or since or until or limit):
        return None
    return read_filter(
        query=query, channels=channels, tags=tags, since=since, until=until, limit=limit
    )


def _change_one(
    ctx: typer.Context,
    change: Callable[[str, list[str]], TagChange],
    words: list[str],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    post, *names = words
    if not names:
        raise usage("give a POST and a TAG", "or choose posts with a filter, such as --query WORDS")
    if dry_run:
        raise usage(
            "--dry-run works only with a filter", "choose posts with one, such as --query WORDS"
        )
    _say_post(ctx, change(post, names), as_json=as_json)


def _say_post(ctx: typer.Context, change: TagChange, *, as_json: bool) -> None:
    screen = screen_of(ctx)
    if as_json:
        screen.json(list(change.names))
    else:
        screen.line("tags: " + (", ".join(change.names) or "none"))
