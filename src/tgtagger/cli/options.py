"""Options that mean the same in several commands, and the global ones after a command's name."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from tgtagger.cli import click, completion
from tgtagger.cli.context import Invocation, flag_of
from tgtagger.cli.failures import usage
from tgtagger.errors import InputError
from tgtagger.model.choices import PostStatus, Via
from tgtagger.runs.times import read_when

if TYPE_CHECKING:
    from tgtagger.config import Settings


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


def when(text: str) -> str:
    """Check a WHEN on the command line, and return it as it was typed."""
    if text:
        try:
            read_when(text)
        except InputError as error:
            if error.kind == "date_ambiguous":
                raise  # its own hint says what to write
            raise typer.BadParameter(error.message) from error
    return text


def one_of(names: Sequence[str]) -> str:
    """Return names as a help text lists them: `a, b or c`."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


NUMBERS = {"ignore_unknown_options": True}
"""A command's context settings: -100… is an argument; `only_numbers` checks such arguments."""


def only_numbers(ctx: typer.Context, value: Any) -> Any:
    """Refuse an unknown option: of all arguments only a channel's number begins with a dash."""
    for text in [value] if isinstance(value, str) else value or ():
        if text.startswith("-") and not re.fullmatch(r"-\d+(/\d+)?", text):
            known = [option for param in ctx.command.params for option in param.opts]
            name = text.partition("=")[0]
            near = difflib.get_close_matches(name, known)
            raise click.NoSuchOption(name, possibilities=near, ctx=ctx)
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
        help="Posts from this time on: 2026-01-31, 2026-01, yesterday, 7d.",
    ),
]
UntilOption = Annotated[
    str,
    typer.Option(
        "--until", metavar="WHEN", callback=when, show_default=False, help="Posts before this time."
    ),
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
ProviderOption = Annotated[
    str,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="The provider: openrouter, openai, ollama, lmstudio, llamacpp or vllm.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="M",
        help="The model, or several with commas: if one fails, the next is asked.",
        show_default=False,
    ),
]
VocabularyOption = Annotated[
    str,
    typer.Option(
        "--vocabulary", metavar="FILE", help="A file of tags, one per line.", show_default=False
    ),
]
ConcurrencyOption = Annotated[
    str,
    typer.Option(
        "--concurrency",
        metavar="N",
        help="Number of requests at once, at most 128.",
        show_default=False,
    ),
]
MaxCostOption = Annotated[
    str,
    typer.Option(
        "--max-cost", metavar="USD", help="Stop before the run costs more.", show_default=False
    ),
]
MaxTimeOption = Annotated[
    str,
    typer.Option(
        "--max-time",
        metavar="DURATION",
        help="Stop after this time: 90s, 10m, 2h.",
        show_default=False,
    ),
]


def tagging_settings(
    called: Invocation,
    tagger: str,
    provider: str,
    model: str,
    vocabulary: str,
    concurrency: str,
    max_cost: str,
    **flags: str,
) -> Settings:
    """Return the settings with the options of tagging; an empty option sets nothing.

    Raises InputError for an option that the embedded tagger cannot honour.
    """
    of_models = {
        "llm_provider": provider,
        "llm_models": model,
        "llm_concurrency": concurrency,
        "max_cost": max_cost,
    }
    settings = called.settings(tagger=tagger, vocabulary=vocabulary, **of_models, **flags)
    settings.check_llm()
    for name, text in of_models.items():
        if text and settings.tagger != "llm":
            raise usage(
                f"{flag_of(name)} needs a language model, but the embedded tagger is set",
                "leave it out, or choose a model: --provider NAME --model MODEL",
            )
    return settings


ViaOption = Annotated[
    Via, typer.Option("--via", help="auto: Telegram if you are signed in, else the web preview.")
]


def via_of(via: Via, account: str) -> Via:
    """Return how to read: a named account reads Telegram. Raises InputError beside the preview."""
    if account and via == "preview":
        raise usage("--account does not work with the web preview", "leave out one of the two")
    return "telegram" if account else via


RefreshOption = Annotated[
    int | None,
    typer.Option(
        "--refresh",
        metavar="N",
        min=0,
        max=100_000,
        help="Check the newest N messages for edits, views and deletions; 0: none.  [default: 100]",
        show_default=False,
    ),
]
AccountOption = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="NAME",
        help="The account, if you use several (or set TGTAGGER_ACCOUNT).",
        show_default=False,
    ),
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="TAG",
        help="Only posts with this tag (repeat: with all of them).",
        autocompletion=completion.tags,
    ),
]
AnyTagsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--any-tag",
        metavar="TAG",
        help="Only posts with one of these tags (repeat).",
        autocompletion=completion.tags,
    ),
]
NotTagsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--not-tag",
        metavar="TAG",
        help="Only posts without this tag (repeat).",
        autocompletion=completion.tags,
    ),
]
StatusOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help=f"{one_of(get_args(PostStatus))} (repeat for more).",
        autocompletion=completion.statuses,
    ),
]
