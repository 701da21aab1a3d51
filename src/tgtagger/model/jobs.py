"""Jobs: the runs that somebody asked for, how far they are, how they ended.

Knows neither what may be asked for nor who does it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from tgtagger.model.choices import JobKind, JobState


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job has come. `what` is the channel that is read, or `tagging`.

    `waits` says in words why it waits now; None: it does not, or nobody knows why.
    """

    done: int | None = None
    total: int | None = None
    what: str | None = None
    waits: str | None = None
    waits_until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended: an exit code, and the error that ended it, if one did."""

    state: JobState
    exit_code: int
    failure: str | None = None  # the error's kind
    error: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A run that somebody asked for, and how it goes. `params` say what is to be done.

    `tries` counts how often a worker took it; each try has a run of its own, of which `first_run`
    and `run` are the first and the last. `summary` is JSON, of the last run.
    """

    id: int
    kind: JobKind
    params: dict[str, Any]
    state: JobState
    asked_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    cancelled_at: dt.datetime | None  # when a person asked for its end
    tries: int
    first_run: int | None
    run: int | None
    progress: JobProgress
    end: JobEnd | None
    summary: str | None

    @property
    def is_open(self) -> bool:
        """Tell whether it is queued or running."""
        return self.ended_at is None
