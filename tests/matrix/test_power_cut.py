"""P1: the power fails anywhere in a run. What is on the disk is sound, and what was said is there.

Each case is one recorded run and what must be true of every image of the disk (see
support/powercut.py).
Said are: the pages that `parse -v` tells, the requests that `tag` sends (a slot asks again when
what it has is stored: paid means kept), the words of other commands, and the end of a run. The
harness is tried, too: with syncs that are left out, images must be found that break a promise.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from llm_server import LlmServer
from support import breaking, next_version, old_schemas
from support.answers import API_HASH, PHONE
from support.breaking import assert_sound, contents, copy_database
from support.exports import account, chat, message, write
from support.fault_matrix import Effort
from support.make import tag as tag_all
from support.next_version import NEXT
from support.powercut import TGTAGGER, Image, Recording, Removed, record, tgtagger
from support.tagging import fill
from telegram_server import ServerThread
from tgtagger.store import Store
from tgtagger.store.sqlite.migrate import backup_path

pytestmark = pytest.mark.row("P1")

Rows = dict[str, list[tuple[object, ...]]]


@dataclass
class Bench:
    """Where a case is made: `disk` is the folder that loses its power."""

    folder: Path
    telegram_of: Callable[[], ServerThread]
    opened: ExitStack
    before: str = ""
    """Lines of Python that change the program."""
    pragmas: Mapping[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        self.db = self.disk / "posts.db"

    def record(
        self,
        *arguments: str,
        pragmas: Mapping[str, str] | None = None,
        change: str = "",
        stdin: str = "",
        program: str = TGTAGGER,
    ) -> Recording:
        changes = {**(pragmas or {}), **self.pragmas}
        after = self.before + with_pragmas(changes) + change
        command = tgtagger(*arguments, after=after, program=program)
        return record(command, self.disk, env=self.env, stdin=stdin)


@dataclass(frozen=True)
class Case:
    recording: Recording
    check: Callable[[Image], None]
    again: tuple[str, ...] = ()
    """A command that completes the database of an image; `whole` is what it must hold then."""
    whole: Rows | None = None
    db: str = "posts.db"

    def env(self, image: Image) -> dict[str, str]:
        return {"TGTAGGER_DATA_DIR": str(image.folder / "data")}


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path, effort: Effort) -> Iterator[Bench]:
    with ExitStack() as opened:
        yield Bench(tmp_path, lambda: request.getfixturevalue("telegram"), opened)


CHECKPOINTS = {"wal_autocheckpoint = 4000": "wal_autocheckpoint = 20"}
"""The log is written into the database every few pages, as in a long run."""


NO_SHARED_MEMORY = """
from tgtagger.store.sqlite import connections
def denied(*_):
    error = sqlite3.OperationalError("no shared memory")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMMAP
    raise error
connections._turn_to_wal = denied
"""


def with_pragmas(changes: Mapping[str, str]) -> str:
    """Return lines of Python after which some pragmas are others."""
    return f"""
import sqlite3
class Connection(sqlite3.Connection):
    def execute(self, sql, *values):
        for old, new in {dict(changes)!r}.items():
            sql = sql.replace(old, new)
        return super().execute(sql, *values)
def connect(*values, connect=sqlite3.connect, **named):
    return connect(*values, factory=Connection, **named)
sqlite3.connect = connect
"""


def rows(db: Path) -> Rows:
    if not db.exists() or not db.stat().st_size:
        return {}
    with closing(sqlite3.connect(db)) as raw:
        if not raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'posts'").fetchone():
            return {}
    return contents(db)


def assert_part(found: Rows, *states: Rows) -> None:
    """Check that every row is one of these states', and that posts have their raw records."""
    for name, values in found.items():
        known = {row for state in states for row in state.get(name, ())}
        assert known.issuperset(values), f"made up in {name}"
    assert len(found.get("posts", ())) == len(found.get("raw records", ()))


# ---- the cases


def export_of(bench: Bench, first: int, last: int) -> Path:
    chats = (
        chat(*(message(n, f"post {n} " + "слово " * 9) for n in range(first, last)), id=each)
        for each in (11, 12, 13)
    )
    return write(bench.folder / f"export{first}", account(*chats))


def parse_into_a_new_folder(bench: Bench) -> Case:
    """The first run ever: no database, no folder of it."""
    name, export = "new/deep/posts.db", export_of(bench, 1, 30)
    recording = bench.record("--db", str(bench.disk / name), "parse", str(export), "-v")
    return parse_case(bench, recording, name, export, {})


def parse_more(bench: Bench) -> Case:
    """A database that has posts, and a log that is written back under way."""
    with Store.open(str(bench.db)) as store:
        fill(store, 60)
    before = rows(bench.db)
    export = export_of(bench, 1, 40)
    recording = bench.record("--db", str(bench.db), "parse", str(export), "-v", pragmas=CHECKPOINTS)
    return parse_case(bench, recording, "posts.db", export, before)


def parse_after_a_crash(bench: Bench, change: str = "") -> Case:
    """The run before was killed: its log is there."""
    killed = bench.folder / "killed.db"
    with Store.open(str(killed)) as store:
        fill(store, 60)
        with closing(sqlite3.connect(killed)) as held:  # who closes last writes the log back
            held.execute("SELECT count(*) FROM posts").fetchone()
            copy_database(killed, bench.db)
    bench.db.with_name("posts.db-shm").unlink()
    assert bench.db.with_name("posts.db-wal").stat().st_size
    before = rows(killed)
    export = export_of(bench, 1, 20)
    recording = bench.record("--db", str(bench.db), "parse", str(export), "-v", change=change)
    return parse_case(bench, recording, "posts.db", export, before)


def parse_with_a_journal(bench: Bench) -> Case:
    """Where there can be no log, as on a network file system."""
    name, export = "new/posts.db", export_of(bench, 1, 30)
    no_log = {"journal_mode = WAL": "journal_mode = DELETE"}
    recording = bench.record(
        "--db", str(bench.disk / name), "parse", str(export), "-v", pragmas=no_log
    )
    assert any(isinstance(each, Removed) and "-journal" in each.path for each in recording.events)
    return parse_case(bench, recording, name, export, {})


def parse_from_a_journal_to_a_log(bench: Bench) -> Case:
    with Store.open(str(bench.db)) as store:
        fill(store, 60)
    with closing(sqlite3.connect(bench.db)) as raw:
        assert raw.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    before = rows(bench.db)
    export = export_of(bench, 1, 20)
    recording = bench.record("--db", str(bench.db), "parse", str(export), "-v", pragmas=CHECKPOINTS)
    return parse_case(bench, recording, "posts.db", export, before)


def parse_from_a_log_to_a_journal(bench: Bench) -> Case:
    """The log is not empty, and its index can no longer be had."""
    case = parse_after_a_crash(bench, change=NO_SHARED_MEMORY)
    assert any(
        isinstance(each, Removed) and "-journal" in each.path for each in case.recording.events
    )
    return case


def parse_case(bench: Bench, recording: Recording, name: str, export: Path, before: Rows) -> Case:
    whole = rows(bench.disk / name)

    def check(image: Image) -> None:
        db = image.folder / name
        assert_sound(db)
        found = rows(db)
        assert_part(found, whole)
        told = re.findall(r"a page with (\d+) new", image.said.errors)
        assert len(found.get("posts", ())) >= len(before.get("posts", ())) + sum(map(int, told))
        if image.is_end:
            assert found == whole

    return Case(recording, check, ("parse", str(export)), whole, name)


def read_a_channel(bench: Bench) -> Case:
    """Over Telegram: posts, what is not read yet, and the session that is written to."""
    telegram = sign_in(bench)
    telegram.world.channel("newsroom", "News", messages=350)
    recording = bench.record("parse", "@newsroom", "--via", "telegram", "-v", pragmas=CHECKPOINTS)
    whole = rows(bench.db)
    key = auth_key(bench.disk / "data/sessions/default.session")
    everything = set(range(1, 351))

    def check(image: Image) -> None:
        db = image.folder / "posts.db"
        assert_sound(db)
        found = rows(db)
        assert_part(
            {"posts": found.get("posts", []), "raw records": found.get("raw records", [])}, whole
        )
        stored = {row[1] for row in found.get("posts", ())}
        told = re.findall(r"a page with (\d+) new", image.said.errors)
        assert len(stored) >= sum(map(int, told))
        if found.get("posts"):
            unread = {
                n for row in found["unread"] for n in range(int(str(row[2])), int(str(row[3])) + 1)
            }
            assert everything <= stored | unread
        assert auth_key(image.folder / "data/sessions/default.session") == key

    return Case(recording, check, ("parse", "@newsroom", "--via", "telegram"), whole)


def tag_by_a_model(bench: Bench, concurrency: int, batch: int) -> Case:
    posts = 30
    with Store.open(str(bench.db)) as store:
        fill(store, posts)
    before = rows(bench.db)
    server = bench.opened.enter_context(LlmServer())
    server.latency = lambda _: 0.002 * (len(server.completions) % 3)
    bench.env = {
        "TGTAGGER_DB": str(bench.db), "TGTAGGER_LLM_URL": server.url,
        "TGTAGGER_LLM_MODEL": "test-model", "TGTAGGER_LLM_BATCH": str(batch),
        "TGTAGGER_LLM_CONCURRENCY": str(concurrency),
    }  # fmt: skip
    recording = bench.record("tag", "--json", pragmas=CHECKPOINTS)
    whole = rows(bench.db)
    assert not server.paid_twice()
    assert {len(seen.posts) for seen in server.completions} == {batch}

    def check(image: Image) -> None:
        db = image.folder / "posts.db"
        assert_sound(db)
        found = rows(db)
        assert_part(found, before, whole)
        assert len(found["posts"]) == posts
        asked = image.said.sent.count("POST /v1/chat/completions")
        tagged = [row for row in found["posts"] if row[8] == "tagged"]
        paid = batch * (asked - concurrency)  # the last of every slot may be on its way
        assert len(tagged) >= paid, f"{paid} paid for, {len(tagged)} kept"
        with closing(sqlite3.connect(db)) as raw:
            answers = raw.execute("SELECT count(*) FROM answers").fetchone()[0]
            attempts = raw.execute("SELECT count(DISTINCT post_id) FROM attempts").fetchone()[0]
        assert answers == attempts == len(tagged)
        if image.said.output:
            assert json.loads(image.said.output)["tagged"] == len(tagged) == posts

    return Case(recording, check, ("tag",), whole)


def put_tags_in_order(bench: Bench) -> Case:
    """What a person decides."""
    with Store.open(str(bench.db)) as store:
        fill(store, 60)
        tag_all(store, ["one", "two", "three"])
    before = rows(bench.db)
    recording = bench.record(
        "--db",
        str(bench.db),
        "tags",
        "merge",
        "one",
        "two",
        "--into",
        "three",
        "--yes",
        pragmas=CHECKPOINTS,
    )
    after = rows(bench.db)

    def check(image: Image) -> None:
        db = image.folder / "posts.db"
        assert_sound(db)
        found = rows(db)
        assert found == after or (found == before and not image.said.output and not image.is_end)
        with closing(sqlite3.connect(db)) as raw:
            aliases = raw.execute("SELECT count(*) FROM tag_aliases").fetchone()
        assert aliases == ((2,) if found == after else (0,))

    return Case(recording, check)


def bring_up_to_date(bench: Bench) -> Case:
    """A database of the first version meets the next tgtagger."""
    old_schemas.make(bench.db, "0001", 200)
    before = dump(bench.db)
    program = f"import runpy\nrunpy.run_path({next_version.__file__!r}, run_name='__main__')\n"
    recording = bench.record(str(bench.db), pragmas=CHECKPOINTS, program=program)
    assert dump(bench.db) == before

    def check(image: Image) -> None:
        db = image.folder / "posts.db"
        with closing(sqlite3.connect(db)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            schema = raw.execute("SELECT version_num FROM alembic_version").fetchone()
        assert schema == (NEXT.newest,) or (schema == ("0001",) and not image.is_end)
        assert dump(db) == before
        if schema == (NEXT.newest,):  # then it is kept as it was before
            kept = backup_path(db, "0001")
            assert dump(kept) == before
            with closing(sqlite3.connect(kept)) as raw:
                assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert raw.execute("SELECT * FROM alembic_version").fetchall() == [("0001",)]
        with Store.open(str(db), schema=NEXT) as store:
            assert store.status.archive().schema == NEXT.newest

    return Case(recording, check)


def dump(db: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(db)) as raw:
        return raw.execute("SELECT id, message_id, text, status FROM posts ORDER BY 1").fetchall()


def export_over_another(bench: Bench) -> Case:
    with Store.open(str(bench.db)) as store:
        fill(store, 1000)
    target = bench.disk / "posts.jsonl"
    target.write_bytes(b"the one before\n" * 900)
    return file_case(bench, target, "--db", str(bench.db), "export", "-o", str(target))


def export_to_a_new_file(bench: Bench) -> Case:
    with Store.open(str(bench.db)) as store:
        fill(store, 300)
    target = bench.disk / "posts.csv"
    return file_case(
        bench, target, "--db", str(bench.db), "export", "--format", "csv", "-o", str(target)
    )


def back_up(bench: Bench) -> Case:
    """While the log is not empty."""
    with Store.open(str(bench.db)) as store:
        fill(store, 300)
        with closing(sqlite3.connect(bench.db)) as held:
            held.execute("SELECT count(*) FROM posts").fetchone()
            store.close()
            copy_database(bench.db, bench.folder / "logged.db")
    copy_database(bench.folder / "logged.db", bench.db)
    target = bench.disk / "backup.db"
    return file_case(bench, target, "--db", str(bench.db), "doctor", "--backup", str(target))


def new_settings(bench: Bench) -> Case:
    target = bench.disk / "settings/of/mine/config.toml"
    return file_case(bench, target, "--config", str(target), "config", "init")


def settings_over_others(bench: Bench) -> Case:
    target = bench.disk / "config.toml"
    target.write_text("# mine\n" * 200)
    return file_case(bench, target, "--config", str(target), "config", "init", "--force")


def file_case(bench: Bench, target: Path, *arguments: str) -> Case:
    """The old file or the whole new one; the new one when that was said."""
    old = target.read_bytes() if target.exists() else None
    recording = bench.record(*arguments)
    new = target.read_bytes()
    name = target.relative_to(bench.disk)

    def check(image: Image) -> None:
        found = image.folder / name
        content = found.read_bytes() if found.exists() else None
        is_told = image.is_end or bool(image.said.output)
        assert content == new or (content == old and not is_told)
        if (image.folder / "posts.db").exists():
            assert_sound(image.folder / "posts.db")

    return Case(recording, check)


def sign_in(bench: Bench) -> ServerThread:
    telegram = telegram_for(bench)
    done = breaking.run(*LOGIN, env=bench.env, stdin="12345\n")
    assert done.code == 0, done.errors
    return telegram


LOGIN = ("login", "--api-id", "1", "--api-hash", API_HASH, "--phone", PHONE)


def telegram_for(bench: Bench) -> ServerThread:
    telegram = bench.telegram_of()
    key = bench.folder / "key.pem"
    key.write_text(telegram.key.pem)
    bench.env = {
        "TGTAGGER_DB": str(bench.db), "TGTAGGER_DATA_DIR": str(bench.disk / "data"),
        "TGTAGGER_TELEGRAM_SERVER": f"127.0.0.1:{telegram.port}", "TGTAGGER_TELEGRAM_DC": "2",
        "TGTAGGER_TELEGRAM_KEY": str(key), "TGTAGGER_TELEGRAM_PAGE_WAIT": "0",
    }  # fmt: skip
    telegram.world.account(PHONE)
    return telegram


def first_login(bench: Bench) -> Case:
    telegram_for(bench)
    return login_case(bench)


def login_over_a_session_that_ended(bench: Bench) -> Case:
    telegram = sign_in(bench)
    telegram.revoke(next(iter(telegram.world.accounts.values())))
    return login_case(bench)


def login_case(bench: Bench) -> Case:
    folder = Path("data/sessions")
    old = auth_key(bench.disk / folder / "default.session")
    recording = bench.record(*LOGIN, stdin="12345\n")
    new = auth_key(bench.disk / folder / "default.session")
    assert new not in {None, old}

    def check(image: Image) -> None:
        found = auth_key(image.folder / folder / "default.session")
        assert found == new or (found == old and not image.said.output and not image.is_end)
        if found is not None:
            kept = json.loads((image.folder / folder / "default.json").read_text())
            assert kept == {"api_id": 1, "api_hash": API_HASH}

    return Case(recording, check)


def logout(bench: Bench) -> Case:
    sign_in(bench)
    session = Path("data/sessions/default.session")
    old = auth_key(bench.disk / session)
    recording = bench.record("logout")

    def check(image: Image) -> None:
        found = auth_key(image.folder / session)
        assert found is None or (found == old and not image.is_end)

    return Case(recording, check)


def auth_key(session: Path) -> bytes | None:
    """Return the key of a session, which must be whole; None: there is none."""
    if not session.exists():
        return None
    with closing(sqlite3.connect(session)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (key,) = raw.execute("SELECT auth_key FROM sessions").fetchone()
    assert isinstance(key, bytes)
    assert len(key) == 256
    return key


CASES: dict[str, Callable[[Bench], Case]] = {
    "parse into a new folder": parse_into_a_new_folder,
    "parse more": parse_more,
    "parse after a crash": parse_after_a_crash,
    "parse with a journal": parse_with_a_journal,
    "parse from a journal to a log": parse_from_a_journal_to_a_log,
    "parse from a log to a journal": parse_from_a_log_to_a_journal,
    "read a channel": read_a_channel,
    "tag": lambda bench: tag_by_a_model(bench, 1, 1),
    "tag, four slots": lambda bench: tag_by_a_model(bench, 4, 1),
    "tag, groups": lambda bench: tag_by_a_model(bench, 2, 5),
    "tags merge": put_tags_in_order,
    "migration": bring_up_to_date,
    "export over another": export_over_another,
    "export to a new file": export_to_a_new_file,
    "doctor --backup": back_up,
    "config init": new_settings,
    "config init --force": settings_over_others,
    "login": first_login,
    "login again": login_over_a_session_that_ended,
    "logout": logout,
}
SHORT = {"parse into a new folder", "tag, four slots", "export over another", "config init"}


class Broken(AssertionError):
    """An image was found that breaks a promise."""


def check_images(case: Case, bench: Bench, images: int) -> None:
    for image in case.recording.images(images, bench.folder / "image"):
        try:
            case.check(image)
        except Exception as error:
            raise Broken(f"{image.story}: {error}") from error


def complete(case: Case, bench: Bench, images: int) -> None:
    """Run the command again on what the power cut left: it ends as if nothing had been."""
    for image in case.recording.images(images, bench.folder / "image"):
        db = image.folder / case.db
        words, env = ("--db", str(db), *case.again), {**bench.env, **case.env(image)}
        ended = breaking.run(*words, env=env)
        journal = db.with_name(f"{db.name}-journal")
        if f"{journal.name} does not belong to" in ended.errors:
            # That of the first transaction, which gave the file its first number, came back: it
            # looks like another file's. Nothing was stored then, and the hint is followed.
            with closing(sqlite3.connect(f"file:{db}?immutable=1", uri=True)) as raw:
                posts = raw.execute("SELECT count(*) FROM posts").fetchone()
            assert (ended.code, posts) == (6, (0,)), image.story
            journal.unlink()
            ended = breaking.run(*words, env=env)
        assert ended.code == 0, (image.story, ended.errors)
        assert_sound(db)
        assert rows(db) == case.whole, image.story


@pytest.mark.parametrize(
    "name",
    [name if name in SHORT else pytest.param(name, marks=pytest.mark.slow) for name in CASES],
)
def test_the_power_fails_anywhere(name: str, bench: Bench, effort: Effort) -> None:
    case = CASES[name](bench)
    check_images(case, bench, effort.rounds(10, long=60))
    if case.again and effort.is_long:
        complete(case, bench, effort.rounds(0, long=6))


NO_SYNC = """
import os, stat
def fsync(descriptor, fsync=os.fsync):
    if not stat.{kind}(os.fstat(descriptor).st_mode):
        fsync(descriptor)
os.fsync = fsync
"""
OTHER_PRAGMAS = {
    "synchronous = NORMAL": {"synchronous = FULL": "synchronous = NORMAL"},
    "synchronous = OFF": {"synchronous = FULL": "synchronous = OFF"},
    "synchronous = FULL with a journal": {"synchronous = EXTRA": "synchronous = FULL"},
    "journal off": {"journal_mode = WAL": "journal_mode = OFF"},
}
NOT_SYNCED = {"files not synced": "S_ISREG", "folders not synced": "S_ISDIR"}
BREAKS = [
    ("synchronous = NORMAL", "parse into a new folder"),
    ("synchronous = NORMAL", "tag, four slots"),
    ("synchronous = OFF", "parse more"),
    ("synchronous = OFF", "migration"),
    ("synchronous = FULL with a journal", "parse with a journal"),
    ("journal off", "parse into a new folder"),
    ("files not synced", "export over another"),
    ("files not synced", "config init --force"),
    ("folders not synced", "export over another"),
    ("folders not synced", "config init"),
    ("folders not synced", "doctor --backup"),
    ("files not synced", "doctor --backup"),
    ("folders not synced", "parse into a new folder"),
    ("folders not synced", "login"),
    ("folders not synced", "logout"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("mutation", "name"), BREAKS)
def test_what_is_not_synced_is_seen_to_be_lost(mutation: str, name: str, bench: Bench) -> None:
    if mutation in NOT_SYNCED:
        bench.before = NO_SYNC.format(kind=NOT_SYNCED[mutation])
    else:
        bench.pragmas = OTHER_PRAGMAS[mutation]
    case = CASES[name](bench)
    with pytest.raises(Broken):
        check_images(case, bench, 200)
