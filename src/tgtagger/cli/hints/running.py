"""The hints for errors of runs, locks and this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

HINTS: Mapping[str, str | Callable[..., str | None]] = {}
