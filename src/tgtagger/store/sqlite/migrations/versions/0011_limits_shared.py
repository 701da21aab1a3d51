"""What all runs share: how fast a server may be asked, and what a job has cost."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = (
    """
    CREATE TABLE rate_limits (
        url TEXT NOT NULL,
        closed_until REAL,
        next_at REAL,
        PRIMARY KEY (url)
    )
     WITHOUT ROWID
    """,
    "ALTER TABLE jobs ADD COLUMN spent_usd REAL DEFAULT 0 NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
