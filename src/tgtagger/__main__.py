"""The entry point: `tgtagger`, or `python -m tgtagger`.

What no command can do without is looked at here: before it, only modules that every system has are
loaded.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` is made of: loaded already
import gc
import os
import sys

TYPE_CHECKING = False  # `typing` itself would take long enough for a Ctrl-C to come meanwhile
if TYPE_CHECKING:
    from types import TracebackType
    from typing import NoReturn


def _show_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show a bug as Python does, but so that its words steer no terminal."""
    import traceback

    from tgtagger.system.terminal_text import clean

    if sys.stderr is not None:
        sys.stderr.write(clean("".join(traceback.format_exception(kind, error, trace))))


def main() -> None:
    """Run the command line; the question for the version is answered before anything loads."""
    _leave_at_once()
    _open_streams()
    if sys.argv[1:] == ["--version"]:
        import contextlib

        from tgtagger import __version__

        with contextlib.suppress(OSError):  # the command line tries again, and says why not
            print(f"tgtagger {__version__}", flush=True)  # noqa: T201 -- the one line without it
            return
    if sys.platform == "win32":
        _refuse("Windows is not supported; tgtagger runs there in WSL, which wsl --install sets up")
    sys.excepthook = _show_bug  # before Typer looks at it
    gc.disable()  # `root` enables it: what is loaded stays, and to look it through takes its time
    try:
        from tgtagger.cli import app
        from tgtagger.system import signals

        app(prog_name="tgtagger")
    except ModuleNotFoundError as error:
        if error.name not in sys.stdlib_module_names:
            raise
        _refuse(f"this Python was built without {error.name}; use another, from python.org")
    except SystemExit as error:
        signals.leave(error.code)
        raise


def _refuse(sentence: str) -> NoReturn:
    """Say why nothing can run here; the modules that say it elsewhere may be unable to load."""
    if sys.stderr is not None:
        sys.stderr.write(f"error: {sentence}\n")
    sys.exit(2)


def _leave_at_once() -> None:
    """Let a signal end the process at once: before a run has begun there is nothing to clean up.

    What Python makes of a Ctrl-C while modules are loaded can be anything, a traceback at best.
    """
    for number in (_signal.SIGINT, _signal.SIGTERM):
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, lambda number, _frame: os._exit(128 + number))


def _open_streams() -> None:
    """Open what was handed over closed (`>&-`, some supervisors).

    Else the next file opened would be number 0, 1 or 2, and what is meant for a person would go
    into it. A closed stdout is opened so that writing to it fails: results must not get lost.
    """
    for number, name, mode in (
        (0, "stdin", os.O_RDONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)
    ):  # fmt: skip
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free: this one
            stream = open(number, "w" if number else "r", encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, stream)


if __name__ == "__main__":
    main()
