"""Count over an archive of Russian posts which words speak for a shelf, for the embedded tagger.

usage: python scripts/count_shelves.py FOLDER of channel files {message_id, text}

Writes data/shelves_counted.txt of the vocabulary: words that stand far more often in posts to which
the written lists give a shelf than in those with another one. Counted are half of the channels: the
others are there to measure on.
"""

from __future__ import annotations

import argparse
import json
import math
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from tgtagger.taggers.keywords import words
from tgtagger.taggers.keywords.candidates import shape
from tgtagger.taggers.keywords.shelf import ground_forms, shelf_of
from tgtagger.taggers.keywords.text import Prepared, prepare
from tgtagger.vocabulary import shelves

COUNTED = (  # a half of them, drawn by lot
    "1001000724666", "1001039626561", "1001136626166", "1001288489154", "1001394050290",
    "1001754252633",
)  # fmt: skip
OUTPUT = Path(shelves.__file__).parent / "data/shelves_counted.txt"
HEAD = """\
# Counted by scripts/count_shelves.py over 5,597 posts of 6 Russian Telegram channels
# (NKTKLN/telegram-news-classifier, CC BY 4.0): which words, no text. A line is: shelf, weight,
# words that stand far more often in posts of this shelf than in those of others.
"""
FEWEST_POSTS = 4
FEWEST_CHANNELS = 2
LEAST_ODDS = 1.2
MOST_ODDS = 4.0
HEAVIEST = 0.8
"""What a word of the highest log odds weighs; one of a written list weighs 1."""


def read(folder: Path) -> Iterator[tuple[str, Prepared]]:
    """Yield each post of the counted channels, with its channel."""
    for channel in COUNTED:
        (file,) = folder.glob(f"{channel}*.json")
        for post in json.loads(file.read_text(encoding="utf-8")):
            if post["text"]:
                yield channel, prepare(post["text"])


def words_of(post: Prepared) -> set[str]:
    """Return the words of a post that may speak for a shelf, in their dictionary forms."""
    found: set[str] = set()
    for word in post.words:
        lower = word.lower
        if len(lower) > 2 and shape(word.text).russian:
            form, *lemmas = ground_forms(lower)
            found.update(lemmas or [form])
    return found - words.stop_words("ru")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    written = shelves.bundled(counted=False)
    every: Counter[str] = Counter()
    of_shelf: dict[str, Counter[str]] = defaultdict(Counter)
    posts: Counter[str] = Counter()
    channels: dict[tuple[str, str], set[str]] = defaultdict(set)
    for channel, post in read(parser.parse_args().folder):
        shelf = shelf_of(post, "ru", written)
        if shelf is None:
            continue
        posts[shelf] += 1
        for word in words_of(post):
            every[word] += 1
            of_shelf[shelf][word] += 1
            channels[shelf, word].add(channel)
    names = written.names("ru")
    found: dict[tuple[str, float], list[str]] = defaultdict(list)
    for shelf, counts in of_shelf.items():
        others = posts.total() - posts[shelf]
        for word, often in counts.items():
            elsewhere = (every[word] - often + 0.5) / (others + 1)
            odds = math.log((often + 0.5) / (posts[shelf] + 1) / elsewhere)
            listed = {names[sign.shelf] for sign in written.words.get(word, ())}
            if (
                often >= FEWEST_POSTS
                and len(channels[shelf, word]) >= FEWEST_CHANNELS
                and odds > LEAST_ODDS
                and shelf not in listed
                and not any(
                    names[sign.shelf] == shelf
                    for end in range(2, len(word) + 1)
                    for sign in written.beginnings.get(word[:end], ())
                )
            ):
                weight = round(HEAVIEST * min(odds, MOST_ODDS) / MOST_ODDS, 1)
                found[shelf, weight].append(word)
    lines = [
        f"{shelf} {weight} {line}"
        for (shelf, weight), counted in sorted(found.items())
        for line in textwrap.wrap(
            " ".join(sorted(counted)), 80, break_long_words=False, break_on_hyphens=False
        )
    ]
    OUTPUT.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print(posts.total(), "posts", sum(map(len, found.values())), "words", OUTPUT.stat().st_size)


if __name__ == "__main__":
    main()
