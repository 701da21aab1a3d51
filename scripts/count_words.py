"""Count over an archive of Russian posts what the dictionary cannot tell, for the embedded tagger.

usage: python scripts/count_words.py FOLDER of channel files {message_id, text}

Writes data/counted.txt of the embedded tagger: word forms that are written with a small letter
though they may be names; nouns that the dictionary lacks, by the gender that their forms show;
names that mostly tell who says so; adjectives and nouns that are a term. The first two are counted
over posts with an even number: the others are there to measure on.
"""

from __future__ import annotations

import argparse
import json
import math
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tgtagger.taggers.keywords import morphology, names, unlisted, words
from tgtagger.taggers.keywords.candidates import shape
from tgtagger.taggers.keywords.text import Prepared, prepare

OUTPUT = Path(words.__file__).parent / "data/counted.txt"
HEAD = """\
# Counted by scripts/count_words.py over 11,135 posts of 12 Russian Telegram channels
# (NKTKLN/telegram-news-classifier, CC BY 4.0): which words, no text. A line is: set, words.
# small, rather_small: forms of names that are written with a small letter, or mostly: марта,
# королева · masculine, feminine: nouns and names that the dictionary lacks, whose genitive in а is
# misread without · source: names beside which mostly somebody says something · term: an adjective
# and its noun
"""
CONSONANTS = "бвгджзклмнпрстфхцчшщ"
SURNAMES = ("ов", "ев", "ин", "ын")  # of women, too
SELDOM = 8
"""Times as often that a form is written small, to be no name."""


def read(folder: Path) -> tuple[list[Prepared], list[Prepared]]:
    """Return the posts, and half of them."""
    every, half = [], []
    for file in sorted(folder.glob("*.json")):
        for post in json.loads(file.read_text(encoding="utf-8")):
            if post["text"]:
                every.append(prepare(post["text"]))
                if post["message_id"] % 2 == 0:
                    half.append(every[-1])
    return every, half


def count(posts: Iterable[Prepared]) -> tuple[Counter[str], Counter[str], Counter[str]]:
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
    return men, women


SAYS = words.word_set("sources") | {
    "ссылкой", "агентство", "агентству", "агентства", "издание", "издания", "газета", "телеканал",
    "телеканалу", "говорится", "уточняет", "узнал", "узнала", "отмечает", "стало",
}  # fmt: skip
SAYS_MOSTLY = 0.35
SAYS_OFTEN = 6


def sources(posts: Iterable[Prepared]) -> Iterator[str]:
    """Yield the names that mostly stand beside a word that somebody says something."""
    every: Counter[str] = Counter()
    saying: Counter[str] = Counter()
    for post in posts:
        around = post.words
        for at, word in enumerate(around):
            if not word.text[0].isupper() or word.lower in words.stop_words("ru"):
                continue
            near = (*around[max(0, at - 2) : at], *around[at + 1 : at + 2])
            every[word.lower] += 1
            saying[word.lower] += any(
                other.lower in SAYS and other.sentence == word.sentence for other in near
            )
    for name, often in saying.items():
        known = morphology.analyse(name).known and morphology.analyse(name).name is None
        if (
            often >= SAYS_OFTEN
            and often >= SAYS_MOSTLY * every[name]
            and not (known and not morphology.analyse(name).noun)
        ):
            yield name


COMMONEST = (  # they describe anything: when, which, how much
    "российский украинский местный очередной общий разный сильный бывший свежий сегодняшний данный "
    "прошедший прошлый минувший следующий текущий нынешний завтрашний вчерашний предстоящий "
    "значимый дорогой добрый всякий жуткий страшный малейший официальный начинающий определённый "
    "долгий целый новый большой последний первый второй третий квадратный повышенный потенциальный "
    "тот этот весь ваш свой наш такой какой какой-то другой сам крупный огромный годовой многие "
    "недавний неположенный аналогичный фундаментальный избранный будущий актуальный "
    "интересный подробный"
).split()
POSTS_OF_A_TERM = 5
LEAST_PMI = 9


def terms(posts: Iterable[Prepared]) -> Iterator[str]:
    """Yield the adjectives and nouns that stand together more often than by chance."""
    total = 0
    adjectives: Counter[str] = Counter()
    nouns: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    in_posts: Counter[tuple[str, str]] = Counter()
    for post in posts:
        seen = set()
        for first, second in zip(post.words, post.words[1:], strict=False):
            total += 1
            noun = morphology.analyse(second.lower)
            adjective = morphology.analyse(first.lower)
            if not noun.noun or not shape(second.text).russian:
                continue
            nouns[noun.lemma] += 1
            if not (adjective.adjective and adjective.known and second.joined):
                continue
            adjectives[adjective.lemma] += 1
            two = (morphology.readings(first.lower), morphology.readings(second.lower))
            if second.text.islower() and names.describes(two):
                pairs[adjective.lemma, noun.lemma] += 1
                seen.add((adjective.lemma, noun.lemma))
        in_posts.update(seen)
    for (describing, described), often in sorted(pairs.items()):
        pmi = math.log2(often * total / (adjectives[describing] * nouns[described]))
        plain = describing not in words.places() and describing not in COMMONEST
        if in_posts[describing, described] >= POSTS_OF_A_TERM and pmi >= LEAST_PMI and plain:
            yield f"{describing}_{described}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    posts, half = read(parser.parse_args().folder)
    small, capital, every = count(half)
    men, women = genders(every)
    masculine, feminine = [], []
    for stem in sorted({*men, *women}):
        genitive = stem + "а"
        votes = men[stem] - women[stem]
        guessed = unlisted.ground_form(genitive, capital=False, count=lambda _: 0, listed=False)
        misread = guessed != stem or morphology.analyse(stem).lemma != stem
        if votes > 0 and misread and every[genitive]:
            masculine.append(stem)
        elif votes < 0 and guessed == stem and every[genitive] and not stem.endswith(SURNAMES):
            feminine.append(stem)
    lists = {
        "small": sorted(written_small(small, capital)),
        "rather_small": sorted(written_small(small, capital, SELDOM, 1)),
        "masculine": masculine,
        "feminine": feminine,
        "source": sorted(sources(posts)),
        "term": sorted(terms(posts)),
    }
    lines = [
        f"{name} {line}"
        for name, found in lists.items()
        for line in textwrap.wrap(
            " ".join(found), 90, break_long_words=False, break_on_hyphens=False
        )
    ]
    OUTPUT.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print({name: len(found) for name, found in lists.items()}, OUTPUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
