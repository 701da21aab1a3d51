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
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: IO[str]) -> None:
    """Throw away what is buffered: Python would write it, and complain, once more at exit."""
    with contextlib.suppress(io.UnsupportedOperation):  # a test's stream has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
