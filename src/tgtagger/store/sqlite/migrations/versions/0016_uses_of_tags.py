"""How many posts have each tag is kept, so that nobody counts them all to list the tags."""

from alembic import op

from tgtagger.store.rooms import room_of
from tgtagger.store.sqlite import tag_uses

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    db = op.get_bind()
    if room_of(db).kind == "file":  # a server counts faster than it would keep them
        tag_uses.recount(db)
