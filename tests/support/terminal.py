"""Run tgtagger in this process on a pseudo-terminal or into pipes, and return what a person sees.

A process for each command would cost half a second. To the program the terminal is a real one: it
asks for its size, and writes to it as to any terminal.
"""

from __future__ import annotations

import io
import os
import sys
from dataclasses import dataclass

from typer.testing import CliRunner

from support.pseudo_terminal import terminal
from tgtagger.cli import app


@dataclass(frozen=True, slots=True)
class Shown:
    """The outputs of a command; on a terminal all of it is in `output`."""

    code: int
    output: str
    errors: str = ""


def in_pipes(*arguments: str, stdin: str = "") -> Shown:
    """Run with both outputs in pipes."""
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Shown(result.exit_code, result.stdout, result.stderr)


def on_terminal(*arguments: str, columns: int = 100, stdout: io.TextIOBase | None = None) -> Shown:
    """Run with both outputs on one terminal, or only stderr where `stdout` is given."""
    with terminal(columns) as (slave, shown):
        streams = [_stream(slave), _stream(slave)]
        before = sys.stdin, sys.stdout, sys.stderr
        nothing = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
        sys.stdin, sys.stdout, sys.stderr = nothing, stdout or streams[0], streams[1]
        try:
            app(args=list(arguments), prog_name="tgtagger")
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
            nothing.close()
            for stream in streams:
                stream.close()
    return Shown(code, b"".join(shown).decode(errors="surrogateescape"))


def _stream(descriptor: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        os.fdopen(os.dup(descriptor), "wb", buffering=0), encoding="utf-8", line_buffering=True,
        errors="backslashreplace",
    )  # fmt: skip
