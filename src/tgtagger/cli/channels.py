"""`tgtagger channels`: list the channels, add some, pause, resume, remove, keep for a time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tgtagger.cli import completion
from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.help import new_app
from tgtagger.cli.opening import open_to_change, open_to_read
from tgtagger.cli.options import NUMBERS, JsonOption, only_numbers
from tgtagger.cli.prompts import confirm
from tgtagger.cli.render import Screen
from tgtagger.cli.reports import made
from tgtagger.cli.wording import ago, local_time, number, plural
from tgtagger.model.channels import ChannelKept, ChannelRemoved, ChannelState
from tgtagger.model.events import OnSteps
from tgtagger.runs import shapes
from tgtagger.runs.targets import check_channels, read_list
from tgtagger.store import Store

app = new_app(
    invoke_without_command=True,
    help="List, add, pause, resume, keep and remove channels.",
    epilog="""Examples:
  tgtagger channels
  tgtagger channels add @durov t.me/telegram
  tgtagger channels add --from-file channels.txt
  tgtagger channels keep @durov 365d
  tgtagger channels remove @durov --with-posts

Exit codes:
   0  done
   2  there is no such channel or database
   6  the database failed
  75  another program uses the database""",
)

NamesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME...",
        help="@name, a t.me link, an id, or a part of the title.",
        callback=only_numbers,
        autocompletion=completion.channels,
    ),
]


@app.callback()
def show(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    if ctx.invoked_subcommand is not None:
        return
    screen = screen_of(ctx)
    with open_to_read(ctx) as store:
        found, added = store.status.channels(), store.channels.followed_sources()
    if as_json:
        screen.json(shapes.channels(found, added))
    else:
        draw(screen, found)
        draw_added(screen, added)


@app.command(
    context_settings=NUMBERS,
    epilog="""Examples:
  tgtagger channels add @durov t.me/telegram
  tgtagger channels add --from-file channels.txt""",
)
def add(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="@name, a t.me link, -100… or an invitation.",
            show_default=False,
            callback=only_numbers,
        ),
    ] = None,
    *,
    from_file: Annotated[
        str,
        typer.Option(
            "--from-file",
            metavar="FILE",
            help="A file with one channel per line.",
            show_default=False,
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Add channels. The next `parse` or `sync` reads them.

    A paused or removed channel is read again.
    """
    named = [*(sources or ()), *(read_list(Path(from_file).expanduser()) if from_file else ())]
    if not named:
        raise usage("no channel is given", "give channels, or a file with --from-file")
    check_channels(named)
    screen = screen_of(ctx)
    with Store.open(invocation(ctx).settings().db) as store:
        if store.is_new and not screen.quiet:
            screen.warn(made(store.place))
        new = store.channels.follow(named)
    if as_json:
        screen.json(list(new))
    else:
        added = f"added {plural(len(new), 'channel')}; to read the posts: tgtagger parse"
        screen.line(
            added if new else "nothing was added: these channels are in the database already"
        )


@app.command(
    context_settings=NUMBERS,
    epilog="""Examples:
  tgtagger channels pause @durov""",
)
def pause(ctx: typer.Context, names: NamesArgument) -> None:
    """Pause channels: parse and sync leave them out."""
    with open_to_change(ctx) as store:
        titles = store.channels.pause(names)
    for title in titles:
        screen_of(ctx).line(f"paused: {title}")


@app.command(
    context_settings=NUMBERS,
    epilog="""Examples:
  tgtagger channels resume @durov""",
)
def resume(ctx: typer.Context, names: NamesArgument) -> None:
    """Read paused or removed channels again."""
    with open_to_change(ctx) as store:
        titles = store.channels.resume(names)
    for title in titles:
        screen_of(ctx).line(f"resumed: {title}")


@app.command(
    context_settings=NUMBERS,
    epilog="""Examples:
  tgtagger channels keep @durov 365d
  tgtagger channels keep @durov forever""",
)
def keep(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="@name, a t.me link, an id, or a part of the title.",
            callback=only_numbers,
            autocompletion=completion.channels,
        ),
    ],
    period: Annotated[
        str, typer.Argument(metavar="PERIOD", help="365d, 12w, 6mo, 1y; or forever.")
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be deleted.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask no question.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Keep a channel's posts for a time; older ones are deleted, now and by later runs.

    Posts that a person or an agent gave a tag stay.
    """
    days = _days(period)
    screen = screen_of(ctx)
    with open_to_read(ctx) if dry_run else open_to_change(ctx) as store:
        told = store.retention.look(name, days)
        if not dry_run:
            if told.removed and not yes:
                confirm(
                    f"Delete {plural(told.removed, 'post')} of {told.title} that are older than "
                    f"{period}? They cannot be restored.",
                    otherwise="deleting posts needs --yes",
                )
            with screen.progress("deleting old posts", tells=not as_json) as live:
                told = store.retention.keep(name, days, live.steps)
    if as_json:
        screen.json(shapes.channel_kept(told))
    else:
        _tell_kept(screen, told, period, dry_run=dry_run)


def _days(period: str) -> int | None:
    """Return how many days a period has; None: for ever. Raises InputError for another text."""
    from tgtagger.config.readers import PERIOD, WrongValue, days_of

    if period.strip().casefold() == "forever":
        return None
    try:
        return days_of(str(PERIOD.read(period))).days
    except WrongValue:
        raise usage(
            f"{period!r} is not a period",
            "say 365d, 12w, 6mo or 1y; or forever: all posts are kept",
        ) from None


def _tell_kept(screen: Screen, told: ChannelKept, period: str, *, dry_run: bool) -> None:
    if told.keep_days is None:
        screen.line(f"{told.title}: all posts are kept")
        return
    would = "would be " if dry_run else ""
    screen.line(
        f"{told.title}: posts are kept for {period}; {plural(told.removed, 'older post')} "
        f"{would}deleted"
    )
    if told.stay:
        screen.line(f"kept: {plural(told.stay, 'older post')} that a person or an agent tagged")


@app.command(
    context_settings=NUMBERS,
    epilog="""Examples:
  tgtagger channels remove @durov
  tgtagger channels remove @durov --with-posts --yes""",
)
def remove(
    ctx: typer.Context,
    names: NamesArgument,
    *,
    with_posts: Annotated[
        bool,
        typer.Option(
            "--with-posts", help="Delete the posts, too, and everything stored with them."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask no question.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop reading channels. Their posts stay, unless you add --with-posts."""
    screen = screen_of(ctx)
    with open_to_change(ctx) as store:
        posts = store.channels.count_posts(names)
        if with_posts and posts and not yes:
            confirm(
                f"Delete {plural(posts, 'post')} of {', '.join(names)} ? They cannot be restored.",
                otherwise="deleting posts needs --yes",
            )
        removed = []
        for name in names:
            with screen.progress(f"removing {name}", tells=not as_json) as live:
                removed.append(_remove(store, name, with_posts=with_posts, on_steps=live.steps))
    if as_json:
        told = [shapes.channel_removed(each) for each in removed]
        screen.json(told[0] if len(told) == 1 else told)
        return
    for each in removed:
        _tell_removed(screen, each)


def _remove(store: Store, name: str, *, with_posts: bool, on_steps: OnSteps) -> ChannelRemoved:
    """Remove one channel, or a source that was added and has not been read."""
    if source := store.channels.forget(name):
        return ChannelRemoved(source, 0, 0)
    return store.channels.remove(name, with_posts=with_posts, on_steps=on_steps)


def _tell_removed(screen: Screen, removed: ChannelRemoved) -> None:
    if removed.kept:
        screen.line(
            f"removed: {removed.title}; its {plural(removed.kept, 'post')} stay "
            "(to delete them: --with-posts; to read it again: tgtagger channels resume)"
        )
    elif removed.removed:
        screen.line(f"removed: {removed.title} and its {plural(removed.removed, 'post')}")
    else:
        screen.line(f"removed: {removed.title}")


def draw(screen: Screen, found: tuple[ChannelState, ...]) -> None:
    """Draw channels as a table."""
    if not found:
        screen.say("no channels yet: run tgtagger parse @channel")
        return
    gaps = any(state.unread for state in found)  # history that is still to be read
    rows = [
        [
            f"@{state.channel.username}" if state.channel.username else str(state.channel.id),
            f"{state.channel.title}{_note(state)}",
            number(state.posts),
            number(state.pending),
            local_time(state.newest) if state.newest else "",
            ago(state.parsed_at),
            *([number(state.unread) if state.unread else ""] if gaps else []),
        ]
        for state in found
    ]
    columns = ["channel", "title", "posts", "pending", "newest post", "parsed"]
    columns += ["unread"] if gaps else []
    screen.table(columns, rows)


def _note(state: ChannelState) -> str:
    kept = "" if state.keep_days is None else f" ({state.keep_days}d)"
    return kept + (" (removed)" if state.unfollowed else " (paused)" if state.paused else "")


def draw_added(screen: Screen, added: tuple[str, ...]) -> None:
    """Draw the sources that were added and have not been read."""
    if added:
        screen.line(f"added, not read yet: {', '.join(added)}")
