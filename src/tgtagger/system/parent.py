"""End with the process that started this one: its end of a pipe is gone when it is.

Works however the parent ends, by SIGKILL, too. Knows no command.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from _thread import start_new_thread

from tgtagger.system.signals import GRACE

_LAST = 2 * GRACE
"""Seconds after which this process ends even if it ignores SIGTERM."""


def end_with_parent() -> None:
    """Watch standard input, a pipe that the parent never writes to; end by SIGTERM when it ends."""
    start_new_thread(_watch, (os.dup(0),))


def _watch(reader: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(reader, 1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_LAST)
    os._exit(128 + signal.SIGTERM)
