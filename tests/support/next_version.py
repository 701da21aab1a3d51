"""The next tgtagger, with one more version of the schema, to test upgrades.

As a program it opens an archive like a reading command, and prints what a command would print.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from tgtagger.cli.hints import hint_of
from tgtagger.errors import TgTaggerError
from tgtagger.store import Store
from tgtagger.store.sqlite.schema_version import SCHEMA, Schema

NEXT = Schema(
    (*SCHEMA.revisions, "next"),
    (*SCHEMA.folders, Path(__file__).parent / "next_migrations"),
)
OLD = NEXT.revisions[:-1]
"""The older versions, which an upgrade brings up to date."""

AS_CODE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from support import next_version
sys.exit(next_version.main(sys.argv[1]))
"""


def main(location: str) -> int:
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        with Store.open_up_to_date(location, schema=NEXT) as store:
            store.status.channels()
    except TgTaggerError as error:
        sys.stderr.write(f"error: {error.message}\nhint: {hint_of(error)}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
