"""A tag that a person removed from the archive is remembered, and given by no machine again."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE barred_tags (
            tag_id INTEGER NOT NULL,
            barred_at TEXT NOT NULL,
            PRIMARY KEY (tag_id),
            CONSTRAINT fk_barred_tags_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE
        )
        """
    )
