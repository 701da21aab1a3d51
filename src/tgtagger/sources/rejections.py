"""Say of a message without a usable id that it is rejected, whatever stands in its place. Pure."""

from __future__ import annotations

from tgtagger.types import Rejected

LONGEST_ID = 100
"""Letters of what stands in an id's place: it is named, not kept."""


def rejected(identity: object, reason: str) -> Rejected:
    """Return the rejection, with the id as far as it can be said."""
    if isinstance(identity, str):
        return Rejected(identity.replace("\0", "")[:LONGEST_ID], reason)
    if isinstance(identity, int) and abs(identity) < 10**LONGEST_ID:
        return Rejected(identity, reason)
    return Rejected(None, reason)
