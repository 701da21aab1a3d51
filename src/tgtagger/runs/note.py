"""The note of a run in the archive: when it began, and how it ended, after an error, too.

Knows no work of a run.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tgtagger.errors import Locked, TgTaggerError
from tgtagger.model.tagging import Provenance
from tgtagger.store import Store


@dataclass(slots=True)
class RunNote:
    """The facts that are stored when a run ends."""

    number: int
    code: int = 0
    summary: dict[str, Any] | None = None


@contextlib.contextmanager
def noted_run(
    store: Store,
    command: str,
    provenance: Provenance | None = None,
    *,
    keep: dt.timedelta | None = None,
) -> Iterator[RunNote]:
    """Store that a run begins; at the end of the block, store how it ended.

    Each run also sweeps a few out of the record that began longer ago than `keep`.
    """
    note = RunNote(store.runs.start(command, provenance, keep=keep))
    try:
        yield note
    except BaseException as error:
        note.code = _code_of(error)
        with contextlib.suppress(TgTaggerError):  # the error that ends the run counts
            # A run that waited for the database in vain does not wait again.
            store.runs.end(note.number, note.code, patient=not isinstance(error, Locked))
        raise
    summary = json.dumps(note.summary, ensure_ascii=False)
    # A path may not be UTF-8: Python keeps its odd bytes as lone surrogates, which JSON can hold.
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
