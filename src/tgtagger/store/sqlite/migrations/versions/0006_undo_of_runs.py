"""A run's undo gives posts what they had before it; an undo is a change of its own; old ones go."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    """
    CREATE TABLE new_tag_changes (
        id INTEGER NOT NULL,
        at TEXT NOT NULL,
        what TEXT NOT NULL,
        names TEXT NOT NULL CONSTRAINT ck_tag_changes_names_json CHECK (json_valid(names)),
        posts INTEGER NOT NULL,
        last_tag_id INTEGER NOT NULL,
        undoes INTEGER,
        undone_at TEXT,
        swept_at TEXT,
        PRIMARY KEY (id),
        CONSTRAINT ck_tag_changes_what CHECK (what IN
            ('rename', 'merge', 'alias', 'unalias', 'remove', 'add', 'drop', 'undo', 'run'))
    )
    """,
    """
    INSERT INTO new_tag_changes (id, at, what, names, posts, last_tag_id, undone_at)
    SELECT id, at, what, names, posts, last_tag_id, undone_at FROM tag_changes
    """,
    "DROP TABLE tag_changes",
    "ALTER TABLE new_tag_changes RENAME TO tag_changes",
    """
    CREATE TABLE changed_posts (
        change_id INTEGER NOT NULL,
        post_id INTEGER NOT NULL,
        before TEXT CONSTRAINT ck_changed_posts_before_json CHECK (before IS NULL OR json_valid(before)),
        after TEXT CONSTRAINT ck_changed_posts_after_json CHECK (after IS NULL OR json_valid(after)),
        PRIMARY KEY (change_id, post_id),
        CONSTRAINT fk_changed_posts_change_id FOREIGN KEY(change_id) REFERENCES tag_changes (id) ON DELETE CASCADE,
        CONSTRAINT fk_changed_posts_post_id FOREIGN KEY(post_id) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE
    )
     WITHOUT ROWID
    """,
    "CREATE INDEX ix_changed_posts_post_id ON changed_posts (post_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
