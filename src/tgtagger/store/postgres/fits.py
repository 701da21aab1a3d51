"""Tell in SQL whether columns hold what they may: PostgreSQL itself sees to it.

Its columns hold their type alone, its pages have checksums, and words are checked where they are
written.
"""

from __future__ import annotations

from collections.abc import Mapping


def fits(_columns: Mapping[str, str]) -> str:
    """Return SQL that is true."""
    return "TRUE"
