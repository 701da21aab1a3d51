"""The languages of the pages: English, and Russian from a catalogue keyed by the English text.

A template says `t("Tags")`, or `n(3, "post")` for a count. Knows no page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tgtagger.web.russian import NOUNS as RUSSIAN_NOUNS
from tgtagger.web.russian import TEXTS as RUSSIAN_TEXTS

Texts = Mapping[str, str]
"""A table whose values are English texts of the pages; a test looks for their Russian."""

_ENGLISH_NOUNS = {"reply": "replies", "entry": "entries", "match": "matches", "try": "tries"}


@dataclass(frozen=True, slots=True, eq=False)  # each is one object, so that it can be a key
class Language:
    """A language of the pages. `texts` is empty for English: there the key is the text."""

    code: str
    texts: Mapping[str, str]
    nouns: Mapping[str, tuple[str, str, str]]  # one, two to four, five or more

    def text(self, english: str, /, **values: object) -> str:
        """Return a text in this language, with its values filled in."""
        found = self.texts.get(english, english)
        return found.format_map(values) if values else found

    def quoted(self, names: Sequence[str], most: int = 5) -> str:
        """Return names in quotation marks, the first few of them."""
        first, last = "«»" if self.nouns else "“”"
        shown = ", ".join(f"{first}{name}{last}" for name in names[:most])
        return f"{shown} …" if len(names) > most else shown

    def number(self, count: int) -> str:
        """Return a number with its thousands set apart."""
        space = "\N{NO-BREAK SPACE}" if self.nouns else ","
        return f"{count:,}".replace(",", space)

    def counted(self, count: int, noun: str) -> str:
        """Return a count with its noun: `3 posts`."""
        forms = self.nouns.get(noun)
        if forms is None:
            many = _ENGLISH_NOUNS.get(noun, f"{noun}s")
            return f"{self.number(count)} {noun if count == 1 else many}"
        last, tens = count % 10, count % 100 // 10
        at = 2 if tens == 1 or last == 0 or last > 4 else 0 if last == 1 else 1
        return f"{self.number(count)} {forms[at]}"


ENGLISH = Language("en", {}, {})
RUSSIAN = Language("ru", RUSSIAN_TEXTS, RUSSIAN_NOUNS)

_KNOWN = {"en": ENGLISH, "ru": RUSSIAN, "be": RUSSIAN, "kk": RUSSIAN}


def language_of(accepted: str) -> Language:
    """Return the best language for an Accept-Language header."""
    wanted = []
    for at, part in enumerate(accepted.split(",")[:20]):
        name, _, weight = part.strip().partition(";q=")
        try:
            rank = float(weight) if weight else 1.0
        except ValueError:
            rank = 0.0
        wanted.append((-rank, at, name.strip().lower().partition("-")[0]))
    for rank, _, name in sorted(wanted):
        if rank < 0 and name in _KNOWN:
            return _KNOWN[name]
    return ENGLISH
