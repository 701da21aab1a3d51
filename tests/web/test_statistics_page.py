"""The page of statistics: counts, plots, rising tags, channels."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from support.make import page, post, tag
from support.visitor import Visitor, words
from tgtagger.model.posts import Channel, PostFilter
from tgtagger.store import Store

START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def visitor(store: Store) -> Iterator[Visitor]:
    days = [START + dt.timedelta(days=3 * n) for n in range(1, 101)]
    store.posts.save_page(page(*(post(n, f"text {n}", date=at) for n, at in enumerate(days, 1))))
    store.posts.save_page(page(post(1, date=START), channel=Channel(2222222222, "<Quiet>")))
    tag(store, ["sea"])
    tag(store, ["sea", "comet & tail", "junk"], wanted=PostFilter(limit=5))
    store.curation.remove(["junk"])  # a blocked tag is on no list
    with Visitor(store.path) as made:
        yield made


def test_the_archive_is_counted(visitor: Visitor) -> None:
    shown = words(visitor.get("/statistics"))
    assert "101 posts in the archive 2 tags on the posts 2 channels with posts 100 %" in shown
    assert "Posts by month" in shown
    assert "2025-01 to 2025-10: 101 in all" in shown
    assert "comet & tail 5 0" in shown  # it rises
    assert "News 100 100" in shown
    assert "<Quiet> 1 1" in shown


def test_plots_are_whole_pictures_with_names(visitor: Visitor) -> None:
    found = re.findall(r"<svg.*?</svg>", visitor.get("/statistics").text, re.DOTALL)
    assert len(found) == 3
    for picture in found:
        svg = ET.fromstring(picture)
        assert svg.get("role") == "img"
        assert (
            svg.get("aria-label") or svg.get("aria-labelledby") == "posts-plot-name posts-plot-told"
        )
        assert "style" not in picture


def test_the_page_is_in_russian_too(visitor: Visitor) -> None:
    visitor.language = "ru"
    shown = words(visitor.get("/statistics"))
    assert "101 пост в архиве" in shown
    assert "последние 30 дней" in shown


def test_an_empty_archive_has_nothing_to_count(store: Store) -> None:
    with Visitor(store.path) as visitor:
        assert "Nothing to count yet." in words(visitor.get("/statistics"))


def test_a_clock_that_was_ahead_spoils_no_plot(store: Store) -> None:
    later = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
    store.posts.save_page(page(post(1, date=START), post(2, date=later)))
    tag(store, ["sea"])
    with Visitor(store.path) as visitor:
        assert "2025-01-01 to 2025-01-01: 1 in all" in words(visitor.get("/statistics"))
        assert visitor.get("/tags/tag?name=sea").status_code == 200
