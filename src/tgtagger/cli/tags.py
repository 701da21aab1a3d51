"""`tgtagger tags`: list the tags, and put them in order by hand.

A person's decision stands: the taggers use the new names, and never give a blocked tag again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from tgtagger.cli import completion, vocabularies
from tgtagger.cli.context import screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.help import new_app
from tgtagger.cli.opening import open_to_change, open_to_read
from tgtagger.cli.options import (
    NUMBERS,
    ChannelsOption,
    JsonOption,
    LimitOption,
    SinceOption,
    TagsOption,
    UntilOption,
    only_numbers,
)
from tgtagger.cli.prompts import choose, confirm, is_asked
from tgtagger.cli.render import Live, Screen
from tgtagger.cli.wording import ago, number, one_line, plural
from tgtagger.model.archive import PastChange, TagChange, TagCount, TakenBack
from tgtagger.model.posts import PostFilter
from tgtagger.runs import shapes
from tgtagger.runs.tags import merge_all, suggest_merges
from tgtagger.runs.tags import undo as undo_change
from tgtagger.store import Store
from tgtagger.system.terminal_text import shell_word
from tgtagger.vocabulary import Suggestion

app = new_app(
    invoke_without_command=True,
    help="List the tags, most used first. Rename, merge and remove them; tag by hand.",
    epilog="""Examples:
  tgtagger tags
  tgtagger tags merge AI "artificial intelligence" --into ИИ
  tgtagger tags drop @news/531 politics
  tgtagger tags --json | jq -r '.[].name'

Exit codes:
   0  done
   2  there is no such tag, post or database
   6  the database failed
  75  another program uses the database""",
)

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
YesOption = Annotated[bool, typer.Option("--yes", help="Ask no question.")]
COMPARING = "comparing the tags"
MANY = 10
"""Posts that a change touches without a question, at most."""
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]


@app.callback()
def show(
    ctx: typer.Context,
    *,
    unused: Annotated[bool, typer.Option("--unused", help="Only tags that no post has.")] = False,
    as_json: JsonOption = False,
) -> None:
    if ctx.invoked_subcommand is not None:
        return
    screen = screen_of(ctx)
    with open_to_read(ctx) as store:
        found = store.tags.counts(unused=unused)
    if as_json:
        screen.json([shapes.tag(tag) for tag in found])
    elif found:
        with screen.paged():
            _draw(screen, found)
    else:
        screen.say("no unused tags" if unused else "no tags yet: run tgtagger tag")


def _draw(screen: Screen, found: Sequence[TagCount]) -> None:
    columns = ["tag", "posts", "from", "last given"]
    now = dt.datetime.now(dt.UTC)
    rows = [
        [tag.name, number(tag.posts), ", ".join(tag.sources), ago(tag.last_used, now=now)]
        for tag in found
    ]
    if any(tag.aliases for tag in found):
        columns.append("also known as")
        rows = [[*row, ", ".join(tag.aliases)] for row, tag in zip(rows, found, strict=True)]
    screen.table(columns, rows)


@app.command(
    epilog="""Examples:
  tgtagger tags rename AI ИИ
  tgtagger tags rename AI "artificial intelligence" --dry-run""",
)
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
            _ask(store.curation.rename(old, new, dry_run=True).posts)
        with _shown(ctx, "renaming a tag", as_json=as_json):
            change = store.curation.rename(old, new, dry_run=dry_run)
    _say(ctx, change, f"{_done('renamed', dry_run=dry_run)} {old!r} to {change.names[0]!r}",
         dry_run=dry_run, as_json=as_json)  # fmt: skip


@app.command(
    epilog="""Examples:
  tgtagger tags merge AI нейросети --into ИИ --dry-run
  tgtagger tags merge AI нейросети --into ИИ""",
)
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
            with _shown(ctx, "counting the posts", as_json=as_json) as live:
                posts = change_it(dry_run=True, on_steps=live.steps).posts
            _ask(posts)
        with _shown(ctx, "merging tags", as_json=as_json) as live:
            change = change_it(dry_run=dry_run, on_steps=live.steps)
    what = f"{_done('merged', dry_run=dry_run)} into {change.names[0]!r}"
    _say(ctx, change, what, dry_run=dry_run, as_json=as_json)


@app.command(
    epilog="""Examples:
  tgtagger tags alias ИИ AI "machine intelligence"
  tgtagger tags alias ИИ AI --remove""",
)
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


@app.command(
    epilog="""Examples:
  tgtagger tags remove новости видео --dry-run
  tgtagger tags remove новости видео""",
)
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
            with _shown(ctx, "counting the posts", as_json=as_json) as live:
                found = store.curation.remove(names, dry_run=True, on_steps=live.steps)
            _ask(sum(change.posts for change in found))
        with _shown(ctx, "removing tags", as_json=as_json) as live:
            changes = store.curation.remove(names, dry_run=dry_run, on_steps=live.steps)
    screen = screen_of(ctx)
    if as_json:
        screen.json([shapes.tag_change(change, dry_run=dry_run) for change in changes])
    else:
        _tell_removed(screen, changes, dry_run=dry_run)


def _tell_removed(screen: Screen, changes: Sequence[TagChange], *, dry_run: bool) -> None:
    for change in changes:
        what = f"{_done('removed', dry_run=dry_run)} {change.names[0]!r}"
        screen.line(f"{what} from {plural(change.posts, 'post')}")


@app.command(
    context_settings=NUMBERS,
    epilog="""Examples:
  tgtagger tags add @news/531 комета
  tgtagger tags add https://t.me/c/1006503122/531 "solar power" wind
  tgtagger tags add комета --query 'комет* since:30d'""",
)
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
        if not (yes or dry_run):
            with _shown(ctx, "counting the posts", as_json=as_json):
                posts = change(dry_run=True).posts
            _ask(posts)
        with _shown(ctx, "adding tags", as_json=as_json):
            done = change(dry_run=dry_run)
    _say_many(ctx, done, _done("added", dry_run=dry_run), dry_run=dry_run, as_json=as_json)
    _say_forms(ctx, forms)


@app.command(
    context_settings=NUMBERS,
    epilog="""Examples:
  tgtagger tags drop @news/531 политика
  tgtagger tags drop политика --channel @cats --yes""",
)
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
        if not (yes or dry_run):
            with _shown(ctx, "counting the posts", as_json=as_json):
                posts = change(dry_run=True).posts
            _ask(posts)
        with _shown(ctx, "dropping tags", as_json=as_json):
            done = change(dry_run=dry_run)
    _say_many(ctx, done, _done("dropped", dry_run=dry_run), dry_run=dry_run, as_json=as_json)


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


@app.command(
    epilog="""Examples:
  tgtagger tags suggest
  tgtagger tags suggest --apply forms    merge forms of one word
  tgtagger tags suggest --interactive    answer for each suggestion""",
)
def suggest(
    ctx: typer.Context,
    apply: Annotated[
        str,
        typer.Option(
            metavar="forms", help="Merge tags that are forms of one word.", show_default=False
        ),
    ] = "",
    *,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Ask about each suggestion.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """List tags that probably mean the same, with the command to merge them."""
    screen = screen_of(ctx)
    if apply not in {"", "forms"}:
        raise usage(f"--apply: there is no kind {apply!r}", "use --apply forms")
    if interactive and (apply or as_json or not is_asked()):
        raise usage("--interactive needs a terminal, and no --apply or --json", "leave them out")
    if interactive:
        with open_to_change(ctx) as store:
            with _shown(ctx, COMPARING, as_json=as_json) as live:
                found = suggest_merges(store, live.steps)
            _decide(screen, store, found)
        return
    if apply:
        with open_to_change(ctx) as store:
            _apply_forms(screen, store, yes=yes, as_json=as_json)
        return
    with open_to_read(ctx) as store, _shown(ctx, COMPARING, as_json=as_json) as live:
        found = suggest_merges(store, live.steps)
    if as_json:
        screen.json([shapes.suggestion(item) | {"command": _merge_command(item)} for item in found])
        return
    with screen.paged():
        _draw_suggestions(screen, found)
    screen.say(f"{plural(len(found), 'suggestion')}" if found else "no suggestions")


def _apply_forms(screen: Screen, store: Store, *, yes: bool, as_json: bool) -> None:
    """Merge the forms of one word, once they were shown and a person agrees."""
    with screen.progress(COMPARING, tells=not as_json) as live:
        found = [item for item in suggest_merges(store, live.steps) if item.is_safe]
    if not as_json:
        _draw_suggestions(screen, found)
    if found and not yes:
        count = plural(sum(len(item.names) for item in found), "tag")
        confirm(f"Merge {count}?", otherwise=f"this merges {count}: add --yes")
    with screen.progress("merging tags", tells=not as_json) as live:
        merge_all(store, found, live.steps)
    if as_json:
        screen.json([shapes.suggestion(item) | {"command": _merge_command(item)} for item in found])
    elif found:
        screen.say(
            f"merged in {plural(len(found), 'change')}; to undo one, see: tgtagger tags history"
        )
    else:
        screen.say("there are no forms of one word to merge")


_ANSWERS = "[m]erge, [o]ther way round, [n]ever, [l]ater, [q]uit"


def _decide(screen: Screen, store: Store, found: Sequence[Suggestion]) -> None:
    """Ask about one suggestion after the other, and do what the person says."""
    done = 0
    for at, item in enumerate(found, 1):
        names = ", ".join(item.names)
        screen.line(f"{number(at)} of {number(len(found))}: {names} → {item.into}", "bold")
        doubt = ", doubtful" if item.is_doubtful else ""
        screen.line(f"  {item.likeness}, {plural(item.posts, 'post')}{doubt}")
        answer = choose(_ANSWERS, "monlq", default="l")
        match answer:
            case "m":
                store.curation.merge(item.names, item.into)
            case "o":
                store.curation.merge((*item.names[1:], item.into), item.names[0])
            case "n":
                store.tags.keep_apart(item.names, item.into)
            case "q":
                break
        done += answer in "mo"
    screen.say(f"merged {plural(done, 'suggestion')}; to undo the last one: tgtagger tags undo")


def _draw_suggestions(screen: Screen, found: Sequence[Suggestion]) -> None:
    for item in found:
        doubt = ", doubtful" if item.is_doubtful else ""
        told = f"{item.likeness}, {plural(item.posts, 'post')}{doubt}"
        screen.line(f"{_merge_command(item)}   # {told}")


def _merge_command(item: Suggestion) -> str:
    names = " ".join(map(shell_word, item.names))
    return f"tgtagger tags merge {names} --into {shell_word(item.into)}"


@app.command(
    epilog="""Examples:
  tgtagger tags undo
  tgtagger tags undo 12 --dry-run
  tgtagger tags history""",
)
def undo(
    ctx: typer.Context,
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="[N]",
            min=1,
            max=2**31,
            help="The number of the change in tags history.",
            show_default=False,
        ),
    ] = None,
    *,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Undo the last change of tags, or change N: one of yours, an agent's session, or a run.

    After the undo of a run, its posts have the tags from before it, or are pending again. What you
    did since then stays. An undo is a change, too: undo it by its number.
    """
    with open_to_change(ctx) as store:
        if not (yes or dry_run):
            with _shown(ctx, "looking what an undo changes", as_json=as_json) as live:
                found = undo_change(store, number, dry_run=True, on_steps=live.steps)
            number = found.change.number
            _ask(found.posts, f"undo change {number} ({_named(found.change)})")
        with _shown(ctx, "undoing", as_json=as_json) as live:
            undone = undo_change(store, number, dry_run=dry_run, on_steps=live.steps)
    screen = screen_of(ctx)
    if as_json:
        screen.json(shapes.taken_back(undone, dry_run=dry_run))
    else:
        _tell_undone(screen, undone, dry_run=dry_run)


def _tell_undone(screen: Screen, undone: TakenBack, *, dry_run: bool) -> None:
    change = undone.change
    done = "would undo" if dry_run else "undid"
    if change.by != "run":
        screen.line(f"{done} change {change.number} ({_named(change)}): "
                    f"{plural(undone.posts, 'post')} as before")  # fmt: skip
    elif not undone.posts:
        screen.line(f"nothing of run {change.number} is left to undo")
    else:
        screen.line(
            f"{done} run {change.number}: {plural(undone.links, 'tag')} removed from "
            f"{plural(undone.posts, 'post')}; {plural(undone.tags, 'tag')} were on no other post"
        )
        if undone.posts > undone.pending:
            as_before = plural(undone.posts - undone.pending, "post")
            screen.line(f"with the tags from before the run again: {as_before}")
    if undone.kept:
        screen.line(f"unchanged, with new tags since then: {plural(undone.kept, 'post')}")
    if undone.pending and not dry_run:
        screen.line(
            f"pending again: {plural(undone.pending, 'post')}. Before you tag, change the model, "
            "prompt or vocabulary: else the tags will be the same"
        )
    if undone.undo is not None and not dry_run:
        screen.say(f"to undo this: tgtagger tags undo {undone.undo}")


def _named(change: PastChange) -> str:
    """Return a change as it was typed: `merge AI нейросети --into ИИ`."""
    names = [*map(shell_word, change.names)]
    if change.undoes is not None:
        return f"undo {change.undoes}"
    if change.by == "run":
        return f"{change.what} with {' '.join(names)}"
    if change.by == "agent":
        return one_line(f"agent: {' '.join(names)}")
    if change.what == "merge":
        names.insert(-1, "--into")
    what, end = ("alias", " --remove") if change.what == "unalias" else (change.what, "")
    return one_line(f"{what} {' '.join(names)}{end}")


@app.command(
    epilog="""Examples:
  tgtagger tags history
  tgtagger tags history --limit 100 --json""",
)
def history(
    ctx: typer.Context,
    *,
    most: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=2**31, help="At most N changes.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the changes of tags, by you, by agents and by runs."""
    screen = screen_of(ctx)
    with open_to_read(ctx) as store:
        found, swept = store.changes.past(most), store.changes.swept_until()
    if as_json:
        screen.json([shapes.past_change(change) for change in found])
        return
    if not found:
        screen.say("no changes of tags yet" if swept is None else "no changes of tags lately")
    else:
        rows = [
            [str(change.number), ago(change.at), _named(change), number(change.posts),
             f"undone {ago(change.undone_at)}" if change.undone_at else ""]
            for change in found
        ]  # fmt: skip
        with screen.paged():
            screen.table(["number", "when", "change", "posts", ""], rows)
    if swept is not None:
        screen.sum_up(f"changes up to {swept:%Y-%m-%d} are no longer kept, and cannot be undone")


app.command(name="export-vocabulary", epilog=vocabularies.EXPORT_EPILOG)(
    vocabularies.export_vocabulary
)
app.command(epilog=vocabularies.PREVIEW_EPILOG)(vocabularies.preview)
app.command(epilog=vocabularies.ALIASES_EPILOG)(vocabularies.aliases)


def _shown(
    ctx: typer.Context, words: str, *, as_json: bool
) -> contextlib.AbstractContextManager[Live]:
    """Show a change that takes long."""
    return screen_of(ctx).progress(words, tells=not as_json)


def _ask(posts: int, what: str = "change") -> None:
    """Ask before a change of more than a few posts."""
    if posts > MANY:
        count = plural(posts, "post")
        confirm(f"{what}: {count}. Continue?", otherwise=f"this changes {count}: add --yes")


def _done(verb: str, *, dry_run: bool) -> str:
    return f"would have {verb}" if dry_run else verb


def _say(
    ctx: typer.Context, change: TagChange, words: str, *, as_json: bool, dry_run: bool = False
) -> None:
    screen = screen_of(ctx)
    if as_json:
        screen.json(shapes.tag_change(change, dry_run=dry_run))
        return
    screen.line(words + (f", on {plural(change.posts, 'post')}" if change.posts else ""))
    _say_aliases(screen, change)


def _say_aliases(screen: Screen, change: TagChange) -> None:
    if change.aliases:
        screen.line(f"also known as: {', '.join(change.aliases)}")


def _say_post(ctx: typer.Context, change: TagChange, *, as_json: bool) -> None:
    screen = screen_of(ctx)
    if as_json:
        screen.json(list(change.names))
    else:
        screen.line("tags: " + (", ".join(change.names) or "none"))
