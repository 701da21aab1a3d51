"""A selection of posts: what it counted is what it gives, or the database is damaged."""

from __future__ import annotations

import pytest

from support.make import page, post
from tgtagger.errors import StoreError
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store

pytestmark = pytest.mark.row("C1")


def test_a_post_that_was_counted_and_is_gone_is_damage(store: Store) -> None:
    """An index may list a post that its table has lost: no export is silently without it."""
    store.posts.save_page(page(*(post(number, f"words {number}") for number in range(1, 6))))
    with store.select(PostFilter()) as selection:
        traces = [*selection.traces()]
        channel, keys = traces[0].channel, [trace.key for trace in traces]
        assert len([*selection.posts_between(channel, 2, 5)]) == 4
        assert len([*selection.posts_with(keys)]) == 5
        with pytest.raises(StoreError, match=r"cannot be \(posts\.id\)"):
            list(selection.posts_between(channel, 2, 6))
        with pytest.raises(StoreError, match=r"cannot be \(posts\.id\)"):
            list(selection.posts_with([*keys, max(keys) + 1]))
