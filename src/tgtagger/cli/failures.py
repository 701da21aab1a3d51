"""How a run ends: the one place where failures become text on stderr and an exit code.

Typer's test runner and the real entry point both come through `ended`. An error of the system (no
room, no more open files, no memory, a path) becomes a line, too, wherever it occurs. A bug is let
through: Python shows it with a plain traceback, and ends with 1. Knows no command.
"""

from __future__ import annotations

import errno
import re
import sys
import warnings
from collections.abc import Callable

import typer

from tgtagger.cli.click import ClickException, NoSuchOption, UsageError
from tgtagger.cli.hints import hint_of
from tgtagger.cli.streams import discard, tell  # now, since later there may be no open files left
from tgtagger.errors import InputError, StoreError, TgTaggerError, shortage, system_error
from tgtagger.system import signals
from tgtagger.system.terminal_text import clean, flat

_OUTPUT_FAILS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


def usage(sentence: str, advice: str | None = None) -> InputError:
    """Return the error for a mistake that only a command line can make, with its words."""
    return InputError("usage", sentence=sentence, advice=advice)


def ended(run: Callable[[], object], verbosity: Callable[[], int] = lambda: 0) -> int:
    """Call `run`; return its exit code. Tell a failure on stderr, and return its exit code."""
    try:
        code = _call(run)
    except TgTaggerError as error:
        return _say(error, verbosity())
    except ClickException as error:
        return _say(_as_ours(error), verbosity())
    except (KeyboardInterrupt, typer.Abort):  # Abort: Ctrl-C or Ctrl-D at a question
        return 130
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):  # Typer ends that with 1
            raise
        return _reader_gone()
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:
        refused = _refused(error)
        if refused is None:
            raise
        refused.__cause__ = error
        return _say(refused, verbosity())
    return code if isinstance(code, int) else 0


def _refused(error: Exception) -> TgTaggerError | None:
    """Return the error as an error of the system; None for a bug."""
    if isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_FAILS:
        discard(sys.stdout)
        return StoreError("output_refused", reason=error.strerror)
    found = shortage(error)
    if found is not None:
        # Python would complain of half-made objects (a loop without its sockets, a coroutine
        # that was never run) when it clears them away.
        warnings.simplefilter("ignore", RuntimeWarning)
        sys.unraisablehook = lambda _: None
    elif isinstance(error, OSError) and error.filename is not None:
        return system_error(error, "file_refused", path=error.filename)
    return found


def _call(run: Callable[[], object]) -> object:
    """Call `run`; after a signal return the signal's code, whatever the call returned or raised."""
    with signals.caught() as caught:
        try:
            code = run()
        except BaseException:
            # A signal's exception may change on its way: raised in a class body it becomes a
            # RuntimeError, at a question an Abort.
            if caught.number is None:
                raise
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    return code if caught.number is None else caught.code


_NO_NUMBER = re.compile(r"is not a valid int(eger)?( range)?\.?$")


def _as_ours(error: ClickException) -> TgTaggerError:
    """Return a usage error of Click as an error of ours."""
    # Click's: 'x' is not a valid integer, or "int range"
    message = _NO_NUMBER.sub("is not a whole number", error.format_message())
    hint = None
    if isinstance(error, UsageError):  # no context: an option before the command
        hint = f"see {error.ctx.command_path if error.ctx else 'tgtagger'} --help"
    if isinstance(error, NoSuchOption):
        message = f"there is no option {error.option_name}"
        if error.possibilities:
            # Click's list of them is sorted by name; the parser gives the nearest first.
            hint = f"did you mean {error.possibilities[0]}? {hint or ''}".strip()
        elif not error.option_name.startswith("--"):
            hint = f"{hint}; write other words that begin with - after --"
    ours = TgTaggerError("usage", sentence=message, advice=hint)
    ours.exit_code = error.exit_code
    return ours


def _say(error: TgTaggerError, verbosity: int) -> int:
    if verbosity > 1:  # -vv: the traceback; it has no local values, and SQLAlchemy hides its own
        import traceback

        tell(clean("".join(traceback.format_exception(error))))
    lines = [f"error: {error.message}"]
    hint = hint_of(error)
    if hint:
        lines.append(f"hint: {hint}")
    tell("\n".join(map(flat, lines)))
    return error.exit_code


def _reader_gone() -> int:
    """End quietly, since the reader of our output (| head) has closed the pipe."""
    discard(sys.stdout)
    return 0
