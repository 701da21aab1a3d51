"""Help, mistakes of typing, settings, and commands before the first read."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from support.recorded_session.session import Session


def help_of_every_command(session: Session) -> None:
    session.type("")
    session.type("--version")
    session.type("-h")
    for name in (
        "", "login", "logout", "config", "config path", "config init", "doctor", "demo", "parse",
        "tag", "retry-failed", "sync", "search", "show", "export", "tags", "tags rename",
        "tags merge", "tags alias", "tags remove", "tags add", "tags drop", "tags suggest",
        "tags undo", "tags export-vocabulary", "channels", "channels add", "channels pause",
        "channels resume", "channels remove", "status",
    ):  # fmt: skip
        session.type(f"{name} --help".strip())


def what_is_typed_wrong(session: Session) -> None:
    for line in (
        "serach x",
        "nothing-of-the-kind",
        "--nothing",
        "tag --focre",
        "search --limit 0",
        "search --limit many",
        "search --sort colour x",
        "search --since soon x",
        "search --since 2021-05-05 --until 2021-05-01 x",
        "search since:7d --since 7d x",
        "search tga:ai",
        "search 'tag:\"ai'",
        "search tag:",
        "search --status lost",
        "show",
        "show nonsense",
        "parse --via carrier-pigeon @newsroom",
        "parse --reconvert @newsroom",
        "parse -x",
        "tag --force --stale",
        "tag --force",
        "tag --max-time soon",
        "tag --tagger nobody",
        "retry-failed --class bad",
        "export --format docx",
        "export --format html",
        "export --raw",
        "tags merge a",
        "tags undo x",
        "channels add",
        "doctor --backup a --recover b",
        "login --phone 1 --qr",
        "login --phone 123456:ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi",
    ):
        session.type(line)


def before_there_is_anything(session: Session) -> None:
    for line in (
        "status", "search x", "show 1500000001/1", "tags", "tags rename a b", "channels",
        "channels pause @newsroom", "export", "retry-failed --dry-run", "tag --dry-run",
        "doctor", "doctor --json", "doctor --backup copy.db", "doctor --recover saved.db",
    ):  # fmt: skip
        session.type(line)
    session.type("retry-failed")  # the first command that makes a database
    session.type("parse")
    session.type("status")
    session.type("tags")
    session.type("channels")
    session.type("search x")
    session.type("export")
    session.type("tags export-vocabulary")
    session.new_home()


def databases_that_are_none(session: Session) -> None:
    (session.work / "no.db").write_bytes(b"this is no database, but a text of some length" * 200)
    (session.work / "empty.db").write_bytes(b"")
    with closing(sqlite3.connect(session.work / "other.db")) as other, other:
        other.execute("CREATE TABLE notes (words TEXT)")
    for line in (
        "--db no.db status",
        "--db no.db parse export",
        "--db no.db doctor",
        "--db empty.db status",
        "--db other.db status",
        "--db other.db tag",
        "--db . status",
        "--db . tag",
        "--db postgresql://me:secret@example.org/posts status",
        "--db sqlite:// status",
        "--db ~nobody-of-that-name/x.db status",
        "--db missing/folder/posts.db status",
        "--db garbage.json/posts.db tag",
        "status --db no.db",
    ):
        session.type(line)


def settings(session: Session) -> None:
    session.type("config")
    session.type("config --json", LLM_API_KEY="sk-secret-0123456789", TAGS_MIN="2")
    session.type("config path")
    session.type("config init")
    session.show_file(".config/tgtagger/config.toml")
    session.type("config init")
    session.type("config init --force")
    session.type("--config elsewhere.toml config path")
    session.type("--config elsewhere.toml config")
    session.type("config", TAGS_MIN="many")
    session.type("config", TAGS_MIN="9", TAGS_MAX="3")
    session.type("config", LLM_PROVIDER="openai", PROXY="socks5://me:secret@127.0.0.1:9")
    (session.work / "mine.toml").write_text(
        'db = "mine.db"\n[tagging]\ntags_max = 4\n[tagging.llm]\nmodels = ["a", "b"]\n'
    )
    session.type("--config mine.toml config")
    (session.work / "wrong.toml").write_text("[tagging]\ntags_maximum = 4\n")
    session.type("--config wrong.toml config")
    (session.work / "broken.toml").write_text("[tagging\n")
    session.type("--config broken.toml status")
    session.type("tag", TAGGER="llm")
    session.type("tag", LLM_PROVIDER="openai", LLM_MODEL="gpt-5-nano")
    session.type("tag", LLM_PROVIDER="ollama")
    session.new_home()
