"""S3: the server of an archive restarts, is stopped, or refuses. S5: its disk is full.

One server of this module's own is restarted in the middle of commands; what only one connection
meets (a limit, a timeout) is tried on the server that all tests share.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from llm_server import LlmServer
from support import on_server, postgres_server
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.on_server import contents
from support.own_server import OwnServer, own_server
from support.tagging import fill
from support.terminal import in_pipes
from tgtagger.errors import TgTaggerError
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.store.postgres import errors


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


@pytest.fixture
def archive() -> Iterator[str]:
    """The URL of an archive of ten posts on the server of all tests."""
    why = postgres_server.why_not()
    if why is not None:
        pytest.skip(why)
    name = on_server.new()
    with Store.open(postgres_server.url(name)) as store:
        fill(store, 10)
    yield postgres_server.url(name)
    on_server.drop(name)


def run(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(sql.encode())


def to_model(server: LlmServer, patch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "LLM_URL": server.url, "LLM_MODEL": "test-model", "LLM_BATCH": "1", "RETRY_BASE": "0.01",
        "LLM_CONCURRENCY": "2",
    }.items():  # fmt: skip
        patch.setenv(f"TGTAGGER_{name}", value)


@pytest.mark.row("S3")
@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_run_goes_on_when_its_server_has_restarted(
    how: str, own: OwnServer, effort: Effort, monkeypatch: pytest.MonkeyPatch
) -> None:
    restarts = effort.rounds(1, long=10)
    posts = 20 * restarts
    url = own.archive()
    with Store.open(url) as store:
        fill(store, posts)
    with LlmServer(latency=0.01) as server:
        to_model(server, monkeypatch)

        def restart() -> None:
            for number in range(1, restarts + 1):
                while len(server.completions) < number * 15 and not ended.is_set():
                    time.sleep(0.005)
                own.restart(how)

        ended = threading.Event()
        thread = threading.Thread(target=restart)
        thread.start()
        try:
            done = in_pipes("--db", url, "tag")
        finally:
            ended.set()
            thread.join()
        tagged = sum(row[8] == "tagged" for row in contents(url)["posts"])
        if how == "immediate" and done.code == 75:  # a commit, of which nobody knows what became
            assert "cannot be told" in done.errors
            assert in_pipes("--db", url, "tag").code == 0
            tagged = sum(row[8] == "tagged" for row in contents(url)["posts"])
        else:
            assert done.code == 0, done.errors
        assert tagged == posts
        assert set(server.answered.values()) == {1}


@pytest.mark.row("S3")
def test_a_stopped_server_is_told_at_once(own: OwnServer, tmp_path: Path) -> None:
    url = own.archive()
    export = write(tmp_path / "export", chat(message(1, "a storm")))
    own.stop()
    try:
        for command in (("tag",), ("parse", str(export)), ("status",), ("tags",), ("doctor",)):
            began = time.monotonic()
            done = in_pipes("--db", url, *command)
            assert time.monotonic() - began < 5
            assert done.code == 75, (command, done)
            assert "cannot be reached" in done.output + done.errors, command
            assert "that the server runs" in done.output + done.errors, command
    finally:
        own.start()
    assert in_pipes("--db", url, "parse", str(export)).code == 0


@pytest.mark.row("S3")
def test_a_standby_is_read_and_says_that_it_takes_no_writes(own: OwnServer) -> None:
    url = own.archive()
    with Store.open(url) as store:
        fill(store, 2)
    own.stop()
    signal = own.folder / "data" / "standby.signal"
    signal.touch()
    own.start(hot_standby="on")
    try:
        assert in_pipes("--db", url, "search", "number1").code == 0
        assert_read_only(url)
    finally:
        own.stop()
        signal.unlink()
        own.start()


@pytest.mark.row("S3")
def test_a_user_who_only_reads_is_told_so(archive: str) -> None:
    assert_read_only(f"{archive}&options={quote('-c default_transaction_read_only=on')}")


def assert_read_only(url: str) -> None:
    for command in (("tag",), ("tags", "add", "news/1", "mine")):
        done = in_pipes("--db", url, *command)
        assert done.code == 6, done
        assert "can only be read" in done.errors
        assert "the URL of that one" in done.errors


@pytest.mark.row("S3")
def test_a_statement_that_takes_too_long_is_told(archive: str) -> None:
    url = f"{archive}&options={quote('-c statement_timeout=150')}"
    with psycopg.connect(archive) as blocking:
        blocking.execute("LOCK TABLE runs")
        done = in_pipes("--db", url, "tag")
    assert done.code == 75
    assert "took too long" in done.errors
    assert "statement_timeout" in done.errors


@pytest.mark.row("S3")
def test_connections_that_the_server_closed_are_made_anew(archive: str) -> None:
    with Store.open(archive) as store:
        for _ in range(3):
            run(
                archive,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            fill(store, 1, first=100)
            assert len(list(store.records.posts(PostFilter()))) == 11
    idle = f"{archive}&options={quote('-c idle_session_timeout=30')}"
    with Store.open(idle) as store:
        time.sleep(0.1)
        fill(store, 1, first=101)


@pytest.mark.row("S3")
def test_a_server_without_free_connections_says_so(archive: str) -> None:
    name = archive.partition("@/")[2].partition("?")[0]
    run(archive, "DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
    run(archive, f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    done = in_pipes("--db", archive.replace("postgres@", "plain@"), "status")
    assert done.code == 75
    assert "takes no more connections" in done.errors


SAID = {
    "FATAL:  sorry, too many clients already": "database_server_full",
    'FATAL:  too many connections for role "anna"': "database_server_full",
    "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute": (
        "database_server_full"
    ),
    "FATAL:  the database system is starting up": "database_starting",
    "FATAL:  the database system is shutting down": "database_starting",
    "FATAL:  the database system is not yet accepting connections": "database_starting",
    "failed: Connection refused": "database_unreachable",
    "failed: could not translate host name": "database_unreachable",
}


@pytest.mark.row("S3")
@pytest.mark.parametrize("said", SAID)
def test_what_libpq_says_about_a_connection_has_its_kind(said: str) -> None:
    error = psycopg.OperationalError(f'connection failed: connection to "x", port 5432 {said}')
    first = errors.unreachable(error, "x", was_reached=False)
    later = errors.unreachable(error, "x", was_reached=True)
    assert first.kind == later.kind == SAID[said]
    assert first.exit_code == later.exit_code == 75
    assert type(first).__name__ == "TryLater"
    assert type(later).__name__ == "Interrupted"


@pytest.mark.row("S3")
def test_a_server_that_starts_is_waited_for(
    own: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = own.archive()
    connect = psycopg.connect
    refusals: list[int] = []

    def starts(*arguments: Any, **options: Any) -> Any:
        if len(refusals) < 3:
            refusals.append(1)
            raise psycopg.OperationalError("FATAL:  the database system is starting up")
        return connect(*arguments, **options)

    monkeypatch.setattr("tgtagger.store.postgres.engine.psycopg.connect", starts)
    Store.open(url).close()
    assert len(refusals) == 3
    refusals.clear()
    monkeypatch.setattr("tgtagger.store.postgres.engine.STARTING", 0.0)
    with pytest.raises(TgTaggerError) as caught:
        Store.open(url)
    assert (caught.value.kind, caught.value.exit_code) == ("database_starting", 75)


FULL = """
CREATE SEQUENCE written;
CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('written') > {after} THEN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER fails BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fails()
"""


@pytest.mark.row("S5")
@pytest.mark.parametrize(
    ("table", "command"), [("post_tags", "tag"), ("posts", "parse"), ("attempts", "tag")]
)
def test_a_full_disk_ends_the_run_and_keeps_what_was_stored(
    table: str, command: str, archive: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [
        write(tmp_path / str(first), chat(*(message(n, f"Post {n}") for n in range(first, end))))
        for first, end in ((11, 41), (41, 71))
    ]
    arguments = ("parse", *map(str, parts)) if command == "parse" else ("tag",)
    run(archive, FULL.format(after=4 if command == "tag" else 50, table=table))
    with LlmServer() as server:
        to_model(server, monkeypatch)
        done = in_pipes("--db", archive, *arguments)
        assert done.code == 6, done
        assert "disk is full" in done.errors
        assert "free some space on the server" in done.errors
        kept = contents(archive)
        assert in_pipes("--db", archive, "search", "number1").code == 0
        run(archive, f"DROP TRIGGER fails ON {table}")
        assert in_pipes("--db", archive, *arguments).code == 0
        whole = contents(archive)
        if command == "parse":
            assert (len(kept["posts"]), len(whole["posts"])) == (40, 70)
            assert set(kept["posts"]) < set(whole["posts"])
        else:
            assert {row[8] for row in whole["posts"]} == {"tagged"}
            assert kept["tags"]
            assert set(kept["tags"]) < set(whole["tags"])
            twice = sum(count - 1 for count in server.answered.values())
            assert twice <= 2  # whose answer could not be stored
