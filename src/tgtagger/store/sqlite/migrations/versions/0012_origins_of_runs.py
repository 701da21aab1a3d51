"""What each run gave tags by, so that nobody looks at all tags to learn that none is stale."""

from tgtagger.store import migration

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    """
    CREATE TABLE run_origins (
        run_id INTEGER NOT NULL,
        model TEXT NOT NULL,
        prompt TEXT NOT NULL,
        vocabulary TEXT NOT NULL,
        PRIMARY KEY (run_id, model, prompt, vocabulary),
        CONSTRAINT fk_run_origins_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    """
    INSERT INTO run_origins (run_id, model, prompt, vocabulary)
    SELECT DISTINCT run_id, coalesce(model, ''), coalesce(prompt, ''), coalesce(vocabulary, '')
    FROM post_tags WHERE run_id IS NOT NULL AND source NOT IN ('human', 'agent')
    """,
    """
    CREATE INDEX ix_post_tags_no_run ON post_tags (post_id)
    WHERE run_id IS NULL AND source NOT IN ('human', 'agent')
    """,
)


def upgrade() -> None:
    migration.run(STATEMENTS)
