"""`tgtagger mcp`: the archive for agents, over standard input and output."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from tgtagger.cli.context import invocation
from tgtagger.cli.failures import usage
from tgtagger.errors import InputError
from tgtagger.system import signals

EPILOG = """Examples:
  tgtagger mcp                      an assistant starts it so, and may only read
  tgtagger mcp --allow-write        it may give tags, and take them off
  tgtagger mcp --allow-write --max-cost 0.50

Put such a line into the settings of your assistant: docs/agents.md has them.
What an agent did to tags is taken back by: tgtagger tags undo

Exit codes:
  0 the assistant has ended it · 2 settings or package missing
  130 and 143 ended by Ctrl-C and SIGTERM"""

PACKAGE = "mcp"


def command(
    ctx: typer.Context,
    *,
    allow_write: Annotated[
        bool, typer.Option("--allow-write", help="Let agents change tags, and ask for runs.")
    ] = False,
    max_cost: Annotated[
        str,
        typer.Option(
            metavar="USD",
            help="What the runs that agents ask for may cost together.",
            show_default=False,
        ),
    ] = "",
) -> int:
    """Let assistants search and read the archive, by the Model Context Protocol."""
    require_package()
    from tgtagger.mcp.server import make_server

    if max_cost and not allow_write:
        raise usage("--max-cost needs --allow-write", "reading costs nothing")
    called = invocation(ctx)
    settings = called.settings(max_cost=max_cost)
    worker = worker_of([*called.again(settings), "work", "--with-parent"])
    made = make_server(settings, may_write=allow_write, start_worker=worker, owns_stdout=True)
    signals.run(made.run_stdio_async)
    return 0


def require_package() -> None:
    """Raise InputError if the package of the protocol is not there."""
    if not importlib.util.find_spec(PACKAGE):
        raise InputError("mcp_missing")


def worker_of(command: Sequence[str]) -> Callable[[], None]:
    """Return what starts a worker when a job is asked for, and when it has died since.

    It ends with this process, whose end of the pipe is gone then.
    """
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        if not running or running[-1].poll() is not None:
            running[:] = [
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
            ]

    return start
