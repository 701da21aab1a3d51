"""Events that record their calls for tests."""

from __future__ import annotations

from tgtagger.errors import TgTaggerError
from tgtagger.model.posts import PageStored
from tgtagger.model.tagging import TagResult, Wait
from tgtagger.runs.events import Progress, Remark, Stage
from tgtagger.runs.summary import ParseReport, TagSummary


class RecordedEvents:
    """Records what a source or a tagger tells."""

    def __init__(self) -> None:
        self.waits: list[Wait] = []
        self.warnings: list[str] = []

    def wait(self, wait: Wait) -> None:
        self.waits.append(wait)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


class RecordedRun(RecordedEvents):
    """Records also what a run tells, in order, by the names of the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, object]] = []

    def of(self, call: str) -> list[object]:
        """Return the recorded arguments of one call."""
        return [what for name, what in self.told if name == call]

    def started(self, run: int) -> None:
        self.told.append(("started", run))

    def begin(self, stage: Stage) -> None:
        self.told.append(("begin", stage))

    def end(self) -> None:
        self.told.append(("end", None))

    def progress(self, progress: Progress) -> None:
        self.told.append(("progress", progress))

    def stored(self, what: PageStored | TagResult) -> None:
        self.told.append(("stored", what))

    def remark(self, kind: Remark, **data: object) -> None:
        self.told.append(("remark", (kind, data)))

    def finished(self, part: ParseReport | TagSummary) -> None:
        self.told.append(("finished", part))

    def hint(self, error: TgTaggerError) -> str | None:
        return f"do something about {error.kind}"
