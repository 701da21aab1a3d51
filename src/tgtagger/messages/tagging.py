"""The sentences of tagging servers and vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Mapping

SENTENCES: Mapping[str, str | Callable[..., str]] = {}
