"""The feed, read by a feed reader's parser."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from typing import Any

import feedparser
import pytest

from support.make import page, post, tag
from tgtagger.export import feed
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store

EVIL = "<b>&amp;]]></b> \x00\x1b\ufffe words"


@pytest.fixture
def text(store: Store) -> bytes:
    store.posts.save_page(page(post(1, "First\nmore"), post(2, EVIL), post(3, "", date=None)))
    tag(store, ["AI", "R&D"])
    stream = io.BytesIO()
    assert feed.write(store.records.posts(PostFilter()), stream, title="News & more") == 3
    return stream.getvalue()


def test_a_feed_parser_finds_nothing_wrong(text: bytes) -> None:
    found: Any = feedparser.parse(text)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "rss20"
    assert found.feed.title == "News & more"
    assert found.feed.link == "https://t.me/"
    assert len(found.entries) == 3


def test_an_item_is_a_post(text: bytes) -> None:
    found: Any = feedparser.parse(text)
    entry = found.entries[2]
    assert entry.title == "First"
    assert entry.link == "https://t.me/news/1"
    assert entry.id == "tgtagger:1006503122/1"
    assert entry.author == "News"
    assert entry.published_parsed[:5] == (2026, 1, 1, 0, 1)
    assert [item.term for item in entry.tags] == ["AI", "R&D"]
    assert "<p>First<br" in entry.summary


def test_it_is_well_formed_whatever_a_post_holds(text: bytes) -> None:
    items = ET.fromstring(text).findall("channel/item")
    assert items[1].findtext("title") == "<b>&amp;]]></b> \ufffd\ufffd\ufffd words"
    assert "<script" not in (items[1].findtext("description") or "")
