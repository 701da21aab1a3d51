"""Which few tags most posts have: as the plain, slow way says."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tgtagger.vocabulary import Cover, cover

TAGS = st.lists(st.frozensets(st.sampled_from("abcdefgh"), max_size=4), max_size=30)


def _count(name: str, posts: list[frozenset[str]]) -> int:
    return sum(name in post for post in posts)


def plainly(posts: list[frozenset[str]], percent: float, most: int) -> Cover:
    tagged = [post for post in posts if post]
    left = [*tagged]
    names: list[str] = []
    while len(tagged) - len(left) < math.ceil(len(tagged) * percent / 100) and len(names) < most:
        ranks = [
            (-_count(name, left), -_count(name, tagged), name)
            for name in {name for post in left for name in post}
        ]
        *_, best = min(ranks)
        names.append(best)
        left = [post for post in left if best not in post]
    return Cover(tuple(names), len(tagged) - len(left), len(tagged))


@given(TAGS, st.integers(1, 100), st.integers(1, 10))
def test_each_tag_reaches_the_most_of_what_is_left(
    posts: list[frozenset[str]], percent: int, most: int
) -> None:
    assert cover(posts, percent, most) == plainly(posts, percent, most)


def test_posts_without_tags_are_not_counted() -> None:
    found = cover([["a"], [], ["a", "b"], ["c"]], 60, 10)
    assert (found.names, found.reached, found.posts) == (("a",), 2, 3)
    assert round(found.percent, 1) == 66.7
