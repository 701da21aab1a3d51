"""Channels that are followed before they are read, and those that are no longer read."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    """
    CREATE TABLE followed_sources (
        source TEXT NOT NULL,
        added_at TEXT NOT NULL,
        PRIMARY KEY (source)
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE left_channels (
        channel_id INTEGER NOT NULL,
        left_at TEXT NOT NULL,
        PRIMARY KEY (channel_id),
        CONSTRAINT fk_left_channels_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
