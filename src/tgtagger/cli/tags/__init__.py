"""`tgtagger tags`: list the tags, and put them in order by hand.

A person's decision stands: the taggers use the new names, and never give a blocked tag again.
Draws the list. Each module here has commands: about a tag itself (`names`), about tags of `posts`,
of `suggestions`, of the `history` with its undo, of `vocabularies` as files and their `preview`.
`changing` is what those that change tags share.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import typer

from tgtagger.cli.context import screen_of
from tgtagger.cli.help import new_app
from tgtagger.cli.opening import open_to_read
from tgtagger.cli.options import NUMBERS, JsonOption
from tgtagger.cli.render import Screen
from tgtagger.cli.tags import history, names, posts, preview, suggestions, vocabularies
from tgtagger.cli.wording import ago, number
from tgtagger.model.tags import TagCount
from tgtagger.runs import shapes

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


app.command(epilog=names.RENAME_EPILOG)(names.rename)
app.command(epilog=names.MERGE_EPILOG)(names.merge)
app.command(epilog=names.ALIAS_EPILOG)(names.alias)
app.command(epilog=names.REMOVE_EPILOG)(names.remove)
app.command(epilog=posts.ADD_EPILOG, context_settings=NUMBERS)(posts.add)
app.command(epilog=posts.DROP_EPILOG, context_settings=NUMBERS)(posts.drop)
app.command(epilog=suggestions.SUGGEST_EPILOG)(suggestions.suggest)
app.command(epilog=history.UNDO_EPILOG)(history.undo)
app.command(epilog=history.HISTORY_EPILOG)(history.history)
app.command(epilog=vocabularies.EXPORT_EPILOG)(vocabularies.export_vocabulary)
app.command(epilog=preview.PREVIEW_EPILOG)(preview.preview)
app.command(epilog=vocabularies.ALIASES_EPILOG)(vocabularies.aliases)
