"""The base classes of our commands, and the look of their help: plain text in 80 columns.

Knows no command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import typer

from tgtagger.cli import click


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


class Command(typer.core.TyperCommand):
    """A command whose help is drawn by our formatter."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_end(formatter, self.epilog)


class Family(typer.core.TyperGroup):
    """A command with commands of its own."""

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
