"""Jobs: runs that a person asked for in a browser or by the API, and how far each has come."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    """
    CREATE TABLE jobs (
        id INTEGER NOT NULL,
        kind TEXT NOT NULL CONSTRAINT ck_jobs_kind CHECK (kind IN ('parse', 'tag', 'retry', 'sync')),
        "key" TEXT NOT NULL,
        params TEXT NOT NULL CONSTRAINT ck_jobs_params_json CHECK (json_valid(params)),
        state TEXT NOT NULL
            CONSTRAINT ck_jobs_state CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
        asked_at TEXT NOT NULL,
        started_at TEXT,
        ended_at TEXT,
        cancelled_at TEXT,
        tries INTEGER NOT NULL,
        first_run_id INTEGER,
        run_id INTEGER,
        done INTEGER,
        total INTEGER,
        what TEXT,
        waits TEXT,
        waits_until TEXT,
        exit_code INTEGER,
        failure TEXT,
        error TEXT,
        hint TEXT,
        PRIMARY KEY (id)
    )
    """,
    # A wish that is asked for again is the same job, until it has ended or is to end.
    """
    CREATE UNIQUE INDEX ix_jobs_key ON jobs ("key") WHERE ended_at IS NULL AND cancelled_at IS NULL
    """,
    "CREATE INDEX ix_jobs_open ON jobs (id) WHERE ended_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
