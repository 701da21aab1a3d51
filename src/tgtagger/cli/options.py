"""What the commands share: how they were called, and options that mean the same everywhere."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tgtagger.cli import completion

if TYPE_CHECKING:
    from tgtagger.config import Settings


@dataclass(frozen=True, slots=True)
class Invocation:
    """The options before the command's name. Settings are loaded when they are asked for."""

    flags: Mapping[str, str]
    quiet: bool = False
    verbosity: int = 0
    no_color: bool = False

    def settings(self, **flags: str | None) -> Settings:
        """Return the settings in force, a command's own flags on top."""
        from tgtagger import config

        return config.load({**self.flags, **flags})


def invocation(ctx: typer.Context) -> Invocation:
    """Return how the program was called."""
    found = ctx.find_object(Invocation)
    assert found is not None  # the root callback has made it
    return found


def accept_late(command: Any, options: Sequence[Any]) -> None:
    """Let a command, and those below it, take the global options after their name, too."""
    taken = {name for param in command.params for name in param.opts}
    for option in options:
        if option.name in _LATE and taken.isdisjoint(option.opts):
            late = copy.copy(option)
            late.hidden, late.expose_value, late.callback = True, False, _take_late
            command.params.append(late)
    for below in getattr(command, "commands", {}).values():
        accept_late(below, options)


_LATE = ("db", "config", "quiet", "verbose", "no_color")


def _take_late(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    called = ctx.find_object(Invocation)
    source = ctx.get_parameter_source(str(param.name))
    if called is None or source is None or source.name != "COMMANDLINE":
        return value
    match param.name:
        case "db" | "config" as name:
            called = replace(called, flags={**called.flags, name: value})
        case "quiet":
            called = replace(called, quiet=value)
        case "verbose":
            called = replace(called, verbosity=value)
        case _:
            called = replace(called, no_color=value)
    ctx.obj = ctx.find_root().obj = called
    return value


def path_of(text: str) -> Path:
    """Return the path that was typed. Raises InputError for the home of nobody (`~nobody/x`)."""
    from tgtagger.config.readers import PATH
    from tgtagger.errors import InputError

    try:
        found: Path = PATH.read(text)
    except ValueError as error:
        raise InputError(f"{text!r} must be {error}") from error
    return found


def when(text: str) -> str:
    """Check a WHEN on the command line; it is read when it is used (see times)."""
    from tgtagger.cli.times import read_when
    from tgtagger.errors import InputError

    if text:
        try:
            read_when(text)
        except InputError as error:
            raise typer.BadParameter(error.message) from error
    return text


NUMBERS = {"ignore_unknown_options": True}
"""A command's context settings, so that -100… is no option; its arguments are `only_numbers`."""


def only_numbers(ctx: typer.Context, value: Any) -> Any:
    """Refuse an option that is none: only a channel's number may begin with a dash."""
    for text in [value] if isinstance(value, str) else value or ():
        if text.startswith("-") and not re.fullmatch(r"-\d+(/\d+)?", text):
            from typer._click.exceptions import NoSuchOption

            known = [option for param in ctx.command.params for option in param.opts]
            name = text.partition("=")[0]
            near = difflib.get_close_matches(name, known)
            raise NoSuchOption(name, possibilities=near, ctx=ctx)
    return value


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ChannelsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--channel",
        metavar="C",
        help="Only this channel (repeat for more).",
        autocompletion=completion.channels,
    ),
]
SinceOption = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="WHEN",
        callback=when,
        show_default=False,
        help="From then on: 2026-01-31, 2026-01-31T12:00, 7d, 12h.",
    ),
]
UntilOption = Annotated[
    str,
    typer.Option("--until", metavar="WHEN", callback=when, show_default=False, help="Before then."),
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="At most N posts.")
]
TaggerOption = Annotated[
    str,
    typer.Option(
        "--tagger",
        metavar="NAME",
        help="llm: a language model; keywords: the embedded tagger.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="M",
        help="The model, or several with commas: the next is asked when one is down or refuses.",
        show_default=False,
    ),
]
VocabularyOption = Annotated[
    str,
    typer.Option(
        "--vocabulary", metavar="FILE", help="A file of tags, one a line.", show_default=False
    ),
]
ConcurrencyOption = Annotated[
    str,
    typer.Option(
        "--concurrency", metavar="N", help="Requests at once, at most 48.", show_default=False
    ),
]
MaxCostOption = Annotated[
    str,
    typer.Option(
        "--max-cost", metavar="USD", help="Stop before it costs more.", show_default=False
    ),
]
MaxTimeOption = Annotated[
    str,
    typer.Option(
        "--max-time",
        metavar="DURATION",
        help="Stop after so long: 90s, 10m, 2h.",
        show_default=False,
    ),
]


def tagging_flags(
    tagger: str, model: str, vocabulary: str, concurrency: str, max_cost: str
) -> dict[str, str]:
    """Return the settings that options of tagging stand for; an empty one is not given."""
    return {
        "tagger": tagger,
        "llm_models": model,
        "vocabulary": vocabulary,
        "llm_concurrency": concurrency,
        "max_cost": max_cost,
    }


class Via(StrEnum):
    """Who reads a channel."""

    auto = "auto"
    telegram = "telegram"
    preview = "preview"


ViaOption = Annotated[
    Via, typer.Option("--via", help="auto: Telegram when signed in, else the web preview.")
]
RefreshOption = Annotated[
    int | None,
    typer.Option(
        "--refresh",
        metavar="N",
        min=0,
        max=100_000,
        help="Read the newest N messages again for edits, views, deletions [100]; 0: off.",
        show_default=False,
    ),
]
AccountOption = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="NAME",
        help="Which of several sessions (or set TGTAGGER_ACCOUNT).",
        show_default=False,
    ),
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="TAG",
        help="With this tag (repeat: all).",
        autocompletion=completion.tags,
    ),
]
AnyTagsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--any-tag",
        metavar="TAG",
        help="With one of these tags (repeat).",
        autocompletion=completion.tags,
    ),
]
NotTagsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--not-tag",
        metavar="TAG",
        help="Without this tag (repeat).",
        autocompletion=completion.tags,
    ),
]
