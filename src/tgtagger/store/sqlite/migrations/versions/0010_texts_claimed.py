"""A text that a worker has claimed has a row of its own, so that nobody else can claim it."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    """
    CREATE TABLE claimed_texts (
        text_hash TEXT NOT NULL,
        worker TEXT NOT NULL,
        lease_until TEXT NOT NULL,
        PRIMARY KEY (text_hash)
    )
     WITHOUT ROWID
    """,
    "DROP INDEX ix_tag_queue_text_hash",
    "ALTER TABLE tag_queue DROP COLUMN text_hash",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
