"""A tag that goes is looked for where it was taken off posts, and among the names of others.

Without these indexes each looks through all of them: to undo a run that had made thousands of tags
took minutes once a person had taken some common ones away.
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_removed_tags_tag_id ON removed_tags (tag_id)")
    op.execute("CREATE INDEX ix_tag_aliases_tag_id ON tag_aliases (tag_id)")
