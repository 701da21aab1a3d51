"""Suggestions are made of a few candidates, and are those that all pairs of tags would give."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations

import pytest

from support.make import page, post, tag
from support.sql import reading, writing
from tgtagger.store import Store
from tgtagger.store.together import LATEST
from tgtagger.vocabulary import Suggestion, suggest

WORDS = ("море", "суп", "ветер", "лес", "Кот", "река", "город", "цена", "рынок", "ЦБ", "ВОЗ", "МЧС")
PEOPLE = ("Бродский", "Иосиф Бродский", "Мохов", "Мохова")
NAMES = (
    *WORDS,
    *PEOPLE,
    "центральный банк",
    "Всемирная Организация Здоровья",
    "мёд чай",
    "цена бумаг",
)
POSTS = 120


@pytest.fixture
def tagged(store: Store) -> Store:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, POSTS + 1))))
    tag(store, NAMES)
    return store


def link(store: Store, chance: random.Random) -> None:
    """Give posts tags anew: of some tags two always stand together, or nearly."""
    with writing(store) as db:
        posts = [number for (number,) in db.execute("SELECT id FROM posts ORDER BY id")]
        tags = [number for (number,) in db.execute("SELECT id FROM tags ORDER BY id")]
        db.execute("DELETE FROM post_tags")
        chance.shuffle(tags)
        on: dict[int, set[int]] = {}
        for at, each in enumerate(tags):
            if at % 2 and chance.random() < 0.8:  # as the one before, but for a few posts
                kept = {n for n in on[tags[at - 1]] if chance.random() > 0.06}
                on[each] = kept | set(chance.sample(posts, chance.choice((0, 0, 1, 3))))
            else:
                on[each] = set(chance.sample(posts, chance.choice((0, 2, 5, 6, 11, 40, 100))))
        db.executemany(
            "INSERT INTO post_tags (post_id, position, tag_id, source, added_at) "
            "VALUES (?, ?, ?, 'keywords', '2026-01-01T00:00:00Z')",
            [(n, each, each) for each, numbers in on.items() for n in numbers],
        )


def of_all_pairs(store: Store) -> tuple[Suggestion, ...]:
    with reading(store) as db:
        links = db.execute(
            "SELECT l.post_id, t.id, t.name FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id"
        ).fetchall()
    counts = Counter(name for _, _, name in links)
    on: dict[int, list[tuple[int, str]]] = {}
    for number, each, name in links:
        on.setdefault(number, []).append((each, name))
    shared = Counter(pair for tags in on.values() for pair in combinations(sorted(tags), 2))
    by_use = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def beside(one: str, other: str) -> int | None:
        first, second = ({n for _, n in t} for t in (_near(one, on), _near(other, on)))
        if other in first:
            return 0
        return min((counts[name] for name in first & second), default=None)

    pairs = [(a[1], b[1], n) for (a, b), n in sorted(shared.items()) if n > 1]
    return suggest(by_use, pairs, beside)


def _near(name: str, on: dict[int, list[tuple[int, str]]]) -> set[tuple[int, str]]:
    """Return the tags beside a name, on its latest posts."""
    posts = sorted(
        (post for post, tags in on.items() if name in {n for _, n in tags}), reverse=True
    )
    return {tag for post in posts[:LATEST] for tag in on[post]}


@pytest.mark.of_file
def test_candidates_give_what_all_pairs_give(tagged: Store) -> None:
    chance = random.Random(7)
    reasons: set[str] = set()
    for _ in range(60):
        link(tagged, chance)
        expected = of_all_pairs(tagged)
        assert tagged.tags.suggest_merges() == expected
        reasons |= {item.likeness for item in expected}
    assert reasons >= {"abbreviation", "surname"}
