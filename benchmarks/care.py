"""What the care of an archive costs: doctor, backup, upgrade.

usage: python benchmarks/care.py [--posts N] [--rows N]

Compares the processor time of
- `tgtagger doctor` with SQLite's `PRAGMA integrity_check` of the same file, which reads no text,
- `tgtagger doctor --backup` with SQLite's own backup, alone and with a quick check of the copy,
- the first start after an upgrade with the same copy and the same statements by sqlite3 alone.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from archive import PROGRAM, measure
from large import Shape, make_archive

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import old_schemas
from tgtagger.store import Store
from tgtagger.store.sqlite.schema_version import SCHEMA

CHECK = """
import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchall()
"""
BACKUP = """
import sqlite3, sys
target = sqlite3.connect(sys.argv[2])
sqlite3.connect(sys.argv[1]).backup(target)
if len(sys.argv) > 3:
    target.execute("PRAGMA quick_check(1)").fetchall()
"""
UPGRADE = """
import pathlib, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
target = sqlite3.connect(sys.argv[1] + ".copy")
db.backup(target)
target.execute("PRAGMA quick_check(1)").fetchall()
for statement in pathlib.Path(sys.argv[2]).read_text().split("\\0"):
    db.execute(statement).fetchall()
"""


def alone(program: str, *arguments: str | Path) -> float:
    """Return the processor seconds of a small program."""
    return measure([sys.executable, "-c", program, *map(str, arguments)])[0]


def statements_of_upgrade(db: Path) -> list[str]:
    """Upgrade a database; return the statements that this runs."""
    found: list[str] = []

    def connected(connection: Any, _: object) -> None:
        connection.set_trace_callback(found.append)

    sa.event.listen(sa.Pool, "connect", connected)
    try:
        Store.open(str(db)).close()
    finally:
        sa.event.remove(sa.Pool, "connect", connected)
    return [each for each in found if not each.startswith("--") and is_of_upgrade(each)]


def is_of_upgrade(statement: str) -> bool:
    """Tell whether a statement is no question: what a trigger does is none of its own, either."""
    return statement.split(maxsplit=1)[0].upper() not in {"PRAGMA", "SELECT"}


def look(folder: Path, posts: int) -> None:
    db, copy = folder / "posts.db", folder / "copy.db"
    make_archive(db, posts, Shape(channels=50, tags=30_000, skew=1.0, per_post=(2, 7)))
    size = db.stat().st_size / 1e6
    yardstick = alone(CHECK, db)
    ours, memory = measure([PROGRAM, "--db", str(db), "doctor"])
    print(
        f"doctor of {posts:,} posts, {size:.0f} MB: {ours:.1f} s, {ours / yardstick:.1f} x "
        f"integrity_check, {memory:.0f} MiB; at most 3 x"
    )
    times = []
    for command in (
        [sys.executable, "-c", BACKUP, str(db), str(copy)],
        [sys.executable, "-c", BACKUP, str(db), str(copy), "check"],
        [PROGRAM, "--db", str(db), "doctor", "--backup", str(copy)],
    ):
        times.append(measure(command)[0])
        copy.unlink()
    bare, checked, backup = times
    print(
        f"backup: {backup:.2f} s, {backup / bare:.1f} x SQLite's own, "
        f"{backup / checked:.2f} x its own and a quick_check of the copy; at most 1.5 x"
    )


def upgrade(folder: Path, old: str, rows: int) -> None:
    db, other, third = (folder / f"{name}.db" for name in ("old", "other", "third"))
    old_schemas.make(db, old, rows)
    for target in (other, third):
        shutil.copy(db, target)
    statements = folder / "statements"
    statements.write_text("\0".join(statements_of_upgrade(third)), encoding="utf-8")
    yardstick = alone(UPGRADE, other, statements)
    bare, _ = measure([PROGRAM, "--db", str(third), "status"])
    ours, memory = measure([PROGRAM, "--db", str(db), "status"])
    print(
        f"upgrade from {old} to {SCHEMA.newest}, {rows:,} rows a table, "
        f"{db.stat().st_size / 1e6:.0f} MB: {ours - bare:.1f} s above the bare start, "
        f"{(ours - bare) / yardstick:.2f} x the copy and the statements alone, {memory:.0f} MiB; "
        "at most 1.5 x"
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--old", nargs="*", default=["0009", "0014"])
    arguments = parser.parse_args(given)
    for old in arguments.old:
        with tempfile.TemporaryDirectory() as name:
            upgrade(Path(name), old, arguments.rows)
    with tempfile.TemporaryDirectory() as name:
        look(Path(name), arguments.posts)


if __name__ == "__main__":
    main()
