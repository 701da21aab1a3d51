"""Say of a message that it is rejected: without a usable id, or longer than any. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tgtagger.model.posts import Media, Rejected

LONGEST_ID = 100
"""Letters of what stands in an id's place: it is named, not kept."""


LONGEST_TEXT = 1_000_000
"""Letters of a post, the words of its media included; Telegram's own limits are some 30,000."""


def is_too_long(text: str, media: Iterable[Media] = ()) -> bool:
    """Tell whether a post has more words than it can have, and than are looked at here."""
    return len(text) + sum(len(word) for item in media for word in item.words) > LONGEST_TEXT


def too_long(identity: int) -> Rejected:
    return Rejected(identity, f"it has more than {LONGEST_TEXT:,} letters, which no post has")


def rejected(identity: object, reason: str) -> Rejected:
    """Return the rejection, with the id as far as it can be said."""
    if isinstance(identity, str):
        return Rejected(identity.replace("\0", "")[:LONGEST_ID], reason)
    if isinstance(identity, int) and abs(identity) < 10**LONGEST_ID:
        return Rejected(identity, reason)
    return Rejected(None, reason)
