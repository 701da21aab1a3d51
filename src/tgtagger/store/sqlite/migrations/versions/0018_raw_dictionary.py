"""Raw records are compressed with a dictionary, which programs of before cannot read.

Those that are there stay as they are: they name no dictionary, and are read as before.
"""

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Change no table: the version tells who can read the records that are written from now on."""
