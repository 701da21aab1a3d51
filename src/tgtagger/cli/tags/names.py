"""`tgtagger tags rename`, `merge`, `alias` and `remove`: decisions about a tag itself.

What a person decides about a tag holds for all its posts, and for every tagger from then on. Knows
no single post: see `posts`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Annotated

import typer

from tgtagger.cli import completion
from tgtagger.cli.context import screen_of
from tgtagger.cli.opening import open_to_change
from tgtagger.cli.options import JsonOption, only_numbers
from tgtagger.cli.render import Screen
from tgtagger.cli.tags.changing import DryRunOption, YesOption, ask, said, shown
from tgtagger.cli.wording import plural
from tgtagger.model.changes import TagChange
from tgtagger.runs import shapes

TagArgument = Annotated[
    str,
    typer.Argument(metavar="TAG", help="The tag, or its alias.", autocompletion=completion.tags),
]
NamesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="TAG...",
        help="The tags.",
        callback=only_numbers,
        autocompletion=completion.tags,
    ),
]

RENAME_EPILOG = """Examples:
  tgtagger tags rename AI ИИ
  tgtagger tags rename AI "artificial intelligence" --dry-run"""


def rename(
    ctx: typer.Context,
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="The tag, or its alias.", autocompletion=completion.tags
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    *,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give a tag another name; the old one becomes an alias."""
    with open_to_change(ctx) as store:
        if not (yes or dry_run):
            ask(store.curation.rename(old, new, dry_run=True).posts)
        with shown(ctx, "renaming a tag", as_json=as_json):
            change = store.curation.rename(old, new, dry_run=dry_run)
    _say(ctx, change, f"{said('renamed', dry_run=dry_run)} {old!r} to {change.names[0]!r}",
         dry_run=dry_run, as_json=as_json)  # fmt: skip


MERGE_EPILOG = """Examples:
  tgtagger tags merge AI нейросети --into ИИ --dry-run
  tgtagger tags merge AI нейросети --into ИИ"""


def merge(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(metavar="TAG...", help="The tags to merge.", autocompletion=completion.tags),
    ],
    *,
    into: Annotated[
        str,
        typer.Option(
            "--into",
            metavar="TAG",
            help="The tag that stays.",
            show_default=False,
            autocompletion=completion.tags,
        ),
    ],
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Merge tags into one. The old names become aliases of it."""
    with open_to_change(ctx) as store:
        change_it = functools.partial(store.curation.merge, names, into)
        if not (yes or dry_run):
            with shown(ctx, "counting the posts", as_json=as_json) as live:
                posts = change_it(dry_run=True, on_steps=live.steps).posts
            ask(posts)
        with shown(ctx, "merging tags", as_json=as_json) as live:
            change = change_it(dry_run=dry_run, on_steps=live.steps)
    what = f"{said('merged', dry_run=dry_run)} into {change.names[0]!r}"
    _say(ctx, change, what, dry_run=dry_run, as_json=as_json)


ALIAS_EPILOG = """Examples:
  tgtagger tags alias ИИ AI "machine intelligence"
  tgtagger tags alias ИИ AI --remove"""


def alias(
    ctx: typer.Context,
    tag: TagArgument,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Its aliases.")],
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Remove these aliases.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Give a tag aliases: other names for the same tag."""
    with open_to_change(ctx) as store:
        change = (
            store.curation.remove_aliases(tag, names)
            if remove
            else store.curation.add_aliases(tag, names)
        )
    _say(ctx, change, f"changed the aliases of {change.names[0]!r}", as_json=as_json)


REMOVE_EPILOG = """Examples:
  tgtagger tags remove новости видео --dry-run
  tgtagger tags remove новости видео"""


def remove(
    ctx: typer.Context,
    names: NamesArgument,
    *,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove tags from all posts. The tagger never gives them again; you can."""
    with open_to_change(ctx) as store:
        if not (yes or dry_run):
            with shown(ctx, "counting the posts", as_json=as_json) as live:
                found = store.curation.remove(names, dry_run=True, on_steps=live.steps)
            ask(sum(change.posts for change in found))
        with shown(ctx, "removing tags", as_json=as_json) as live:
            changes = store.curation.remove(names, dry_run=dry_run, on_steps=live.steps)
    screen = screen_of(ctx)
    if as_json:
        screen.json([shapes.tag_change(change, dry_run=dry_run) for change in changes])
    else:
        _tell_removed(screen, changes, dry_run=dry_run)


def _tell_removed(screen: Screen, changes: Sequence[TagChange], *, dry_run: bool) -> None:
    for change in changes:
        what = f"{said('removed', dry_run=dry_run)} {change.names[0]!r}"
        screen.line(f"{what} from {plural(change.posts, 'post')}")


def _say(
    ctx: typer.Context, change: TagChange, words: str, *, as_json: bool, dry_run: bool = False
) -> None:
    screen = screen_of(ctx)
    if as_json:
        screen.json(shapes.tag_change(change, dry_run=dry_run))
        return
    screen.line(words + (f", on {plural(change.posts, 'post')}" if change.posts else ""))
    if change.aliases:
        screen.line(f"also known as: {', '.join(change.aliases)}")
