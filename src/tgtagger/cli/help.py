"""How help looks: plain text in 80 columns, headings bold on a terminal. Knows no command."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from typer._click import core, formatting


class HelpFormatter(formatting.HelpFormatter):
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


core.Context.formatter_class = HelpFormatter


def write_commands(formatter: Any, groups: Mapping[str, Mapping[str, str]]) -> None:
    """Write the commands in their groups, all aligned."""
    width = max(len(name) for group in groups.values() for name in group)
    for title, group in groups.items():
        with formatter.section(title):
            formatter.write_dl([(name.ljust(width), line) for name, line in group.items()])


def write_late(formatter: Any) -> None:
    """Say which options a command takes that its list does not name."""
    formatter.write("\nAlso --db, --config, -q, -v and --no-color: see tgtagger --help\n")


def _bold(text: str) -> str:
    plain = os.environ.get("NO_COLOR") or "--no-color" in sys.argv or not sys.stdout.isatty()
    return text if plain else f"\x1b[1m{text}\x1b[0m"
