"""Find candidates in an English post: names, nouns, and terms of two words that WordNet has.

A noun is told from a verb by how often the word is one, by its form and by its neighbours. Knows
no score.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tgtagger.taggers.keywords import nouns, words
from tgtagger.taggers.keywords.candidates import (
    DIGITS,
    NAME_WEIGHT,
    Candidate,
    Gathering,
    shape,
    without_owner,
)
from tgtagger.taggers.keywords.english_names import (
    Capitals,
    as_written,
    is_common,
    names_of,
)
from tgtagger.taggers.keywords.text import Prepared, Word

TERM_BONUS = 1.2
LEAST_TERM = 0.9
SINGLE_NAME = 0.95
COMMON_NAME = 0.7
"""What a single word with a capital weighs that WordNet has in small letters: Congress, Office."""
NO_NOUN = 0.5
"""What a word weighs that is never a noun, beside one that always is."""
COMMON = 0.028
"""What a noun loses with each doubling of its uses: the most common ones are generic."""


def gather(prepared: Prepared, gathering: Gathering) -> None:
    capitals = Capitals(prepared)
    named = _add_names(capitals, gathering)
    in_term = False
    for at, word in enumerate(capitals.words):
        if at in named:
            _add_spelt(capitals.words, at, gathering)
            in_term = False
        elif at + 1 not in named and _add_term(capitals.words, at, gathering):
            in_term = True
        elif in_term:  # its last word, which is no tag besides
            in_term = False
        elif not capitals.is_no_topic(at):
            _add_noun(capitals.words, at, word, gathering)
    _join_surnames(gathering)
    _join_acronyms(gathering)


def ground_form(lower: str) -> str:
    """Return a form that a word's singular and plural share."""
    return nouns.singular(without_owner(lower))


# ---- Names


def _add_names(capitals: Capitals, gathering: Gathering) -> set[int]:
    """Add the names; return the places of their words."""
    spellings: dict[frozenset[str], Counter[str]] = {}
    named: set[int] = set()
    at = 0
    while at < len(capitals.words):
        run = capitals.run_at(at)
        for name in names_of(run) if run else ():
            shown, parts = as_written(name)
            weight = NAME_WEIGHT
            if len(name) == 1:
                weight *= COMMON_NAME if is_common(name[0].lower) else SINGLE_NAME
            gathering.add(shown, parts, weight, name[0], at, name=True)
            spellings.setdefault(parts, Counter())[shown] += 1
        named.update(range(at, at + len(run)))
        at += len(run) or 1
    for parts, counts in spellings.items():
        # The most usual spelling; in a tie one that is not in capitals.
        shown = max(counts, key=lambda name: (counts[name], not name.isupper()))
        if parts in gathering.found:  # and not refused as a list of words
            gathering.found[parts].shown = shown
    return named


def _join_surnames(gathering: Gathering) -> None:
    """Let a surname count for the one full name that ends with it."""
    full: dict[str, list[Candidate]] = {}
    for candidate in gathering.found.values():
        if candidate.name and " " in candidate.shown:
            full.setdefault(candidate.shown.split(" ")[-1].casefold(), []).append(candidate)
    for candidate in list(gathering.found.values()):
        longer = full.get(candidate.shown.casefold(), ())
        if candidate.name and len(longer) == 1 and " of " not in longer[0].shown:
            _join(gathering, candidate, longer[0])


def _join_acronyms(gathering: Gathering) -> None:
    """Let an acronym and the words that it stands for be one, shown as it is more usual."""
    spelt: dict[str, Candidate] = {}
    for candidate in gathering.found.values():
        if " " in candidate.shown:
            spelt.setdefault(_initials(candidate.shown.split(" ")), candidate)
    for candidate in list(gathering.found.values()):
        whole = spelt.get(candidate.shown) if candidate.shown.isupper() else None
        if whole and whole.parts in gathering.found:
            usual = max(whole, candidate, key=lambda one: len(one.positions))
            whole.shown = usual.shown
            _join(gathering, candidate, whole)


def _initials(parts: Iterable[str]) -> str:
    return "".join(part[0].upper() for part in parts if part not in {"of", "the", "and", "for"})


def _join(gathering: Gathering, short: Candidate, whole: Candidate) -> None:
    del gathering.found[short.parts]
    whole.positions = sorted([*whole.positions, *short.positions])
    whole.sentences |= short.sentences
    whole.weight = max(whole.weight, short.weight)
    whole.name = whole.name or short.name


# ---- Terms


def _add_term(all_words: Sequence[Word], at: int, gathering: Gathering) -> bool:
    """Add two neighbours that WordNet has as one noun; tell whether they are."""
    if at + 1 == len(all_words):
        return False
    first, second = all_words[at : at + 2]
    if second.first or not second.joined or not nouns.is_term(first.lower, second.lower):
        return False
    functions = words.stop_words("en")
    if first.lower in functions or second.lower in functions:
        return False
    parts = noun_weight(first.lower, all_words, at), noun_weight(second.lower, all_words, at + 1)
    weight = TERM_BONUS * max(LEAST_TERM, 0.4 * parts[0] + 0.6 * parts[1])
    _add_phrase(all_words[at : at + 2], weight, at, gathering)
    return True


def _add_spelt(all_words: Sequence[Word], at: int, gathering: Gathering) -> None:
    """Add the small words before an acronym that spell it: machine learning (ML)."""
    acronym = all_words[at]
    number = len(acronym.text)
    if acronym.joined or at < number or not shape(acronym.text).acronym:
        return
    before = all_words[at - number : at]
    if _initials(word.text for word in before) == acronym.text and all(
        word.text.islower() and word.lower not in words.stop_words("en") for word in before
    ):
        _add_phrase(before, TERM_BONUS, at - number, gathering)


def _add_phrase(phrase: Sequence[Word], weight: float, at: int, gathering: Gathering) -> None:
    shown = " ".join(word.lower for word in phrase)
    parts = [ground_form(word.lower) for word in phrase]
    gathering.add(shown, parts, weight, phrase[0], at, name=False)


# ---- Nouns


def _add_noun(all_words: Sequence[Word], at: int, word: Word, gathering: Gathering) -> None:
    bare = without_owner(word.lower)
    stopped = bare in words.english_stop_words() or len(bare) < 3
    if stopped or DIGITS.fullmatch(bare) or bare[0].isdigit():
        return
    weight = noun_weight(bare, all_words, at)
    shown = bare if word.text.isascii() else without_owner(word.text).lower()
    gathering.add(shown, (ground_form(bare),), weight, word, at, name="." in bare)


_ADVERB_OR_ADJECTIVE = re.compile(r".+(?:ly|ous|ful|less|ible|able|ish|ic|ical|est|ive|ary|iest)$")
_VERB_FORM = re.compile(r".+(?:ed|ing|ise|ize|ised|ized|ifies|ified|ify)$")
_NOUN = re.compile(
    r".+(?:tion|sion|ment|ness|ship|ism|ist|ists|logy|ity|ance|ence|ware|work|book|craft|graphy|"
    r"tions|ments|ers|ors|cy|ure|age|dom|hood|ics)$"
)


def noun_weight(bare: str, all_words: Sequence[Word], at: int) -> float:
    """Return how well a word fits as a tag: high for a noun with a specific meaning."""
    weights = words.weights("en")
    weight = weights.get(bare) or weights.get(ground_form(bare), 1.05)
    known = nouns.look_up(bare)
    if known:
        weight *= NO_NOUN + (1 - NO_NOUN) * known.share
        weight *= 1 - COMMON * known.common
    if _NOUN.fullmatch(bare):
        weight *= 1.15
    elif known is None and (_VERB_FORM.fullmatch(bare) or _ADVERB_OR_ADJECTIVE.fullmatch(bare)):
        weight *= 0.55
    before = all_words[at - 1].lower if at and not all_words[at].first else ""
    if before in words.word_set("before_verb") and before not in words.word_set("before_noun"):
        weight *= 0.5
    elif before in words.word_set("before_noun"):
        weight *= 1.05
    return weight * 1.15 if _closes_phrase(all_words, at) else weight


def _closes_phrase(all_words: Sequence[Word], at: int) -> bool:
    """Tell whether a word stands before a function word or the sentence's end: it is the head."""
    if at + 1 == len(all_words):
        return True
    after = all_words[at + 1]
    return after.first or not after.joined or after.lower in words.english_stop_words()
