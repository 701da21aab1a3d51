"""The base classes of our commands, and the look of their help: plain text in 80 columns.

Knows no command.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping
from typing import Any

import typer

from tgtagger.cli import click
from tgtagger.errors import InputError


class HelpFormatter(click.HelpFormatter):
    """Click's formatter with bold headings, and an epilog left as it was written."""

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{_bold(heading)}\n")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix)

    def write_epilog(self, epilog: str | None) -> None:
        if epilog:
            lines = epilog.strip("\n").splitlines()
            self.write("\n")
            for line in lines:
                is_heading = line.endswith(":") and not line.startswith(" ")
                self.write((_bold(line[:-1]) if is_heading else line) + "\n")


click.Context.formatter_class = HelpFormatter


def write_commands(formatter: Any, groups: Mapping[str, Mapping[str, str]]) -> None:
    """Write the commands in their groups, all aligned."""
    width = max(len(name) for group in groups.values() for name in group)
    for title, group in groups.items():
        with formatter.section(title):
            formatter.write_dl([(name.ljust(width), line) for name, line in group.items()])


def _write_end(formatter: Any, epilog: str | None) -> None:
    """Write the options that the command's list leaves out, then its epilog."""
    formatter.write("\nAlso --db, --config, -q, -v and --no-color: see tgtagger --help\n")
    formatter.write_epilog(epilog)


def _bold(text: str) -> str:
    plain = os.environ.get("NO_COLOR") or "--no-color" in sys.argv or not sys.stdout.isatty()
    return text if plain else f"\x1b[1m{text}\x1b[0m"


def clean_argument(text: str) -> str:
    """Return what was typed as quoted, terminal-safe text."""
    return ascii(text) if not text.isprintable() else repr(text)


class Command(typer.core.TyperCommand):
    """A command whose help is drawn by our formatter."""

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
        if args and args[0] in _LISTING and args[0] not in self.commands:
            args = args[1:]  # `tags list` is `tags`
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
        return super().resolve_command(ctx, args)

    def _name_of(self, typed: str) -> str:
        other = _OTHER_NAMES.get(typed, typed)
        return other if typed not in self.commands and other in self.commands else typed

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
