"""An attempt says how much of a text that was too long was sent."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    # Nothing wrote attempts before: language models came with this revision.
    "DROP TABLE attempts",
    """
    CREATE TABLE attempts (
        id INTEGER NOT NULL,
        post_id INTEGER NOT NULL,
        run_id INTEGER,
        at TEXT NOT NULL,
        model TEXT,
        class TEXT,
        http_status INTEGER,
        prompt_tokens INTEGER,
        completion_tokens INTEGER,
        cached_tokens INTEGER,
        cost_usd REAL,
        latency_ms INTEGER,
        error TEXT,
        sent_letters INTEGER,
        PRIMARY KEY (id),
        CONSTRAINT fk_attempts_post_id FOREIGN KEY(post_id) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE,
        CONSTRAINT fk_attempts_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE SET NULL
    )
    """,
    "CREATE INDEX ix_attempts_post_id ON attempts (post_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
