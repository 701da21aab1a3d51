"""Draw the events of a run on a screen: one live line a stage, and words about what happens."""

from __future__ import annotations

import contextlib

from tgtagger.cli import reports
from tgtagger.cli.context import UPGRADING
from tgtagger.cli.hints import hint_of
from tgtagger.cli.render import Live, Screen
from tgtagger.cli.wording import number
from tgtagger.errors import TgTaggerError
from tgtagger.model.posts import PageStored
from tgtagger.model.tagging import TagResult, Wait
from tgtagger.runs.events import Progress, Remark, Stage
from tgtagger.runs.summary import ParseReport, TagSummary


class RunEvents:
    """Draws a run (`runs.events.Events`)."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._stage = contextlib.ExitStack()
        self._live = Live(screen)
        self._is_upgrade = False

    def started(self, run: int) -> None:
        """Do nothing: a terminal shows no numbers of runs."""

    def begin(self, stage: Stage) -> None:
        words = {
            "channel": stage.name,
            "export": f"Reading {stage.name}",
            "tagging": "Tagging",
            "preview": "Reading",
            "upgrade": UPGRADING,
        }
        self._is_upgrade = stage.kind == "upgrade"
        shown = self._screen.progress(words[stage.kind], tells=self._is_upgrade)
        self._live = self._stage.enter_context(shown)

    def end(self) -> None:
        self._stage.close()
        self._live = Live(self._screen)

    def progress(self, progress: Progress) -> None:
        if self._is_upgrade and progress.total:
            self._live.steps(progress.posts, progress.total)
            return
        left = f"{number(progress.unread)} left" if progress.unread else ""
        if progress.spent is not None:
            left = reports.spent(progress.spent)
        self._live.update(progress.posts, progress.share, left, total=progress.total)

    def wait(self, wait: Wait) -> None:
        self._live.wait(wait.seconds, wait.reason)

    def warn(self, message: str) -> None:
        self._screen.warn(message)

    def stored(self, what: PageStored | TagResult) -> None:
        self._screen.detail(reports.line(what))

    def remark(self, kind: Remark, **data: object) -> None:
        reports.tell_remark(self._screen, kind, **data)

    def finished(self, part: ParseReport | TagSummary) -> None:
        if isinstance(part, ParseReport):
            reports.tell_parse(self._screen, part)
        elif part.posts or part.stopped:
            reports.tell_tag(self._screen, part)

    def hint(self, error: TgTaggerError) -> str | None:
        return hint_of(error)
