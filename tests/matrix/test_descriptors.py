"""D4: too few open files, no folder for temporary files, too little memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from support.breaking import Fault, assert_clean_end, assert_sound, copy_database, need, run_many
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.make import page, post
from tgtagger.store import Store
from tgtagger.store.sqlite import access_diagnosis

pytestmark = pytest.mark.row("D4")

POSTS = 20


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = tmp_path_factory.mktemp("base") / "base.db"
    with Store.open(str(db)) as store:
        store.posts.save_page(
            page(*(post(n, f"storm number{n} at sea") for n in range(1, POSTS + 1)))
        )
    return db


def lay(base: Path, db: Path) -> None:
    copy_database(base, db)
    db.with_name("c.toml").unlink(missing_ok=True)  # of the round before


@pytest.fixture
def commands(base: Path, db: Path) -> list[tuple[str, ...]]:
    copy_database(base, db)
    export = write(db.parent, chat(*(message(n, f"tide number{n}") for n in range(100, 200))))
    given = ("--db", str(db))
    return [
        (*given, "status"), (*given, "parse", str(export)), (*given, "tag"),
        (*given, "search", "storm", "--limit", "1"),
        (*given, "export", "-o", str(db.with_name("out"))), (*given, "doctor"),
        ("--config", str(db.with_name("c.toml")), "config", "init"),
    ]  # fmt: skip


def test_too_few_open_files(
    db: Path, base: Path, commands: list[tuple[str, ...]], effort: Effort
) -> None:
    need("prlimit")
    failed = 0
    for most in range(4, 24) if effort.is_long else (9,):
        lay(base, db)
        prefix = ["prlimit", f"--nofile={most}"]
        try:
            ended = run_many(commands, prefix=prefix)
        except AssertionError as error:
            if most < 6 and "Too many open files" in str(error):  # not even the test's program
                continue
            raise
        for command, each in zip(commands, ended, strict=True):
            assert each.code in {0, 6}, (most, command, each.errors)
            if "doctor" not in command:  # it says on stdout what it found
                assert_clean_end(each, 0, 6)
            if "doctor" not in command or not each.output:
                assert each.errors.count("error: ") == (each.code == 6)
            if each.code and "doctor" not in command:
                assert "oo many open files" in each.errors, (most, command, each.errors)
        failed += sum(each.code != 0 for each in ended)
        assert_sound(db)
    assert failed
    effort.saw(failed=failed)
    assert [each.code for each in run_many(commands[:-1])] == [0] * (len(commands) - 1)


@pytest.mark.slow
def test_no_more_open_files_from_some_moment_on(
    db: Path, base: Path, commands: list[tuple[str, ...]], effort: Effort
) -> None:
    for nth in range(60, 1300, 61):
        lay(base, db)
        fault = Fault("openat", "error=EMFILE", nth, once=False)
        try:
            ended = run_many(commands, fault=fault)
        except AssertionError as error:
            if nth < 400 and "Too many open files" in str(error):  # nothing is loaded yet
                continue
            raise
        effort.saw(rounds=1)
        for command, each in zip(commands, ended, strict=True):
            if nth < 400 and "code for hash" in each.errors:  # hashlib's own words, as it loads
                continue
            assert each.code in {0, 2, 6}, (nth, command, each.errors)
            assert "Traceback" not in each.errors, (nth, command, each.errors)
        assert_sound(db)


ENOUGH = 90
"""MiB of addresses with which Python's own modules are loaded, whatever comes of the rest."""


@pytest.mark.slow
def test_too_little_memory(
    db: Path, base: Path, commands: list[tuple[str, ...]], effort: Effort
) -> None:
    """Some of what C code makes of it is no error that could be known: a traceback, and sound."""
    need("prlimit")
    said = 0
    for most in range(32, 112, 5):
        lay(base, db)
        try:
            ended = run_many(commands, prefix=["prlimit", f"--as={most << 20}"])
        except AssertionError:
            if most < ENOUGH:  # not even the test's program
                continue
            raise
        effort.saw(rounds=1)
        for command, each in zip(commands, ended, strict=True):
            is_known = each.code in {0, 6} or "SystemError" in each.errors
            assert is_known or most < ENOUGH, (most, command, each.errors)
            said += "not enough memory" in each.errors
        assert_sound(db)
    assert said


def test_without_a_folder_for_temporary_files(
    commands: list[tuple[str, ...]], effort: Effort
) -> None:
    env = dict.fromkeys(("TMPDIR", "SQLITE_TMPDIR", "TEMP", "TMP"), "/nowhere/at/all")
    ended = run_many([*commands, ("demo",)] if effort.is_long else commands[:4], env=env)
    assert [each.code for each in ended] == [0] * len(ended), [each.errors for each in ended]


def test_a_full_folder_for_temporary_files_is_named(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(full))
    monkeypatch.setattr(access_diagnosis, "_is_full", lambda folder: folder == full)
    found = access_diagnosis.diagnose(db, sqlite3.SQLITE_FULL)
    assert found is not None
    assert found.message == f"no space left for temporary files in {full}"
    monkeypatch.setattr(access_diagnosis, "_is_full", lambda folder: folder == db.parent)
    found = access_diagnosis.diagnose(db, sqlite3.SQLITE_FULL)
    assert found is not None
    assert found.message == f"no space left to write {db}"
    monkeypatch.setattr(access_diagnosis, "_is_full", lambda _: False)
    assert access_diagnosis.diagnose(db, sqlite3.SQLITE_FULL) is None
