"""What the runs of all commands share: screen, store, the note of a run, a question.

Knows no source and no tagger.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from tgtagger.cli.options import invocation
from tgtagger.cli.render import Screen
from tgtagger.cli.streams import tell
from tgtagger.errors import InputError, Locked, TgTaggerError
from tgtagger.model.tagging import Provenance
from tgtagger.store import Store
from tgtagger.system.terminal_text import clean


class _Notices(logging.Handler):
    """Says what the store has to say besides its results: what must not be missed."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(clean(record.getMessage()))


logging.getLogger("tgtagger").addHandler(_Notices(logging.WARNING))


def screen_of(ctx: typer.Context) -> Screen:
    called = invocation(ctx)
    return Screen(quiet=called.quiet, verbosity=called.verbosity, no_color=called.no_color)


def open_to_read(ctx: typer.Context) -> Store:
    return Store.open_up_to_date(invocation(ctx).settings().db)


def open_to_change(ctx: typer.Context) -> Store:
    """Open an archive to change it: one that is there, since a new one has nothing to change."""
    return Store.open(invocation(ctx).settings().db, create=False)


@dataclass(slots=True)
class RunNote:
    """What is written down of a run when it ends."""

    number: int
    code: int = 0
    summary: dict[str, Any] | None = None


@contextlib.contextmanager
def noted_run(
    store: Store, command: str, provenance: Provenance | None = None
) -> Iterator[RunNote]:
    """Write down that a run begins, and how it ends, however it ends."""
    note = RunNote(store.runs.start(command, provenance))
    try:
        yield note
    except BaseException as error:
        note.code = _code_of(error)
        with contextlib.suppress(TgTaggerError):  # the error that ends the run counts
            # Who waited for the database in vain does not wait for it once more.
            store.runs.end(note.number, note.code, patient=not isinstance(error, Locked))
        raise
    summary = json.dumps(note.summary, ensure_ascii=False)
    # A path need not be UTF-8: its odd bytes are halves of surrogate pairs, which JSON can say.
    store.runs.end(note.number, note.code, summary.encode(errors="backslashreplace").decode())


def _code_of(error: BaseException) -> int:
    match error:
        case TgTaggerError():
            return error.exit_code
        case KeyboardInterrupt():
            return 130
        case SystemExit(code=int(code)):  # SIGTERM, see signals
            return code
        case _:
            return 1


def is_asked() -> bool:
    """Tell whether somebody is there to be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, otherwise: str) -> None:
    """Ask on a terminal; raise InputError where nobody can answer, or on a no."""
    if not sys.stdin.isatty():
        raise InputError(otherwise)
    if not typer.confirm(question, err=True):
        raise InputError("nothing was changed")
