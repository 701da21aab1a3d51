"""`tgtagger tags export-vocabulary` and `aliases`: lists of tags as files that a person edits.

Knows nothing of what a tagger does with such a list: see `preview`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.opening import open_to_change, open_to_read
from tgtagger.cli.options import JsonOption
from tgtagger.cli.prompts import confirm
from tgtagger.cli.render import Screen
from tgtagger.cli.tags.changing import YesOption
from tgtagger.cli.wording import plural
from tgtagger.export import open_target
from tgtagger.runs import aliases as runs
from tgtagger.runs import shapes
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
    yes: YesOption = False,
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
