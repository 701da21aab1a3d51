"""`tgtagger tags suggest`: tags that are probably one, to be merged together or one by one.

Knows no rule of likeness: `vocabulary` has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from tgtagger.cli.context import screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.opening import open_to_change, open_to_read
from tgtagger.cli.options import JsonOption
from tgtagger.cli.prompts import choose, confirm, is_asked
from tgtagger.cli.render import Screen
from tgtagger.cli.tags.changing import YesOption, shown
from tgtagger.cli.wording import number, plural
from tgtagger.runs import shapes
from tgtagger.runs.tags import merge_all, suggest_merges
from tgtagger.store import Store
from tgtagger.system.terminal_text import shell_word
from tgtagger.vocabulary import Suggestion

COMPARING = "comparing the tags"

SUGGEST_EPILOG = """Examples:
  tgtagger tags suggest
  tgtagger tags suggest --apply forms    merge forms of one word
  tgtagger tags suggest --interactive    answer for each suggestion"""


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
            with shown(ctx, COMPARING, as_json=as_json) as live:
                found = suggest_merges(store, live.steps)
            _decide(screen, store, found)
        return
    if apply:
        with open_to_change(ctx) as store:
            _apply_forms(screen, store, yes=yes, as_json=as_json)
        return
    with open_to_read(ctx) as store, shown(ctx, COMPARING, as_json=as_json) as live:
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
