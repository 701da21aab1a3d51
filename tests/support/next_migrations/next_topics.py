"""A made-up next version: posts are made anew with one more column, and an index is added."""

from alembic import op

from tgtagger.store.migration import Only, run
from tgtagger.store.rooms import room_of
from tgtagger.store.sqlite.schema_version import SCHEMA

revision = "next"
down_revision = SCHEMA.newest


def upgrade() -> None:
    if room_of(op.get_bind()).kind == "file":
        make_anew()
    run(
        [
            Only("server", "ALTER TABLE posts ADD COLUMN topic TEXT"),
            "CREATE INDEX ix_posts_topic ON posts (topic)",
        ]
    )


def make_anew() -> None:
    execute = op.get_bind().exec_driver_sql
    ((posts,),) = execute("SELECT sql FROM sqlite_master WHERE name = 'posts'")
    beside = execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL "
        "AND (type = 'view' OR (type = 'index' AND tbl_name = 'posts'))"
    ).fetchall()
    names = ", ".join(row[1] for row in execute("PRAGMA table_info(posts)"))
    for (view,) in execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
        execute(f"DROP VIEW {view}")
    made = posts.replace("CREATE TABLE posts", "CREATE TABLE anew")
    execute(made.replace("tagged_at TEXT,", "tagged_at TEXT,\n        topic TEXT,"))
    execute(f"INSERT INTO anew ({names}) SELECT {names} FROM posts")
    execute("DROP TABLE posts")  # with foreign keys on, this would delete the rows that refer to it
    execute("ALTER TABLE anew RENAME TO posts")
    for (statement,) in beside:
        execute(statement)
