"""Prepare a post's text: drop footers, links and mentions, set hashtags apart, split into words.

Pure. Takes linear time for every text: each pattern backtracks over a bounded stretch only, and a
text longer than MAX_TEXT is cut. Knows no language.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass

from tgtagger.taggers.keywords import bylines, dotted, scripts, words
from tgtagger.vocabulary import drop_stray_joiners

MAX_TEXT = 8000
"""Letters read of a post: the topic is said long before."""
MAX_UNSPACED = 1500
"""Letters read of a post in Chinese or Japanese, which says more with each."""
MAX_WORD = 40

_URL = re.compile(
    r"(?:https?://|www\.|\bt\.me/)[^\s<>()\[\]]+"
    r"|\b[\w-]{1,40}(?:\.[\w-]{1,40}){0,3}\.(?:[a-zA-Z]{2,12}|рф|рус|укр|бел)/\S*"
)
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,24}){1,4}")
_MENTION = re.compile(r"(?<!\w)@\w+")
_MARKS = re.compile(r"\]\(|[*~`_]{2,}|[\[\]|`]")
_INVISIBLE = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufe00-\ufe0f\u0300\u0301]+"
)
_STRESS = re.compile("(?<=[\u0400-\u04ff])[\u0300\u0301]")  # as dictionaries write it
_NOT_DECIMAL = re.compile(r"\.(?!\d)|(?<!\d)\.")
_NET = r"(?:(?<![\w.])\.(?=(?:NET|net)\b))?"
_HEBREW_QUOTE = '(?<=[א-ת])"(?=[א-ת])'  # of an acronym: צה"ל


class _Patterns:
    """What words and hashtags are, where `letters` are, and `inner` signs stand between them."""

    def __init__(self, marks: str = "", inner: str = r"[-–'’&.]") -> None:
        letters = rf"[^\W_][\w{marks}]*" if marks else r"[^\W_]+"
        more = rf"[\w{marks}]+" if marks else r"[^\W_]+"
        end = r"(?:\+\+|#(?!\w))?"
        self._source = rf"{letters}(?:{inner}{more})*{end}"
        undotted = inner.replace(".", "")
        self._part = rf"{letters}(?:(?:{undotted}|(?<=\d)\.(?=\d)){more})*{end}"
        self.word = re.compile(f"({self._source})")
        # As Telegram reads it: letters of any script, and the middle dot of Catalan.
        self.hashtag = re.compile(rf"(?<![\w{marks}#&])#([\w{marks}·]{{2,}})")

    @functools.cached_property
    def word_or_net(self) -> re.Pattern[str]:
        return re.compile(f"({_NET}{self._source})")

    @functools.cached_property
    def part(self) -> re.Pattern[str]:
        """Return the pattern of a word whose dots are between digits alone."""
        return re.compile(f"({self._part})")


_PLAIN = _Patterns()


@functools.cache
def _patterns_of_all_scripts() -> _Patterns:
    """Return the patterns that know marks and joiners: their sets take 5 ms to compile."""
    marks = scripts.marks() + scripts.JOINERS
    return _Patterns(marks, rf"(?:[-–'’&.״׳]|{_HEBREW_QUOTE})")


# Between two words.
_BREAK = re.compile(r"[.!?…।؟۔]+(?=[\s\"»”)])|[\n;•]|\s[—–-]\s|:\s")
_JOINING = frozenset({" ", "\u00a0", " & ", ". ", "! "})
_QUOTES = frozenset({"«", '"', "“", "„"})


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
    text = drop_stray_joiners(_without_invisible(unicodedata.normalize("NFC", text)))
    rare = scripts.is_rare(text)
    unspaced = rare and scripts.unspaced_language(text) is not None
    if unspaced:
        text = text[:MAX_UNSPACED]
    patterns = _patterns_of_all_scripts() if rare else _PLAIN
    hashtags = tuple(dict.fromkeys(patterns.hashtag.findall(text)))
    lines = [line for line in _lines(text, patterns) if line]
    found: list[Word] = []
    sentence = 0
    for line in lines:
        words_alone = scripts.whole_words(line, read=unspaced) if rare else line
        sentence = _split(words_alone, sentence, found, patterns) + 1
    if "İ" in text:  # rare; its small letter is i
        for word in found:
            word.lower = fold(word.text)
    return Prepared(tuple(found), hashtags, _shouting(found), "\n".join(lines))


def _without_invisible(text: str) -> str:
    if not _INVISIBLE.search(text):
        return text
    text = _STRESS.sub("", text)
    return _INVISIBLE.sub(lambda found: _accents(found.group()), text)


def _accents(invisible: str) -> str:
    """Return the accents among invisible characters: they belong to a letter of another script."""
    return "".join(sign for sign in invisible if sign in "\u0300\u0301")


def _lines(text: str, patterns: _Patterns) -> list[str]:
    lines = text.split("\n")
    kept: list[str] = []
    for number, line in enumerate(lines):
        bare = bylines.without(line) if "A" <= line[:1] <= "Z" or line[:1] in "(©" else line
        if "." in bare:
            bare = _URL.sub(" ", bare) if "/" in bare or "www." in bare else bare
            bare = _EMAIL.sub(" ", bare) if "@" in bare else bare
        bare = _MENTION.sub(" @ ", bare) if "@" in bare else bare
        # A footer is short, and never begins the post.
        if (number or len(lines) == 1) and len(bare) < 250 and (footer := _footer(bare)):
            bare = _before(footer, bare) if number == 0 or len(bare) > 120 else ""
        bare = patterns.hashtag.sub(" ; ", bare) if "#" in bare else bare
        kept.append(_MARKS.sub(" ", bare).replace("@", ";"))
    return kept


def _footer(line: str) -> re.Match[str] | None:
    """Return where a footer stands in a line. In small letters: that is five times as fast."""
    return words.footers().search(line.replace("İ", "I").lower())


def _before(footer: re.Match[str], line: str) -> str:
    head = line[: footer.start()]
    return head if len(head) > len(line) / 3 else line


def _split(line: str, sentence: int, words: list[Word], patterns: _Patterns) -> int:
    """Add a line's words; return the number of its last sentence."""
    first = True
    pieces = _pieces(line.replace("_", "|"), patterns)  # a letter to Python's patterns
    at = len(pieces[0])
    pieces[0] = ""
    for between, word in zip(pieces[::2], pieces[1::2], strict=False):
        # Most words have a space alone before them: to look into each takes a fifth of the time.
        if between != " " and not first and _ends_sentence(line, at, between):
            sentence += 1
            first = True
        at += len(between) + len(word)
        text = word
        if "." in word:
            text = dotted.initials(word) or word
        elif word in dotted.WITH_DOT and line.startswith(". ", at):
            text = f"{word}."
        if len(text) <= MAX_WORD:
            joined = not first and between in _JOINING
            quoted = between[-1:] in _QUOTES
            words.append(Word(text, _fold(text), sentence, first, joined, quoted))
            first = False
    return sentence


def _ends_sentence(line: str, at: int, between: str) -> bool:
    """Tell whether a sentence ends in what stands between two words, at a place of the line."""
    return any(not dotted.goes_on(line, at + found.start()) for found in _BREAK.finditer(between))


def _pieces(line: str, patterns: _Patterns) -> list[str]:
    """Return in turns what stands between words, and a word. Together they are the line.

    A name with a dot is whole; an address is no word.
    """
    net = ".NET" in line or ".net" in line
    pieces = (patterns.word_or_net if net else patterns.word).split(line)
    if not any("." in word for word in pieces[1::2]):
        return pieces
    found = pieces[:1]
    for word, between in zip(pieces[1::2], pieces[2::2], strict=True):
        if "." not in word or not _NOT_DECIMAL.search(word) or dotted.is_whole(word):
            found += word, between
        elif dotted.is_address(word):
            found[-1] += word + between
        else:
            before, *parts = patterns.part.split(word)
            found[-1] += before
            found += parts
            found[-1] += between
    return found


def fold(text: str) -> str:
    """Return a word without its case and with plain letters, to compare it."""
    return _fold(text).replace("i\u0307", "i")


@functools.lru_cache(40_000)  # the same words come again and again
def _fold(text: str) -> str:
    folded = text.casefold().replace("ё", "е").replace("’", "'")
    return text if folded == text else folded  # one word in memory, and not two


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
