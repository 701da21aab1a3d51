"""What stands in a text is found by it: each word, its beginning, several in a row."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from fuzz.targets import share
from support.make import page, post
from support.sql import reading
from tgtagger.errors import InputError
from tgtagger.model.posts import PostFilter
from tgtagger.runs.query import read_query
from tgtagger.store import Store
from tgtagger.store import words as index_words

LETTERS = st.text("абвёйьЁЙABcdeiz019 -_'\"*.,()́ßﬁİıſΣς日本ᲡᲐé\u0301😀\n", min_size=1, max_size=30)
TEXTS = LETTERS | st.text(min_size=1, max_size=20)
OTHER = "zzyzx"


def found(store: Store, query: str) -> set[int]:
    return {
        item.post.id.message_id
        for item in store.records.search(PostFilter(query=read_query(query)))
    }


@share(1, HealthCheck.function_scoped_fixture)
@given(text=TEXTS)
def test_a_text_is_found_by_what_stands_in_it(store: Store, text: str) -> None:
    text = text.replace("\0", "")
    store.posts.save_page(page(post(1, text), post(2, OTHER)))
    words = list(index_words.tokens(text))
    for word in words:
        if not is_indexed(store, word):  # a mark alone, or what Unicode did not know in 2012
            continue
        assert 1 in found(store, word)
        if re.fullmatch("[a-zа-яё0-9]+", word):  # for others Python's capitals are not the index's
            assert 1 in found(store, word.upper())
        assert 1 in found(store, f"{word}*")
        assert 1 in found(store, f"{word} {word}")
        assert 1 not in found(store, f"{OTHER} -{word}")
        with contextlib.suppress(InputError):
            assert 1 not in found(store, f"{word} -{word}")
    if any(is_indexed(store, word) for word in words):
        phrase = '"{}"'.format(text.replace('"', " "))
        assert 1 in found(store, phrase)
        assert 1 not in found(store, f"{OTHER} -{phrase}")


def is_indexed(store: Store, word: str) -> bool:
    """Ask the index itself, which does not go by Python's letters."""
    sql = "SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?"
    with reading(store) as db:
        return bool(db.execute(sql, (f'"{word}"',)).fetchall())


@pytest.mark.parametrize("query", ["one -two " * 500, "a" * 100_000, '"' + "a b " * 20_000 + '"'])
def test_a_query_of_any_length_is_answered(store: Store, query: str) -> None:
    store.posts.save_page(page(post(1, "one")))
    assert found(store, query) <= {1}
