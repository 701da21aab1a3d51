"""The hints for errors of settings and of what a person types."""

from __future__ import annotations

from collections.abc import Callable, Mapping

HINTS: Mapping[str, str | Callable[..., str | None]] = {
    "channel_ref_invalid": "give @name, a t.me link, -100… or the path of an export; "
    "see tgtagger parse --help",
    "post_ref_invalid": "write @channel/123, 1006503122/123 or a t.me link",
}
