"""How SIGINT and SIGTERM end a run: within two seconds, quietly, with 130 or 143.

The first of them counts; what comes after it is not heard, so that nothing breaks off the cleaning
up. In an event loop it cancels what runs there, which then ends between two steps and never in the
middle of one. Elsewhere it is raised where Python happens to be. What does not hear it (SQLite
waiting for a lock, a name server that is silent, a destructor that swallows it) is left behind
after GRACE: a run may be killed anywhere, so it may also leave.

Knows no command. One that the system ignores from the start (nohup, a shell's `&`) stays ignored.
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
"""Seconds that a run has to end by itself."""

_NUMBERS = (signal.SIGINT, signal.SIGTERM)

P = ParamSpec("P")
T = TypeVar("T")


class Terminated(SystemExit):
    """SIGTERM came: unwind as for Ctrl-C, so that locks and transactions end cleanly.

    A SystemExit, because asyncio keeps any other exception that is raised in one of its callbacks.
    """


class Heard:
    """What was heard in a run: `number` is the first signal's, or None."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.in_loop = False
        self.cancel: Callable[[], object] | None = None  # what runs in the loop

    @property
    def code(self) -> int:
        """The exit code of a run that a signal ended."""
        assert self.number is not None
        return 128 + self.number

    def hear(self, number: int, _frame: object) -> None:
        if self.number is not None:
            return
        self.number = number
        if not self.in_loop:
            raise self.to_error()
        if self.cancel is not None:
            self.cancel()

    def to_error(self) -> BaseException:
        is_ctrl_c = self.number == signal.SIGINT
        return KeyboardInterrupt() if is_ctrl_c else Terminated(128 + signal.SIGTERM)


_heard = Heard()


def leave(code: object) -> None:
    """End the process after its run: at once if a signal ended that, whoever still waits for what.

    Otherwise Python ends it, and a signal no longer changes how.
    """
    status = code if isinstance(code, int) else 0 if code is None else 1
    if _heard.number is not None:
        _exit(status)
    _set(lambda _number, _frame: os._exit(status))


@contextlib.contextmanager
def heard() -> Iterator[Heard]:
    """Hear the signals while a run lasts; tell what was heard."""
    global _heard  # noqa: PLW0603 -- signals are the process's, too
    _heard = found = Heard()
    try:
        before = _set(found.hear)
    except ValueError:  # not the main thread
        yield found
        return
    hook, sys.unraisablehook = sys.unraisablehook, _but_ours(sys.unraisablehook)
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

    found = _heard

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # it is what runs
        stop = task.cancel

        def cancel() -> None:
            loop.call_soon_threadsafe(stop)
            # Python 3.11's wait_for forgets a cancellation that comes with the result; and
            # cleaning up may wait for a server that hangs.
            loop.call_soon_threadsafe(lambda: loop.call_later(GRACE / 2, stop))

        loop.set_exception_handler(_unless(found))
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
    """Have a signal raised at once, in an event loop too: while a person is asked."""
    before, _heard.in_loop = _heard.in_loop, False
    try:
        if _heard.number is not None:  # it came just before
            raise _heard.to_error()
        yield
    finally:
        _heard.in_loop = before


# ---- the parts


def _set(handler: Callable[[int, Any], object]) -> dict[int, Any]:
    """Set a handler for both; return those before. Raises ValueError outside the main thread."""
    before: dict[int, Any] = {}
    for number in _NUMBERS:
        known = signal.getsignal(number)
        if known is not signal.SIG_IGN and known is not None:
            before[number] = signal.signal(number, handler)
    return before


@contextlib.contextmanager
def _watched() -> Iterator[None]:
    """Have a run watched, where the system has a pipe and a thread left for that."""
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
    """End the process when the run does not, GRACE after the first signal.

    A thread of its own, that the system's own handler wakes: so it works, too, where Python runs
    no handler because its main thread waits in C.
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
        os.write(2, b"\x1b[?25h")  # the cursor, which a progress bar hides
    os._exit(code)


def _but_ours(hook: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return a hook that is silent about a signal that was raised where nothing can be raised."""

    def tell(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, (KeyboardInterrupt, Terminated)):
            hook(unraisable)

    return tell


def _unless(found: Heard) -> Callable[[Any, dict[str, Any]], None]:
    """Return a loop's exception handler that is silent once a signal has come."""

    def tell(loop: Any, context: dict[str, Any]) -> None:
        if found.number is None:
            loop.default_exception_handler(context)

    return tell
