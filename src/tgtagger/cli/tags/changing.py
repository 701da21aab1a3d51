"""What all changes of tags share: their options, the question before a large one, the progress.

Knows no change of its own, and no database.
"""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from tgtagger.cli.context import screen_of
from tgtagger.cli.prompts import confirm
from tgtagger.cli.render import Live
from tgtagger.cli.wording import plural

YesOption = Annotated[bool, typer.Option("--yes", help="Ask no question.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
MANY = 10
"""Posts that a change touches without a question, at most."""


def ask(posts: int, what: str = "change") -> None:
    """Ask before a change of more than a few posts."""
    if posts > MANY:
        count = plural(posts, "post")
        confirm(f"{what}: {count}. Continue?", otherwise=f"this changes {count}: add --yes")


def shown(
    ctx: typer.Context, words: str, *, as_json: bool
) -> contextlib.AbstractContextManager[Live]:
    """Show a change that takes long."""
    return screen_of(ctx).progress(words, tells=not as_json)


def said(verb: str, *, dry_run: bool) -> str:
    """Return what a change did, in a word: `merged`, or what it would have done."""
    return f"would have {verb}" if dry_run else verb
