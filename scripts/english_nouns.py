"""Make the lists of English nouns that the embedded tagger uses, out of WordNet 3.0.

usage: python scripts/english_nouns.py FOLDER    with index.*, data.noun, cntlist.rev, noun.exc,
                                                 as Debian's package wordnet-base has them
Writes into src/tgtagger/taggers/keywords/data, each a gzipped text:

english_terms.gz   two-word nouns in small letters, a line each: power plant
english_words.gz   how often a word is a noun, and how common a noun, by WordNet's counts in texts:
                   a line is two digits and the words. The first is the share of its uses as a
                   noun, in ninths; the second the binary logarithm of one more than these uses,
                   9 at most. Nouns that were never counted are left out if they are long, or name
                   animals, plants, parts of a body, substances and the like: a word that is not
                   listed is taken for a noun.
                   Below, irregular plurals: a line is =, the singular, its plurals.
"""

from __future__ import annotations

import argparse
import gzip
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

DATA = Path(__file__).parents[1] / "src/tgtagger/taggers/keywords/data"

WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
TERM = re.compile(r"[a-z]+(?:-[a-z]+)*_[a-z]+(?:-[a-z]+)*")
PARTS = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
OF_A_SENSE = 0.3
"""What a sense that was never met in a text counts beside those that were."""
OF_ITS_VERB = 0.25
"""How many of a verb's uses are its form in -ing, about: it may be the same word."""
LONGEST = 16
LONGEST_UNCOUNTED = 11
LEFT_OUT = {"05", "08", "17", "20", "26", "27"}
"""WordNet's files of animals, bodies, objects of nature, plants, states, substances."""
ADVERB = re.compile(".{3,}ly")  # the tagger knows the ending

Counts = Mapping[str, Counter[str]]
Written = Mapping[str, AbstractSet[str]]
"""Words, and the numbers of WordNet's files that they are in."""


def lines(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("  "):  # the licence
            yield line.split()


def senses(folder: Path) -> Counts:
    """Return how many senses each word has as a noun, a verb …."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for part in ("noun", "verb", "adj", "adv"):
        for word, _, number, *_ in lines(folder / f"index.{part}"):
            found[word][part] += int(number)
    return found


def uses(folder: Path) -> Counts:
    """Return how often each word was met in texts as a noun, a verb …."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for key, _, number in lines(folder / "cntlist.rev"):
        word, _, rest = key.partition("%")
        found[word][PARTS[rest[0]]] += int(number)
    return found


def noun_classes(
    all_senses: Counts, all_uses: Counts, nouns_written: Written, adjectives_written: Written
) -> dict[str, str]:
    """Return the two digits of each word. What is written with a capital only is a name."""
    classes = {}
    for word, parts in all_senses.items():
        met = Counter(all_uses.get(word, {}))
        for part, written in (("noun", nouns_written), ("adj", adjectives_written)):
            if word not in written:
                parts[part] = met[part] = 0
        if not WORD.fullmatch(word) or len(word) > LONGEST or not parts.total():
            continue
        nouns = met["noun"] + OF_A_SENSE * parts["noun"]
        verbs = sum(all_uses[verb]["verb"] for verb in verbs_in_ing(word) if verb in all_uses)
        share = nouns / (met.total() + OF_A_SENSE * parts.total() + OF_ITS_VERB * verbs)
        listed = share < 1 or met.total() or is_listed(word, nouns_written[word])
        if listed and not (share == 0 and ADVERB.fullmatch(word)):
            classes[word] = f"{9 * share:.0f}{min(9, math.log2(met['noun'] + 1)):.0f}"
    return classes


def is_listed(word: str, files: AbstractSet[str]) -> bool:
    """Tell whether a noun that was never counted is listed all the same."""
    return len(word) <= LONGEST_UNCOUNTED and "-" not in word and bool(files - LEFT_OUT)


def verbs_in_ing(word: str) -> set[str]:
    """Return the verbs that a word in -ing may be a form of."""
    stem = word.removesuffix("ing")
    if stem == word or len(stem) < 3:
        return set()
    return {stem, f"{stem}e"} | ({stem[:-1]} if stem[-1] == stem[-2] else set())


def irregular_verbs(folder: Path, all_uses: Counts) -> set[str]:
    """Return the forms of verbs met in texts that no rule of endings makes: stolen."""
    return {
        form
        for form, verb, *_ in lines(folder / "verb.exc")
        if WORD.fullmatch(form) and all_uses.get(verb, Counter())["verb"]
    }


def in_small_letters(file: Path) -> Written:
    """Return the words of data.noun or data.adj written in small letters (index.* has all so)."""
    found: dict[str, set[str]] = defaultdict(set)
    for _, subject, _, number, *fields in lines(file):
        for word in fields[: 2 * int(number, 16) : 2]:
            if word.islower():
                found[word.partition("(")[0]].add(subject)  # afraid(p)
    return found


def irregular_plurals(folder: Path, known: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the plurals of words met in texts that no rule of endings makes."""
    found: dict[str, list[str]] = defaultdict(list)
    for plural, singular, *_ in lines(folder / "noun.exc"):
        regular = plural in {f"{singular}s", f"{singular}es"}
        if singular in known and WORD.fullmatch(plural) and plural not in known and not regular:
            found[singular].append(plural)
    return found


def write(name: str, content: Iterable[str]) -> None:
    text = "".join(f"{line}\n" for line in content)
    path = DATA / name
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{name}: {path.stat().st_size:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    all_uses = uses(folder)
    nouns = in_small_letters(folder / "data.noun")
    adjectives = in_small_letters(folder / "data.adj")
    classes = noun_classes(senses(folder), all_uses, nouns, adjectives)
    classes |= dict.fromkeys(irregular_verbs(folder, all_uses) - classes.keys(), "00")
    by_class: dict[str, list[str]] = defaultdict(list)
    for word, digits in classes.items():
        by_class[digits].append(word)
    plurals = irregular_plurals(folder, classes)
    terms = sorted(noun.replace("_", " ") for noun in nouns if TERM.fullmatch(noun))
    write("english_terms.gz", terms)
    write(
        "english_words.gz",
        [
            *(f"{digits} {' '.join(sorted(found))}" for digits, found in sorted(by_class.items())),
            *(f"= {singular} {' '.join(found)}" for singular, found in sorted(plurals.items())),
        ],
    )


if __name__ == "__main__":
    main()
