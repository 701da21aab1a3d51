"""The sentences of settings and of what a person types."""

from __future__ import annotations

from collections.abc import Callable, Mapping

SENTENCES: Mapping[str, str | Callable[..., str]] = {}
