"""The note of a run in the archive: when it began, how it ended, after an error, too; what it did.

Knows no work of a run.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True, slots=True)
class Deeds:
    """What a run did, as its note tells. `counts` are posts, by what became of them."""

    counts: Mapping[str, int]
    requests: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    stopped: tuple[str, str] | None = None  # why it stopped early: the kind, the words
    errors: tuple[tuple[str, str], ...] = ()  # (channel, what went wrong)


COUNTED = ("new", "updated", "deleted", "rejected", "tagged", "skipped", "failed")


def deeds_of(summary: str | None) -> Deeds:
    """Return what a run did, by its summary, which is JSON; None: nothing is known."""
    told = json.loads(summary) if summary else None
    if not isinstance(told, dict):
        return Deeds({})
    parts = [told, *(told.get(name) for name in ("parse", "tag", "retry"))]  # of sync
    found = [part for part in parts if isinstance(part, dict)]
    costs = [cost for part in found if (cost := part.get("cost_usd")) is not None]
    channels = [each for part in found for each in part.get("channels") or ()]
    stops = [(stop["class"], stop["message"]) for part in found if (stop := part.get("stopped"))]
    if told.get("error"):
        stops.append(("", told["error"]))
    return Deeds(
        {name: count for name in COUNTED if (count := _sum(found, name))},
        _sum(found, "requests"),
        _sum(found, "prompt_tokens") + _sum(found, "completion_tokens"),
        sum(costs) if costs else None,
        next(iter(stops), None),
        tuple(
            (each.get("title") or each.get("source") or "?", each["error"])
            for each in channels
            if each.get("error")
        ),
    )


def _sum(parts: list[dict[str, Any]], name: str) -> int:
    counts = (part.get(name) for part in parts)
    return sum(count for count in counts if isinstance(count, int))


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
