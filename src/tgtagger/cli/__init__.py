"""The command line: turns what people type into calls, and results into text and exit codes.

A command is a module named in COMMANDS with a function `command`: a signature, a few statements,
the exit code as its return value (None is 0). The module is imported when the command is called, so
help and completion load nothing. Only `cli.failures` turns failures into text and an exit code.
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import io
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from tgtagger import __version__
from tgtagger.cli import click, completion
from tgtagger.cli.context import Invocation
from tgtagger.cli.failures import ended, usage
from tgtagger.cli.help import Command, clean_argument, new_app, write_commands
from tgtagger.cli.options import accept_late
from tgtagger.cli.streams import tell
from tgtagger.runs.times import settle_zone

COMMANDS = {
    "Set up": {
        "login": "Sign in to Telegram, by phone or QR code.",
        "logout": "Sign out of Telegram and delete the session file.",
        "config": "Show the current settings, or write a settings file.",
        "doctor": "Check settings, files and servers, and say what to do.",
        "copy": "Copy the archive into another database.",
        "demo": "Show tgtagger at work in seconds, without any settings.",
    },
    "Collect": {
        "parse": "Read channels from Telegram, its web preview or exports.",
        "tag": "Give every new post its tags.",
        "retry-failed": "Tag failed posts again when they are due.",
        "sync": "Parse, tag and retry in one run, for cron.",
    },
    "Look": {
        "search": "Find posts by words, in all word forms.",
        "show": "Show one post, its tags and where they come from.",
        "export": "Write posts as JSON, CSV, notes, a web site or a feed.",
        "tags": "List, rename, merge and remove tags; tag posts by hand.",
        "channels": "List, add, pause, resume and remove channels.",
        "status": "Show posts by status, channels, failures and last runs.",
    },
    "Serve": {
        "serve": "Show the archive as pages in your browser, and as an HTTP API.",
        "work": "Do the jobs that were asked for in the browser, or by the API.",
        "mcp": "Let assistants search and read the archive.",
    },
}
"""The commands by group; each is a module of this package with the same name (`_` for `-`)."""

_OTHER_NAMES = {
    "retry": "retry-failed", "find": "search", "grep": "search", "query": "search",
    "fetch": "parse", "read": "parse", "pull": "parse", "download": "parse", "import": "parse",
    "update": "sync", "refresh": "sync", "run": "sync", "label": "tag", "view": "show",
    "cat": "show", "stats": "status", "info": "status", "state": "status", "list": "channels",
    "ls": "channels", "add": "channels add", "follow": "channels add", "undo": "tags undo",
    "merge": "tags merge", "rename": "tags rename", "backup": "doctor --backup FILE",
    "recover": "doctor --recover FILE",
    "migrate": "copy FROM TO", "move": "copy FROM TO", "clone": "copy FROM TO",
    "check": "doctor", "settings": "config",
    "signin": "login", "auth": "login", "init": "config init", "setup": "config init",
}  # fmt: skip
"""What people type for a command of ours, by habit: it is named in the hint."""

YOUNG = 20_000
"""New objects before Python looks for cycles among them. A page is so many objects, and no cycle:
at Python's own 700 they are looked through again and again, a twentieth of the time of `parse`."""

_RUNS = {"parse", "tag", "retry-failed", "sync", "copy"}
"""Commands that store as they go."""

_NAMES = {name: line for group in COMMANDS.values() for name, line in group.items()}


class Commands(TyperGroup):
    """A group that imports a command when it is called, and turns failures into exit codes."""

    _context: Any = None  # of the run, once the options are read

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _NAMES:
            return None
        module = import_module(f"tgtagger.cli.{cmd_name.replace('-', '_')}")
        made = module.app if hasattr(module, "app") else _app_of(cmd_name, module)
        command = typer.main.get_command(made)
        command.name = cmd_name
        accept_late(command, self.params)
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name == "help":
            return self._help(ctx, args[1:])
        if name == "version":
            _print_version(True)
        if name in _OTHER_NAMES:
            raise usage(
                f"there is no command {clean_argument(name)}",
                f"you may mean: tgtagger {_OTHER_NAMES[name]}",
            )
        if name not in _NAMES and not name.startswith("-"):
            near = difflib.get_close_matches(name, _NAMES, n=2)
            hint = f"did you mean {' or '.join(near)}? see tgtagger --help"
            if not near:
                hint = "see tgtagger --help"
            raise usage(f"there is no command {clean_argument(name)}", hint)
        return super().resolve_command(ctx, args)

    def _help(self, ctx: Any, words: list[str]) -> Any:
        """Return the command that the words name, to be called with --help."""
        if not words:
            typer.echo(ctx.get_help())
            raise typer.Exit
        name, command, rest = self.resolve_command(ctx, words)
        return name, command, [*rest, "--help"]

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        known = _NAMES.items()
        found = [click.CompletionItem(n, help=h) for n, h in known if n.startswith(incomplete)]
        return [*found, *super(TyperGroup, self).shell_complete(ctx, incomplete)]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        formatter.write_epilog(self.epilog)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        write_commands(formatter, COMMANDS)
        param: Any
        for param in self.params:
            if param.name in {"install_completion", "show_completion"}:
                param.hidden = True  # the epilog names them; here they would widen the column
        click.format_options(self, ctx=ctx, formatter=formatter)

    def invoke(self, ctx: Any) -> Any:
        self._context = ctx
        return super().invoke(ctx)

    def main(self, args: Any = None, *, standalone_mode: bool = True, **extra: Any) -> Any:  # type: ignore[override]
        def run() -> Any:
            return super(Commands, self).main(args=args, standalone_mode=False, **extra)

        if not standalone_mode:
            return run()
        with _private_files():
            code = ended(run, self._verbosity)
            self._tell_stopped(code)
            sys.exit(code)

    def _main_shell_completion(self, *args: Any, **options: Any) -> None:
        completion.prepare()
        super()._main_shell_completion(*args, **options)

    def _tell_stopped(self, code: int) -> None:
        """Say on a terminal what Ctrl-C left: a run is never lost by it."""
        called = self._context and self._context.obj
        name = self._context and self._context.invoked_subcommand
        if code == 130 and name in _RUNS and called and not called.quiet and sys.stderr.isatty():
            tell("stopped: everything stored so far is kept; run the same command to continue")

    def _verbosity(self) -> int:
        called = self._context and self._context.obj  # None if the options are wrong
        return called.verbosity if called else 0


@contextlib.contextmanager
def _private_files() -> Iterator[None]:
    """Keep the files of a run and its libraries for their owner only, whatever the umask says."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _app_of(name: str, module: Any) -> typer.Typer:
    made = new_app()
    epilog = getattr(module, "EPILOG", None)
    context = getattr(module, "CONTEXT", None)
    made.command(name, cls=Command, epilog=epilog, context_settings=context)(module.command)
    return made


app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""Examples:
  tgtagger demo                     see it at work
  tgtagger parse ~/export           store an export of a channel
  tgtagger tag                      give its posts their tags
  tgtagger search новости           find posts, in all word forms

More:
  tgtagger COMMAND --help           show the help of a command
  tgtagger --install-completion     complete words with the Tab key""",
)


def _print_version(value: bool) -> None:  # noqa: FBT001 -- Typer calls it so
    if value:
        typer.echo(f"tgtagger {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    db: str = typer.Option(
        "", metavar="PATH|URL", help="The database: a path or a URL.", show_default=False
    ),
    config: str = typer.Option("", metavar="FILE", help="The settings file.", show_default=False),
    *,
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Print only errors."),
    verbose: int = typer.Option(
        0,
        "--verbose",
        "-v",
        count=True,
        help="Print more; -vv: also tracebacks.",
        show_default=False,
    ),
    no_color: bool = typer.Option(False, "--no-color", help="Use no colours (or set NO_COLOR)."),
    version: bool = typer.Option(  # noqa: ARG001 -- its callback does it
        False, "--version", help="Print the version.", callback=_print_version, is_eager=True
    ),
) -> None:
    """Keep Telegram channels in one SQLite file, and tag every post."""
    from tgtagger.cli import logs

    if not gc.isenabled():  # the command is loaded
        gc.freeze()
        gc.set_threshold(YOUNG)
        gc.enable()
    for stream in (sys.stdout, sys.stderr):
        # A run goes on where a terminal cannot show a letter. A pipe or a file always gets UTF-8,
        # and half an emoji (a lone surrogate) as \\udXXX, which is also its name in JSON.
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    logs.set_up()
    settle_zone()
    ctx.obj = Invocation({"db": db, "config": config}, quiet, verbose, no_color)
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
