"""How many posts have each tag, kept by triggers: nobody counts millions of rows to list tags.

A trigger notes each tag that a post gets or loses in `tag_uses_since`, which costs a hundredth of
tagging a post; to change the counts themselves each time would cost a tenth. From time to time they
are brought up to date (`_FOLD`). The view `tag_uses` has both together: tag, source, posts, and
when the latest of these links was added. It is exact in every transaction, whoever writes.

It holds nothing that the links do not. A revision that makes `post_tags` anew makes this anew.
"""

from __future__ import annotations

from tgtagger.store.rooms import Connection
from tgtagger.store.sqlite.connections import driver

TABLES = ("tag_uses_counted", "tag_uses_since")

SINCE = 40_000
"""Changes that are noted before the counts are brought up to date: a reader adds them up."""

LOOKED_AT = 2000
"""Links that are looked at each time for the latest ones, where those have gone."""

_COLUMNS = "tag_id, source, posts, given, taken"
_LATEST = "FROM post_tags AS l WHERE l.tag_id = {0}.tag_id AND l.source = {0}.source"

_COUNT = (
    f"INSERT INTO tag_uses_counted ({_COLUMNS}) SELECT tag_id, source, count(*), max(added_at), '' "
    "FROM post_tags GROUP BY +tag_id, source"
)

# Of a tag whose latest link has gone, the latest of the others is looked for: of the rarest of such
# tags at once, of the others by who asks, until they are given again.
_FOLD = f"""
    INSERT INTO tag_uses_counted ({_COLUMNS})
        SELECT tag_id, source, sum(posts), max(given), max(taken) FROM tag_uses_since
        WHERE TRUE GROUP BY tag_id, source
        ON CONFLICT (tag_id, source) DO UPDATE SET posts = posts + excluded.posts,
            given = max(given, excluded.given), taken = max(taken, excluded.taken);
    DELETE FROM tag_uses_counted WHERE posts = 0;
    UPDATE tag_uses_counted SET taken = '', given = (SELECT max(l.added_at)
        {_LATEST.format("tag_uses_counted")})
        WHERE (tag_id, source) IN (SELECT tag_id, source FROM (
            SELECT tag_id, source, sum(posts) OVER (ORDER BY posts, tag_id, source) AS looked_at
            FROM tag_uses_counted WHERE taken >= given) WHERE looked_at <= {LOOKED_AT});
    DELETE FROM tag_uses_since;
"""


_NOTED = {"NEW": "1, NEW.added_at, ''", "OLD": "-1, '', OLD.added_at"}


def _note(name: str, event: str, *sides: str) -> str:
    """Return the statement that makes a trigger which notes a row that came, or went.

    What went is noted first: a fold in between finds no count of a link that is there no more.
    """
    rows = ", ".join(f"({side}.tag_id, {side}.source, {_NOTED[side]})" for side in sides)
    return (
        f"CREATE TRIGGER tag_uses_{name} AFTER {event} ON post_tags "
        f"BEGIN INSERT INTO tag_uses_since ({_COLUMNS}) VALUES {rows}; END"
    )


CREATE = (
    # The posts that have a tag from a source; when the latest link came, and of those that have
    # gone, too ('': none has).
    """
    CREATE TABLE tag_uses_counted (
        tag_id INTEGER NOT NULL,
        source TEXT NOT NULL,
        posts INTEGER NOT NULL,
        given TEXT NOT NULL,
        taken TEXT NOT NULL,
        PRIMARY KEY (tag_id, source)
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE tag_uses_since (
        id INTEGER NOT NULL,
        tag_id INTEGER NOT NULL,
        source TEXT NOT NULL,
        posts INTEGER NOT NULL,
        given TEXT NOT NULL,
        taken TEXT NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    f"""
    CREATE VIEW tag_uses AS
    SELECT tag_id, source, posts, CASE WHEN taken < given THEN given ELSE coalesce(
        (SELECT l.added_at {_LATEST.format("u")} AND l.added_at = u.given LIMIT 1),
        (SELECT max(l.added_at) {_LATEST.format("u")})) END AS latest
    FROM (SELECT tag_id, source, sum(posts) AS posts, max(given) AS given, max(taken) AS taken
        FROM (SELECT {_COLUMNS} FROM tag_uses_counted
            UNION ALL SELECT {_COLUMNS} FROM tag_uses_since)
        GROUP BY tag_id, source) AS u WHERE posts <> 0
    """,
    _note("given", "INSERT", "NEW"),
    _note("taken", "DELETE", "OLD"),
    _note("changed", "UPDATE OF tag_id, source, added_at", "OLD", "NEW"),
    f"""
    CREATE TRIGGER tag_uses_fold AFTER INSERT ON tag_uses_since WHEN NEW.id >= {SINCE}
    BEGIN {_FOLD} END
    """,
)


_DROP = (
    *(f"DROP TRIGGER IF EXISTS tag_uses_{name}" for name in ("given", "taken", "changed")),
    "DROP VIEW IF EXISTS tag_uses",
    *(f"DROP TABLE IF EXISTS {table}" for table in TABLES),
)


def recount(db: Connection) -> None:
    """Count anew, and make the tables, the view and the triggers in the place of any others."""
    for statement in (*_DROP, *CREATE, _COUNT):
        driver(db).execute(statement)
