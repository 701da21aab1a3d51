"""Run tgtagger in this process on a pseudo-terminal or into pipes, and return what a person sees.

A process for each command would cost half a second. To the program the terminal is a real one: it
asks for its size, and writes to it as to any terminal.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from typer.testing import CliRunner

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
    with _terminal(columns) as (slave, shown):
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


@contextmanager
def _terminal(columns: int) -> Iterator[tuple[int, list[bytes]]]:
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST  # no carriage returns but the program's own
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    shown: list[bytes] = []

    def drain() -> None:
        while True:
            try:
                data = os.read(master, 1 << 16)
            except OSError:  # EIO: the other side is closed
                return
            if not data:
                return
            shown.append(data)

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    try:
        yield slave, shown
    finally:
        os.close(slave)
        reader.join(10)
        os.close(master)
