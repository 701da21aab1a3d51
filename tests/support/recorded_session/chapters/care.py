"""Put tags, the database file and channels in order by hand."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from support.recorded_session.session import Session


def tags_by_hand(session: Session) -> None:
    for line in (
        "tags suggest",
        "tags suggest --json",
        "tags rename банк Банк",
        "tags rename банк 'Центральный банк' --dry-run",
        "tags rename банк 'банк России'",
        "tags rename банк деньги --json",
        "tags rename нет такого",
        "tags rename кошкa x",
        "tags rename деньги '#'",
        "tags rename деньги экономика",
        "tags merge lisbon harbour --into порт --dry-run",
        "tags merge Lisbon --into 'solar power'",
        "tags merge деньги --into деньги",
        "tags merge ничего --into деньги --json",
        "tags alias деньги money cash",
        "tags alias деньги cash --remove",
        "tags alias деньги cash --remove",
        "tags alias деньги экономика --json",
        "tags remove энергия --dry-run",
        "tags remove nothing",
        "tags add 1500000001/3 космос 'далёкие звёзды'",
        "tags add 1500000001/3 космос --json",
        "tags add 1500000001/3 '#'",
        "tags add 1500000001/999 космос",
        "tags drop 1500000001/3 космос",
        "tags drop 1500000001/3 космос",
        "tags drop 1500000001/3 неттакого",
        "tags drop 1500000001/15 космос --json",
        "tags remove деньги",
        "tags remove звёзды 'далёкие звёзды' --json",
        "tags --unused",
        "tags --unused --json",
        "tags undo 999",
        "tags undo 1",
        "tags undo 2 --dry-run",
        "tags undo 2 --json --dry-run",
        "tags",
        "tag --force --yes",
        "tags",
        "show 1500000001/3",
        "tags export-vocabulary",
        "tags export-vocabulary --mode closed --limit 3 -o own.txt",
        "tags export-vocabulary --mode sideways",
        "tag --vocabulary own.txt --stale --json",
        "tags undo 18 --dry-run",
        "tags undo 18",
        "tags undo 18 --json",
        "status",
    ):
        session.type(line)
    session.show_file("work/own.txt")


def the_doctor(session: Session) -> None:
    session.type("doctor")
    session.type("doctor --json")
    session.type("doctor --backup copy.db")
    session.type("doctor --backup copy.db")
    session.type("doctor --backup second.db --json")
    session.type("doctor --backup nowhere/copy.db")
    session.type("status --db copy.db")
    session.type("doctor --recover saved.db")
    session.type("doctor --recover saved.db")
    session.type("doctor --recover second-saved.db --json")
    session.type("search ракета --limit 1 --db saved.db")
    (session.work / "copy.db").chmod(0o644)
    session.type("doctor --db copy.db")
    session.type("doctor --db copy.db", TAGS_MIN="many")
    with closing(sqlite3.connect(session.work / "second.db")) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    for line in ("status", "tag", "doctor"):
        session.type(f"{line} --db second.db")
    damage(session.work / "saved.db")
    session.type("doctor --db saved.db")
    session.type("doctor --db saved.db --json")
    session.type("status --db saved.db")
    session.type("doctor --db saved.db --recover rescued.db")
    session.type("status --db rescued.db")
    session.type("doctor --db no.db --recover rescued-too.db")


def damage(db: Path) -> None:
    """Write zeros over a page of the posts' table, not over its root."""
    with closing(sqlite3.connect(db)) as opened:
        (page,) = opened.execute(
            "SELECT max(pageno) FROM dbstat WHERE name = 'posts' AND pagetype = 'leaf'"
        ).fetchone()
        (size,) = opened.execute("PRAGMA page_size").fetchone()
    with db.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))


def channels_by_hand(session: Session) -> None:
    (session.work / "channels.txt").write_text("# mine\n@durov\nt.me/telegram\n\n")
    for line in (
        "channels",
        "channels --json",
        "channels add nowhere/at/all",
        "channels add @newsroom",
        "channels add @newsroom t.me/NEWSROOM",
        "channels add --from-file channels.txt --json",
        "channels add --from-file nowhere.txt",
        "channels add 'not a channel'",
        "channels add export",
        "channels",
        "channels --json",
        "channels remove @durov",
        "channels remove t.me/telegram --json",
        "channels pause Маяк",
        "channels pause 1500000001",
        "channels pause @nobody",
        "channels pause --all",
        "channels",
        "channels resume 1500000001",
        "channels resume 1500000001",
        "channels resume @nobody",
        "channels remove Маяк --with-posts",
        "channels remove Маяк",
        "channels",
        "channels resume Маяк",
        "channels remove -1001500000001 --with-posts --yes --json",
        "channels remove @nobody",
        "channels",
        "tags --unused",
        "status",
    ):
        if line.startswith("channels add"):  # they are listed by the second of their adding
            time.sleep(1.1)
        session.type(line)
    session.new_home()
