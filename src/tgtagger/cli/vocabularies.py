"""Lists of tags as files, for `tgtagger tags`: write one, see what it would do; other names.

`tags` makes commands of these functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.opening import open_to_change, open_to_read
from tgtagger.cli.options import (
    ChannelsOption,
    JsonOption,
    LimitOption,
    SinceOption,
    TaggerOption,
    VocabularyOption,
)
from tgtagger.cli.prompts import confirm
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import number, plural
from tgtagger.export import open_target
from tgtagger.model.posts import PostFilter
from tgtagger.runs import aliases as runs
from tgtagger.runs import shapes
from tgtagger.runs.preview import VocabularyPreview
from tgtagger.runs.tags import cover_posts, read_vocabulary
from tgtagger.vocabulary import MAX_ENTRIES, Cover
from tgtagger.vocabulary import write as write_vocabulary

OutputOption = Annotated[
    str, typer.Option("--output", "-o", metavar="PATH", help="A file; -: standard output.")
]

EXPORT_EPILOG = """Examples:
  tgtagger tags export-vocabulary -o mine.txt
  tgtagger tags export-vocabulary --mode closed --limit 200 -o mine.txt
  tgtagger tags export-vocabulary --cover 90    the tags of 90 % of the posts
  tgtagger tag --vocabulary mine.txt --stale    tag again with these tags"""


def export_vocabulary(
    ctx: typer.Context,
    *,
    output: OutputOption = "-",
    mode: Annotated[
        str,
        typer.Option(
            metavar="MODE", help="The mode in the file: open, prefer or closed.", show_default=False
        ),
    ] = "",
    most: Annotated[
        int,
        typer.Option("--limit", metavar="N", min=1, max=MAX_ENTRIES, help="At most N tags."),
    ] = MAX_ENTRIES,
    percent: Annotated[
        float | None,
        typer.Option(
            "--cover",
            metavar="PERCENT",
            min=1,
            max=100,
            help="Only the few tags that so many of the posts with tags have.",
        ),
    ] = None,
) -> None:
    """Write the tags as a vocabulary file.

    Edit the file, then use it: tgtagger tag --vocabulary FILE. The tags of the current vocabulary
    come first, then the most used tags; with --cover the tag first that reaches most posts.
    """
    settings = invocation(ctx).settings(vocabulary_mode=mode)
    covered: Cover | None = None
    if percent is None:
        vocabulary = read_vocabulary(settings, limit=most)
    else:
        vocabulary, covered = cover_posts(settings, percent, limit=most)
    path = None if output == "-" else Path(output).expanduser()
    with open_target(path) as stream:
        stream.write(write_vocabulary(vocabulary.mode, vocabulary.entries).encode())
    if path is not None:
        screen_of(ctx).say(f"wrote {plural(len(vocabulary.entries), 'tag')} to {path}")
    if covered is not None and percent is not None:
        _say_covered(screen_of(ctx), covered, percent)


def _say_covered(screen: Screen, covered: Cover, percent: float) -> None:
    posts = plural(covered.posts, "post") + " that " + ("has" if covered.posts == 1 else "have")
    words = f"{plural(len(covered.names), 'tag')}: on {covered.percent:.1f} % of {posts} tags"
    if covered.percent < percent:
        words += f"; {percent:g} % takes more than {plural(len(covered.names), 'tag')}"
    screen.sum_up(words)


PREVIEW_EPILOG = """Examples:
  tgtagger tags preview --vocabulary mine.txt
  tgtagger tags preview --vocabulary mine.txt --channel @news --limit 1000"""


def preview(
    ctx: typer.Context,
    *,
    vocabulary: VocabularyOption = "",
    tagger: TaggerOption = "",
    channel: ChannelsOption = None,
    since: SinceOption = "",
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a vocabulary would do, if its tags were the only ones.

    Nothing is sent or written. The embedded tagger reads the posts again. A model is not asked:
    the tags that the posts have now tell what it would do.
    """
    from tgtagger.cli.events import RunEvents
    from tgtagger.runs.preview import preview as look
    from tgtagger.runs.times import since_until

    screen = screen_of(ctx)
    settings = invocation(ctx).settings(
        vocabulary=vocabulary, vocabulary_mode="closed", tagger=tagger
    )
    if settings.vocabulary is None:
        raise usage("there is no vocabulary to look at", "add --vocabulary FILE")
    first, _ = since_until(since, "")
    wanted = PostFilter(channels=tuple(channel or ()), since=first, limit=limit)
    found = look(settings, wanted, RunEvents(screen))
    if as_json:
        screen.json(shapes.vocabulary_preview(found))
        return
    with screen.paged():
        _draw_preview(screen, found)
    screen.sum_up(_summed_up(found))


def _draw_preview(screen: Screen, found: VocabularyPreview) -> None:
    names = sorted(found.names, key=lambda each: (-each[1], each[0]))
    screen.table(
        ["tag", "posts", "share"],
        [[name, number(posts), _share(posts, found.posts)] for name, posts in names if posts],
    )
    screen.write()
    if found.unused:
        screen.line(f"on no post: {', '.join(found.unused)}")
        screen.write()
    screen.table(
        ["channel", "posts", "without a tag", "share"],
        [
            [each.title, number(each.posts), number(each.without), _share(each.without, each.posts)]
            for each in found.channels
        ],
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}\u202f%" if whole else ""


def _summed_up(found: VocabularyPreview) -> str:
    by = {
        "keywords": "as the embedded tagger reads the posts",
        "tags": "by the tags that the posts have now; a model may give more",
    }
    share = f" ({_share(found.without, found.posts)})" if found.posts else ""
    return (
        f"{number(found.without)} of {plural(found.posts, 'post')}{share} would have no tag, "
        f"if these {plural(len(found.names), 'tag')} were the only ones: {by[found.by]}"
    )


ALIASES_EPILOG = """Examples:
  tgtagger tags aliases                       your own, as a file
  tgtagger tags aliases --bundled             the list that comes with tgtagger
  tgtagger tags aliases --bundled --apply     take it over"""


def aliases(
    ctx: typer.Context,
    *,
    bundled: Annotated[
        bool, typer.Option("--bundled", help="Of the list that comes with tgtagger.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Let the tags that you have be named as in this list.")
    ] = False,
    output: OutputOption = "-",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what --apply would change.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask no question.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write other names of tags as a vocabulary file: name | other, other.

    The list that comes with tgtagger changes nothing before you apply it.
    """
    screen = screen_of(ctx)
    if apply or dry_run:
        if not bundled or output != "-":
            raise usage("--apply is for --bundled alone", "tgtagger tags aliases --bundled --apply")
        _adopt(ctx, screen, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    if bundled:
        entries = runs.bundled()
    else:
        with open_to_read(ctx) as store:
            entries = runs.of_archive(store)
    if as_json:
        screen.json([{"name": entry.name, "aliases": entry.aliases} for entry in entries])
        return
    path = None if output == "-" else Path(output).expanduser()
    with open_target(path) as stream:
        stream.write(write_vocabulary(None, entries).encode())
    if path is not None:
        screen.say(f"wrote {plural(len(entries), 'tag')} to {path}")
    elif not entries:
        screen.say("no tag has another name yet")


def _adopt(ctx: typer.Context, screen: Screen, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    with open_to_read(ctx) if dry_run else open_to_change(ctx) as store:
        found = runs.plan(store, runs.bundled())
        if not as_json:
            for name, others in runs.names_of(found):
                screen.line(f"{name} ← {', '.join(others)}")
        if found and not (yes or dry_run):
            count = plural(len(found), "tag")
            confirm(f"Give {count} these names?", otherwise=f"this renames {count}: add --yes")
        if not dry_run:
            runs.adopt(store, found)
    if as_json:
        screen.json([shapes.adoption(each, dry_run=dry_run) for each in found])
    elif not found:
        screen.say("nothing to change: your tags have these names already, or none of them")
    elif not dry_run:
        screen.say(f"done for {plural(len(found), 'tag')}; to undo it: tgtagger tags undo")
