"""The sentences of settings and of what a person types."""

from __future__ import annotations

from collections.abc import Callable, Mapping

SENTENCES: Mapping[str, str | Callable[..., str]] = {
    "channel_ref_invalid": "{text!r} names no channel",
    "post_ref_invalid": "{text!r} names no post",
}
