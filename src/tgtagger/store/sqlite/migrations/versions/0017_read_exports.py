"""Which export of a channel was read last, so that one that is equal is not read again."""

from tgtagger.store import migration

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    migration.run(
        [
            """
            CREATE TABLE read_exports (
                channel_id INTEGER NOT NULL,
                file TEXT NOT NULL,
                stamp TEXT,
                channels INTEGER NOT NULL,
                groups_too INTEGER NOT NULL,
                converter INTEGER NOT NULL,
                left_out TEXT NOT NULL
                    CONSTRAINT ck_read_exports_left_out_json CHECK (json_valid(left_out)),
                read_at TEXT NOT NULL,
                chunks BLOB NOT NULL,
                PRIMARY KEY (channel_id),
                CONSTRAINT fk_read_exports_channel_id FOREIGN KEY(channel_id)
                    REFERENCES channels (id) ON DELETE CASCADE
            )
            """
        ]
    )
