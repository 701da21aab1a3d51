"""The demo, and the outputs on a terminal."""

from __future__ import annotations

from support.recorded_session.session import Session


def the_demo(session: Session) -> None:
    session.type("demo")
    session.type("demo --db demo.db")
    session.type("tags --db demo.db --json")
    session.type("status --db demo.db")
    session.type("-q demo")


def said_on_a_terminal(session: Session) -> None:
    for line in (
        "parse", "parse export", "parse export later group", "parse account", "parse @newsroom",
        "parse @missing", "tag --dry-run", "tag --limit 3", "tag", "tag", "tag --stale",
        "retry-failed", "retry-failed --force", "sync", "sync -q", "tags --unused", "tags suggest",
        "search ракета --limit 1", "search zzzzz", "export -o all.jsonl",
        "export --format md -o seen-md", "export --format md -o seen-md --limit 2",
        "export --format html -o seen-html", "tags export-vocabulary -o seen.txt",
        "doctor --backup seen.db", "channels remove Newsroom --with-posts", "login", "logout",
        "-q parse export", "tag -q --force --yes", "demo -q",
    ):  # fmt: skip
        session.watch("stderr", line, PREVIEW_URL=session.preview.url)
    session.model.script = [429, 500]
    for line in (
        "tag --force --yes", "tag --stale", "tag --force --dry-run", "retry-failed --force",
        "retry-failed", "tag --show-prompt",
    ):  # fmt: skip
        session.watch("stderr", line, **session.model.settings)


def drawn_on_a_terminal(session: Session) -> None:
    for line in (
        "", "tag --help", "nothing", "parse export", "tag --json --force --yes", "status", "tags",
        "tags --unused", "tags merge банк --into экономика", "tags", "channels",
        "channels pause Маяк", "channels", "search ракета", "search ракета --json --limit 1",
        "search harbour lisbon --limit 1", "search --tag кошка", "show 1500000001/14",
        "show 1500000001/10", "show 1500000001/3 --json", "export --limit 2",
        "export --limit 3 --format csv", "export --limit 2 --format rss", "doctor",
        "doctor --recover seen-saved.db", "doctor --db no.db", "login", "demo",
        "search ракета --no-color -q", "tag --dry-run", "config path",
    ):  # fmt: skip
        session.watch("stdout", line, PREVIEW_URL=session.preview.url)
    short = {"DATA_DIR": "data", "DB": "posts.db"}
    session.watch("stdout", "config --config mine.toml", **short)
    session.watch("stdout", "status", **short)
    for line in ("tag --force --yes", "status", "show 1500000001/18", "tag --show-prompt"):
        session.watch("stdout", line, **session.model.settings)
    session.new_home()
