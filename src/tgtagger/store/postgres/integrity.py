"""The integrity report of an archive on a server: reads all rows, and checks their values.

Pages, indexes and references are the server's own care (pg_amcheck). Names tables and posts, and
never a word of a post's text. Slow.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from tgtagger.model.events import OnSteps, counted, unheard
from tgtagger.model.integrity import IntegrityReport
from tgtagger.store import notable
from tgtagger.store.checks import check_of
from tgtagger.store.post_rows import text_hash
from tgtagger.store.statements import Statement
from tgtagger.store.times import from_text
from tgtagger.store.values import COLUMNS

_ALTERED = Statement("SELECT text, media_text, text_hash FROM posts")
_COUNTS = {table: Statement(f"SELECT count(*) FROM {table}") for table in COLUMNS}
_UNREADABLE = Statement(notable.FOUND.format(notable.UNREADABLE))
_TEXTLESS = Statement(notable.FOUND.format(notable.TEXTLESS))
_REJECTED = Statement(notable.REJECTED)
_NEWEST = Statement(notable.NEWEST)


def report(db: Connection, on_steps: OnSteps = unheard) -> IntegrityReport:
    """Return the integrity report, without the search index."""
    (newest,) = _NEWEST(db).fetchone()
    return IntegrityReport(
        tuple(_wrong(db, on_steps)),
        sum(text_hash(text, media) != stored for text, media, stored in _ALTERED(db)),
        notable.posts_found(_UNREADABLE(db).fetchall()),
        notable.posts_found(_TEXTLESS(db).fetchall()),
        notable.rejected(_REJECTED(db).fetchall()),
        from_text(newest),
    )


def _wrong(db: Connection, on_steps: OnSteps) -> list[str]:
    found = []
    counts = {table: int(count(db).fetchone()[0]) for table, count in _COUNTS.items()}
    done, total = 0, sum(counts.values())
    for table, columns in COLUMNS.items():
        checks = [check_of(value) for value in columns.values()]
        names = ", ".join(f'"{name}"' for name in columns)
        rows = db.exec_driver_sql(
            f"SELECT {names} FROM {table}", execution_options={"stream_results": True}
        )
        wrong = sum(
            not all(check(value) for check, value in zip(checks, row, strict=True))
            for row in counted(rows, on_steps, total, done=done)
        )
        done += counts[table]
        if wrong:
            count = "a row" if wrong == 1 else f"{wrong} rows"
            found.append(f"{table}: {count} with values that cannot be")
    return found
