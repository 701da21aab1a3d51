"""D3: files and folders that may not be written to, or not be read. Reading works where it can.

As a user whom the modes of files bind: root is denied nothing, and so gives its rights up first.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.answers import API_HASH
from support.breaking import (
    Ended,
    assert_clean_end,
    assert_sound,
    copy_database,
    need,
    run,
    run_many,
    without_rights,
)
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.make import page, post, tag
from tgtagger.errors import TryLater
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.store.sqlite import connections

pytestmark = pytest.mark.row("D3")

POSTS = 30
READING = {
    "status": ("status", "--json"),
    "search": ("search", "storm", "--json"),
    "show": ("show", "news/1", "--json"),
    "export": ("export",),
    "tags": ("tags", "--json"),
    "channels": ("channels", "--json"),
}
LEAVE = "import sqlite3, os, sys; db = sqlite3.connect(sys.argv[1]); db.execute(sys.argv[2]); "
"""A program that leaves what it wrote in the log, as one that is killed does."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = tmp_path_factory.mktemp("base") / "base.db"
    with Store.open(str(db)) as store:
        store.posts.save_page(
            page(*(post(n, f"storm number{n} at sea") for n in range(1, POSTS + 1)))
        )
        tag(store, ["storm", "sea"])
    return db


@pytest.fixture(scope="module")
def logged(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with the last post only in the log."""
    db = tmp_path_factory.mktemp("logged") / "base.db"
    copy_database(base, db)
    sql = f"DELETE FROM posts WHERE message_id = {POSTS}"
    subprocess.run([sys.executable, "-c", LEAVE + "db.commit(); os._exit(0)", db, sql], check=True)
    assert db.with_name("base.db-wal").stat().st_size
    return db


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Path]:
    """A folder whose folders are given their rights back at the end, so that they can go."""
    yield tmp_path
    for folder, _, _ in os.walk(tmp_path):
        Path(folder).chmod(0o755)


def put(base: Path, folder: Path, *, file: int = 0o600, access: int = 0o755) -> Path:
    """Lay a database into a folder of its own, with these modes."""
    folder.mkdir(parents=True)
    db = folder / "posts.db"
    copy_database(base, db)
    for each in folder.iterdir():
        each.chmod(file)
    folder.chmod(access)
    return db


def read_all(db: Path) -> list[list[str]]:
    return [["--db", str(db), *command] for command in READING.values()]


def assert_read(ended: list[Ended], posts: int) -> None:
    assert [(each.code, each.errors) for each in ended] == [(0, "")] * len(ended)
    assert sum(json.loads(ended[0].output)["posts"].values()) == posts


def test_reading_works_wherever_it_can(base: Path, logged: Path, places: Path) -> None:
    cases = {
        "file": (put(base, places / "file", file=0o400), POSTS),
        "folder": (put(base, places / "folder", access=0o555), POSTS),
        "both": (put(base, places / "both", file=0o444, access=0o555), POSTS),
        "killed": (put(logged, places / "killed", file=0o444, access=0o555), POSTS - 1),
        "no index": (put(logged, places / "no-index", access=0o755), POSTS - 1),
    }
    index = places / "no-index" / "posts.db-shm"
    index.unlink()
    index.parent.chmod(0o555)
    if os.geteuid() == 0:  # who alone can give a file away
        theirs = put(base, places / "theirs", file=0o644)
        cases["theirs"] = theirs, POSTS
        for path in (theirs, theirs.parent):
            os.chown(path, 54321, 54321)
    commands = [command for db, _ in cases.values() for command in read_all(db)]
    before = {name: listing(db.parent) for name, (db, _) in cases.items()}
    ended = run_many(commands, prefix=without_rights())
    for at, (name, (db, posts)) in enumerate(cases.items()):
        assert_read(ended[at * len(READING) : (at + 1) * len(READING)], posts)
        if name != "file":  # there SQLite may put its files beside it
            assert listing(db.parent) == before[name]


def listing(folder: Path) -> dict[str, bytes]:
    return {
        path.name: b"" if path.name.endswith("-shm") else path.read_bytes()
        for path in folder.iterdir()
    }


def test_writing_says_what_it_was_denied(base: Path, logged: Path, places: Path) -> None:
    export = write(places / "export", chat(message(1, "text")))
    secret_export = write(places / "secret-export", chat(message(1, "text")))
    secret_export.chmod(0o000)
    shut_export = write(places / "shut-export", chat(message(1, "text"))).parent
    shut_export.chmod(0o000)
    new = str(places / "new.db")
    file = put(base, places / "file", file=0o400)
    folder = put(base, places / "folder", access=0o555)
    theirs = put(base, places / "theirs", file=0o444)
    if os.geteuid() == 0:
        theirs.chmod(0o644)
        os.chown(theirs, 54321, 54321)
        os.chown(theirs.parent, 54321, 54321)
    secret = put(base, places / "secret", file=0o000)
    hidden = put(logged, places / "hidden", access=0o755)
    log = hidden.with_name("posts.db-wal")
    log.chmod(0o000)
    shut = put(base, places / "shut", access=0o000)
    home = places / "home"
    home.mkdir(mode=0o555)
    blocked = places / "blocked"
    blocked.touch()
    config = places / "config.toml"
    config.touch(mode=0o000)
    wanted: list[tuple[list[str], int, str]] = [
        (["--db", str(file), "parse", str(export)], 6, f"{file} cannot be written to"),
        (["--db", str(file), "tag"], 6, f"{file} cannot be written to"),
        (["--db", str(folder), "tag"], 6, f"the folder {folder.parent} cannot be written to"),
        (["--db", str(folder), "tags", "add", "news/1", "x"], 6, f"the folder {folder.parent}"),
        (["--db", str(theirs), "tag"], 6, f"{theirs} cannot be written to"),
        (["--db", str(secret), "status"], 6, f"{secret} cannot be read"),
        (["--db", str(secret), "tag"], 6, f"{secret} cannot be read"),
        (["--db", str(hidden), "status"], 6, f"{log} cannot be read"),
        (["--db", str(hidden), "tag"], 6, f"{log} cannot be read"),
        (["--db", str(shut), "status"], 6, f"{shut}: Permission denied"),
        (
            ["--db", str(home / "a" / "b.db"), "channels", "add", "@news"],
            6,
            f"{home / 'a'}: Permission denied",
        ),
        (["--db", str(blocked / "b.db"), "parse", str(export)], 6, f"{blocked / 'b.db'}: Not a"),
        (["--db", str(file), "export", "-o", str(home / "x")], 2, f"{home / 'x'} cannot be writ"),
        (["--db", str(file), "export", "-o", str(shut.parent / "x")], 2, str(shut.parent / "x")),
        (["--db", "sqlite:///~nobody-here/b.db", "status"], 2, "~nobody-here/b.db: there is no"),
        (["--db", new, "parse", "~nobody-here/x"], 2, "'~nobody-here/x' must be a path"),
        (["--db", new, "parse", str(secret_export)], 2, f"{secret_export} cannot be read: permis"),
        (["--db", new, "parse", str(shut_export)], 2, f"{shut_export} cannot be read: permission"),
        (["--db", str(file), "export", "-o", "~nobody-here/x"], 2, "'~nobody-here/x' must be"),
        (["--config", str(config), "status"], 2, f"the settings file {config} cannot be read"),
        (["--config", str(home / "c" / "c.toml"), "config", "init"], 2, str(home / "c" / "c.toml")),
        (["--config", str(blocked / "c.toml"), "config", "init"], 2, str(blocked / "c.toml")),
    ]
    ended = run_many([command for command, _, _ in wanted], prefix=without_rights())
    for each, (_, code, words) in zip(ended, wanted, strict=True):
        assert_clean_end(each, code)
        errors = each.errors.removeprefix(f"a new database: {new}\n")
        assert errors.startswith(f"error: {words}"), (words, each.errors)
        assert errors.count("\n") <= 2
    for db in (file, folder):
        assert_sound(db)


def test_a_data_folder_that_cannot_be_used_is_named(places: Path, effort: Effort) -> None:
    blocked = places / "blocked"
    blocked.touch()
    shut = places / "shut"
    shut.mkdir(mode=0o000)
    export = write(places / "export", chat(message(1, "text")))
    login = ["login", "--api-id", "1", "--api-hash", API_HASH, "--phone", "+15550000000"]
    for folder in (shut, blocked)[: effort.rounds(1, long=2)]:
        ended = run_many(
            [["parse", str(export)], login, ["status"], ["doctor"]],
            env={"TGTAGGER_DATA_DIR": str(folder)},
            prefix=without_rights(),
        )
        assert [each.code for each in ended[:2]] == [6, 2]
        for each in ended[:2]:
            assert_clean_end(each, 2, 6)
            assert str(folder) in each.errors
        assert "Traceback" not in "".join(each.errors for each in ended)


def test_without_a_home_a_database_that_is_named_does(
    base: Path, places: Path, effort: Effort
) -> None:
    """A user whom the system does not know, in a container: `~` is nobody's."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    need("setpriv")
    # With root's right to read: the checkout may lie where others cannot.
    rights = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    db = put(base, places / "open", file=0o666, access=0o777)
    export = write(places / "export", chat(message(1, "text")))
    other = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", *rights, "env",
             "-u", "HOME", "-u", "XDG_DATA_HOME", "-u", "XDG_CONFIG_HOME"]  # fmt: skip
    if subprocess.run([*other, sys.executable, "-c", "import tgtagger"], check=False).returncode:
        pytest.skip("nobody else can read this checkout")
    commands = [
        ["--db", str(db), "status", "--json"],
        ["--db", str(db), "tag"],
        ["parse", str(export)],
        ["config", "init"],
        ["login", "--api-id", "1", "--api-hash", API_HASH, "--phone", "+15550000000"],
    ][: 5 if effort.is_long else 4]
    ended = run_many(commands, prefix=other)
    for each, code in zip(ended, (0, 0, 2, 2, 2), strict=False):
        assert each.code == code, each.errors
    for each in ended[2:]:
        assert "this user has no home folder" in each.errors
    assert not Path("~").exists()


def test_what_was_read_while_somebody_wrote_is_not_believed(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a lock nobody is kept from writing, so it is seen afterwards."""
    db = tmp_path / "posts.db"
    copy_database(base, db)
    monkeypatch.setattr(connections, "to_read", connections._without_locks)
    with Store.open_to_read(str(db)) as reader:
        assert len(list(reader.records.lines(PostFilter()))) == POSTS
        records = reader.records.lines(PostFilter())
        next(records)
        with Store.open(str(db)) as writer:
            writer.posts.save_page(page(post(POSTS + 1, "more")))
        with pytest.raises(TryLater, match="during the reading"):
            list(records)
    with Store.open_to_read(str(db)) as reader:
        assert len(list(reader.records.lines(PostFilter()))) == POSTS + 1


def test_what_is_half_written_is_not_read(base: Path, places: Path) -> None:
    """Without WAL a killed run leaves a journal: who may write rolls it back, nobody else reads."""
    db = places / "half" / "posts.db"
    db.parent.mkdir()
    copy_database(base, db)
    with closing(sqlite3.connect(db)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
    program = (
        LEAVE + "db.execute('PRAGMA cache_size = 1'); db.execute('BEGIN'); "
        "db.execute('UPDATE posts SET text = upper(text), views = 7'); "
        "db.execute('DELETE FROM raw_forms'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, db, "PRAGMA cache_spill = 1"], check=True)
    journal = db.with_name("posts.db-journal")
    assert journal.stat().st_size
    db.parent.chmod(0o555)
    (refused,) = run_many([["--db", str(db), "status"]], prefix=without_rights())
    assert_clean_end(refused, 6)
    assert "half written" in refused.errors
    db.parent.chmod(0o755)
    with Store.open_to_read(str(db)) as reader:
        assert len(list(reader.records.lines(PostFilter()))) == POSTS
    assert not journal.exists()
    assert_sound(db)


@pytest.mark.slow
def test_a_file_system_mounted_read_only(base: Path, logged: Path, places: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root can mount")
    for source, posts in ((base, POSTS), (logged, POSTS - 1)):
        db = put(source, places / str(posts))
        mount = (
            f'mount --bind "{db.parent}" "{db.parent}" && mount -o remount,ro,bind "{db.parent}"'
        )
        inside = ["unshare", "-m", "sh", "-c", f'{mount} || exit 99; exec "$@"', "sh"]
        if run("--version", prefix=inside).code == 99:
            pytest.skip("nothing can be mounted here")
        export = ["--db", str(db), "export", "-o", str(db.parent / "x")]
        ended = run_many([*read_all(db), ["--db", str(db), "tag"], export], prefix=inside)
        assert_read(ended[:-2], posts)
        assert_clean_end(ended[-2], 6)
        assert "ead-only" in ended[-2].errors
        assert_clean_end(ended[-1], 2)
        assert "Read-only file system" in ended[-1].errors
