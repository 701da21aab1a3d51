"""Changes of tags that a person made, with what each row was before and after: they can be undone."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    CREATE TABLE tag_changes (
        id INTEGER NOT NULL,
        at TEXT NOT NULL,
        what TEXT NOT NULL,
        names TEXT NOT NULL CONSTRAINT ck_tag_changes_names_json CHECK (json_valid(names)),
        posts INTEGER NOT NULL,
        last_tag_id INTEGER NOT NULL,
        undone_at TEXT,
        PRIMARY KEY (id),
        CONSTRAINT ck_tag_changes_what
            CHECK (what IN ('rename', 'merge', 'alias', 'unalias', 'remove', 'add', 'drop'))
    )
    """,
    """
    CREATE TABLE changed_tags (
        change_id INTEGER NOT NULL,
        tag_id INTEGER NOT NULL,
        before TEXT CONSTRAINT ck_changed_tags_before_json CHECK (before IS NULL OR json_valid(before)),
        after TEXT CONSTRAINT ck_changed_tags_after_json CHECK (after IS NULL OR json_valid(after)),
        PRIMARY KEY (change_id, tag_id),
        CONSTRAINT fk_changed_tags_change_id FOREIGN KEY(change_id) REFERENCES tag_changes (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE changed_aliases (
        change_id INTEGER NOT NULL,
        "key" TEXT NOT NULL,
        before TEXT CONSTRAINT ck_changed_aliases_before_json CHECK (before IS NULL OR json_valid(before)),
        after TEXT CONSTRAINT ck_changed_aliases_after_json CHECK (after IS NULL OR json_valid(after)),
        PRIMARY KEY (change_id, "key"),
        CONSTRAINT fk_changed_aliases_change_id FOREIGN KEY(change_id) REFERENCES tag_changes (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE changed_links (
        change_id INTEGER NOT NULL,
        post_id INTEGER NOT NULL,
        tag_id INTEGER NOT NULL,
        before TEXT CONSTRAINT ck_changed_links_before_json CHECK (before IS NULL OR json_valid(before)),
        after TEXT CONSTRAINT ck_changed_links_after_json CHECK (after IS NULL OR json_valid(after)),
        removed_before TEXT,
        removed_after TEXT,
        PRIMARY KEY (change_id, post_id, tag_id),
        CONSTRAINT fk_changed_links_change_id FOREIGN KEY(change_id) REFERENCES tag_changes (id) ON DELETE CASCADE,
        CONSTRAINT fk_changed_links_post_id FOREIGN KEY(post_id) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE
    )
     WITHOUT ROWID
    """,
    "CREATE INDEX ix_changed_links_post_id ON changed_links (post_id, tag_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
