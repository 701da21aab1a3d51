"""Reactions as the archive names them: the emoji, `custom:<document id>`, or `paid`. Pure."""

from __future__ import annotations

from collections.abc import Iterable

PAID = "paid"


def custom(document_id: object) -> str:
    return f"custom:{document_id}".replace("\0", "")


def add_up(found: Iterable[tuple[str | None, int | None]]) -> tuple[tuple[str, int], ...]:
    """Return the count of each reaction; one without a name or a count is passed over."""
    counts: dict[str, int] = {}
    for name, count in found:
        if name and count is not None:
            counts[name] = counts.get(name, 0) + count
    return tuple(counts.items())
