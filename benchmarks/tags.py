"""How good the embedded tagger's tags are, against posts labelled by hand.

usage: python benchmarks/tags.py [GOLD.jsonl ...] [--k 5] [--show N] [--texts FILE] [--part NAME]

A gold line is {"id", "lang", "text", "core": [[form, ...], ...], "ok": [[form, ...], ...]}: core
are the concepts that a good set of tags names, ok are further true ones. A tag hits a concept if
their stemmed words are equal, each concept once. Precision counts core and ok, recall only core;
F1 is of their means over the posts, with a bootstrap interval (95 %, seeded).

labels_ru.jsonl and labels_en.jsonl have labels of posts that are not ours to give away: {"id",
"genre", "address", "sha256" of the text, "core", "ok", "part"}. --texts names a file of lines
{"id", "text"} with them. The part "held out" is for one look, after the tagger was changed. The
English texts are passages of the pages at those addresses, with straight quotes; those of the part
"afterwards" were found and labelled when the tagger was done, before it had seen them.
gold_languages.jsonl has posts of ours in nine languages; three of them need an extra.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import random
import re
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import snowballstemmer

from tgtagger.taggers.keywords import KeywordsTagger

HERE = Path(__file__).parent
REAL_DATA = Path(os.environ.get("TGTAGGER_TEST_DATA", "no-such-folder"))
DEFAULT = (
    HERE / "gold_en.jsonl",
    HERE / "gold_languages.jsonl",
    REAL_DATA / "tags_gold/gold_ru.jsonl",
)
_WORD = re.compile(r"[^\W_]+(?:[+#]+)?")
_STOP = ("и в на не с по за из к у о от до для при как что это a an the of in on at to ").split()


@functools.cache
def _stemmer(language: str) -> Any:
    return snowballstemmer.stemmer(language)


@functools.cache
def stems(tag: str) -> frozenset[str]:
    """Return the stemmed words of a tag, case, ё and inflection aside."""
    text = unicodedata.normalize("NFKC", tag).strip().lstrip("#")
    if len(text) > 12 and " " not in text:  # CamelCase of a hashtag
        text = re.sub(r"(?<=[a-zа-я])(?=[A-ZА-Я])", " ", text)
    found = _WORD.findall(text.lower().replace("ё", "е"))
    return frozenset(
        _stemmer("russian" if re.search("[а-я]", word) else "english").stemWord(word)
        for word in found
    )


@dataclass(frozen=True)
class Score:
    """One post's score: the share of true tags, and the share of named core concepts."""

    precision: float
    recall: float


def score(gold: dict[str, Any], tags: Sequence[str], k: int) -> Score:
    """Score the first k tags of a post. A concept is hit once: a second tag for it misses."""
    core = [{stems(form) for form in concept} for concept in gold["core"]]
    every = core + [{stems(form) for form in concept} for concept in gold.get("ok", [])]
    hit: set[int] = set()
    for words in map(stems, tags[:k]):
        free = (at for at, forms in enumerate(every) if words in forms and at not in hit)
        if words and (first := next(free, None)) is not None:
            hit.add(first)
    named = sum(1 for number in hit if number < len(core))
    return Score(len(hit) / len(tags[:k]) if tags else 0.0, named / max(len(core), 1))


def f1(scores: Sequence[Score]) -> float:
    """Return F1 of the mean precision and the mean recall."""
    precision = statistics.fmean(item.precision for item in scores)
    recall = statistics.fmean(item.recall for item in scores)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def interval(scores: Sequence[Score], *, rounds: int = 2000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of F1."""
    chance = random.Random(1)
    drawn = sorted(f1(chance.choices(scores, k=len(scores))) for _ in range(rounds))
    return drawn[int(rounds * 0.025)], drawn[int(rounds * 0.975)]


def is_junk(tag: str) -> bool:
    return (
        not 2 <= len(tag) <= 40
        or len(_WORD.findall(tag)) > 4
        or tag.lower() in _STOP
        or re.fullmatch(r"[\W\d_]+", tag) is not None
        or "http" in tag
    )


@functools.cache
def _morphology() -> Any:
    import pymorphy3

    return pymorphy3.MorphAnalyzer()


def is_dictionary_form(tag: str) -> bool | None:
    """Tell whether a noun of a Russian tag can be a nominative; None if that cannot be judged.

    It cannot for words in capitals, and for names that the dictionary does not know.
    """
    words = re.findall(r"[а-яё-]+", tag.lower())
    if not words or tag.isupper():
        return None
    written = re.findall(r"[А-ЯЁа-яё-]+", tag)
    if any(w[0].isupper() and not _morphology().word_is_known(w.lower()) for w in written):
        return None
    nouns = [p for word in words for p in _morphology().parse(word) if p.tag.POS == "NOUN"]
    return any(noun.tag.case == "nomn" for noun in nouns)


@dataclass(frozen=True)
class Report:
    """A gold file's figures."""

    posts: int
    precision: float
    recall: float
    f1: float
    low: float
    high: float
    in_range: float
    junk: float
    dictionary: float | None


def report(gold: Sequence[dict[str, Any]], tags: Sequence[Sequence[str]], k: int = 5) -> Report:
    scores = [score(post, found, k) for post, found in zip(gold, tags, strict=True)]
    every = [tag for found in tags for tag in found[:k]]
    forms = [
        form
        for post, found in zip(gold, tags, strict=True)
        if post.get("lang") == "ru"
        for tag in found[:k]
        if (form := is_dictionary_form(tag)) is not None
    ]
    low, high = interval(scores)
    return Report(
        len(gold),
        statistics.fmean(item.precision for item in scores),
        statistics.fmean(item.recall for item in scores),
        f1(scores),
        low,
        high,
        sum(3 <= len(found) <= 7 for found in tags) / len(tags),
        sum(map(is_junk, every)) / max(len(every), 1),
        sum(forms) / len(forms) if forms else None,
    )


def read_gold(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def join_texts(gold: Sequence[dict[str, Any]], texts: Path | None) -> list[dict[str, Any]]:
    """Return the posts with their texts; those that have none, or another one, are left out."""
    known = {line["id"]: line["text"] for line in read_gold(texts)} if texts else {}
    joined = [{"text": known.get(post["id"]), **post} for post in gold]
    return [
        post
        for post in joined
        if post["text"]
        and post.get("sha256") in {None, hashlib.sha256(post["text"].encode()).hexdigest()}
    ]


def tag_all(gold: Sequence[dict[str, Any]]) -> list[list[str]]:
    tagger = KeywordsTagger()
    return [[tag.name for tag in tagger.tag_text(post["text"])] for post in gold]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gold", nargs="*", type=Path)
    parser.add_argument("--k", type=int, default=5)
    parser.add_argument("--show", type=int, default=0, help="print so many posts with their tags")
    parser.add_argument("--texts", type=Path, help="the texts of posts that have labels only")
    parser.add_argument("--part", help="only the posts of this part")
    arguments = parser.parse_args()
    for path in arguments.gold or [path for path in DEFAULT if path.exists()]:
        gold = join_texts(read_gold(path), arguments.texts)
        gold = [post for post in gold if arguments.part in {None, post.get("part")}]
        if not gold:
            print(f"{path.name}: no posts with a text")
            continue
        tags = tag_all(gold)
        found = report(gold, tags, arguments.k)
        form = "" if found.dictionary is None else f"  dictionary form {found.dictionary:.1%}"
        print(
            f"{path.name}: {found.posts} posts  F1@{arguments.k} {found.f1:.3f} "
            f"[{found.low:.3f}, {found.high:.3f}]  P {found.precision:.3f}  R {found.recall:.3f}  "
            f"3..7 tags {found.in_range:.0%}  junk {found.junk:.1%}{form}"
        )
        for genre in sorted({post["genre"] for post in gold if "genre" in post}):
            scores = [
                score(post, chosen, arguments.k)
                for post, chosen in zip(gold, tags, strict=True)
                if post["genre"] == genre
            ]
            print(f"  {genre}: {len(scores)} posts  F1@{arguments.k} {f1(scores):.2f}")
        for post, chosen in list(zip(gold, tags, strict=True))[: arguments.show]:
            print(f"  {post['id']}: {', '.join(chosen)}")
            print(f"      core: {'; '.join(concept[0] for concept in post['core'])}")


if __name__ == "__main__":
    main()
