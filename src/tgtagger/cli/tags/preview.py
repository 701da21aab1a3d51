"""`tgtagger tags preview`: what a vocabulary would do, if its tags were the only ones.

Draws what `runs.preview` finds. Writes nothing, and knows no rule of tags.
"""

from __future__ import annotations

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.options import (
    ChannelsOption,
    JsonOption,
    LimitOption,
    SinceOption,
    TaggerOption,
    VocabularyOption,
)
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import number, plural
from tgtagger.model.posts import PostFilter
from tgtagger.runs import shapes
from tgtagger.runs.preview import VocabularyPreview

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
