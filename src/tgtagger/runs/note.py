"""The note of a run in the archive: that it began, and how it ended, however it ended."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tgtagger.errors import Locked, TgTaggerError
from tgtagger.model.tagging import Provenance
from tgtagger.store import Store


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
