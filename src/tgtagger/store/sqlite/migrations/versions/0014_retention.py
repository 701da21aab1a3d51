"""A channel's posts can be kept for a time only: for so many days."""

from tgtagger.store.migration import run

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run(["ALTER TABLE channels ADD COLUMN keep_days INTEGER"])
