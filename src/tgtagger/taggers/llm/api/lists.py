"""Take apart what a model wrote as one list of tags: numbers, marks, several tags in one string.

Pure. Knows no rule about what is a tag (`vocabulary`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

_BETWEEN = re.compile(r"[,;|\n，、،؛]|\s[•·/]\s")
_BEFORE_HASH = re.compile(r"\s+(?=[#＃][^\W\d_])")
_GLUED_HASH = re.compile(r"(?<=\w)(?=[#＃][^\W\d_])")
_NUMBER = re.compile(
    r"\s*(?:(?:tag|тег)\s*)?[(\[#№]?\s*(\d{1,2})(?:[.)\]:、/]\s*|\s*[-–—]\s+|\ufe0f?\u20e3\s*)(?=\S)",
    re.IGNORECASE,
)
_NUMBERS_IN_A_ROW = re.compile(r"\s+(?=\(?[0-9]{1,2}[.)]\s)")
_BARE_NUMBER = re.compile(r"\s*[#№]?(\d{1,2})\s*(?=\S)")  # "1 alpha", "① alpha", "#1 alpha"
_LETTER = re.compile(r"\s*\(?([a-zа-я])\)\s*(?=\S)", re.IGNORECASE)
_TITLE = re.compile(
    r"\A\s*(?:(?:hash|хеш|хэш)?(?:tags?|теги?)|key ?words?|ключевые слова)\s*[:：]", re.IGNORECASE
)
_SIGN = r"[^\w\s!-~¡-¿№\u20a0-\u20cf]"  # a bullet, an emoji; neither money nor punctuation
_BEFORE = re.compile(rf"\A(?:[-+*·]\s|\[[xX ]\]\s|{_SIGN}|\s)+(?=[\w#＃.])")
_AFTER = re.compile(rf"\s+{_SIGN}+\s*\Z")


LONGEST = 200
"""Letters: a longer text is no tag, whatever stands beside it."""


def split_tags(values: Sequence[object]) -> list[object]:
    """Return the tags of a list: several in one string are taken apart, numbering is removed.

    What is no string stays as it is. Numbers belong to a list if they count from one: "1. FC Köln"
    among other names keeps its number.
    """
    is_one = len(values) == 1
    tags: list[object] = []
    for value in _flat(values):
        if isinstance(value, str):
            tags += [_without_marks(part) for part in _parts(value, is_one=is_one)]
        else:
            tags.append(value)
    return _without_numbers(tags)


def _flat(values: Sequence[object]) -> Iterator[object]:
    """Yield the values; a list among them, or an object with one text, comes as what is in it."""
    for value in values:
        if isinstance(value, list):
            yield from value
        elif isinstance(value, dict):
            texts = [inner for inner in value.values() if isinstance(inner, str)]
            yield texts[0] if len(texts) == 1 else value
        else:
            yield value


def _without_marks(text: str) -> str:
    """Return a tag without a bullet or an emoji beside it, and without a title before it."""
    if len(text) > LONGEST:
        return text
    return _TITLE.sub("", _AFTER.sub("", _BEFORE.sub("", text, count=1)), count=1)


def _parts(text: str, *, is_one: bool) -> list[str]:
    """Return the tags in a string. Of several strings, one with a comma may be one bad tag."""
    if is_one and len(parts := _NUMBERS_IN_A_ROW.split(text.strip())) > 1 and _counts(parts):
        return [part.strip() for part in parts]
    if text.count("#") + text.count("＃") > 1:
        text = _BEFORE_HASH.sub("\n", text)
        if text.lstrip().startswith(("#", "＃")):
            text = _GLUED_HASH.sub("\n", text)
        is_one = is_one or "\n" in text
    if not is_one:
        return [text]
    return [part.strip() for part in _BETWEEN.split(text) if part.strip()]


def _without_numbers(tags: list[object]) -> list[object]:
    texts = [tag for tag in tags if isinstance(tag, str)]
    if len(texts) < len(tags) or not texts:
        return tags
    plain = [unicodedata.normalize("NFKC", text.replace("№", "#")) for text in texts]
    for mark in (_NUMBER, _LETTER, _BARE_NUMBER):
        if _counts(plain, mark) and (mark is not _BARE_NUMBER or len(plain) > 2):
            return [_without_marks(mark.sub("", text, count=1)) for text in plain]
    return tags


def _counts(texts: Sequence[str], mark: re.Pattern[str] = _NUMBER) -> bool:
    """Tell whether every text begins with its number, or its letter, in the list."""
    found = [mark.match(text) for text in texts]
    if len(texts) < 2:
        return False
    first = found[0]
    if first is None or (first[1].lower() not in {"a", "а"} and _value(first[1]) > 1):
        return False
    values = [_value(each[1]) for each in found if each is not None]
    return len(values) == len(texts) and values == list(range(values[0], values[0] + len(values)))


def _value(name: str) -> int:
    return int(name) if name.isdecimal() else ord(name.lower())
