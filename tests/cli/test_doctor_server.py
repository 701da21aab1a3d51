"""Doctor looks at the server that an archive is on, and says what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from support.make import page, post
from support.on_server import connected
from tgtagger.cli import app
from tgtagger.cli.doctor import archive_server
from tgtagger.model.database import LongTransaction, QueueTable, ServerState
from tgtagger.store import Store

GOOD = ServerState(
    version="18.6", encoding="UTF8", database="posts", user="me", schema="public",
    is_read_only=False, missing_rights=(), may_note=True, may_upgrade=True, ahead=0.1,
    round_trip=0.001, connections=3, most_connections=97, long_transactions=(),
    queue=QueueTable(10, 40, 8192),
    settings={"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on",
              "autovacuum": "on", "data_checksums": "on",
              "idle_in_transaction_session_timeout": "600000"},
    is_local=False, is_encrypted=True, is_verified=True,
)  # fmt: skip


def settings(**changed: str) -> dict[str, str]:
    return {**GOOD.settings, **changed}


def test_all_is_well() -> None:
    found = list(archive_server.look("postgresql://me@host/posts", GOOD))
    assert {item.level for item in found} == {"ok"}
    assert not [item for item in found if item.hint]


@pytest.mark.parametrize(
    ("changed", "check", "level", "words", "hint"),
    [
        ({"is_encrypted": False}, "encryption", "warning", "not encrypted", "verify-full"),
        ({"is_verified": False}, "encryption", "warning", "not checked", "sslmode=verify-full"),
        ({"is_read_only": True}, "permissions", "warning", "only be read", "follows"),
        ({"missing_rights": (("INSERT", "posts"),)}, "permissions", "error", "INSERT on posts",
         "IN SCHEMA public TO me"),
        ({"may_note": False}, "permissions", "error", "temporary",
         "GRANT TEMPORARY ON DATABASE posts TO me"),
        ({"may_upgrade": False}, "permissions", "warning", "up to date", "who made"),
        ({"settings": settings(fsync="off")}, "durability", "error", "fsync off", "fsync = on"),
        ({"settings": settings(synchronous_commit="off")}, "durability", "warning", "be lost",
         "ALTER DATABASE posts SET synchronous_commit = on"),
        ({"settings": settings(data_checksums="off")}, "durability", "ok", "notice",
         "pg_checksums"),
        ({"ahead": 4000.0}, "clock", "warning", "about 67 min behind", "NTP"),
        ({"ahead": -4000.0}, "clock", "warning", "ahead of", "NTP"),
        ({"round_trip": 0.4}, "distance", "warning", "400.0 ms", "near"),
        ({"connections": 90}, "connections", "warning", "90 of 97", "max_connections"),
        ({"long_transactions": (LongTransaction(77, "psql", 7200, is_idle=True),)},
         "transactions", "warning", "psql (process 77, idle) for about 2.0 h",
         "pg_terminate_backend(77)"),
        ({"settings": settings(idle_in_transaction_session_timeout="0")}, "transactions", "ok",
         "no transaction", "ALTER DATABASE posts SET idle_in_transaction_session_timeout"),
        ({"settings": settings(statement_timeout="8000")}, "timeouts", "warning",
         "statement_timeout = 8 s", "ALTER ROLE me SET statement_timeout = 0"),
        ({"settings": settings(idle_in_transaction_session_timeout="5000")}, "timeouts", "warning",
         "idle_in_transaction_session_timeout = 5 s", "ALTER ROLE me"),
        ({"queue": QueueTable(10, 30_000, 10**8)}, "queue", "warning", "30\u202f000 dead",
         "VACUUM"),
        ({"settings": settings(autovacuum="off")}, "queue", "warning", "autovacuum is off",
         "autovacuum = on"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_to_do(
    changed: dict[str, Any], check: str, level: str, words: str, hint: str
) -> None:
    found = list(archive_server.look("x", replace(GOOD, **changed)))
    told = [item for item in found if item.check == check and words in item.message]
    assert [(item.level, hint in str(item.hint)) for item in told] == [(level, True)]
    assert {item.check for item in found if item.level != "ok"} <= {check}


def test_a_dense_queue_may_have_dead_rows() -> None:
    found = archive_server.look("x", replace(GOOD, queue=QueueTable(90_000, 100_000, 10**8)))
    assert {item.level for item in found} == {"ok"}


def doctor(url: str) -> tuple[int, list[dict[str, Any]]]:
    shown = CliRunner().invoke(app, ["--db", url, "doctor", "--json"])
    return shown.exit_code, json.loads(shown.stdout)


def test_a_server_is_looked_at(server_url: str) -> None:
    with Store.open(server_url) as store:
        store.posts.save_page(page(post(1, "storm"), post(2, "")))
    code, found = doctor(server_url)
    told = {(item["check"], item["level"]) for item in found}
    assert code == 6  # the tests' server is one that a power cut would destroy
    assert told >= {
        ("server", "ok"), ("encryption", "ok"), ("permissions", "ok"), ("durability", "error"),
        ("clock", "ok"), ("connections", "ok"), ("transactions", "ok"), ("queue", "warning"),
        ("database", "ok"), ("search", "ok"), ("content", "warning"),
    }  # fmt: skip
    assert not told & {("storage", "ok"), ("room", "ok"), ("backup", "ok")}  # of files


def test_what_a_user_may_not_do_is_told(server_url: str) -> None:
    Store.open(server_url).close()
    with psycopg.connect(server_url, autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS reader")
        db.execute("CREATE ROLE reader LOGIN")
        db.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    _, found = doctor(server_url.replace("postgres@", "reader@"))
    (told,) = [
        item["message"] for item in found if item["level"] == "error" and "lacks" in str(item)
    ]
    assert told.startswith("this user lacks rights: DELETE, INSERT, UPDATE on ")
    with psycopg.connect(server_url, autocommit=True) as db:
        db.execute("DROP OWNED BY reader")
        db.execute("DROP ROLE reader")


def test_a_timeout_is_seen(server_url: str) -> None:
    Store.open(server_url).close()
    _, told = doctor(f"{server_url}&options=-cstatement_timeout%3D5s")
    assert [item["level"] for item in told if item["check"] == "timeouts"] == ["warning"]


def test_a_long_transaction_is_seen(server_url: str) -> None:
    from tgtagger.store.postgres import server_check

    with Store.open(server_url) as store, psycopg.connect(server_url) as forgotten:
        forgotten.execute("SELECT 1 FROM posts")
        with store._database.read() as db:
            (found,) = server_check.look(db, long=0).long_transactions
            assert not server_check.look(db).long_transactions
        assert (found.process, found.is_idle) == (forgotten.info.backend_pid, True)
        with connected(store) as own:
            assert own.info.backend_pid != found.process


@pytest.mark.parametrize("option", ["--backup", "--recover"])
def test_what_only_a_file_has_says_what_to_do_instead(server_url: str, option: str) -> None:
    refused = CliRunner().invoke(app, ["--db", server_url, "doctor", option, "x.db"])
    assert (refused.exit_code, refused.stdout) == (2, "")
    error, hint = refused.stderr.splitlines()
    assert error.startswith("error: the database is on a server")
    assert ("pg_dump" if option == "--backup" else "pg_amcheck") in hint


def test_a_password_that_others_can_read_is_told(server_url: str) -> None:
    _, found = doctor(server_url.replace("postgres@", "postgres:secret@"))
    assert [item for item in found if "command line" in item["message"]]
    assert "secret" not in str(found)
    _, found = doctor(server_url)
    assert not [item for item in found if "command line" in item["message"]]


def test_a_server_that_follows_another_can_be_read(server_url: str) -> None:
    with Store.open(server_url) as store:
        store.posts.save_page(page(post(1, "storm")))
    url = f"{server_url}&options=-cdefault_transaction_read_only%3Don"
    assert CliRunner().invoke(app, ["--db", url, "search", "storm", "--count"]).output == "1\n"
    refused = CliRunner().invoke(app, ["--db", url, "tags", "add", "news/1", "mine"])
    assert (refused.exit_code, refused.stderr.splitlines()[1]) == (
        6, "hint: if it follows another server, give the URL of that one to write",
    )  # fmt: skip
    _, found = doctor(url)
    assert [item["message"] for item in found if item["check"] == "permissions"][-1:] == [
        "the server can only be read: it follows another one"
    ]
