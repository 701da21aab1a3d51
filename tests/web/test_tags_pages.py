"""The pages of tags: found, renamed, merged, removed, suggested, undone; with and without htmx."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from support.make import page, post, tag
from support.sql import writing
from support.visitor import Visitor, fields, told, words
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store


@pytest.fixture
def visitor(store: Store) -> Iterator[Visitor]:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 31))))
    tag(store, ["sea", "новости"])
    tag(store, ["storm", "storms", "новость"], wanted=PostFilter(limit=4))
    with Visitor(store.path) as made:
        yield made


def names(store: Store) -> dict[str, int]:
    return {found.name: found.posts for found in store.tags.counts()}


def test_tags_are_found_by_a_part_of_any_of_their_names(visitor: Visitor, store: Store) -> None:
    store.curation.add_aliases("sea", ["Ocean"])
    assert "1 tag of 5" in words(visitor.get("/tags?filter=OCE"))
    assert "storms" in words(visitor.get("/tags?filter=storm&view=table"))
    assert "No tag has this" in words(visitor.get("/tags?filter=zzz"))
    assert "<html" not in visitor.get("/tags?filter=sto", target="tags").text


@pytest.mark.parametrize(
    ("sort", "first"), [("posts", "sea"), ("name", "sea"), ("newest", "storm")]
)
def test_tags_are_sorted(visitor: Visitor, store: Store, sort: str, first: str) -> None:
    with writing(store) as db:
        db.execute("UPDATE tags SET added_at = '2026-01-01T00:00:00Z' WHERE name <> 'storm'")
    table = visitor.get(f"/tags?sort={sort}&view=table").text.partition("<tbody>")[2]
    assert f">{first}<" in table.partition("</tr>")[0]


def test_a_page_after_the_last_is_the_last(visitor: Visitor) -> None:
    assert "sea" in words(visitor.get("/tags?page=9"))
    assert "No tag has this" in words(visitor.get("/tags?page=9&filter=nothing"))


def test_an_archive_without_tags_says_where_they_come_from(store: Store) -> None:
    with Visitor(store.path) as visitor:
        assert "No tags yet" in words(visitor.get("/tags"))


def test_a_few_posts_are_changed_at_once_with_an_undo(visitor: Visitor, store: Store) -> None:
    answer = visitor.post("/tags/rename", {"old": "storm", "new": "gale", "next": "/tags"})
    assert told(answer) == "Renamed: “gale”. Undo"
    assert "storm" not in names(store)
    undone = visitor.post("/tags/undo", fields(answer, "/tags/undo"))
    assert told(undone) == "Undone: 4 posts."
    assert names(store)["storm"] == 4


def test_many_posts_are_asked_about_first(visitor: Visitor, store: Store) -> None:
    asked = visitor.post("/tags/rename", {"old": "sea", "new": "ocean", "next": "/tags"})
    assert "Rename “sea” to “ocean”? This changes 26 posts." in words(asked)
    assert "sea" in names(store)
    answer = visitor.post("/tags/rename", fields(asked, "/tags/rename"))
    assert answer.url.path == "/tags"
    assert names(store)["ocean"] == 26


def test_picked_tags_are_merged_or_removed(visitor: Visitor, store: Store) -> None:
    picked = {"names": ["storm", "storms"], "into": "sea", "next": "/tags?view=table"}
    answer = visitor.post("/tags/merge", picked)
    assert told(answer).startswith("Merged into “sea”.")
    assert names(store) == {"sea": 30, "новости": 26, "новость": 4}
    answer = visitor.post("/tags/remove", {"names": ["новость"], "next": "/tags"})
    assert told(answer).startswith("Removed and blocked: “новость”.")
    assert "новость" in words(visitor.get("/tags/blocked"))
    blocked = visitor.get("/tags/blocked")
    undone = visitor.post("/tags/undo", fields(blocked, "/tags/undo"), target="blocked")
    assert "No tag is blocked." in words(undone)
    assert "No tag is blocked." in words(visitor.get("/tags/blocked"))
    assert undone.status_code == 200


def test_a_tags_page_leads_on_to_its_new_name(visitor: Visitor) -> None:
    shown = visitor.get("/tags/tag?name=storm")
    assert "4 posts" in words(shown)
    assert "storms 4" in words(shown)  # on the same posts
    form = {**fields(shown, "/tags/rename"), "new": "gale & wind"}
    answer = visitor.post("/tags/rename", form, target="tag")
    assert answer.url.query == b"name=gale+%26+wind"
    assert "also known as storm" in words(answer)
    undone = visitor.post("/tags/undo", fields(answer, "/tags/undo"), target="tag")
    assert undone.url.query == b"name=storm"


def test_aliases_come_and_go(visitor: Visitor, store: Store) -> None:
    place = "/tags/tag?name=storm"
    answer = visitor.post("/tags/alias", {"tag": "storm", "names": "tempest", "next": place})
    assert told(answer).startswith("“storm” is now also called “tempest”.")
    form = {"tag": "storm", "names": "tempest", "off": "true", "next": place}
    assert "no longer called" in told(visitor.post("/tags/alias", form))
    assert store.statistics.tag("storm").aliases == ()


def test_suggestions_are_accepted_turned_round_and_refused(visitor: Visitor, store: Store) -> None:
    shown = visitor.get("/tags/suggestions")
    assert "2 suggestions" in words(shown)
    form = {"names": "новость", "into": "новости", "answer": "turn", "next": "/tags/suggestions"}
    asked = visitor.post("/tags/suggestions", form)
    answer = visitor.post("/tags/suggestions", fields(asked, "/tags/suggestions"))
    assert names(store)["новость"] == 30
    assert "1 suggestion" in words(answer)
    undone = visitor.post("/tags/undo", fields(answer, "/tags/undo"))
    assert "2 suggestions" in words(undone)
    form = {"names": "storms", "into": "storm", "answer": "never", "next": "/tags/suggestions"}
    refused = visitor.post("/tags/suggestions", form)
    assert "1 suggestion" in words(refused)
    assert len(store.tags.suggest_merges()) == 1


def test_what_an_undo_brings_back_is_suggested_at_once(
    visitor: Visitor, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tgtagger.runs.archive.SHARE", 1e6)  # as if to count took long
    form = {"names": "новость", "into": "новости", "answer": "turn", "next": "/tags/suggestions"}
    asked = visitor.post("/tags/suggestions", form)
    answer = visitor.post("/tags/suggestions", fields(asked, "/tags/suggestions"))
    assert "1 suggestion" in words(answer)
    undone = visitor.post("/tags/undo", fields(answer, "/tags/undo"))
    assert "2 suggestions" in words(undone)


def test_all_forms_of_one_word_are_merged_when_one_is_sure(visitor: Visitor, store: Store) -> None:
    asked = visitor.post("/tags/suggestions/forms", {})
    assert "Merge all that are forms of one word?" in words(asked)
    answer = visitor.post("/tags/suggestions/forms", fields(asked, "/tags/suggestions/forms"))
    assert told(answer) == "Merged: 2 tags. The history has each, to undo."
    assert len(names(store)) == 3
    assert "Nothing to suggest." in words(answer)


def test_the_history_names_each_change_and_undoes_it(visitor: Visitor, store: Store) -> None:
    store.curation.merge(["storms"], "storm")
    store.curation.remove(["sea"])
    shown = words(visitor.get("/tags/history"))
    assert "“storms” merged into “storm”" in shown
    assert "“sea” removed and blocked" in shown
    assert "run 1 tagged posts with 1" in shown
    number = store.changes.past(1)[0].number
    answer = visitor.post("/tags/undo", {"number": number, "next": "/tags/history"})
    assert "undone" in words(answer)
    assert names(store)["sea"] == 26


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [("/tags/rename", {"old": "nothing", "new": "x"}, 404),
     ("/tags/rename", {"old": "sea", "new": "storm"}, 409),
     ("/tags/rename", {"old": "sea"}, 400),
     ("/tags/merge", {"names": ["sea"], "into": "nothing"}, 404),
     ("/tags/merge", {"into": "sea"}, 400),
     ("/tags/remove", {"names": ["nothing"]}, 404),
     ("/tags/suggestions", {"names": "sea", "into": "storm", "answer": "perhaps"}, 400)],
)  # fmt: skip
def test_what_cannot_be_done_is_told(
    visitor: Visitor, store: Store, path: str, form: dict[str, str], status: int
) -> None:
    before = names(store)
    answer = visitor.post(path, form)
    assert answer.status_code == status
    assert "Not done" in answer.text
    assert names(store) == before


def test_an_unknown_tag_has_no_page(visitor: Visitor) -> None:
    assert visitor.get("/tags/tag?name=nothing").status_code == 404


HOSTILE = """<script>alert(1)</script>"""


def test_hostile_names_are_words(visitor: Visitor, store: Store) -> None:
    evil = "a'\" onclick=alert"
    store.curation.add("@news/1", [evil])
    for path in ("/tags", "/tags?view=table", f"/tags/tag?name={quote(evil)}", "/tags/history"):
        text = visitor.get(path).text
        assert "a&#39;&#34; onclick=alert" in text
        assert evil not in text
    assert HOSTILE not in visitor.get(f"/tags?filter={quote(HOSTILE)}").text
