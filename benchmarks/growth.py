"""What a command costs as the archive grows. Linux.

usage: python benchmarks/growth.py [--posts 10000 100000 ...] [--only WORD] [--keep FOLDER]

Makes archives of so many posts in fifty channels with thirty thousand tags (Zipf), and runs each
command beside an idle reader, as a server is one. Prints, for each size, the processor time above
the bare start, which is the same command's over an archive of two hundred posts, the peak of
memory, and the log that is left; and the exponent from size to size: 0 is flat, 1 grows with the
archive. Above it, what the best posts by relevance cost against sqlite3's own ranking.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import math
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archive import PROGRAM, measure
from large import Shape, make_archive
from tgtagger.model.posts import PostFilter
from tgtagger.runs.query import read_query
from tgtagger.store import Store
from tgtagger.store.query import query_for
from tgtagger.taggers.keywords import KeywordsTagger

SIZES = (10_000, 100_000, 1_000_000)
TAGS = 30_000
PENDING = 100
BARE = 200
"""Posts of the archive over which a command only starts."""
LEAST = 0.02
"""Processor seconds below which a growth says nothing."""
RANKED = "SELECT rowid FROM posts_fts WHERE posts_fts MATCH ? ORDER BY rank LIMIT 20"


@dataclass(frozen=True, slots=True)
class Command:
    """A command of `tgtagger`; `make` gives its words for an archive."""

    name: str
    make: Callable[[Names], list[str]]
    rounds: int = 1
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """What is asked for in an archive: its most used tags, a rare one, the last change."""

    used: tuple[str, ...]
    rare: str
    last: Callable[[], str]
    run: str


COMMANDS = (
    Command("status", lambda _: ["status"], 3),
    Command("search: a word", lambda _: ["search", "новости"], 3),
    Command("search: frequent word, rare tag", lambda n: ["search", "и", "--tag", n.rare], 3),
    Command(
        "search: frequent word, early channel", lambda _: ["search", "и", "--channel", "2",
        "--until", "2015-02-01"], 3,
    ),
    Command("search --sort relevance", lambda _: ["search", "россия", "--sort", "relevance"], 3),
    Command("show", lambda _: ["show", "1/5"], 3),
    Command(
        "completion of a tag", lambda _: [], 3,
        (("COMP_WORDS", "tgtagger\ntags\nrename\nа"), ("COMP_CWORD", "3"),
         ("_TGTAGGER_COMPLETE", "complete_bash")),
    ),
    Command("tags", lambda _: ["tags"], 3),
    Command("tags suggest", lambda _: ["tags", "suggest"]),
    Command("tag --stale, nothing stale", lambda _: ["tag", "--stale"], 3),
    Command("tag --dry-run --force", lambda _: ["tag", "--dry-run", "--force"]),
    Command("tag, 100 new", lambda _: ["tag"]),
    Command("tag, nothing new", lambda _: ["tag"]),
    Command("tags undo of a run that left nothing", lambda n: ["tags", "undo", n.run, "--yes"], 1),
    Command("tags merge", lambda n: ["tags", "merge", n.used[1], "--into", n.used[0], "--yes"]),
    Command("tags undo of it", lambda n: ["tags", "undo", n.last(), "--yes"]),
    Command("tags remove", lambda n: ["tags", "remove", n.used[2], "--yes"]),
    Command("tags undo of that", lambda n: ["tags", "undo", n.last(), "--yes"]),
    Command("channels remove", lambda _: ["channels", "remove", "3", "--with-posts", "--yes"]),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    seconds: float
    memory: float
    log: float


def run(command: Command, db: Path, names: Names) -> Cost:
    """Run a command; return the median of its rounds."""
    variables = {**dict(command.variables), "TGTAGGER_DB": str(db), "TGTAGGER_TAGGER": "keywords"}
    words = [PROGRAM, *command.make(names)]
    kept = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        with reading(db):
            found = [measure(words) for _ in range(command.rounds)]
            log = db.with_name(db.name + "-wal")
            left = log.stat().st_size / 1e6 if log.exists() else 0.0
    finally:
        for name, value in kept.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    return Cost(statistics.median(each[0] for each in found), max(m for _, m in found), left)


@contextlib.contextmanager
def reading(db: Path) -> Iterator[None]:
    """Keep the archive open as a server does, which reads nothing just now."""
    with contextlib.closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as reader:
        reader.execute("SELECT count(*) FROM channels").fetchone()
        yield


def names_of(db: Path) -> Names:
    def ask(sql: str) -> list[str]:
        with contextlib.closing(sqlite3.connect(db)) as reader:
            return [str(value) for (value,) in reader.execute(sql)]

    by_use = "SELECT t.name FROM tags AS t JOIN (SELECT tag_id, count(*) AS posts FROM post_tags"
    by_use += " GROUP BY tag_id) AS l ON l.tag_id = t.id ORDER BY l.posts"
    return Names(
        tuple(ask(f"{by_use} DESC LIMIT 3")),
        ask(f"{by_use}, t.id LIMIT 1")[0],
        lambda: ask("SELECT max(id) FROM tag_changes WHERE undoes IS NULL")[0],
        ask("SELECT max(id) FROM runs")[0],
    )


def prepare(folder: Path, posts: int) -> Path:
    """Return a copy of the archive of so many posts, made if it is not there."""
    tagger = KeywordsTagger().provenance.model  # of an older one all posts would be stale
    made = folder / f"growth-{posts}-{tagger}.db"
    if not made.exists():
        shape = Shape(50, TAGS, 0.8, (3, 6), (10, 60), PENDING)
        make_archive(made, posts, shape)
    used = folder / "used.db"
    for end in ("", "-wal", "-shm", ".tag.lock", ".parse.lock"):
        used.with_name(used.name + end).unlink(missing_ok=True)
    shutil.copyfile(made, used)
    with contextlib.closing(
        sqlite3.connect(used)
    ) as db:  # a run that left nothing, and is the last
        db.execute(
            "INSERT INTO runs (id, command, started_at, ended_at, exit_code, tagger, summary) "
            "SELECT max(id) + 1, 'tag', started_at, ended_at, 0, tagger, summary FROM runs"
        )
        db.commit()
    return used


def measure_all(folder: Path, posts: int, only: str) -> dict[str, Cost]:
    db = prepare(folder, posts)
    names = names_of(db)
    found = {}
    for command in COMMANDS:
        if only in command.name:
            found[command.name] = run(command, db, names)
    return found


def against_ranking(db: Path, posts: int) -> None:
    """Print what the twenty best posts of frequent words cost, against FTS5's own ranking."""
    store = Store.open(str(db))
    with contextlib.closing(sqlite3.connect(db)) as reader:
        words = reader.execute("SELECT term FROM posts_fts_terms ORDER BY doc DESC LIMIT 3")
        ratios = []
        for (word,) in words.fetchall():
            wanted = PostFilter(query=read_query(word), limit=20)
            with store.records._database.read() as read:
                expression = query_for(read, wanted).expression
            ours = functools.partial(best, store, wanted)
            ratios.append(least(ours) / least(functools.partial(ranked, reader, expression)))
    store.close()
    print(
        f"by relevance, the twenty best of {posts:,} posts, against sqlite3's own ranking of the "
        f"same words, which shows no post: {', '.join(f'{ratio:.2f}' for ratio in ratios)} x; "
        "at most 1.3 x"
    )


def best(store: Store, wanted: PostFilter) -> None:
    assert len(list(store.records.search(wanted, by_relevance=True))) == wanted.limit


def ranked(reader: sqlite3.Connection, expression: str | None) -> None:
    reader.execute(RANKED, (expression,)).fetchall()


def least(work: Callable[[], object]) -> float:
    """Return the processor seconds that work takes, of five times the least."""
    found = []
    for _ in range(5):
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return min(found)


def exponent(before: float, after: float, times: float) -> str:
    if min(before, after) < LEAST:
        return "flat" if after < LEAST else "–"
    return f"{math.log(after / before) / math.log(times):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, nargs="+", default=SIZES)
    parser.add_argument("--only", default="", help="commands whose name has this in it")
    parser.add_argument("--keep", type=Path, help="a folder for the archives, used again if there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        bare = measure_all(folder, BARE, given.only)
        found = {posts: measure_all(folder, posts, given.only) for posts in given.posts}
        if given.only in "search --sort relevance":
            for posts in given.posts:
                against_ranking(prepare(folder, posts), posts)
    print(
        "| command | start |"
        + "".join(f" {posts:,} |" for posts in found)
        + " exponents | MiB | log, MB |"
    )
    print("|---|--:|" + "--:|" * (len(found) + 3))
    largest = found[given.posts[-1]]
    for command, start in bare.items():
        costs = {
            posts: max(each[command].seconds - start.seconds, 0) for posts, each in found.items()
        }
        sizes = [*costs]
        growth = [
            exponent(costs[one], costs[other], other / one)
            for one, other in itertools.pairwise(sizes)
        ]
        last = largest[command]
        print(
            f"| {command} | {start.seconds:.2f} |"
            + "".join(f" {seconds:.2f} |" for seconds in costs.values())
            + f" {', '.join(growth)} | {last.memory:.0f} | {last.log:.0f} |"
        )


if __name__ == "__main__":
    main()
