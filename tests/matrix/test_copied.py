"""P2: the database copied in the middle of a run, in every way that a user may think of.

With `doctor --backup`; with cp while the run is held by SIGSTOP; and with cp alone, which is not
supported: what is tried of that is only that such a copy is refused or read, and breaks nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.breaking import assert_sound, contents, copy_database, run
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.forked import start
from tgtagger.errors import StoreError
from tgtagger.store import Store


class Run:
    """A run that parses and then tags, with copies taken in the middle of it."""

    def __init__(self, folder: Path, posts: int) -> None:
        self.posts = posts
        texts = (f"post {n} of the storm at sea, with gusts in the harbour" for n in range(posts))
        self.export = write(folder / "export", chat(*map(message, range(1, posts + 1), texts)))
        self.db = folder / "posts.db"
        self.folder = folder / "copies"
        self.folder.mkdir()
        Store.open(str(self.db)).close()

    def take(self, copy: Callable[[Path], None], pause: Callable[[], float]) -> Iterator[Path]:
        """Start the run, and yield copies that are taken until it has ended; each is then gone."""
        process = start(["--db", str(self.db), "parse", str(self.export), "--then-tag"])
        self.process = process.pid
        try:
            for number in itertools.count():
                time.sleep(pause())
                if process.poll() is not None:
                    break
                copy(self.folder / f"{number}.db")
                yield self.folder / f"{number}.db"
                for file in self.folder.iterdir():
                    file.unlink()
        finally:
            process.kill()
            _, errors = process.communicate()
        assert (process.returncode, errors.count("Traceback")) == (0, 0), errors

    def held(self, target: Path) -> None:
        """Copy the files while the run is held."""
        os.kill(self.process, signal.SIGSTOP)
        status = Path(f"/proc/{self.process}/status")
        while not re.search(r"^State:\s+[TZ]", status.read_text(), re.MULTILINE):  # Z: it has ended
            time.sleep(0.001)
        copy_database(self.db, target)
        os.kill(self.process, signal.SIGCONT)

    def taken(self, target: Path) -> None:
        """Copy the files one after the other, as cp does, while the run goes on."""
        for end in ("", "-shm", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{self.db}{end}", f"{target}{end}")

    def check(self, target: Path) -> tuple[int, int]:
        """Check that a copy is of one moment: the first posts, the first of them tagged."""
        assert_sound(target)
        with closing(sqlite3.connect(target)) as raw:
            ids = [n for (n,) in raw.execute("SELECT message_id FROM posts ORDER BY message_id")]
            (tagged,) = raw.execute("SELECT count(*) FROM posts WHERE status = 'tagged'").fetchone()
        assert ids == list(range(1, len(ids) + 1))
        assert not tagged or len(ids) == self.posts  # tagging begins when all is read
        return len(ids), tagged

    def check_all(self, targets: Iterator[Path], effort: Effort) -> None:
        moments = [self.check(target) for target in targets]
        assert moments == sorted(moments)
        assert len(moments) > 1
        effort.saw(copies=len(moments), moments=len(set(moments)))
        with Store.open(str(self.db)) as store:
            assert store.status.archive().posts["tagged"] == self.posts


def posts_of(effort: Effort) -> int:
    return 6000 if effort.is_long else 800


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says in /proc that a process is held")
@pytest.mark.row("P2")
def test_files_copied_while_the_run_is_held(tmp_path: Path, effort: Effort) -> None:
    chance = random.Random(3)
    for turn in range(effort.rounds(1, long=5)):
        going_on = Run(tmp_path / str(turn), posts_of(effort))
        copies = going_on.take(going_on.held, lambda: chance.uniform(0.0, 0.2))
        going_on.check_all(copies, effort)


@pytest.mark.row("P2")
def test_backups_made_while_the_run_goes_on(tmp_path: Path, effort: Effort) -> None:
    for turn in range(effort.rounds(1, long=5)):
        going_on = Run(tmp_path / str(turn), posts_of(effort))

        def back_up(target: Path, db: Path = going_on.db) -> None:
            """Make every tenth as a user does; the others in this process, which is quicker."""
            if not target.stem.endswith("5"):
                Store.back_up(str(db), target)
                return
            ended = run("--db", str(db), "doctor", "--backup", str(target), "--json")
            assert ended.code == 0, ended.errors
            assert json.loads(ended.output)["path"] == str(target)

        going_on.check_all(going_on.take(back_up, lambda: 0.0), effort)
    if effort.is_long:
        alone = Run(tmp_path / "alone", going_on.posts)
        list(alone.take(lambda _: None, lambda: 0.1))
        assert contents(going_on.db) == contents(alone.db)


@pytest.mark.slow
@pytest.mark.row("P2")
def test_files_copied_without_holding_the_run_are_refused_or_read(
    tmp_path: Path, effort: Effort
) -> None:
    """Not supported, and said so in docs/backups.md: nobody knows what is in such a copy."""
    seen: Counter[str] = Counter()
    for turn in range(effort.rounds(1, long=5)):
        going_on = Run(tmp_path / str(turn), posts_of(effort))
        for target in going_on.take(going_on.taken, lambda: 0.0):
            try:
                with Store.open(str(target)) as store:
                    found = store.integrity.check()
                    is_sound = (
                        not found.damage and not found.altered and store.integrity.check_index()
                    )
            except StoreError:
                seen["refused"] += 1
                continue
            if not is_sound:
                seen["found damaged by doctor"] += 1
                continue
            try:
                going_on.check(target)
                seen["of one moment"] += 1
            except AssertionError:
                seen["wrong, and no check sees it"] += 1
    effort.saw(**seen)
