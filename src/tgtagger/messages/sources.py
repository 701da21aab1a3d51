"""The sentences of reading: Telegram, its web preview, exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping

SENTENCES: Mapping[str, str | Callable[..., str]] = {}
