"""The rules of every source's conversion: names of reactions, and rejected messages. Pure.

A reaction is stored as its emoji, as `custom:<document id>`, or as `paid`. A message is rejected
if it has no usable id, or more letters than any post has. Knows no source.
"""

from __future__ import annotations

from collections.abc import Iterable

from tgtagger.model.posts import Media, Rejected

PAID = "paid"

LONGEST_ID = 100
"""Letters of a wrong id that a rejection names."""

LONGEST_TEXT = 1_000_000
"""Letters of a post, the words of its media included; Telegram's own limits are some 30,000."""


def custom(document_id: object) -> str:
    """Return the name of a reaction that is a custom emoji."""
    return f"custom:{document_id}".replace("\0", "")


def add_up(found: Iterable[tuple[str | None, int | None]]) -> tuple[tuple[str, int], ...]:
    """Return the count of each reaction; skip one without a name or a count."""
    counts: dict[str, int] = {}
    for name, count in found:
        if name and count is not None:
            counts[name] = counts.get(name, 0) + count
    return tuple(counts.items())


def is_too_long(text: str, media: Iterable[Media] = ()) -> bool:
    """Tell whether a post has more letters than LONGEST_TEXT."""
    size = len(text)
    for item in media:
        size += sum(map(len, item.words))
    return size > LONGEST_TEXT


def too_long(identity: int) -> Rejected:
    """Return the rejection of a message that is too long."""
    return Rejected(identity, f"it has more than {LONGEST_TEXT:,} letters, which no post has")


def rejected(identity: object, reason: str) -> Rejected:
    """Return the rejection, with the id if it is usable."""
    if isinstance(identity, str):
        return Rejected(identity.replace("\0", "")[:LONGEST_ID], reason)
    if isinstance(identity, int) and abs(identity) < 10**LONGEST_ID:
        return Rejected(identity, reason)
    return Rejected(None, reason)
