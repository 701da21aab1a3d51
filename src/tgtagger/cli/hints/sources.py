"""The hints for errors of reading: Telegram, its web preview, exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping

HINTS: Mapping[str, str | Callable[..., str | None]] = {}
