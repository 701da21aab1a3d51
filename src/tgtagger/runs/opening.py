"""Open the archive for a run, and tell its events of an upgrade, which may take minutes."""

from __future__ import annotations

import contextlib

from tgtagger.config import Settings
from tgtagger.runs.events import Events, Progress, Stage, stage
from tgtagger.store import Store


def open_to_write(settings: Settings, events: Events, *, create: bool = False) -> Store:
    """Open for writing; first an older schema is brought up to date."""
    with contextlib.ExitStack() as told:
        is_told = False

        def on_upgrade(done: int, total: int) -> None:
            nonlocal is_told
            if not is_told:
                is_told = True
                told.enter_context(stage(events, Stage("upgrade")))
            events.progress(Progress(done, done / total, total))

        return Store.open(settings.db, create=create, on_upgrade=on_upgrade)
