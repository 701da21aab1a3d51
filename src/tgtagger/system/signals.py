"""How SIGINT and SIGTERM end a run: within two seconds, quietly, with 130 or 143.

The first signal counts; later ones are ignored, so that nothing interrupts the cleaning up. In an
event loop it cancels the running task, which ends between two steps, never within one. Elsewhere
it is raised where Python happens to be. Some code does not notice it (SQLite waiting for a lock, a
silent name server, a destructor that swallows exceptions): after GRACE the process exits all the
same. A run may be killed anywhere, so it may also leave.

A signal that is ignored from the start (nohup, a shell's `&`) stays ignored. Knows no command.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from _thread import start_new_thread
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NoReturn, ParamSpec, TypeVar

GRACE = 1.2
"""Seconds that a run has to end by itself after a signal."""

_NUMBERS = (signal.SIGINT, signal.SIGTERM)

P = ParamSpec("P")
T = TypeVar("T")


class Terminated(SystemExit):
    """SIGTERM came: unwind as for Ctrl-C, so that locks and transactions end cleanly.

    A SystemExit, because asyncio swallows any other exception raised in one of its callbacks.
    """


class Signals:
    """The signals of a run: `number` is that of the first one; None: none came."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.in_loop = False
        self.cancel: Callable[[], object] | None = None  # what runs in the loop

    @property
    def code(self) -> int:
        """The exit code of a run that a signal ended."""
        assert self.number is not None
        return 128 + self.number

    def catch(self, number: int, _frame: object) -> None:
        """Take a signal: cancel what runs in the loop, or raise; ignore all but the first."""
        if self.number is not None:
            return
        self.number = number
        if not self.in_loop:
            raise self.to_error()
        if self.cancel is not None:
            self.cancel()

    def to_error(self) -> BaseException:
        """Return the exception for the signal that came."""
        is_ctrl_c = self.number == signal.SIGINT
        return KeyboardInterrupt() if is_ctrl_c else Terminated(128 + signal.SIGTERM)


_signals = Signals()


def leave(code: object) -> None:
    """End the process after its run. After a signal: at once, without waiting for any thread.

    Otherwise Python ends it as usual, and a signal that comes now does not change the exit code.
    """
    status = code if isinstance(code, int) else 0 if code is None else 1
    if _signals.number is not None:
        _exit(status)
    _set(lambda _number, _frame: os._exit(status))


@contextlib.contextmanager
def caught() -> Iterator[Signals]:
    """Catch the signals while the body runs; give the object that tells which one came."""
    global _signals  # noqa: PLW0603 -- signals belong to the process, too
    _signals = found = Signals()
    try:
        before = _set(found.catch)
    except ValueError:  # not the main thread
        yield found
        return
    hook, sys.unraisablehook = sys.unraisablehook, _silent_for_signals(sys.unraisablehook)
    try:
        with _watched():
            yield found
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = hook


def run(work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a coroutine function in an event loop, as asyncio.run does; a signal cancels it."""
    import asyncio

    found = _signals

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # it is running this
        stop = task.cancel

        def cancel() -> None:
            loop.call_soon_threadsafe(stop)
            # Python 3.11's wait_for forgets a cancellation that comes with the result; and
            # cleaning up may wait for a server that hangs.
            loop.call_soon_threadsafe(lambda: loop.call_later(GRACE / 2, stop))

        loop.set_exception_handler(_silent_after_signal(found))
        found.cancel = cancel
        try:
            if found.number is not None:
                cancel()
            return await work(*args, **kwargs)
        finally:
            found.cancel = None

    found.in_loop = True
    try:
        result = asyncio.run(cancellable())
    except BaseException:
        if found.number is None:
            raise
    finally:
        found.in_loop = False
    if found.number is not None:
        raise found.to_error()
    return result


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Let a signal be raised at once, in an event loop too: for a body that asks a person."""
    before, _signals.in_loop = _signals.in_loop, False
    try:
        if _signals.number is not None:  # it came just before
            raise _signals.to_error()
        yield
    finally:
        _signals.in_loop = before


# ---- the parts


def _set(handler: Callable[[int, Any], object]) -> dict[int, Any]:
    """Set a handler for both signals; return the handlers before. Raises ValueError in a thread."""
    before: dict[int, Any] = {}
    for number in _NUMBERS:
        known = signal.getsignal(number)
        if known is not signal.SIG_IGN and known is not None:
            before[number] = signal.signal(number, handler)
    return before


@contextlib.contextmanager
def _watched() -> Iterator[None]:
    """Watch the body from a thread, if the system has a pipe and a thread left for that."""
    try:
        reader, writer = os.pipe()
    except OSError:
        yield
        return
    try:
        os.set_blocking(writer, False)
        start_new_thread(_watch, (reader,))
    except RuntimeError:
        os.close(reader)
        os.close(writer)
        yield
        return
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)


def _watch(reader: int) -> None:
    """End the process if the run has not ended GRACE after the first signal.

    Runs in a thread that the C-level handler wakes, so it works even while the main thread waits
    in C, where Python runs no handler.
    """
    first: int | None = None
    deadline = 0.0
    while True:
        wait = None if first is None else max(deadline - time.monotonic(), 0.0)
        if not select.select([reader], [], [], wait)[0]:
            _exit(128 + (first or 0))
        numbers = os.read(reader, 64)
        if not numbers:  # the run has ended
            os.close(reader)
            return
        known = [number for number in numbers if number in _NUMBERS]
        if first is None and known:
            first, deadline = known[0], time.monotonic() + GRACE


def _exit(code: int) -> NoReturn:
    if os.isatty(2):
        os.write(2, b"\x1b[?25h")  # show the cursor, which a progress bar hides
    os._exit(code)


def _silent_for_signals(hook: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return an unraisable hook that ignores the exceptions that a signal raises."""

    def tell(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, (KeyboardInterrupt, Terminated)):
            hook(unraisable)

    return tell


def _silent_after_signal(found: Signals) -> Callable[[Any, dict[str, Any]], None]:
    """Return a loop's exception handler that prints nothing once a signal has come."""

    def tell(loop: Any, context: dict[str, Any]) -> None:
        if found.number is None:
            loop.default_exception_handler(context)

    return tell
