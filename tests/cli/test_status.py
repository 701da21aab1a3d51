"""What `status` shows on a terminal and in a pipe; the pager."""

from __future__ import annotations

import datetime as dt
import io
import os
import pydoc
import sys
from pathlib import Path

import pytest

from support.make import PROVENANCE, page, post
from support.terminal import in_pipes, on_terminal
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import size_of
from tgtagger.model.posts import IdRange, PostFilter, ReadProgress
from tgtagger.model.tagging import Attempt, SuggestedTag, TagUpdate
from tgtagger.store import Store

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def db(store: Store, db: Path) -> Path:
    """One post of each status, a gap in the history, a run that cost something."""
    store.posts.save_page(
        page(
            *(post(n, text) for n, text in enumerate(("storm", "tide", "gale", "wave"), 100)),
            source="telegram",
            progress=ReadProgress((IdRange(1, 99),), top=103),
        )
    )
    storm, tide, gale = sorted(
        store.queue.posts(PostFilter()), key=lambda item: item.id.message_id
    )[:3]
    run = store.runs.start("tag")
    store.queue.save(
        [
            TagUpdate(storm.id, storm.text_hash, "tagged", PROVENANCE, (SuggestedTag("sea"),), 1),
            TagUpdate(tide.id, tide.text_hash, "skipped", PROVENANCE),
            TagUpdate(
                gale.id, gale.text_hash, "failed", PROVENANCE, failure="server", error="HTTP 500",
                next_attempt_at=NOW - dt.timedelta(hours=1), attempts=1,
            ),
        ],
        run,
        [(gale.id, Attempt(NOW, "a-model", "server", 500, 9, "HTTP 500", 1200, 34, 0, 0.25))],
    )  # fmt: skip
    store.runs.end(run, 5, '{"tagged": 0, "failed": 1}')
    return db


def test_everything_is_shown(db: Path) -> None:
    wanted = (
        "1 pending", "1 tagged", "1 skipped", "1 failed",  # posts by status
        "99",  # what is still to be read
        "due: 1 failed post; to retry them: tgtagger retry-failed",
        "server", "HTTP 500", "tgtagger retry-failed",  # failures, and the next step
        "a-model", "1\u202f200", "0.2500",  # what it cost
        "some posts failed", "1 failed",  # the last runs
    )  # fmt: skip
    shown = on_terminal("--db", str(db), "status", columns=80)
    assert shown.code == 0
    assert "━" in shown.output  # the bar
    assert max(map(len, in_pipes("--db", str(db), "status").output.splitlines())) < 200
    for output in (shown.output, in_pipes("--db", str(db), "status").output):
        for words in wanted:
            assert words in output, words


@pytest.mark.parametrize("lines", [3, 300])
def test_what_is_longer_than_a_screen_goes_through_a_pager(
    monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            return nowhere

    paged: list[str] = []
    monkeypatch.setattr(pydoc, "pager", paged.append)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr(sys, "stdout", out := Terminal())
        screen = Screen(no_color=True)
        with screen.paged():
            for number in range(lines):
                screen.write(f"line {number}")
        screen.is_terminal = False
        with screen.paged():
            screen.write("into a pipe")
    finally:
        os.close(nowhere)
    is_paged = lines > 24
    text = "".join(f"line {number}\n" for number in range(lines))
    assert paged == ([text] if is_paged else [])
    assert out.getvalue() == ("" if is_paged else text) + "into a pipe\n"


def test_runs_that_did_nothing_do_not_fill_the_list(tmp_path: Path) -> None:
    db = tmp_path / "other.db"
    store = Store.open(str(db))
    store.runs.end(store.runs.start("tag"), 0, '{"tagged": 3}')
    store.runs.end(store.runs.start("sync"), 75)
    store.runs.end(store.runs.start("sync"), 0, '{"parse": {"new": 2}, "tag": {"tagged": 0}}')
    for _ in range(30):
        store.runs.end(store.runs.start("sync"), 0, '{"parse": {"new": 0}, "tag": {"tagged": 0}}')
    assert [run.id for run in store.status.archive().runs] == [33, 3, 2, 1]
    store.close()
    shown = in_pipes("--db", str(db), "status").output
    assert "try later" in shown
    assert "all done" in shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (340_123, "340 kB"),
     (1_234_567, "1.2 MB"), (45_600_000, "46 MB"), (999_600_000, "1.0 GB"), (13e9, "13 GB"),
     (2.5e12, "2.5 TB")],
)  # fmt: skip
def test_a_size_is_in_the_unit_that_fits(count: float, shown: str) -> None:
    assert size_of(int(count)) == shown
