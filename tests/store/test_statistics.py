"""Counts over time: by day, rising tags, related tags; and what reading them costs."""

from __future__ import annotations

import datetime as dt

import pytest

from support.make import EPOCH, page, post, tag
from support.sql import plan
from tgtagger.errors import InputError
from tgtagger.model.counts import DayCount, GroupCount, RisingTag
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.store.statements import Statement
from tgtagger.store.statistics import BY_DAY, RELATED, RISING, TAG_BY_DAY
from tgtagger.store.tags import LISTED


def fill(store: Store, days: dict[str, tuple[int, ...]]) -> None:
    """Store a post for each day since EPOCH that a tag has."""
    numbers = iter(range(1, 1000))
    for name, found in days.items():
        for day in found:
            number = next(numbers)
            date = EPOCH + dt.timedelta(days=day)
            store.posts.save_page(page(post(number, f"text {number}", date=date)))
            tag(store, name.split(), wanted=PostFilter(posts=(f"@news/{number}",)))


def test_posts_and_a_tag_are_counted_by_day(store: Store) -> None:
    fill(store, {"storm": (0, 0, 2), "sea": (2,)})
    day = EPOCH.date()
    later = day + dt.timedelta(days=2)
    assert store.statistics.posts_by_day() == (DayCount(day, 2), DayCount(later, 2))
    assert store.statistics.tag_by_day("storm") == (DayCount(day, 2), DayCount(later, 1))
    with pytest.raises(InputError) as raised:
        store.statistics.tag_by_day("storms")
    assert raised.value.kind == "tag_unknown"


def test_a_post_without_a_date_has_no_day(store: Store) -> None:
    store.posts.save_page(page(post(1, "x", date=None)))
    assert store.statistics.posts_by_day() == ()


def test_the_tags_that_rise_are_those_with_more_posts_lately(store: Store) -> None:
    fill(store, {"up": (15, 16, 17, 18), "down": (1, 2, 3, 4, 12), "same": (1, 2, 3, 16, 17, 18),
                 "few": (17, 18), "more": (5, 12, 13, 14, 15, 16, 17)})  # fmt: skip
    assert store.statistics.rising(9, 10) == (RisingTag("up", 4, 0), RisingTag("more", 6, 1))
    assert len(store.statistics.rising(9, 1)) == 1


def test_nothing_rises_in_an_empty_archive(store: Store) -> None:
    assert store.statistics.rising(30, 10) == ()
    assert store.statistics.posts_by_day() == ()


def test_related_tags_are_those_of_the_same_posts(store: Store) -> None:
    fill(store, {"storm sea": (0, 1), "storm wind": (2,), "calm": (3,)})
    assert store.statistics.related("storm", 5) == (GroupCount("sea", 2), GroupCount("wind", 1))
    assert store.statistics.related("calm", 5) == ()


@pytest.mark.parametrize(
    ("statement", "reads"),
    [(BY_DAY, "SCAN posts USING COVERING INDEX"),
     (TAG_BY_DAY, "SEARCH post_tags USING COVERING INDEX"),
     (RISING, "SEARCH post_tags USING PRIMARY KEY"),
     (LISTED, "SCAN tag_uses_counted"),
     (RELATED, "SEARCH post_tags USING COVERING INDEX")],
)  # fmt: skip
def test_no_post_is_read_to_count_it(store: Store, statement: Statement, reads: str) -> None:
    steps = plan(store, statement)
    assert any(step.startswith(reads) for step in steps), steps
    assert not any(step in {"SCAN posts", "SCAN post_tags"} for step in steps), steps
