"""Which export was read whole last, and what lets it be read again."""

from __future__ import annotations

import datetime as dt

import pytest

from support.make import page, post
from tgtagger.store import Store

HASH = "0" * 31 + "1"


def remember(store: Store, since: dt.datetime) -> None:
    channel = store.channels.find("news")
    assert channel is not None
    store.read_exports.remember(
        {channel.id: b"chunks"}, {"saved_messages": 1}, since={channel.id: since}, file=HASH,
        stamp="stamp", groups=False, converter=3,
    )  # fmt: skip


def is_known(store: Store) -> bool:
    found = [
        store.read_exports.find(groups=False, converter=3, stamp="stamp"),
        store.read_exports.find(groups=False, converter=3, file=HASH),
    ]
    assert (found[0] is None) == (found[1] is None)
    channel = store.channels.find("news")
    assert channel is not None
    assert (store.read_exports.chunks_of(channel.id, 3) == b"chunks") == (found[0] is not None)
    return found[0] is not None


@pytest.mark.parametrize("days", [None, 365])
def test_how_long_posts_are_kept_changes_before_or_while_an_export_is_read(
    store: Store, days: int | None
) -> None:
    store.posts.save_page(page(post(1, "words")))
    at = dt.datetime.now(dt.UTC)
    remember(store, at)
    assert is_known(store)
    store.retention.keep("news", days)
    assert not is_known(store)
    changed = page(post(1, "other words"))  # by the same reading, as it goes on
    assert store.posts.save_page(changed).updated
    remember(store, at)  # a reading that began before, and ends now
    assert not is_known(store)
    store.read_exports.restamp("0" * 32, "stamp")
    assert not is_known(store)
    remember(store, at + dt.timedelta(minutes=1))
    assert is_known(store)
