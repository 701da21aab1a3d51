"""The English sentence of each kind of error, the same for every face.

`describe` fills a sentence with an error's data. A sentence says what happened. It knows no
command, no option and no page: each face writes its own hint, which says what to do (`cli.hints`).
A face in another language has its own sentences for the same kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tgtagger.messages import archive, running, settings, sources, store, tagging

Sentence = str | Callable[..., str]
"""A format string with the names of an error's data, or a function that takes them."""

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
