"""Words are found in all their forms, whatever is typed; the index never falls out of step."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.make import page, post
from support.sql import writing
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.posts import Media, PostFilter
from tgtagger.store import Store
from tgtagger.store.query import parse_query

TEXTS = {
    1: "Сегодня хорошие новости для школьников",
    2: "Много новостей о погоде",
    3: "Ёлка в центре города, под ёлкой подарки",
    4: "Елки и палки",
    5: "The cities of Europe run on solar power",
    6: "One city, two rivers; happy ever after",
    7: "C++ and e-mail: AND OR NOT",
    8: "Россия и Росс",
    9: "Café naïve",
    10: "Straße, ﬁne, ᲡᲐᲥᲐᲠᲗᲕᲔᲚᲝ, ŉandu, İstanbul",
    11: "🟠Срочно👍🏻Билет 500₽\u2068цитата\u2069🫡конец",
}


@pytest.fixture
def archive(store: Store) -> Store:
    store.posts.save_page(page(*(post(number, text) for number, text in TEXTS.items())))
    return store


def found(store: Store, query: str, **rest: object) -> set[int]:
    wanted = PostFilter(query=query, **rest)  # type: ignore[arg-type]
    return {item.post.id.message_id for item in store.records.search(wanted)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("новости", {1, 2}),
        ("НОВОСТЬ", {1, 2}),
        ("новостями погода", {2}),
        ("елка", {3, 4}),
        ("ёлки", {3, 4}),
        ("city", {5, 6}),
        ("cities", {5, 6}),
        ("happy", {6}),
        ("river", {6}),
        ('"solar power"', {5}),
        ('"power solar"', set()),
        ("solar -europe", set()),
        ("city -solar", {6}),
        ("-solar -новости", set(TEXTS) - {1, 2, 5}),
        ("нов*", {1, 2}),
        ("e-mail", {7}),
        ("AND", {5, 7} - {5}),
        ("C++", {7}),
        ("cafe", {9}),
        ("café", {9}),
        ("нет-такого", set()),
        ("Straße", {10}),
        ("straße", {10}),
        ("STRAß*", {10}),
        ("ﬁne", {10}),
        ("ᲡᲐᲥᲐᲠᲗᲕᲔᲚᲝ", {10}),
        ("ŉandu", {10}),
        ("İstanbul", {10}),
        ("a\0b", set()),
        ("river\ud800", {6}),
        ('"\U0001342f river"', set()),
        ("river " * 5000, {6}),
        *((word, {11}) for word in ("срочно", "билеты", "500", "цитата", "конец", "🟠Срочно")),
    ],
)
def test_what_a_query_finds(archive: Store, query: str, expected: set[int]) -> None:
    assert found(archive, query) == expected


@pytest.mark.parametrize("query", ['"open', "...", '""', "*", "-"])
def test_a_query_without_a_word_is_explained(archive: Store, query: str) -> None:
    with pytest.raises(InputError) as caught:
        found(archive, query)
    assert hint_of(caught.value)


QUERIES = st.text(alphabet="абё aAN\"'*-+()^:{}~/\\%_,.;\0\ud800нOR", max_size=15)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(QUERIES)
def test_whatever_is_typed_is_searched_or_explained(archive: Store, query: str) -> None:
    with contextlib.suppress(InputError):
        found(archive, query)


def test_newest_first_or_by_relevance(archive: Store) -> None:
    archive.posts.save_page(page(post(20, "погода " * 30 + "новости"), post(21, "новости")))
    newest = [
        i.post.id.message_id for i in archive.records.search(PostFilter(query="новости", limit=2))
    ]
    assert newest == [21, 20]
    found_ = archive.records.search(PostFilter(query="новости"), by_relevance=True)
    best = [item.post.id.message_id for item in found_]
    assert best.index(21) < best.index(20)
    assert best[-1] == 20


def test_a_match_is_marked(archive: Store) -> None:
    (item,) = archive.records.search(PostFilter(query="школьник"))
    assert item.snippet == (("Сегодня хорошие новости для ", False), ("школьников", True))
    assert item.record.endswith('"snippet":"Сегодня хорошие новости для **школьников**"}')


def test_the_words_of_media_are_found_too(store: Store) -> None:
    poll = Media("poll", question="Which harbour?", options=("Bergen", "Leith"))
    store.posts.save_page(page(post(1, "", media=(poll,)), post(2, "", media=(Media("photo"),))))
    assert found(store, "harbours") == {1}
    assert found(store, "leith") == {1}


def test_an_index_out_of_step_is_noticed(archive: Store) -> None:
    assert archive.integrity.check_index()
    with writing(archive) as db:
        db.execute("UPDATE posts SET text = 'other words' WHERE message_id = 1")
    assert not archive.integrity.check_index()


def test_a_search_can_be_filtered(archive: Store) -> None:
    assert found(archive, "city", channels=("@news",), statuses=("pending",)) == {5, 6}
    assert found(archive, "city", statuses=("tagged",)) == set()


def test_a_query_is_read_into_terms() -> None:
    terms = parse_query('one "two three" -four fi*')
    assert [(t.words, t.phrase, t.prefix, t.excluded) for t in terms] == [
        (("one",), False, False, False),
        (("two", "three"), True, False, False),
        (("four",), False, False, True),
        (("fi",), False, True, False),
    ]
