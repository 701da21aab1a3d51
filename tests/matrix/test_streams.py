"""D1 and D4: streams that are closed, full or gone. Words get lost, and posts never."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from support.breaking import TGTAGGER, Ended, assert_sound, copy_database, run
from support.fault_matrix import Effort
from support.make import page, post
from tgtagger.store import Store

POSTS = 40
COMMANDS = {
    "export": ("export",),
    "status": ("status",),
    "search": ("search", "storm", "--limit", "1"),
    "tags": ("tags", "--json"),
    "channels": ("channels",),
    "show": ("show", "news/1"),
    "config": ("config",),
    "doctor": ("doctor",),
    "help": ("--help",),
    "version": ("--version",),
}
"""What prints."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = tmp_path_factory.mktemp("base") / "base.db"
    fill(db, POSTS)
    return db


def fill(db: Path, posts: int) -> None:
    with Store.open(str(db)) as store:
        store.posts.save_page(
            page(*(post(n, f"storm number{n} at sea") for n in range(1, posts + 1)))
        )


@pytest.fixture
def archive(base: Path, db: Path) -> Path:
    copy_database(base, db)
    return db


def redirected(db: Path, streams: str, *arguments: str) -> Ended:
    shell = ("sh", "-c", f'"$@" {streams}', "sh")
    return run("--db", str(db), *arguments, program=(*shell, *TGTAGGER))


def tagged(db: Path) -> int:
    with closing(sqlite3.connect(db)) as raw:
        (count,) = raw.execute("SELECT count(*) FROM posts WHERE status = 'tagged'").fetchone()
        return int(count)


@pytest.mark.row("D4")
def test_no_word_goes_into_a_file_that_took_a_closed_stream_s_number(
    base: Path, db: Path, effort: Effort
) -> None:
    for streams in ("2>&-", ">&-", "<&-", ">&- 2>&- <&-")[-effort.rounds(1, long=4) :]:
        copy_database(base, db)
        ended = redirected(db, streams, "tag")  # which has something to say on stderr
        assert (ended.code, ended.output) == (0, "")
        assert ("embedded tagger: no key" in ended.errors) is ("2>" not in streams)
        assert tagged(db) == POSTS
        assert_sound(db)
        files = [db, db.with_name("posts.db.tag.lock")]
        assert not any(b"embedded tagger: no key" in file.read_bytes() for file in files)


@pytest.mark.row("D4")
def test_results_that_nobody_can_get_are_a_failure(archive: Path, effort: Effort) -> None:
    for name in list(COMMANDS)[: effort.rounds(1, long=len(COMMANDS))]:
        ended = redirected(archive, ">&-", *COMMANDS[name])
        assert ended.code == 6, name
        assert ended.errors == "error: the output cannot be written: Bad file descriptor\n"


@pytest.mark.row("D1")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_stderr_ends_no_run(archive: Path, effort: Effort) -> None:
    """Under cron that is a log on a full disk; the database may lie on another."""
    ended = redirected(archive, "2>/dev/full", "tag")
    assert (ended.code, tagged(archive)) == (0, POSTS)
    if effort.is_long:
        assert redirected(archive, "2>/dev/full", "show", "news/77").code == 2


@pytest.mark.row("D1")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_stdout_is_said_by_every_command(archive: Path, effort: Effort) -> None:
    for name in list(COMMANDS)[: effort.rounds(1, long=len(COMMANDS))]:
        if effort.is_long:
            ended = redirected(archive, ">/dev/full", *COMMANDS[name])
            assert ended.code == 6, name
            assert ended.errors == "error: the output cannot be written: No space left on device\n"
        assert redirected(archive, ">/dev/full 2>/dev/full", *COMMANDS[name]).code == 6, name


@pytest.mark.row("D4")
@pytest.mark.slow
def test_a_reader_of_words_that_goes_away_ends_no_run(db: Path) -> None:
    fill(db, 1000)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*TGTAGGER, "--db", str(db), "-v", "tag"], stderr=writer, check=False)
    os.close(writer)
    assert (done.returncode, tagged(db)) == (0, 1000)
