"""How a command was called: the options before its name, and the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from tgtagger.cli.render import Screen
    from tgtagger.config import Settings


@dataclass(frozen=True, slots=True)
class Invocation:
    """The options before the command's name. `settings` loads the settings on demand."""

    flags: Mapping[str, str]
    quiet: bool = False
    verbosity: int = 0
    no_color: bool = False

    def again(self, settings: Settings) -> list[str]:
        """Return what starts tgtagger once more, with the same archive and settings file.

        The archive goes by the environment, which the process inherits: its URL may hold a
        password, and anybody on the machine sees the arguments.
        """
        os.environ["TGTAGGER_DB"] = settings.db
        config = ["--config", str(settings.config)] if self.flags.get("config") else []
        quiet = ["--quiet"] if self.quiet else []
        return [sys.executable, "-m", "tgtagger", *config, *quiet]

    def settings(self, **flags: str | None) -> Settings:
        """Return the settings in force, a command's own flags on top."""
        from tgtagger import config

        return config.load({**self.flags, **flags}, called=flag_of)


UPGRADING = "upgrading the database"
"""What takes long where an archive is opened that an older tgtagger made."""

_SHORT = {
    "llm_provider": "--provider",
    "llm_models": "--model",
    "llm_concurrency": "--concurrency",
}


def flag_of(setting: str) -> str:
    """Return the option that a setting is given by."""
    return _SHORT.get(setting) or f"--{setting.replace('_', '-')}"


def invocation(ctx: typer.Context) -> Invocation:
    """Return how the program was called."""
    found = ctx.find_object(Invocation)
    assert found is not None  # the root callback has made it
    return found


def screen_of(ctx: typer.Context) -> Screen:
    """Return the screen of this call."""
    from tgtagger.cli.render import Screen

    called = invocation(ctx)
    return Screen(quiet=called.quiet, verbosity=called.verbosity, no_color=called.no_color)
