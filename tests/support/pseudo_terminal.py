"""A terminal that keeps its output. Imports nothing of tgtagger: any version can be run on it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def terminal(columns: int = 100) -> Iterator[tuple[int, list[bytes]]]:
    """Yield a terminal of so many columns, and the list that gets its output at the end."""
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST  # no carriage returns but the program's own
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    shown: list[bytes] = []

    def drain() -> None:
        with suppress(OSError):  # EIO: the other side is closed
            while data := os.read(master, 1 << 16):
                shown.append(data)

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    try:
        yield slave, shown
    finally:
        os.close(slave)
        reader.join(10)
        os.close(master)
