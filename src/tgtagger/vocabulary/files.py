"""Read and write a vocabulary as people edit it: a text, one tag a line.

    # mode: closed
    artificial intelligence | AI, machine intelligence | models, not robots
    energy | | power plants, grids, prices
    space: rockets and planets
    #politics

A line is `name`, `name | alias, alias` or `name | alias, alias | description`, or, without a `|`,
`name: description`. A line that begins with `# ` is a comment; `#politics` is a tag. Knows no file
system: an error names the line, and its caller names the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast, get_args

from tgtagger.errors import InputError
from tgtagger.vocabulary.names import MAX_LENGTH, MAX_WORDS, is_tag, key, normalise

MAX_ENTRIES = 1000
"""Tags: a model chooses badly from more, and servers refuse a longer `enum`."""

Mode = Literal["open", "prefer", "closed"]
"""Any tag; these rather than others; these alone."""


@dataclass(frozen=True, slots=True)
class VocabularyEntry:
    """A tag of a vocabulary. Names and aliases are normalised, the description is one line."""

    name: str
    description: str | None = None
    aliases: tuple[str, ...] = ()


class VocabularyFile(NamedTuple):
    mode: Mode | None
    entries: tuple[VocabularyEntry, ...]


_LINE_END = re.compile(r"\r\n|\r|\n")  # the line ends of editors; str.splitlines knows more
_MODE = re.compile(r"#+\s*mode\s*:(.*)", re.IGNORECASE)
_COMMENT = re.compile(r"#+(\s|$)")
_EXPLAINED = re.compile(r":\s|：")


def read(text: str) -> VocabularyFile:
    """Read a vocabulary. A line `# mode: closed` before the first tag gives the mode.

    Raises InputError with the line for a name that cannot be a tag, a name or alias of two tags,
    an unknown mode, more than MAX_ENTRIES tags; and for a text without tags.
    """
    mode: Mode | None = None
    entries: list[VocabularyEntry] = []
    lines_of: dict[str, int] = {}  # by key, of names and aliases
    for number, raw in enumerate(_LINE_END.split(text.removeprefix("\ufeff")), 1):
        line = raw.strip()
        stated = _MODE.fullmatch(line)
        if stated and not entries:
            mode = _mode(stated[1], number)
        elif line and not _COMMENT.match(line):
            if len(entries) == MAX_ENTRIES:
                raise InputError("vocabulary_too_long", line=number, most=MAX_ENTRIES)
            entry = _entry(line, number)
            for name in (entry.name, *entry.aliases):
                if (earlier := lines_of.setdefault(key(name), number)) != number:
                    raise InputError(
                        "vocabulary_name_twice", line=number, name=name, earlier=earlier
                    )
            entries.append(entry)
    if not entries:
        raise InputError("vocabulary_empty")
    return VocabularyFile(mode, tuple(entries))


def write(mode: Mode | None, entries: Iterable[VocabularyEntry]) -> str:
    """Return a vocabulary as text; `read` returns the same vocabulary."""
    lines = [f"# mode: {mode}\n"] if mode else []
    for entry in entries:
        aliases = f" | {', '.join(entry.aliases)}" if entry.aliases else ""
        description = " ".join((entry.description or "").split())
        if description:
            aliases = f"{aliases or ' |'} | {description}"
        lines.append(f"{entry.name}{aliases}\n")
    return "".join(lines)


def merge_entries(
    first: Iterable[VocabularyEntry], others: Iterable[VocabularyEntry]
) -> tuple[VocabularyEntry, ...]:
    """Return the first entries, then those of the others whose names are still free."""
    merged = list(first)
    taken = {key(name) for entry in merged for name in (entry.name, *entry.aliases)}
    for entry in others:
        if key(entry.name) in taken:
            continue
        aliases = tuple(name for name in entry.aliases if key(name) not in taken)
        taken |= {key(name) for name in (entry.name, *aliases)}
        merged.append(VocabularyEntry(entry.name, entry.description, aliases))
    return tuple(merged)


def _mode(stated: str, number: int) -> Mode:
    mode = stated.strip().casefold()
    if mode not in get_args(Mode):
        raise InputError(
            "vocabulary_mode_unknown", line=number, mode=mode[:MAX_LENGTH], known=get_args(Mode)
        )
    return cast("Mode", mode)


def _entry(line: str, number: int) -> VocabularyEntry:
    if "|" in line:
        name, aliases, description, *_ = [*line.split("|", 2), ""]
    else:
        name, description, *_ = [*_EXPLAINED.split(line, maxsplit=1), ""]
        aliases = ""
    name = _tag(name, number)
    spellings = {key(name): name}
    for alias in aliases.split(","):
        if alias.strip():
            spelling = _tag(alias, number)
            spellings.setdefault(key(spelling), spelling)
    return VocabularyEntry(
        name, " ".join(description.split()) or None, tuple(spellings.values())[1:]
    )


def _tag(name: str, number: int) -> str:
    normalised = normalise(name)
    if not is_tag(normalised):
        raise InputError(
            "vocabulary_tag_invalid",
            line=number,
            name=name.strip()[:MAX_LENGTH],
            most_words=MAX_WORDS,
            most_letters=MAX_LENGTH,
        )
    return normalised
