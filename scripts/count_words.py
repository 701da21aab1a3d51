"""Count over an archive of Russian posts what the dictionary cannot tell, for the embedded tagger.

usage: python scripts/count_words.py FOLDER of channel files {message_id, text}

Writes data/counted.txt of the embedded tagger: word forms that are written with a small letter
though they may be names, and nouns that the dictionary lacks by the gender that their forms show.
Counts posts with an even number alone: the others are there to measure on.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tgtagger.taggers.keywords import morphology, unlisted, words
from tgtagger.taggers.keywords.candidates import shape
from tgtagger.taggers.keywords.text import Prepared, prepare

OUTPUT = Path(words.__file__).parent / "data/counted.txt"
HEAD = """\
# Counted by scripts/count_words.py over half of 11,135 posts of 12 Russian Telegram channels
# (NKTKLN/telegram-news-classifier, CC BY 4.0): which words, no text. A line is: set, words.
# small, rather_small: forms of names that are written with a small letter, or mostly: марта,
# королева · masculine, feminine: nouns and names that the dictionary lacks, whose genitive in а is
# misread without
"""
CONSONANTS = "бвгджзклмнпрстфхцчшщ"
SURNAMES = ("ов", "ев", "ин", "ын")  # of women, too
SELDOM = 8
"""Times as often that a form is written small, to be no name."""


def read(folder: Path) -> Iterator[Prepared]:
    for file in sorted(folder.glob("*.json")):
        for post in json.loads(file.read_text(encoding="utf-8")):
            if post["text"] and post["message_id"] % 2 == 0:
                yield prepare(post["text"])


def count(posts: Iterator[Prepared]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Return how often each form is written small, with a capital inside a sentence, at all."""
    small: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for post in posts:
        for word in post.words:
            if not shape(word.text).russian:
                continue
            every[word.lower] += 1
            if word.text.islower():
                small[word.lower] += 1
            elif not word.first and not word.quoted and word.sentence not in post.shouting:
                capital[word.lower] += 1
    return small, capital, every


def written_small(
    small: Counter[str], capital: Counter[str], most: float = 1e9, least: float = SELDOM
) -> Iterator[str]:
    """Yield the forms that may be names, written small so many times as often."""
    for form, often in small.items():
        share = often / (capital[form] or 0.1)
        if often < 3 or not least <= share < most or not morphology.analyse(form).known:
            continue
        kinds = {
            bool(each.features.kind)
            for each in morphology.readings(form)
            if not (each.features.kind and each.features.plural)
        }
        if kinds == {True, False}:
            yield form


def genders(every: Counter[str]) -> tuple[Counter[str], Counter[str]]:
    """Return how often forms of unknown nouns speak for each gender, by their stems."""
    men: Counter[str] = Counter()
    women: Counter[str] = Counter()
    for form, often in every.items():
        if len(form) < 4 or "-" in form or morphology.analyse(form).known:
            continue
        if form.endswith("ом") and form[-3] in CONSONANTS:
            men[form[:-2]] += often
        elif form.endswith(("ой", "ою")) and form[-3] in CONSONANTS:
            women[form[:-2]] += often
        elif form[-1] in CONSONANTS and not form.endswith(
            ("ем", "ым", "им", "ах", "ях", "ам", "ям", "их", "ых", "ов", "ев")
        ):
            men[form] += often
    return men, women


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    small, capital, every = count(read(parser.parse_args().folder))
    men, women = genders(every)
    masculine, feminine = [], []
    for stem in sorted({*men, *women}):
        genitive = stem + "а"
        votes = men[stem] - women[stem]
        guessed = unlisted.ground_form(genitive, capital=False, count=lambda _: 0, listed=False)
        if votes >= 3 and guessed != stem and every[genitive] and every[stem + "ом"]:
            masculine.append(stem)
        elif votes < 0 and guessed == stem and every[genitive] and not stem.endswith(SURNAMES):
            feminine.append(stem)
    lists = {
        "small": sorted(written_small(small, capital)),
        "rather_small": sorted(written_small(small, capital, SELDOM, 1)),
        "masculine": masculine,
        "feminine": feminine,
    }
    lines = [
        f"{name} {line}"
        for name, found in lists.items()
        for line in textwrap.wrap(" ".join(found), 90, break_long_words=False)
    ]
    OUTPUT.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print({name: len(found) for name, found in lists.items()}, OUTPUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
