"""What people decide about tags, and that machines follow."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from support.make import page, post, tag
from support.sql import reading
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.posts import PostFilter
from tgtagger.runs.query import read_query
from tgtagger.store import Store


@pytest.fixture
def archive(store: Store) -> Store:
    store.posts.save_page(page(post(1, "x"), post(2, "y")))
    tag(store, ["AI", "ИИ", "news"])
    return store


def tags_of(store: Store, number: int = 1) -> tuple[str, ...]:
    return store.records.post(f"news/{number}").post.tags


def sources_of(store: Store, number: int = 1) -> dict[str, str]:
    return {link.name: link.source for link in store.records.post(f"news/{number}").links}


def test_a_renamed_tag_keeps_its_posts_and_its_old_name(archive: Store) -> None:
    change = archive.curation.rename("ai", "Artificial Intelligence")
    assert (change.names, change.aliases, change.posts) == (
        ("Artificial Intelligence",),
        ("AI",),
        2,
    )
    tag(archive, ["AI", "other"])
    assert tags_of(archive) == ("Artificial Intelligence", "other")
    assert archive.curation.rename("AI", "ai").aliases == ("Artificial Intelligence",)  # and back
    assert archive.curation.rename("ai", "A.I").names == ("A.I",)


@pytest.mark.parametrize("name", ["\udcff\udc9bmarket", "half\ud83dway"])
def test_a_name_that_is_no_text_is_refused_and_changes_nothing(archive: Store, name: str) -> None:
    """Bytes of an argument that are not UTF-8 are lone surrogates to Python."""
    changes: list[Callable[[], object]] = [
        lambda: archive.curation.add("news/1", [name]),
        lambda: archive.curation.rename("AI", name),
        lambda: archive.curation.add_aliases("AI", [name]),
    ]
    for change in changes:
        with pytest.raises(InputError, match="not UTF-8"):
            change()
    with contextlib.suppress(InputError):  # a server is not asked for half a word
        assert archive.records.near(PostFilter(query=read_query(name))) == ()
    assert tags_of(archive) == ("AI", "ИИ", "news")
    assert [change.what for change in archive.changes.past(2)] == ["tag"]


def test_a_change_of_case_leaves_no_alias(archive: Store) -> None:
    change = archive.curation.rename("news", "NEWS")
    assert (change.names, change.aliases) == (("NEWS",), ())


def test_merged_tags_are_one_and_stay_one(archive: Store) -> None:
    archive.curation.add_aliases("AI", ["нейросети"])
    change = archive.curation.merge(["AI", "AI", "ИИ"], "ИИ")
    assert (change.names, change.aliases, change.posts) == (("ИИ",), ("AI", "нейросети"), 2)
    assert tags_of(archive) == ("ИИ", "news")
    tag(archive, ["нейросети", "AI", "fresh"])
    assert tags_of(archive) == ("ИИ", "fresh")
    assert [item.name for item in archive.tags.counts()] == ["fresh", "ИИ"]
    assert list(
        archive.records.posts(PostFilter(tags=("ai",)))
    )  # searched for under the old name, too


def test_what_a_person_gave_or_took_counts_after_a_merge(archive: Store) -> None:
    archive.curation.add("news/1", ["AI"])
    archive.curation.drop("news/2", ["AI"])
    archive.curation.drop("news/2", ["ИИ"])
    archive.curation.merge(["AI"], "ИИ")
    assert sources_of(archive) == {"ИИ": "human", "news": "keywords"}
    tag(archive, ["AI", "ИИ"])
    assert tags_of(archive, 1) == ("ИИ",)
    assert tags_of(archive, 2) == ()


@pytest.mark.parametrize("dropped", ["AI", "ИИ"])
def test_a_post_from_which_one_of_two_was_taken_keeps_the_other(
    archive: Store, dropped: str
) -> None:
    archive.curation.drop("news/1", [dropped])
    archive.curation.merge(["AI"], "ИИ")
    assert tags_of(archive, 1) == ("ИИ", "news")
    tag(archive, ["AI", "news"])  # and a machine may give it again
    assert tags_of(archive, 1) == ("ИИ", "news")


def test_a_removed_tag_is_given_by_no_machine_until_a_person_does(archive: Store) -> None:
    (change,) = archive.curation.remove(["AI"])
    assert (change.names, change.posts) == (("AI",), 2)
    archive.posts.save_page(page(post(3, "z")))
    tag(archive, ["AI", "ИИ"])
    assert [tags_of(archive, number) for number in (1, 2, 3)] == [("ИИ",)] * 3
    assert "AI" not in {item.name for item in archive.tags.counts(unused=True)}
    assert "AI" not in {name for name, _ in archive.tags.most_used()}
    assert archive.tags.blocked() == (("AI", ()),)
    archive.curation.add("news/3", ["AI"])
    archive.posts.save_page(page(post(4, "w")))
    tag(archive, ["AI"])
    assert tags_of(archive, 4) == ("AI",)
    assert tags_of(archive, 1) == ()  # it was taken off this one


BENT = {
    "война": ("войны", "войной", "войнами"),
    "искусственный интеллект": ("искусственным интеллектом", "Интеллекта искусственного"),
    "человек": ("люди", "людей"),
    "люди": ("человек", "человека"),
    "лет": ("год", "годы"),
    "права людей": ("права человека",),
    "electric car": ("electric cars",),
    "зумер": ("зумера", "зумеры"),
}


@pytest.mark.parametrize("word", BENT)
@pytest.mark.parametrize("decided", ["remove", "merge", "rename", "alias"])
def test_what_a_person_decided_holds_for_every_form_of_the_name(
    archive: Store, word: str, decided: str
) -> None:
    tag(archive, [word, "news"])
    match decided:
        case "remove":
            archive.curation.remove([word])
        case "merge":
            archive.curation.merge([word], "news")
        case "rename":
            archive.curation.rename(word, "wanted")
        case "alias":
            archive.curation.remove([word])
            archive.curation.add_aliases(word, ["another"])
    given = {"remove": ("kept",), "merge": ("news", "kept"), "rename": ("wanted", "kept")}
    for form in BENT[word]:
        tag(archive, [form, "kept"])
        assert tags_of(archive) == given.get(decided, ("kept",)), form
    assert archive.curation.add("news/1", [BENT[word][0]]).names[-1] == BENT[word][0]


def test_another_word_is_no_form_of_a_removed_one(archive: Store) -> None:
    tag(archive, ["физик", "ВОЗ"])
    archive.curation.remove(["физик", "ВОЗ"])
    tag(archive, ["физика", "воза", "физики"])
    assert tags_of(archive) == ("физика", "воза")


def test_a_persons_tag_on_a_post_stands(archive: Store) -> None:
    assert archive.curation.add("news/1", ["#My_Tag", "AI"]).names == (
        "AI",
        "ИИ",
        "news",
        "My Tag",
    )
    tag(archive, ["else"])
    assert sources_of(archive) == {"AI": "human", "My Tag": "human", "else": "keywords"}
    assert archive.curation.drop("news/1", ["AI", "else"]).names == ("My Tag",)
    tag(archive, ["AI", "else"])
    assert tags_of(archive) == ("My Tag",)
    assert archive.curation.add("news/1", ["else"]).names == ("My Tag", "else")


@pytest.mark.parametrize(
    ("decide", "said"),
    [
        (lambda store: store.curation.rename("nws", "x"), "no tag 'nws'"),
        (lambda store: store.curation.rename("AI", "news"), "the tag 'news' exists already"),
        (lambda store: store.curation.rename("AI", "a, b"), "'a, b' cannot be a tag"),
        (lambda store: store.curation.merge(["AI"], "unheard of"), "no tag 'unheard of'"),
        (lambda store: store.curation.merge(["AI", "newz"], "ИИ"), "no tag 'newz'"),
        (
            lambda store: store.curation.add_aliases("AI", ["ии"]),
            "the tag 'ИИ' has the name 'ии' already",
        ),
        (lambda store: store.curation.remove_aliases("AI", ["ии"]), "'ии' is not an alias of 'AI'"),
        (lambda store: store.curation.remove(["AI", "ghost"]), "no tag 'ghost'"),
        (lambda store: store.curation.add("news/1", ["fine", "@no"]), "'@no' cannot be a tag"),
        (lambda store: store.curation.add("news/9", ["fine"]), "no post 9"),
        (lambda store: store.curation.drop("news/1", ["AI", "ghost"]), "no tag 'ghost'"),
    ],
)
def test_what_is_unknown_is_refused_and_nothing_changes(
    archive: Store, decide: Callable[[Store], object], said: str
) -> None:
    before = [archive.tags.counts(), archive.tags.counts(unused=True), tags_of(archive)]
    with pytest.raises(InputError, match=said) as error:
        decide(archive)
    assert hint_of(error.value)
    assert [archive.tags.counts(), archive.tags.counts(unused=True), tags_of(archive)] == before


def test_the_nearest_names_are_named(archive: Store) -> None:
    with pytest.raises(InputError) as error:
        archive.curation.merge(["nws"], "AI")
    assert hint_of(error.value) == "did you mean news?"
    with pytest.raises(InputError) as error:
        archive.curation.merge(["AI"], "new s")
    assert hint_of(error.value) == (
        "did you mean news; to make it, first: tgtagger tags rename AI 'new s'"
    )


def test_a_dry_run_says_what_would_be(archive: Store) -> None:
    before = [archive.tags.counts(), archive.tags.counts(unused=True)]
    assert archive.curation.merge(["AI"], "ИИ", dry_run=True).posts == 2
    assert archive.curation.rename("AI", "x", dry_run=True).aliases == ("AI",)
    assert archive.curation.remove(["AI", "news"], dry_run=True)[1].posts == 2
    assert [archive.tags.counts(), archive.tags.counts(unused=True)] == before


def test_a_merge_finds_the_best_place(store: Store) -> None:
    store.posts.save_page(page(post(1, "x")))
    tag(store, ["first", "second", "third"])
    store.curation.merge(["first"], "third")
    assert tags_of(store) == ("third", "second")


def test_a_tag_that_goes_is_looked_up_where_it_was_taken_away(store: Store) -> None:
    with reading(store) as db:
        for table in ("post_tags", "removed_tags", "tag_aliases", "barred_tags"):
            sql = f"EXPLAIN QUERY PLAN SELECT 1 FROM {table} WHERE tag_id = 1"
            (((*_, step),)) = db.execute(sql).fetchall()
            assert step.startswith("SEARCH"), step
