"""Events that are kept, for tests to look at."""

from __future__ import annotations

from tgtagger.model.tagging import Wait


class RecordedEvents:
    """Keeps what a source or a tagger tells."""

    def __init__(self) -> None:
        self.waits: list[Wait] = []
        self.warnings: list[str] = []

    def wait(self, wait: Wait) -> None:
        self.waits.append(wait)

    def warn(self, message: str) -> None:
        self.warnings.append(message)
