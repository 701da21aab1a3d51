"""The queue of the posts that wait for a tagger, and of who works at them, in place of an index."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    """
    CREATE TABLE tag_queue (
        post_id INTEGER NOT NULL,
        due_at TEXT,
        attempts INTEGER DEFAULT 0 NOT NULL,
        token INTEGER DEFAULT 0 NOT NULL,
        worker TEXT,
        lease_until TEXT,
        text_hash TEXT,
        PRIMARY KEY (post_id),
        CONSTRAINT fk_tag_queue_post_id FOREIGN KEY(post_id) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE
    )
    """,
    # Few rows are leased: texts that somebody works at are found at once.
    "CREATE INDEX ix_tag_queue_text_hash ON tag_queue (text_hash) WHERE text_hash IS NOT NULL",
    """
    INSERT INTO tag_queue (post_id, due_at)
    SELECT id, next_attempt_at FROM posts
    WHERE status = 'pending' OR (status = 'failed' AND next_attempt_at IS NOT NULL) ORDER BY id
    """,
    "DROP INDEX ix_posts_pending",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
