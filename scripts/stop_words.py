"""Make the list of further stop words that the embedded tagger uses, out of two packages.

usage: pip install --target FOLDER stopwordsiso==0.7.1 stop-words==2025.11.4
       python scripts/stop_words.py FOLDER

Writes data/stopwords_more.txt of the embedded tagger: a line is a language and its words. Left out
are phrases, single letters, what is no word, and the words of data/stopwords.txt.
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from tgtagger.taggers.keywords import words

OUTPUT = Path(words.__file__).parent / "data/stopwords_more.txt"
LANGUAGES = "de es uk fa ar tr fr it pt hi".split()
OF_BOTH = {"uk"}
"""The languages of which stopwordsiso has few."""
WITHOUT_MARKS, ZWNJ = {"ar", "fa"}, "\u200c"
"""Languages whose vowel signs are mostly left out."""


def read(folder: Path, language: str) -> Iterator[str]:
    iso = json.loads((folder / "stopwordsiso/stopwords-iso.json").read_text(encoding="utf-8"))
    yield from iso[language]
    if language in OF_BOTH:
        listed = folder / "stop_words/stop-words"
        names = json.loads((listed / "languages.json").read_text(encoding="utf-8"))
        yield from (listed / f"{names[language]}.txt").read_text(encoding="utf-8").splitlines()


def is_word(found: str) -> bool:
    """Tell whether all is letters and their marks; a hyphen or an apostrophe may join them."""
    parts = re.split("['-]", found)
    return len(found) > 1 and all(
        part and all(unicodedata.category(sign)[0] in "LM" or sign == ZWNJ for sign in part)
        for part in parts
    )


def stop_words(folder: Path, language: str) -> list[str]:
    found = set()
    for written in read(folder, language):
        word = unicodedata.normalize("NFC", written.strip()).casefold().replace("’", "'")
        found.add(word)
        if language in WITHOUT_MARKS:
            found.add("".join(sign for sign in word if unicodedata.category(sign) != "Mn"))
    return sorted(word for word in found - words.all_stop_words() if is_word(word))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    head = [
        line for line in OUTPUT.read_text(encoding="utf-8").splitlines() if line.startswith("#")
    ]
    lines = [" ".join((language, *stop_words(folder, language))) for language in LANGUAGES]
    OUTPUT.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    print(f"{OUTPUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
