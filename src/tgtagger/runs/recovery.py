"""Save what can be read of a damaged database; posts are made anew of their raw records.

Knows no face. How the file is read is the store's.
"""

from __future__ import annotations

from pathlib import Path

from tgtagger.model.copies import Recovered
from tgtagger.model.posts import PostData, StoredRawRecord
from tgtagger.store import Store


def recover(location: str, target: Path) -> Recovered:
    """Write what can be read into a new database at `target`, and return what that is."""
    return Store.recover(location, target, _convert_again)


def _convert_again(raw: StoredRawRecord) -> PostData | None:
    from tgtagger.sources import converters

    return {name: convert for name, _, convert in converters.ALL}[raw.source](raw)
