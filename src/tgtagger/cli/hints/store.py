"""The hints for errors of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping

HINTS: Mapping[str, str | Callable[..., str | None]] = {}
