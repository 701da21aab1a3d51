"""Prepare a post's text: drop footers, links and mentions, set hashtags apart, split into words.

Pure. Takes linear time for every text: each pattern backtracks over a bounded stretch only, and a
text longer than MAX_TEXT is cut. Knows no language.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from tgtagger.taggers.keywords import words

MAX_TEXT = 8000
"""Letters read of a post: the topic is said long before."""
MAX_WORD = 40

_URL = re.compile(
    r"(?:https?://|www\.|\bt\.me/)[^\s<>()\[\]]+|\b[\w-]{1,40}\.(?:com|org|ru|net|io)/\S*"
)
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,24}){1,4}")
_MENTION = re.compile(r"(?<!\w)@\w+")
_HASHTAG = re.compile(r"(?<![\w#&])#(\w{2,60})")
_MARKS = re.compile(r"\]\(|[*~`_]{2,}|[\[\]|`]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufe0f\u0300\u0301]")


_WORD = re.compile(r"[^\W_]+(?:(?:[-–'’&]|(?<=\d)\.(?=\d))[^\W_]+)*(?:\+\+|#(?!\w))?")
_BREAK = re.compile(r"[.!?…]+(?=[\s\"»”)]|$)|\n|[;]|\s[—–-]\s|:\s|•")


@dataclass(slots=True)  # not frozen, which would cost a tenth of the time of tagging
class Word:
    """A word, its place, and its surroundings."""

    text: str
    lower: str
    sentence: int
    first: bool  # the first of its sentence
    joined: bool  # to the word before, by a space alone
    quoted: bool  # a quotation mark stands before it


@dataclass(frozen=True, slots=True)
class Prepared:
    """A post's words, and the hashtags that its author gave it."""

    words: tuple[Word, ...]
    hashtags: tuple[str, ...]
    shouting: frozenset[int]  # sentences written like A Headline Or IN CAPITALS
    text: str


def prepare(text: str) -> Prepared:
    """Return the words and hashtags of a post."""
    text = text[:MAX_TEXT]
    if len(text) == MAX_TEXT:
        text = text[: text.rfind(" ")] if " " in text[-MAX_WORD:] else text
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    hashtags = tuple(dict.fromkeys(_HASHTAG.findall(text)))
    lines = [line for line in _lines(text) if line]
    found: list[Word] = []
    sentence = 0
    for line in lines:
        sentence = _split(line, sentence, found) + 1
    return Prepared(tuple(found), hashtags, _shouting(found), "\n".join(lines))


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    kept: list[str] = []
    for number, line in enumerate(lines):
        bare = _EMAIL.sub(" ", _URL.sub(" ", line)) if "." in line else line
        bare = _MENTION.sub(" @ ", bare) if "@" in bare else bare
        # A footer is short, and never begins the post.
        if (number or len(lines) == 1) and len(bare) < 250 and words.footers().search(bare):
            bare = _before_footer(bare) if number == 0 or len(bare) > 120 else ""
        bare = _HASHTAG.sub(" ; ", bare) if "#" in bare else bare
        kept.append(_MARKS.sub(" ", bare).replace("@", ";"))
    return kept


def _before_footer(line: str) -> str:
    found = words.footers().search(line)
    head = line[: found.start()] if found else line
    return head if len(head) > len(line) / 3 else line


def _split(line: str, sentence: int, words: list[Word]) -> int:
    """Add a line's words; return the number of its last sentence."""
    breaks = [found.start() for found in _BREAK.finditer(line)]
    upcoming = 0
    first = True
    end = -1
    for found in _WORD.finditer(line):
        start = found.start()
        while upcoming < len(breaks) and breaks[upcoming] < start:
            upcoming += 1
            sentence += not first
            first = True
        text = found.group()
        if len(text) <= MAX_WORD:
            between = line[end:start] if end >= 0 else ""
            words.append(
                Word(
                    text,
                    text.casefold().replace("ё", "е").replace("’", "'"),
                    sentence,
                    first,
                    not first and between in {" ", "\u00a0", " & ", ". "},
                    between[-1:] in {"«", '"', "“", "„"},
                )
            )
            first = False
        end = found.end()
    return sentence


def _shouting(words: list[Word]) -> frozenset[int]:
    counts: dict[int, list[int]] = {}
    for word in words:
        if len(word.text) > 3 and not word.first:
            count = counts.setdefault(word.sentence, [0, 0])
            count[0] += word.text[0].isupper()
            count[1] += 1
    return frozenset(
        sentence
        for sentence, (capital, every) in counts.items()
        if every >= 3 and capital > 0.8 * every
    )
