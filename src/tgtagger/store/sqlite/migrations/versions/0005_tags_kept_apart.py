"""Tags that a person keeps apart: they are never suggested as one again."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        """
        CREATE TABLE tags_apart (
            one TEXT NOT NULL,
            other TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (one, other)
        )
         WITHOUT ROWID
        """
    )
