"""What a person at the command line can do about each kind of error: the commands and options.

`messages` says what happened; this says what to type. Knows no sentence. Some kinds have no hint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tgtagger.cli.hints import archive, running, settings, sources, store, tagging
from tgtagger.errors import TgTaggerError

HINTS: Mapping[str, str | Callable[..., str | None]] = {
    **archive.HINTS,
    **running.HINTS,
    **settings.HINTS,
    **sources.HINTS,
    **store.HINTS,
    **tagging.HINTS,
}


def hint_of(error: TgTaggerError) -> str | None:
    """Return what to do about an error; None for a kind without a hint."""
    if error.data.get("shortage") is not None:
        return running.SHORTAGES[str(error.data["shortage"])]
    hint, data = HINTS.get(error.kind), error.data
    if not callable(hint):
        return hint and hint.format_map(data)
    reason = data.get("reason")
    if isinstance(reason, TgTaggerError):
        data = data | {"reason_hint": hint_of(reason)}
    return hint(**data)
