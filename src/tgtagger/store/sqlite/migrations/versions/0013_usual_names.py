"""How machines spell tags: a tag is shown by the spelling that they use most."""

from tgtagger.store import migration

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    "ALTER TABLE tags ADD COLUMN first_name TEXT",
    "ALTER TABLE tags ADD COLUMN named_at TEXT",
    """
    CREATE TABLE tag_spellings (
        tag_id INTEGER NOT NULL,
        post_id INTEGER NOT NULL,
        run_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (tag_id, post_id, run_id),
        CONSTRAINT fk_tag_spellings_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE,
        CONSTRAINT fk_tag_spellings_post_id FOREIGN KEY(post_id) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE,
        CONSTRAINT fk_tag_spellings_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    "CREATE INDEX ix_tag_spellings_post_id ON tag_spellings (post_id)",
    "CREATE INDEX ix_tag_spellings_run_id ON tag_spellings (run_id)",
)


def upgrade() -> None:
    migration.run(STATEMENTS)
