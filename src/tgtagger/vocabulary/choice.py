"""Choose a post's tags from what a model said, by a vocabulary and by the archive's own tags.

Enforces the vocabulary, whatever the prompt told the model. Compares words; knows no meanings.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final

from tgtagger.vocabulary.files import Mode, VocabularyEntry
from tgtagger.vocabulary.forms import (
    LONGEST_CHANGE,
    SHARED,
    are_forms,
    beginnings,
    beginnings_of_forms,
    is_bent,
)
from tgtagger.vocabulary.names import LINE_BREAK, MAX_LENGTH, is_tag, key, normalise


class Vocabulary:
    """The tags to choose from, and the tags of the archive.

    `entries` are normalised, as `read` returns them. `existing` are the archive's tags, the most
    used first, each with its aliases; `remember` adds those of the run. `blocked` are tags that no
    post gets: a model is never offered one, and a form of one is blocked, too. `shelves` are
    offered by the prompt: their forms are they, and `likeliest` leaves them out.
    """

    def __init__(
        self,
        mode: Mode,
        entries: Sequence[VocabularyEntry] = (),
        existing: Sequence[tuple[str, tuple[str, ...]]] = (),
        maximum: int = 7,
        *,
        blocked: Sequence[tuple[str, tuple[str, ...]]] = (),
        shelves: Sequence[str] = (),
    ) -> None:
        self.mode: Final = mode
        self.entries: Final = tuple(entries)
        self.maximum: Final = maximum
        self.allowed: Final = tuple(entry.name for entry in self.entries)
        self.hash: Final = _hash(mode, self.entries)
        self._existing: Final = list(existing)
        self._not_existing: Final = (*blocked, *((name, ()) for name in shelves))
        self._wanted: Final = _Known((entry.name, entry.aliases) for entry in self.entries)
        self._offered: Final = self._wanted.names.keys() | set(map(key, shelves))

    def choose(
        self, names: Iterable[object], text: str = "", *, prompt: str = "", own: bool = False
    ) -> tuple[str, ...]:
        """Return the tags to store from what a model said about a text: clean, distinct, folded.

        A name is a str, or an object with a str under `name` or `tag`; the rest is dropped. Words
        of a script foreign to the text are dropped, too, and so are echoes of the `prompt` (its
        rules without lists of tags; `own`: the user wrote them), and, if there is a prompt, words
        of the answer's frame. Entries of the vocabulary are always kept.
        """
        chosen: dict[str, str] = {}
        for name in filter(is_tag, map(normalise, _said(names))):
            if len(chosen) >= self.maximum:
                break
            tag = self._fold(name)
            if tag is None or (folded := key(tag)) in chosen:
                continue
            if folded in self._wanted.names or not (
                (prompt and (_is_of_frame(name) or _is_of_frame(tag)))
                or (text and _is_foreign(tag, text))
                or echoes(name, prompt, text, own=own)
            ):
                chosen[folded] = tag
        return tuple(chosen.values())

    def _fold(self, name: str) -> str | None:
        """Return the tag that a name stands for; None if a closed vocabulary lacks it."""
        folded = key(name)
        known = self._known.names.get(folded)
        entry = self._wanted.names.get(folded) or (known and self._wanted.names.get(key(known)))
        if entry or self.mode == "open":
            return entry or known or name
        # The vocabulary comes before an existing tag of this name: it was written to replace it.
        entry = self._wanted.find_form(known or name)
        if entry or self.mode == "closed":
            return entry
        return known or self._known.find_form(name) or name

    def remember(self, names: Iterable[str]) -> None:
        """Add chosen tags to the existing ones, as the least used."""
        for name in names:
            tag = (name, ())
            if self._known.add(*tag) and key(name) not in self._offered:
                self._existing.append(tag)
                if "_others" in self.__dict__:
                    self._others.append(tag)
                if "_occurrences" in self.__dict__:
                    _add_occurrences(self._occurrences, [tag], len(self._existing))

    def likeliest(self, texts: Sequence[str], most: int = 60) -> tuple[str, ...]:
        """Return the existing tags, without the entries, that these texts are likeliest to get.

        First those whose words, or an alias's, all occur in some form, then up to a third of
        `most` of the others; the most used first. None in a bent form: a model would repeat it.
        """
        distinct = " ".join(set(" ".join(texts).split()))
        words = {word[:MAX_LENGTH] for word in _plain(distinct).split()}
        starts = {word[:end] for word in words for end in range(SHORTEST, len(word))} | words
        known = self._occurrences
        ranked = sorted(
            occurrence
            for start in starts
            if start in known
            for occurrence in known[start]
            if starts.issuperset(occurrence[2])
        )
        found = dict.fromkeys(name for _, name, _ in ranked if not is_bent(name))
        if len(found) >= most:
            return tuple(itertools.islice(found, most))
        room = min(most - len(found), most // 3)
        common = (name for name, _ in self._others if name not in found and not is_bent(name))
        return (*found, *itertools.islice(common, room))

    @functools.cached_property
    def _known(self) -> _Known:
        return _Known([*self._existing, *self._not_existing])

    @functools.cached_property
    def _others(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the existing tags without the entries and the shelves."""
        return [tag for tag in self._existing if key(tag[0]) not in self._offered]

    @functools.cached_property
    def _occurrences(self) -> Occurrences:
        occurrences: Occurrences = defaultdict(list)
        _add_occurrences(occurrences, self._others, 0)
        return occurrences


Occurrences = dict[str, list[tuple[int, str, tuple[str, ...]]]]
"""Tags by the rarest beginning of a word in them: rank, name, the other beginnings."""


def _add_occurrences(
    occurrences: Occurrences, tags: Iterable[tuple[str, tuple[str, ...]]], rank: int
) -> None:
    """Add the tags' spellings: the beginnings of words that must occur for each."""
    for number, (name, aliases) in enumerate(tags, rank):
        for spelling in (name, *aliases):
            words = _plain(spelling).split()
            starts = [sys.intern(word[: max(SHORTEST, len(word) - 2)]) for word in words]
            # The longest is the rarest, so it rules out the most.
            starts.sort(key=len, reverse=True)
            if starts:
                occurrences[starts[0]].append((number, name, tuple(starts[1:])))


class _Known:
    """Tags by their spellings, and by their words' forms. If two fit, the first one wins."""

    def __init__(self, tags: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        self.names: Final[dict[str, str]] = {}
        self._spellings: Final[dict[str, list[tuple[int, str, str]]]] = defaultdict(list)
        for name, aliases in tags:
            self.add(name, aliases)

    def add(self, name: str, aliases: tuple[str, ...]) -> bool:
        """Add a tag after the others; tell whether any of its spellings is new."""
        is_new = False
        for spelling in (name, *aliases):
            folded = key(spelling)
            if folded not in self.names:
                is_new = True
                self.names[folded] = name
                self._spellings[beginnings(folded)].append((len(self.names), folded, spelling))
        return is_new

    def find_form(self, name: str) -> str | None:
        """Return the first tag that has a name's words in other forms."""
        folded = key(name)
        # The exact comparison is slow, and many words begin alike.
        start = "" if " " in folded else folded[: max(SHARED, len(folded) - LONGEST_CHANGE)]
        found = []
        for begun in beginnings_of_forms(name):  # of человек for людей, too
            alike = self._spellings.get(begun, ())
            likely = start if folded.startswith(begun) or " " in folded else begun
            for place, other, spelling in alike:
                if other.startswith(likely) and are_forms(name, spelling):
                    found.append((place, other))
                    break
        return self.names[min(found)[1]] if found else None


def _hash(mode: Mode, entries: Sequence[VocabularyEntry]) -> str | None:
    if mode == "open" and not entries:
        return None
    content = [mode, [[entry.name, entry.aliases, entry.description] for entry in entries]]
    return sha256(json.dumps(content).encode()).hexdigest()[:16]


_SEVERAL_LINES = re.compile(LINE_BREAK)


def _said(names: Iterable[object]) -> Iterator[str]:
    for name in names:
        said = name.get("name", name.get("tag")) if isinstance(name, dict) else name
        # Before `normalise`, which would make one line of several.
        if isinstance(said, str) and not _SEVERAL_LINES.search(said.strip()):
            yield said


# ---- words of a text, for a rough comparison


_NO_WORD = re.compile(r"[\W_]+")


def _plain(text: str) -> str:
    """Return a text's words alone, folded, a space between each two."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return _NO_WORD.sub(" ", folded)


SHORTEST = 4
"""Letters of a word's beginning at least. Shorter words must be whole."""


# ---- slips of a model


def echoes(name: str, prompt: str, text: str, *, own: bool = False) -> bool:
    """Tell whether a tag repeats the prompt's rules and not the text: words in a row, or a code.

    Two words in a row are enough in our rules. A user's `own` rules may name topics: there it
    takes four words, or a code: a word of six characters and more that mixes letters and digits.
    A code counts in pieces and inside other words, too.
    """
    if not prompt:
        return False
    plain, bare = _plain(name).strip(), _bare(name)
    if any(code in bare and code not in _bare(text) for code in _codes(prompt)):
        return True
    if len(name.split()) < (4 if own else 2) or f" {plain} " not in _plain_prompt(prompt):
        return False
    return f" {plain} " not in f" {_plain(text)} "


def _bare(text: str) -> str:
    return _plain(text).replace(" ", "")


@functools.lru_cache(8)
def _plain_prompt(prompt: str) -> str:
    return f" {_plain(prompt)} "


@functools.lru_cache(8)
def _codes(prompt: str) -> tuple[str, ...]:
    words = filter(_is_code, (*prompt.split(), *_plain(prompt).split()))
    return tuple(dict.fromkeys(code for word in words if len(code := _bare(word)) >= 6))


def _is_code(word: str) -> bool:
    return len(word) >= 6 and any(map(str.isalpha, word)) and any(map(str.isdigit, word))


_OF_FRAME = re.compile(
    r"posts?(?: ?\d+)?|post id\W.*|tags?|ids?|p\d+|fence|(?:tag|тег) ?\d+|json"
    r"|json object|script|null|none|nil|undefined|nan|true|false|n/a|string|array|object"
    r"|think|assistant|additionalproperties"
    r"|теги?|(?:без|нет) тегов|no tags?|untagged"
)


def _is_of_frame(name: str) -> bool:
    """Tell whether a name is a word of the answer's frame, or of the program behind it."""
    return bool(_OF_FRAME.fullmatch(key(name)))


_FAMILIAR = re.compile("[\x00-\u052f]+")  # Latin, Greek, Cyrillic
_FAMILIAR_SCRIPTS = {"LATIN", "GREEK", "CYRILLIC", "MODIFIER"}
_WRITTEN_TOGETHER = {"HIRAGANA", "KATAKANA", "BOPOMOFO", "IDEOGRAPHIC"}


def _is_foreign(name: str, text: str) -> bool:
    """Tell whether a tag has letters of a rare script that the text lacks."""
    if _FAMILIAR.fullmatch(name):
        return False
    return not _scripts(name) - _FAMILIAR_SCRIPTS <= _scripts(text)


def _scripts(text: str) -> set[str]:
    # The standard library knows no scripts; a letter's name begins with its script.
    names = (
        unicodedata.name(letter, "MODIFIER").replace("-", " ").split(" ")[0]
        for letter in set(unicodedata.normalize("NFKC", text))
        if letter.isalpha()
    )
    return {"CJK" if name in _WRITTEN_TOGETHER else name for name in names}
