"""Words are found in all their forms, whatever is typed; the index never falls out of step."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.make import PROVENANCE, minute, page, post
from support.sql import writing
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.posts import Entity, Forward, Media, PostFilter, Reply
from tgtagger.model.stored import FoundPost
from tgtagger.model.tagging import SuggestedTag, TagUpdate
from tgtagger.runs.query import read_query
from tgtagger.store import Store

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
    wanted = PostFilter(query=read_query(query), **rest)  # type: ignore[arg-type]
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
        ('"AND"', {7}),
        ("solar OR погода", {2, 5}),
        ("solar | погода", {2, 5}),
        ("city (solar OR rivers)", {5, 6}),
        ("city NOT solar", {6}),
        ("city AND solar", {5}),
        ("city -(solar OR happy)", set()),
        ("-(city OR новости)", set(TEXTS) - {1, 2, 5, 6}),
        ("solar OR -city", set(TEXTS) - {6}),
        ("NOT NOT solar", {5}),
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
        i.post.id.message_id
        for i in archive.records.search(PostFilter(query=read_query("новости"), limit=2))
    ]
    assert newest == [21, 20]
    found_ = archive.records.search(PostFilter(query=read_query("новости")), by_relevance=True)
    best = [item.post.id.message_id for item in found_]
    assert best.index(21) < best.index(20)
    assert best[-1] == 20


@pytest.mark.parametrize("given", [{}, {"tags": ("Погода",)}, {"since": minute(25)}], ids=str)
def test_the_best_of_many_are_the_first_of_all(archive: Store, given: dict[str, object]) -> None:
    posts = [
        post(number, "новости " * (number % 5 + 1) + "погода " * (number % 3))
        for number in range(20, 50)
    ]
    archive.posts.save_page(page(*posts))
    for number in range(20, 50, 2):
        archive.curation.add(f"news/{number}", ["Погода"])

    def best(limit: int | None) -> list[FoundPost]:
        wanted = PostFilter(query=read_query("новости"), limit=limit, **given)  # type: ignore[arg-type]
        return list(archive.records.search(wanted, by_relevance=True))

    every = best(None)
    assert len(every) > 10
    for limit in (0, 1, 7, len(every), 999):
        assert best(limit) == every[:limit]


def test_a_match_is_marked(archive: Store) -> None:
    (item,) = archive.records.search(PostFilter(query=read_query("школьник")))
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


SCRIPTS = {
    1: "दिल धड़कता है",
    2: "दिल्ली में बारिश",
    3: "нов\u0438\u0306 раи\u0306он: е\u0308жик",
    4: "новый район, ёжик. Её дом",
    5: "שָׁלוֹם עולם",
    6: "مُحَمَّد كتـــاب",
    7: "কলকাতা ঢাকা",
    8: "กรุงเทพ เมือง",
    9: "ти\u00adхо\u00adокеанский",
    10: "ක්\u200dරීඩා",
    11: "👨\u200d👩\u200d👧 семья ❤\ufe0fсердце",
    12: "நாய் தமிழ்நாடு",
    13: "e\u0301cole, A\u030angstro\u0308m",
    14: "за\u0301мок",
    15: "Ещё всё",
}


@pytest.fixture
def scripts(store: Store) -> Store:
    store.posts.save_page(page(*(post(number, text) for number, text in SCRIPTS.items())))
    return store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("दिल", {1}),
        ("दिल्ली", {2}),
        ("दिल*", {1, 2}),
        ("район", {3, 4}),
        ("раи\u0306он", {3, 4}),
        ("раи\u0306он*", {3, 4}),
        ('"новый раи\u0306он"', {4}),
        ("ежик", {3, 4}),
        ("е\u0308жик", {3, 4}),
        ("ее", {4}),
        ("её", {4}),
        ("ЕЕ", {4}),
        ("еще", {15}),
        ("все", {15}),
        ("ее*", {4}),
        ("שלום", {5}),
        ("שָׁלוֹם", {5}),
        ("محمد", {6}),
        ("كتاب", {6}),
        ("কলকাতা", {7}),
        ("কলক", set()),
        ("กรุงเทพ", {8}),
        ("тихоокеанский", {9}),
        ("ක්\u200dරීඩා", {10}),
        ("ක්රීඩා", {10}),
        ("семья", {11}),
        ("сердце", {11}),
        ("தமிழ்நாடு", {12}),
        ("தமிழ்", set()),
        ("école", {13}),
        ("ecole", {13}),
        ("Ångström", {13}),
        ("замок", {14}),
    ],
)
def test_words_are_whole_in_every_script(scripts: Store, query: str, expected: set[int]) -> None:
    assert found(scripts, query) == expected


def test_a_text_in_another_form_stays_as_it_came(scripts: Store) -> None:
    texts = {it.id.message_id: it.text for it in scripts.records.posts(PostFilter())}
    assert texts == SCRIPTS
    assert scripts.integrity.check_index()
    # Changed, and changed back: the index follows.
    scripts.posts.save_page(page(post(3, "новое слово"), post(4, "раи\u0306он")))
    assert found(scripts, "район") == {4}
    assert found(scripts, "слово") == {3}
    scripts.posts.save_page(page(post(3, SCRIPTS[3])))
    assert found(scripts, "район") == {3, 4}
    assert scripts.integrity.check_index()
    scripts.integrity.rebuild_index()
    assert found(scripts, "район") == {3, 4}
    scripts.channels.remove("@news", with_posts=True)
    with writing(scripts) as db:
        assert db.execute("SELECT count(*) FROM posts_fts_texts").fetchone() == (0,)


def test_a_text_that_is_no_longer_the_posts_is_noticed(scripts: Store) -> None:
    with writing(scripts) as db:
        db.execute("DELETE FROM posts_fts_texts WHERE post_id = (SELECT min(id) FROM posts)")
    assert scripts.integrity.check_index()  # the first has no other form
    with writing(scripts) as db:
        db.execute("DELETE FROM posts_fts_texts")
    assert not scripts.integrity.check_index()
    scripts.integrity.rebuild_index()
    assert scripts.integrity.check_index()
    assert found(scripts, "район") == {3, 4}


@pytest.fixture
def facts(store: Store) -> Store:
    poll = Media("poll", question="storm?", options=("yes", "no"))
    named = Media("document", file_name='"type":"voice".pdf')
    link = (Entity("text_link", 0, 5, url="https://example.org"),)
    forward = Forward(channel="Other")
    store.posts.save_page(
        page(
            post(1, "storm", media=(Media("photo"),)),
            post(2, "storm", media=(Media("video"),)),
            post(3, "calm", media=(named,)),
            post(4, "", media=(poll,)),
            post(5, "storm", media=(Media("voice"),), forward=forward),
            post(6, "storm", entities=link, reply=Reply(1)),
            post(7, "see https://example.org", media=(Media("audio"),), edited=minute(9)),
            post(8, "calm", media=(Media("photo"), Media("round"))),
        )
    )
    run = store.runs.start("tag", PROVENANCE)
    tags = {1: ("sea",), 3: ("sea", "sky"), 8: ("sky",)}
    store.queue.save(
        [
            TagUpdate(
                item.id,
                item.text_hash,
                "tagged",
                PROVENANCE,
                tuple(map(SuggestedTag, tags[item.id.message_id])),
                1,
            )
            for item in store.queue.posts(PostFilter())
            if item.id.message_id in tags
        ],
        run,
    )
    return store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("has:photo", {1, 8}),
        ("has:video", {2, 8}),
        ("has:file", {3}),
        ("has:poll", {4}),
        ("has:voice", {5}),
        ("has:audio", {7}),
        ("has:link", {6, 7}),
        ("-has:photo storm", {2, 4, 5, 6}),
        ("has:photo OR has:voice", {1, 5, 8}),
        ("is:forward", {5}),
        ("is:reply", {6}),
        ("is:edited", {7}),
        ("is:deleted", set()),
        ("-is:forward has:voice", set()),
        ("tag:sea", {1, 3}),
        ("tag:sea OR tag:sky", {1, 3, 8}),
        ("tag:sea tag:sky", {3}),
        ("tag:sea OR storm", {1, 2, 3, 4, 5, 6}),
        ("tag:sea OR has:poll", {1, 3, 4}),
        ("(tag:sea OR calm) -tag:sky", {1}),
        ("NOT tag:sea calm", {8}),
        ("NOT (tag:sea OR storm)", {7, 8}),
        ("channel:@news storm", {1, 2, 4, 5, 6}),
        ("status:tagged", {1, 3, 8}),
        ("status:tagged OR is:forward", {1, 3, 5, 8}),
        ("status:tagged status:pending -storm", {3, 7, 8}),
        ("is:failed", set()),
        ("date:2026-01-01 storm has:photo", {1}),
        ("before:2026-01-01", set()),
        ("since:2026 calm OR after:2026", {3, 8}),
        ("after:2025 -(calm OR storm)", {7}),
        ("tag:sea OR tag:sea", {1, 3}),
        ("storm OR (tag:sky has:photo)", {1, 2, 4, 5, 6, 8}),
    ],
)
def test_facts_and_words_are_joined(facts: Store, query: str, expected: set[int]) -> None:
    assert found(facts, query) == expected


def test_a_word_among_facts_is_still_marked(facts: Store) -> None:
    (item,) = facts.records.search(PostFilter(query=read_query("storm has:photo")))
    assert item.snippet == (("storm", True),)


@pytest.mark.parametrize("before", ["", "word " * 3000])
def test_a_match_in_a_long_text_is_cut_out_of_it(store: Store, before: str) -> None:
    text = f"{before}first harbour then {'harbour ' * 2000}"
    store.posts.save_page(page(post(1, text)))
    (item,) = store.records.search(PostFilter(query=read_query("harbour")))
    assert ("harbour", True) in item.snippet
    shown = "".join(part for part, _ in item.snippet)
    assert len(shown) < 1000
    assert "\x02" not in shown
    assert "first harbour then" in shown
    assert shown.endswith("…")
    assert shown.startswith("…") is bool(before)


def test_a_long_text_without_a_match_in_it_is_shown_from_its_beginning(store: Store) -> None:
    poll = Media("poll", question="harbour?")
    store.posts.save_page(page(post(1, "long " * 2000, media=(poll,))))
    (item,) = store.records.search(PostFilter(query=read_query("harbour")))
    assert item.snippet[0][0].startswith("long long")
