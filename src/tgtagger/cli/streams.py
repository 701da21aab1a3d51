"""Standard output and error, which may be full, broken or closed. Draws nothing."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import IO


def tell(text: str) -> None:
    """Write words to stderr; go on without them where it is full, broken or closed."""
    try:
        sys.stderr.write(_fitting(text) + "\n")
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def _fitting(text: str) -> str:
    """Return the text with its lines broken at blanks, if a terminal shows them."""
    with contextlib.suppress(OSError, ValueError, ImportError):  # a file has no width; no memory
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        from tgtagger.cli.wording import folded  # now: a run that says nothing does without

        if columns:
            return "\n".join(part for line in text.split("\n") for part in folded(line, columns))
    return text


def discard(stream: IO[str]) -> None:
    """Throw away what is buffered: Python would write it, and complain, once more at exit."""
    with contextlib.suppress(io.UnsupportedOperation):  # a test's stream has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
