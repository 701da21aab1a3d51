"""Words of Chinese and Japanese, which have no spaces, by libraries that are extras.

Chinese by jieba, Japanese by MeCab (fugashi, with the dictionary ipadic): nouns and names alone,
compounds of Japanese nouns whole. Only this module loads them, at the first such text; without one
of them nobody can tell where a word ends. Knows no post.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

Segment = Callable[[str], list[str]]

LONGEST = 10
"""Characters of a compound, at most: a longer one is a clause without particles."""

_NOT_HAN = re.compile(r"[^\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


@functools.cache
def chinese() -> Segment | None:
    """Return what finds the nouns and names of a Chinese text; None: jieba is not installed."""
    import tempfile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its age
            import jieba
            import jieba.posseg
    except ImportError:
        return None
    jieba.setLogLevel("CRITICAL")
    with tempfile.TemporaryDirectory() as folder:
        # Its own cache has a known name in a folder that all may write to.
        tokenizer = jieba.Tokenizer()
        tokenizer.tmp_dir = folder
        tokenizer.initialize()
    # Its own tagging guesses the kind of an unknown word at ten milliseconds a character.
    kinds = jieba.posseg.POSTokenizer(tokenizer).word_tag_tab

    def segment(text: str) -> list[str]:
        return [
            word
            for word in tokenizer.cut(text)
            if kinds.get(word, _UNKNOWN) in _CHINESE and len(word) > 1 and not _NOT_HAN.search(word)
        ]

    return segment


_UNKNOWN = "nz"
"""A word that the dictionary lacks is rather a name."""
_CHINESE = frozenset("n nr nrt nrfg ns nt nz ng vn j l".split())


@functools.cache
def japanese() -> Segment | None:
    """Return what finds the nouns and names of a Japanese text; None: MeCab is not installed."""
    try:
        import fugashi
        import ipadic
    except ImportError:
        return None
    tagger = fugashi.GenericTagger(ipadic.MECAB_ARGS)
    return lambda text: [*_compounds(tagger(text))]


_PARTS = frozenset({"一般", "サ変接続", "固有名詞", "接尾", "形容動詞語幹"})


def _compounds(found: Any) -> Iterator[str]:
    """Yield the nouns of a text; those that stand together are one: 津波 and 警報."""
    parts: list[str] = []
    for word in found:
        kind, more = word.feature[0], word.feature[1]
        if kind == "名詞" and more in _PARTS and not (more == "接尾" and not parts):
            parts.append(word.surface)
            continue
        yield from _compound(parts)
        parts = []
    yield from _compound(parts)


def _compound(parts: list[str]) -> Iterator[str]:
    whole = "".join(parts)
    if len(whole) <= LONGEST:
        parts = [whole]
    for part in parts:
        word = _PARTICLE.sub("", part)  # of a name that the dictionary lacks
        if len(word) > 1 and not word.isascii():
            yield word


_PARTICLE = re.compile("(?<=[\u4e00-\u9fff])[がはをにのでともへ]$")
