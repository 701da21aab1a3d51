"""The full-text index keeps words whole in every script, and takes texts in one form.

A letter's marks belong to its word (Devanagari, Hebrew, Thai), and a text that is not in its
composed form has that form beside it, so that `район` is found whatever it is made of.
"""

from alembic import op

from tgtagger.store.sqlite import fulltext_index
from tgtagger.store.sqlite.connections import driver

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # The index holds nothing of its own, and it must always be what the program makes of the
    # posts today: so today's own statements make it.
    fulltext_index.make_anew(driver(op.get_bind()))
