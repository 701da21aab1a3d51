"""What each kind of error says, in English: one sentence a kind, the same for every face.

`describe` fills a sentence with an error's data. A sentence says what happened, and names no
command, no option and no page: what to do about it is the hint, which each face writes itself
(`cli.hints`). A face that speaks another language has its own sentences by the same kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tgtagger.messages import archive, running, settings, sources, store, tagging

Sentence = str | Callable[..., str]
"""A format string with the names of an error's data, or a function of them."""

SENTENCES: Mapping[str, Sentence] = {
    **archive.SENTENCES,
    **running.SENTENCES,
    **settings.SENTENCES,
    **sources.SENTENCES,
    **store.SENTENCES,
    **tagging.SENTENCES,
}


def describe(kind: str, data: Mapping[str, object]) -> str:
    """Return the sentence of a kind, filled with data. Raises KeyError for an unknown kind."""
    sentence = SENTENCES[kind]
    return sentence(**data) if callable(sentence) else sentence.format_map(data)
