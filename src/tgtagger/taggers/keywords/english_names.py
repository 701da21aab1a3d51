"""Find the names in an English post, by its capitals and by what WordNet has in small letters.

A name is without its title, without a company's form, and has four words at most; the word for a
people is its country. Knows no score.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from tgtagger.taggers.keywords import nouns, words
from tgtagger.taggers.keywords.candidates import DIGITS, LONGEST, joints, shape, without_owner
from tgtagger.taggers.keywords.text import Prepared, Word

HEADLINE = 4
"""Words of a headline, without function words; two more where it does not begin the post."""
_LIKE_STOP_WORDS = frozenset({"US", "WHO", "IT"})


class Capitals:
    """A post's words, and what their capitals tell."""

    def __init__(self, prepared: Prepared) -> None:
        self.words = tuple(_without_making(prepared.words))
        self._headlines, self._loud = _headlines(self.words)
        self._stops = words.english_stop_words()
        self._functions = words.word_set("function_words")
        self._small = {word.lower for word in self.words if word.text[0].islower()}
        self._inside = {
            without_owner(word.lower)
            for at, word in enumerate(self.words)
            if self._is_alone_inside(at, word)
        }

    def _is_alone_inside(self, at: int, word: Word) -> bool:
        """Tell whether a capital inside a sentence comes from the word itself, not from a name."""
        if word.first or not word.text[0].isupper() or word.sentence in self._headlines:
            return False
        after = self.words[at + 1] if at + 1 < len(self.words) else None
        before = self.words[at - 1] if word.joined else None
        return not is_common(word.lower) or not (_is_upper(after) or _is_capital(before))

    def run_at(self, at: int) -> list[Word]:
        """Return the words from here that make one name: «European Central Bank», «The Hague»."""
        word = self.words[at]
        if word.text.islower():
            return []
        following = [
            other for other in self.words[at + 1 : at + 9] if other.sentence == word.sentence
        ]
        if self.is_no_topic(at) or not self._starts_name(word, following):
            return []
        run = [word]
        for place, other in enumerate(following):
            after = following[place + 1] if place + 1 < len(following) else None
            goes_on = self._continues_name(run, other, after) or _joins(run, following[place:])
            if not other.joined or not goes_on:
                break
            run.append(other)
        while run and self._ends_before(run[-1]):
            run.pop()
        said = any(word.lower not in self._stops or self._is_code(word) for word in run)
        return run if said else []

    def _ends_before(self, word: Word) -> bool:
        """Tell whether no name ends with a word."""
        return word.lower in self._functions or word.lower in words.word_set("calendar")

    def _is_code(self, word: Word) -> bool:
        """Tell whether a word is capitals like those of a stop word: US, and OH after a town."""
        text = word.text
        if not text.isupper() or word.sentence in self._loud:
            return False
        return text in _LIKE_STOP_WORDS or text in words.countries()

    def is_no_topic(self, at: int) -> bool:
        """Tell whether a word is a number's unit, or an agency that reported."""
        return self._is_unit(at) or self._is_agency(at)

    def _is_unit(self, at: int) -> bool:
        """Tell whether a word is the unit of the number before it: 13.7 MW."""
        if not at or self.words[at].lower not in words.word_set("units"):
            return False
        return self.words[at].joined and self.words[at - 1].text[-1].isdigit()

    def _is_agency(self, at: int) -> bool:
        """Tell whether a word is the agency that reported: AFP said, according to Reuters."""
        if self.words[at].lower not in words.word_set("agencies"):
            return False
        around = self.words[max(0, at - 1) : at] + self.words[at + 1 : at + 2]
        return any(word.lower in words.word_set("attribution") for word in around)

    def _starts_name(self, word: Word, following: Sequence[Word]) -> bool:
        text, lower = word.text, without_owner(word.lower)
        if not (text[0].isupper() or _is_mixed(text)) or DIGITS.fullmatch(text):
            return False
        if _is_mixed(text) or self._is_code(word):
            return True
        if lower in self._stops:
            return self._stop_word_starts_name(word, following)
        after = following[0] if following else None
        if shape(text).acronym and word.sentence not in self._loud:
            return not self._is_emphasis(word, after)
        if word.sentence in self._headlines:
            return lower in self._inside or not _is_ordinary(lower) or lower in words.countries()
        if not word.first:
            return len(text) > 1 and not (lower in self._small and not _is_upper(after))
        return lower in self._inside or self._looks_like_name(word, lower, after)

    def _stop_word_starts_name(self, word: Word, following: Sequence[Word]) -> bool:
        """Tell whether a stop word's capital comes from a name: The Hague, Big Spring Hospital."""
        if len(word.text) < 2 or word.text.isupper() or word.lower in words.word_set("calendar"):
            return False
        capitals = 0
        for other in following:
            if not _is_upper(other) or other.lower in self._functions:
                break
            capitals += 1
        if word.sentence in self._headlines:
            return False
        if word.lower in self._functions:
            return word.lower == "the" and not word.first and capitals > 0
        return capitals > (word.first and word.lower not in {"new", "big"})

    def _is_emphasis(self, word: Word, after: Word | None) -> bool:
        """Tell whether a word in capitals is an ordinary one: PREHEAT the oven, SO MUCH FUN."""
        if len(word.text) < 4 or not is_common(word.lower):
            return False
        louder = after is not None and after.joined and after.text.isupper() and len(after.text) > 1
        return word.lower in self._small or word.first or louder

    def _looks_like_name(self, word: Word, lower: str, after: Word | None) -> bool:
        """Tell whether a sentence's first word is a name: it is no word of the language."""
        if lower in self._small:
            return False
        if lower in words.countries():  # but: Polish the silver
            return after is None or after.lower not in self._functions
        if _is_upper(after):
            return after is not None and not self._ends_before(after)
        if word.lower.endswith("'s"):
            return not is_common(lower)
        ordinary = _is_ordinary(lower) and lower not in words.word_set("brands")
        if ordinary or len(lower) < 3:
            return False
        # «Lighthouse keepers …» against «Netflix buys …»: names seldom stand before a noun.
        return (
            after is None
            or not after.joined
            or after.text[0].isdigit()
            or after.lower in self._stops
            or _is_verb(after)
        )

    def _continues_name(self, run: Sequence[Word], word: Word, after: Word | None) -> bool:
        before = run[-1]
        lower = word.lower
        if word.sentence in self._headlines:
            return not _is_ordinary(lower) and word.text[0].isupper()
        if before.text.endswith(("'s", "’s")):
            return _is_capital(word) and lower in words.word_set("named_by_owner")
        if word.text[0].isupper():
            return lower not in self._functions or (word.text.isupper() and len(word.text) > 1)
        if lower in {"of", "&"}:  # University of Toronto
            return _is_upper(after) and _has_subject(run)
        if lower in words.word_set("particles"):  # Rio de Janeiro, Ursula von der Leyen
            return _is_upper(after) or (after is not None and _is_particle(after))
        return word.text.isdigit() and len(word.text) < 4 and before.text[-1].isalpha()


def _headlines(all_words: Sequence[Word]) -> tuple[frozenset[int], frozenset[int]]:
    """Return the sentences Written Like This, and those of them that are IN CAPITALS.

    No capital in them tells a name. A sentence of names alone is none.
    """
    sentences: dict[int, list[Word]] = {}
    unsaid = words.word_set("headline_small") | words.word_set("calendar")
    for word in all_words:
        if word.lower not in unsaid and word.text[0].isalpha():
            sentences.setdefault(word.sentence, []).append(word)
    headlines = {
        sentence: found
        for sentence, found in sentences.items()
        if len(found) >= HEADLINE + 2 * (sentence > all_words[0].sentence)
        and all(word.text[0].isupper() or _is_mixed(word.text) for word in found)
        and 3 * sum(is_common(word.lower) for word in found) >= len(found)
    }
    loud = (
        sentence
        for sentence, found in headlines.items()
        if 2 * sum(word.text.isupper() for word in found) > len(found)
    )
    return frozenset(headlines), frozenset(loud)


def _without_making(all_words: Sequence[Word]) -> Iterator[Word]:
    """Yield the words; of one like Berlin-based the name, which does not go on."""
    cut = False
    for word in all_words:
        name, hyphen, rest = word.text.rpartition("-")
        if hyphen and name[:1].isupper() and rest in words.word_set("made_by"):
            yield dataclasses.replace(word, text=name, lower=word.lower[: len(name)])
            cut = True
        else:
            yield dataclasses.replace(word, joined=False) if cut else word
            cut = False


def _is_capital(word: Word | None) -> bool:
    return word is not None and word.text[0].isupper()


def _is_upper(word: Word | None) -> bool:
    return word is not None and word.joined and word.text[0].isupper()


def _is_mixed(text: str) -> bool:
    return not text.isupper() and any(letter.isupper() for letter in text[1:])


def is_common(lower: str) -> bool:
    """Tell whether WordNet met a word in texts, in small letters."""
    return nouns.look_up(lower) is not None


def _is_particle(word: Word) -> bool:
    return word.joined and word.lower in words.word_set("particles")


def _has_subject(run: Sequence[Word]) -> bool:
    """Tell whether «of» goes on a name: University of …, Duke of …, but no person of a town."""
    last = run[-1].lower
    if last in words.word_set("heads_of"):
        return True
    return not run[0].first and (len(run) == 1 or all(is_common(word.lower) for word in run))


def _joins(run: Sequence[Word], rest: Sequence[Word]) -> bool:
    """Tell whether «and» joins the subjects of an office: Food and Drug Administration."""
    if rest[0].lower != "and" or not is_common(run[-1].lower):
        return False
    for word in rest[1:4]:
        if not _is_upper(word):
            return False
        if word.lower in words.word_set("offices"):
            return True
    return False


def _is_verb(word: Word) -> bool:
    """Tell whether a word is seldom a noun."""
    known = nouns.look_up(word.lower)
    return known is not None and known.share < 0.5


_ENDINGS = ("ers", "ors", "ians", "ies", "tion", "sion", "ment", "ness", "ity", "ous", "ful", "ive",
            "able", "ible", "logy", "ship", "ist", "ists", "ance", "ence", "ing", "ed", "ly", "ism",
            "ware")  # fmt: skip


def _is_ordinary(lower: str) -> bool:
    """Tell whether a word is one of the language, whatever its capital, or formed like one."""
    return is_common(lower) or lower.endswith(_ENDINGS)


# ---- What of a run is the name


def names_of(run: Sequence[Word]) -> Iterator[list[Word]]:
    """Yield the names in a run of capitalised words."""
    run = list(run)
    if run[0].lower == "the" and (len(run) > 2 or run[-1].lower in words.countries()):
        run = run[1:]
    country = _country_before(run)
    if country:
        yield run[:country]
        run = run[country:]
    person = _after_title(run)
    if person:
        before = [word for word in run[:person] if not _is_title(word)]
        while before and is_common(before[-1].lower):  # Hungarian Foreign Minister Szijjarto
            before.pop()
        yield from _shortened(before)
        run = run[person:]
    elif _is_people_before_person(run):
        yield run[:1]
        run = run[1:]
    while run and run[-1].lower.replace(".", "") in words.word_set("company_forms"):
        run.pop()
    if len(run) > 1 and run[-1].text.isupper() and run[-1].text in words.countries():
        yield [run.pop()]  # Mountain View CA
    yield from _shortened(run)


def _country_before(run: Sequence[Word]) -> int:
    """Return how many words of a country stand before a long name that it is no part of."""
    if len(run) <= LONGEST:
        return 0
    first_two = " ".join(word.lower for word in run[:2])
    return 2 if first_two in {"united states", "united kingdom"} else run[0].text in {"US", "UK"}


def _is_title(word: Word) -> bool:
    titles = words.word_set("titles_en")
    return word.lower in titles or word.lower.rpartition("-")[2] in titles


def _after_title(run: Sequence[Word]) -> int:
    """Return where a person's name begins after a title; 0 if there is none."""
    for place in range(len(run) - 2, -1, -1):
        if _is_title(run[place]):
            person = run[place + 1 :]
            other = any(word.lower in words.word_set("not_persons") for word in person)
            return 0 if other or len(person) > 3 else place + 1
    return 0


def _is_people_before_person(run: Sequence[Word]) -> bool:
    """Tell whether a name is a person's after the word for a people: American Jenson Brooksby."""
    if len(run) not in {3, 4} or run[0].lower not in words.countries():
        return False
    return not is_common(run[1].lower) and not run[1].text.isupper()


def _shortened(run: list[Word]) -> Iterator[list[Word]]:
    """Yield a name, in parts if it is long."""
    if _length(run) > LONGEST:
        second = _second_part(run)
        if second:
            yield from _shortened(run[:second])
            run = run[second:]
            if len(run) == 1 and is_common(run[0].lower):  # St Mary's Church | Hall
                return
        functions = words.word_set("function_words")
        while run and (_length(run) > LONGEST or run[0].lower in functions):
            run = run[1:]
    if run and (len(run) > 1 or not _is_title(run[0])):
        yield run


def _length(run: Sequence[Word]) -> int:
    """Return the words of a name, with those between hyphens and apostrophes."""
    return sum(1 + joints(word.text) for word in run)


def _second_part(run: Sequence[Word]) -> int:
    """Return where a second name begins in a long run; 0 if there is none."""
    for place in range(1, len(run) - 1):
        if run[place].lower in words.word_set("districts"):  # Palm Beach County | State Attorney
            return place + 1
        if run[place - 1].text.endswith(("'s", "’s")):  # Cooper's Island | Nature Reserve
            return place + 1
    for place in range(len(run) - 3, 1, -1):  # University of Virginia | School of Law
        if run[place + 1].lower == "of":
            return place
    return 0


def as_written(name: Sequence[Word]) -> tuple[str, frozenset[str]]:
    """Return how a name is shown, and its ground forms."""
    # An owner inside a name belongs to it: St. David's Island.
    inside = [word.text for word in name[:-1]]
    shown = " ".join([*inside, without_owner(name[-1].text)])
    lower = " ".join(without_owner(word.lower) for word in name)
    place = words.countries().get(shown) or words.countries().get(lower)
    if place:
        return place, frozenset(place.lower().split())
    return shown, frozenset(nouns.singular(word.rstrip(".")) for word in lower.split())
