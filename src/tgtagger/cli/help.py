"""The base classes of our commands, and the look of their help: plain text in 80 columns at most.

Knows no command.
"""

from __future__ import annotations

import difflib
import itertools
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from tgtagger.cli import click
from tgtagger.errors import InputError

NARROW = 60
"""Columns below which the explanations begin further to the left."""

NARROWEST = 12
"""Columns of the names there; a longer one stands on a line of its own."""


class HelpFormatter(click.HelpFormatter):
    """Click's formatter with bold headings, plain words, and lines that fit the terminal."""

    def __init__(self, width: int | None = None, **sizes: Any) -> None:
        super().__init__(width=width or _columns() - 2, **sizes)

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{_bold(heading)}\n")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        words = f"{prefix or 'Usage: '}{prog} {args.replace('{', '').replace('}', '')}"
        self.write("\n".join(_wrapped(words, self.width, " " * 7)) + "\n")

    def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        rows = [(name, _plain(name, text)) for name, text in rows]
        super().write_dl(rows, NARROWEST if self.width < NARROW else col_max, col_spacing)

    def write_epilog(self, epilog: str | None) -> None:
        if epilog:
            self.write("\n")
            for line in _fitting(epilog, self.width + 2):
                self.write(line + "\n")


def _plain(name: str, text: str) -> str:
    """Return an explanation without what Click adds: ranges, and what the usage line shows."""
    words, mark, added = text.rpartition("  [")
    if not mark or not added.endswith("]"):
        return text
    parts = [
        part
        for part in added[:-1].split("; ")
        if not re.search(r"<=x|x>=|x<=", part) and (part != "required" or name.startswith("-"))
    ]
    return f"{words}  [{'; '.join(parts)}]" if parts else words


def _fitting(epilog: str, width: int) -> Iterator[str]:
    """Yield the lines of an epilog; a paragraph that is too wide is broken anew.

    A command stays whole, to be copied: its explanation goes below it.
    """
    for lines in _paragraphs(epilog):
        first, deep = lines[0], " " * 6
        if first.endswith(":") and len(lines) == 1:
            yield _bold(first[:-1])
        elif max(map(len, lines)) <= width:
            yield from lines
        elif first.startswith("  tgtagger "):
            command, _, words = first.strip().partition("   ")
            yield f"  {command}"
            yield from _wrapped(deep + words.strip(), width, deep)
        else:
            words = " ".join([first, *map(str.strip, lines[1:])])
            hanging = deep if first[:4].strip().isdigit() else "  " if first[0] == " " else ""
            yield from _wrapped(words, width, hanging)


def _wrapped(text: str, width: int, hanging: str) -> list[str]:
    """Return the lines of a text that is broken at its blanks only."""
    return textwrap.wrap(
        text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )


def _paragraphs(epilog: str) -> Iterator[list[str]]:
    """Yield the lines that belong together: a paragraph, an exit code, one command."""
    lines: list[str] = []
    for line in epilog.strip("\n").splitlines():
        is_more = bool(lines and line) and (
            line.startswith(" " * 6) if lines[0].startswith(" ") else not line.startswith(" ")
        )
        if lines and not (is_more and lines[-1]):
            yield lines
            lines = []
        lines.append(line)
    yield lines


def _columns() -> int:
    return min(max(shutil.get_terminal_size().columns, 20), 80)


click.Context.formatter_class = HelpFormatter


def write_commands(formatter: Any, groups: Mapping[str, Mapping[str, str]]) -> None:
    """Write the commands in their groups, all aligned."""
    width = min(max(len(name) for group in groups.values() for name in group), NARROWEST)
    for title, group in groups.items():
        with formatter.section(title):
            formatter.write_dl([(name.ljust(width), line) for name, line in group.items()])


def _write_end(formatter: Any, epilog: str | None) -> None:
    """Write the options that the command's list leaves out, then its epilog."""
    formatter.write_epilog("Also --db, --config, -q, -v, --no-color: see tgtagger --help")
    formatter.write_epilog(epilog)


def _bold(text: str) -> str:
    plain = os.environ.get("NO_COLOR") or "--no-color" in sys.argv or not sys.stdout.isatty()
    return text if plain else f"\x1b[1m{text}\x1b[0m"


def clean_argument(text: str) -> str:
    """Return what was typed as quoted, terminal-safe text."""
    return ascii(text) if not text.isprintable() else repr(text)


class Command(typer.core.TyperCommand):
    """A command whose help is drawn by our formatter.

    An option whose metavar is `[N]` may stand without its number: then it has the value 0.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        bare = {name for param in self.params for name in param.opts if param.metavar == "[N]"}
        if bare:
            args = [
                f"{arg}=0" if arg in bare and not after.isdecimal() else arg
                for arg, after in itertools.pairwise([*args, ""])
            ]
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_end(formatter, self.epilog)


_LISTING = ("list", "ls", "show", "all")
_OTHER_NAMES = {"rm": "remove", "del": "remove", "delete": "remove", "unfollow": "remove",
                "follow": "add", "mv": "rename", "join": "merge", "unpause": "resume",
                "stop": "pause", "start": "resume", "untag": "drop", "export": "export-vocabulary",
                "revert": "undo", "log": "history", "similar": "suggest"}  # fmt: skip
"""What people type for a command of ours, by habit."""


class Family(typer.core.TyperGroup):
    """A command with commands of its own; without one it lists."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = next((at for at, arg in enumerate(args) if not arg.startswith("-")), None)
        if first is not None and args[first] in _LISTING and args[first] not in self.commands:
            args = args[:first] + args[first + 1 :]  # `tags list` is `tags`
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, self._name_of(cmd_name))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.commands, n=2)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise InputError(
                "usage",
                sentence=f"{ctx.info_name} has no command {clean_argument(name)}",
                advice=f"{hint}see {ctx.command_path} --help",
            )
        self._refuse_own_options(ctx, name)
        return super().resolve_command(ctx, args)

    def _refuse_own_options(self, ctx: Any, name: str) -> None:
        """Refuse an option of the listing before a command's name: that command never sees it."""
        for param in self.params if ctx.parent is not None else ():
            source = ctx.get_parameter_source(param.name)
            if not getattr(param, "hidden", False) and source and source.name == "COMMANDLINE":
                raise InputError(
                    "usage",
                    sentence=f"{param.opts[0]} before {name} has no effect",
                    advice=f"leave it out, or write it after {name} if that takes it",
                )

    def _name_of(self, typed: str) -> str:
        other = _OTHER_NAMES.get(typed, typed)
        return other if typed not in self.commands and other in self.commands else typed

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        lines = {name: each.get_short_help_str(200) for name, each in self.commands.items()}
        write_commands(formatter, {"Commands": lines})

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_end(formatter, self.epilog)


class App(typer.Typer):
    """An app whose commands and families are drawn by our formatter."""

    def command(self, name: str | None = None, *, cls: Any = Command, **options: Any) -> Any:
        return super().command(name, cls=cls, **options)


def new_app(**options: Any) -> typer.Typer:
    """Return a Typer app with plain help and plain tracebacks without local values."""
    return App(
        cls=Family,
        rich_markup_mode=None,  # rich's help costs as much time as all the rest
        pretty_exceptions_enable=False,  # it would print local values: post text, keys
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **options,
    )
