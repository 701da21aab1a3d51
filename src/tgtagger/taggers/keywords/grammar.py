"""What the place and the ending of a word tell in languages without a dictionary: verbs, prefixes.

A verb is no topic. German writes nouns with a capital; in Turkish, Hindi and Persian the verb ends
the sentence; Arabic begins one with it, and writes articles and small words together with the noun.
Guesses by letters alone: a few nouns are taken for verbs, and most adjectives stay.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from tgtagger.taggers.keywords.text import Word

_VERB_LAST = frozenset({"tr", "hi", "fa", "ko"})
_SPANISH = re.compile(
    r"[a-zñáéíóú]{3,}(?:ó|aron|ieron|ando|iendo|amos|emos|imos)|[a-zñáéíóú]{4,}(?:ar|er|ir)"
)
_SPANISH_NOUNS = frozenset("alquiler azúcar celular collar cáncer militar taller titular".split())
_TURKISH = re.compile(
    r"\w{3,}(?:[ıiuü]yor|[dt][ıiuü]|[ae]c[ae][kğ]\w*|m[ıi]ş|[ae]r[ae]k|[ıiuü]p|[ae]n|ken)"
)
# At the beginning: كشف, أعلنت, افتتح; anywhere: يطبخ.
_ARABIC_FIRST = re.compile(
    "(?!ال)(?:[\u0621-\u064a]{3}|[\u0621-\u064a]{3,}(?<!ا)ت|ا[\u0621-\u064a]{4,5})"
)
_ARABIC = re.compile("ي[\u0621-\u064a]{3}")
_ARABIC_NOUNS = frozenset("وفد حفل عيد خبر حزب ملك دعم سعر نفط غاز ذهب قمة مطر ثلج نار".split())
_TOGETHER = re.compile("^(?:[وفبك](?=ال[\u0621-\u064a]{2})|ل(?=ل[\u0621-\u064a]{3}))")


def whole(words: Sequence[Word], language: str) -> tuple[Word, ...]:
    """Return the words of a post without what Arabic writes together with them: والأرصاد."""
    if language != "ar":
        return tuple(words)
    return tuple(map(_without_prefix, words))


def _without_prefix(word: Word) -> Word:
    text = _TOGETHER.sub("", word.text)
    if text == word.text:
        return word
    if text.startswith("ل") and not text.startswith("ال"):
        text = "ا" + text  # للطاقة is ل and الطاقة
    return dataclasses.replace(word, text=text, lower=text)


def is_verb(words: Sequence[Word], at: int, language: str, text: str) -> bool:
    """Tell whether a small word of a text is rather a verb than a noun."""
    word = words[at]
    is_last = at + 1 == len(words) or words[at + 1].sentence != word.sentence
    is_last = is_last and f"{word.text}:" not in text  # a heading
    match language:
        case "de":
            return not word.text[0].isupper()
        case "es":
            return word.lower not in _SPANISH_NOUNS and bool(_SPANISH.fullmatch(word.lower))
        case "ar":
            is_noun = word.lower in _ARABIC_NOUNS
            first = word.first and not is_noun and _ARABIC_FIRST.fullmatch(word.lower)
            return bool(first or _ARABIC.fullmatch(word.lower))
        case "tr":
            return bool(is_last or _TURKISH.fullmatch(word.lower)) and not word.text[0].isupper()
    return language in _VERB_LAST and is_last and not word.first
