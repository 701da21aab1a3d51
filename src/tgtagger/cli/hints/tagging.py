"""The hints for errors of tagging servers and vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Mapping

HINTS: Mapping[str, str | Callable[..., str | None]] = {}
