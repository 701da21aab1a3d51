"""Read exports, tag them with the embedded tagger, search and export the archive."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.recorded_session.session import Session


def reading_exports(session: Session) -> None:
    session.type("parse nowhere.json")
    session.type("parse ./nowhere")
    session.type("parse garbage.json")
    session.type("parse foreign.json empty.json html")
    session.type("parse 'two words'")
    session.type("parse group")
    session.type("parse account -v")
    session.type("parse cut.json")
    session.new_home()
    session.type("parse export")
    session.type("parse export")
    session.type("parse export --json")
    session.type("channels")
    session.type("status")
    session.type("parse later")
    session.type("parse --json later export/result.json")
    session.type("parse --reconvert")
    session.type("parse --reconvert --json")
    session.type("parse group --groups --limit 5 --json")
    session.type("parse export --since 2021-05-03T10:00 --until 2021-05-03T20:00 -v")
    session.type("parse")
    session.type("parse @lighthouse --via telegram")
    session.type("parse t.me/+AbCdEfGhIjKl -1001999999999")
    session.type("status --json")
    session.type("doctor")
    session.type("doctor --json")
    with held_lock(session.db, "parse"):
        session.type("parse export")
        session.type("sync")
    session.type("export -o -")
    session.type("parse export --db other-archive.db --then-tag")
    session.type("status --db other-archive.db")
    session.new_home()


@contextmanager
def held_lock(db: Path, name: str) -> Iterator[None]:
    """Hold the lock of a run, as another run would."""
    with db.with_name(f"{db.name}.{name}.lock").open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(b"4242\n")
        file.flush()
        yield
        file.truncate(0)


def the_embedded_tagger(session: Session) -> None:
    session.type("parse export")
    session.type("tag --dry-run")
    session.type("tag --dry-run --json")
    session.type("tag --show-prompt")
    session.type("tag --limit 2 -v")
    session.type("tag --json")
    session.type("tag")
    session.type("tags")
    session.type("tags --json")
    session.type("show 1500000001/2")
    session.type("show 1500000001/2 --json")
    session.type("status")
    session.type("tag --stale")
    session.type("tag --post 1500000001/3 --force -v")
    session.type("tag --post 1500000001/999")
    session.type("tag --channel Nobody")
    session.type("tag --channel Маяк --since 2021-05-03T20:00 --force --dry-run")
    session.type("tag --force --yes --json")
    session.type("retry-failed")
    session.type("retry-failed --json")
    session.type("retry-failed --force --dry-run")
    with held_lock(session.db, "tag"):
        session.type("tag")
        session.type("retry-failed --force")
        session.type("sync --json")
    (session.work / "closed.txt").write_text(
        "# mode: closed\nенергия\nenergy | power, solar power | what drives the world\nкосмос | "
        "ракета, спутник\nкошки\nпорт | harbour\n",
    )
    session.type("tag --stale --vocabulary closed.txt")
    session.type("tag --stale --vocabulary closed.txt --dry-run")
    session.type("tags")
    session.type("tag --stale")
    (session.work / "double.txt").write_text("energy\nenergy | power\n")
    session.type("tag --vocabulary double.txt")
    session.type("tag --vocabulary nowhere.txt")
    (session.work / "shelves.txt").write_text("# shelf words\nнебо: ракета спутник\n")
    session.type("tag --force --yes", SHELVES="shelves.txt")
    session.type("parse later")
    session.type("tag -v")
    session.type("status --json")


def looking(session: Session) -> None:
    for line in (
        "search новость",
        "search ракета",
        "search ferries",
        "search solar power",
        "search '\"solar power\" -cheapest'",
        "search 'ракет*'",
        "search harbour --sort relevance",
        "search lisbon --sort relevance --json",
        "search lisbon --json --limit 1",
        "search --limit 3",
        "search --tag кошки",
        "search --any-tag кошки --any-tag банк",
        "search --not-tag кошки --limit 2",
        "search 'tag:банк since:2021-05-01 until:2021-06-01'",
        "search status:skipped",
        "search --status pending",
        "search channel:Маяк спутник",
        "search --channel @nobody x",
        "search --tag кошка",
        "search --tag nothing-like-it",
        "search since:30d",
        "search zzzzz",
        "search '\"'",
        "search '-lisbon'",
        "search -- -lisbon",
        "search '*'",
        "search 'a AND NOT (b'",
        "show Маяк/10",
        "show 1500000001/6",
        "show 1500000001/8",
        "show 1500000001/9",
        "show 1500000001/11",
        "show 1500000001/14",
        "show 1500000001/16",
        "show t.me/c/1500000001/13",
        "show -1001500000001/12",
        "show 1500000001/8 --json",
        "show 1500000001/999",
        "show @nobody/1",
        "-q search ракета",
        "--no-color search ракета -v",
    ):
        session.type(line)
    session.type("search ракета --limit 1", TZ="Asia/Tokyo")
    for line in ("tgtagger s", "tgtagger search --tag ко", "tgtagger export --format h"):
        at = str(len(line.split()) - 1)
        session.type("", _TGTAGGER_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=at)


def exporting(session: Session) -> None:
    for line in (
        "export",
        "export --format json",
        "export --format csv",
        "export --format csv --raw",
        "export --format rss",
        "export --format md",
        "export -o posts.jsonl",
        "export -o posts.json --limit 2",
        "export -o posts.csv --tag кошки",
        "export -o posts.xml --query ракета",
        "export --format rss -o all.rss --limit 4",
        "export --status skipped",
        "export --query zzzzz",
        "export --query zzzzz --format csv",
        "export --tag no-such-tag",
        "export -o nowhere/posts.jsonl",
        "export -o .",
    ):
        session.type(line)
    for name in ("posts.jsonl", "posts.json", "posts.csv", "posts.xml", "all.rss"):
        session.show_file(f"work/{name}")
    for form in ("md", "html"):
        session.type(f"export --format {form} -o {form}-folder")
        session.show_folder(f"{form}-folder")
        session.type(f"export --format {form} -o {form}-folder")
        session.type(f"export --format {form} -o {form}-folder --limit 3")
        session.show_folder(f"{form}-folder")
        session.type(f"export --format {form} -o posts.csv")
    (session.work / "own").mkdir()
    (session.work / "own/index.html").write_text("<p>mine</p>")
    session.type("export --format html -o own")
    session.show_folder("own")
    notes = sorted((session.work / "md-folder").rglob("*.md"))
    session.show_file(str(notes[-1].relative_to(session.home)))
    session.show_file("work/html-folder/index.html")
