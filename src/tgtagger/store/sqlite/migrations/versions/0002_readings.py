"""Each source reads a channel for itself: what is unread, how far, and until when to wait."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    # Nothing wrote these before: reading from a network came with this revision.
    "ALTER TABLE channels DROP COLUMN not_before",
    "ALTER TABLE channels DROP COLUMN top_id",
    "DROP TABLE unread_ranges",
    """
    CREATE TABLE readings (
        channel_id INTEGER NOT NULL,
        source TEXT NOT NULL,
        top_id INTEGER,
        floor_id INTEGER NOT NULL,
        not_before TEXT,
        PRIMARY KEY (channel_id, source),
        CONSTRAINT fk_readings_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE unread_ranges (
        channel_id INTEGER NOT NULL,
        source TEXT NOT NULL,
        low INTEGER NOT NULL,
        high INTEGER NOT NULL,
        PRIMARY KEY (channel_id, source, low),
        CONSTRAINT ck_unread_ranges_order CHECK (low <= high),
        CONSTRAINT fk_unread_ranges_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
