"""The sentences of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping

SENTENCES: Mapping[str, str | Callable[..., str]] = {}
