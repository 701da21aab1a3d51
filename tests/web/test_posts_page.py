"""The page of posts, the page of a post, tags by hand, news of the archive: over HTTP."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from support.make import fail_all, minute, page, post, tag
from support.visitor import Visitor, fields, told, words
from tgtagger.model.posts import Channel, Media, Reply
from tgtagger.store import Store
from tgtagger.web.facets import chosen
from tgtagger.web.words import KEY_WORDS, KEYS


@pytest.fixture
def visitor(store: Store) -> Iterator[Visitor]:
    store.posts.save_page(page(*(post(n, f"text number{n}") for n in range(1, 121))))
    tag(store, ["storm", "sea"])
    with Visitor(store.path) as made:
        yield made


def tags_of(store: Store, number: int) -> tuple[str, ...]:
    return store.records.post(f"news/{number}").post.tags


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'<article class="post" id="p\d+-(\d+)"', text)]


def link(answer: Any, act: str) -> str:
    found = re.search(rf'<a [^>]*data-do="{act}" href="([^"]*)"', answer.text)
    assert found is not None
    return html.unescape(found[1])


# ---- the list


def test_all_posts_are_met_once_going_on_by_the_links(visitor: Visitor, store: Store) -> None:
    answer = visitor.get("/?query=tag:sea")
    met = numbers(answer.text)
    answer = visitor.get(link(answer, "older"))
    met += numbers(answer.text)
    store.posts.save_page(page(post(500, "newest", date=minute(500))))
    answer = visitor.get(link(answer, "older"))
    met += numbers(answer.text)
    assert met == list(range(120, 0, -1))
    assert 'data-do="older"' not in answer.text
    assert numbers(visitor.get(link(answer, "newer")).text) == list(range(70, 20, -1))


def test_the_number_found_is_told_and_bounded(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'hx-get="/count?query=tag%3Asea"' in visitor.get("/?query=tag:sea").text
    assert visitor.get("/count?query=tag:sea", target="count").text == "120 posts"
    assert "1 post" in words(visitor.get("/?query=number7"))
    monkeypatch.setattr("tgtagger.web.pages.posts.COUNTED", 100)
    assert visitor.get("/count?query=tag:sea", target="count").text == "more than 100 posts"


def test_what_was_looked_for_is_marked(visitor: Visitor) -> None:
    assert "<mark>number7</mark>" in visitor.get("/?query=number7").text


def test_a_query_that_is_not_understood_is_told_with_a_hint_and_kept(visitor: Visitor) -> None:
    answer = visitor.get("/?query=chanel:x+%3Cb%3E")
    assert answer.status_code == 400
    assert "chanel: is not a filter" in words(answer)
    assert "did you mean channel:?" in words(answer)
    assert 'value="chanel:x &lt;b&gt;"' in answer.text
    assert "How to search" in words(answer)
    visitor.language = "ru"
    assert "такого фильтра нет Может быть, channel?" in words(visitor.get("/?query=chanel:x"))


def test_where_nothing_is_found_near_words_are_offered(visitor: Visitor) -> None:
    answer = visitor.get("/?query=texxt")
    assert "Nothing found." in words(answer)
    assert 'href="/?query=text"' in answer.text


def test_filters_of_the_query_can_be_taken_off(visitor: Visitor) -> None:
    answer = visitor.get("/?query=tag:sea+number7")
    assert 'aria-label="Without tag:sea"' in answer.text
    assert [(each.text, each.href) for each in chosen("tag:sea number7")] == [
        ("tag:sea", "/?query=number7")
    ]


def test_facets_narrow_the_query_and_those_chosen_lead_back(visitor: Visitor) -> None:
    answer = visitor.get("/facets?query=tag:sea")
    assert "120" in words(answer)
    assert (
        f'href="/?query={quote("tag:sea tag:storm", safe="").replace("%20", "+")}"' in answer.text
    )
    assert re.search(r'<a href="/" aria-current="true"[^>]*>sea ×', answer.text)
    part = visitor.get("/facets?query=tag:sea", target="facets")
    assert "<html" not in part.text
    assert "tag%3Asea+date%3A2026-01" in part.text


def test_a_persons_tags_are_told_from_a_machines(visitor: Visitor, store: Store) -> None:
    store.curation.add("news/120", ["mine"])
    text = visitor.get("/").text
    assert '<span class="tag mine"><a href="/?query=tag%3Amine">' in text
    assert text.count('class="tag mine"') == 1


def test_a_card_is_written_anew_when_anything_about_its_post_changes(
    visitor: Visitor, store: Store
) -> None:
    address = "/?query=number7"
    seen: list[str] = []

    def is_new() -> bool:
        found = re.search("<article.*</article>", visitor.get(address).text, re.DOTALL)
        assert found is not None
        seen.append(found[0])
        return seen[-1] not in seen[:-1]

    assert is_new()
    assert not is_new()
    store.curation.add("news/7", ["sea"])  # a machine's tag becomes a person's
    assert is_new()
    store.curation.drop("news/7", ["storm"])
    assert is_new()
    store.posts.save_page(page(post(7, "other words of number7", edited=minute(900))))
    assert is_new()
    visitor.language = "ru"
    assert is_new()
    address = "/?query=number7+tag:sea"
    assert is_new()


def test_a_card_holds_no_control_characters(visitor: Visitor, store: Store) -> None:
    store.posts.save_page(page(post(900, "one\x1b[31mtwo\x9bthree <b>")))
    text = visitor.get("/").text
    assert "one\\x1b[31mtwo\\x9bthree &lt;b&gt;" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


def test_a_failed_post_tells_so(visitor: Visitor, store: Store) -> None:
    store.posts.save_page(page(post(121, "new")))
    fail_all(store.path)
    assert "failed: The server had a fault" in words(visitor.get("/?query=is:failed"))
    whole = words(visitor.get("/posts/1006503122-121"))
    assert "The server had a fault" in whole
    assert "HTTP 500" in whole
    assert "Try again" in whole


# ---- a post


def test_a_post_shows_what_is_known_of_it(visitor: Visitor, store: Store) -> None:
    media = (
        Media("photo", width=640, height=480, size=2_500_000),
        Media("poll", question="Why?", options=("a", "b")),
        Media("webpage", url="javascript:alert(1)", title="Bad"),
        Media("video", duration=65, file_name="<i>.mp4"),
    )
    reply = Reply(200)
    store.posts.save_page(
        page(
            post(200, "first"),
            post(201, "bold", markdown="**bold** [x](javascript:alert(1))", media=media,
                 reply=reply, views=1234, reactions=(("👍", 5),), author="Ann"),
        )
    )  # fmt: skip
    answer = visitor.get("/posts/1006503122-201")
    shown = words(answer)
    assert "<strong>bold</strong>" in answer.text
    assert 'href="javascript:' not in answer.text
    for part in ("640 × 480", "2.5 MB", "1:05", "Why?", "&lt;i&gt;.mp4", "1,234 views", "👍 5",
                 "by Ann", "Reply to first"):  # fmt: skip
        assert part in (answer.text if part.startswith("&") else shown)
    assert 'href="/posts/1006503122-200"' in answer.text
    assert "Replies bold" in words(visitor.get("/posts/1006503122-200"))


def test_where_each_tag_came_from_and_what_was_taken_off(visitor: Visitor, store: Store) -> None:
    store.curation.add("news/7", ["mine"])
    store.curation.drop("news/7", ["sea"])
    shown = words(visitor.get("/posts/1006503122-7"))
    assert "the embedded tagger · run 1" in shown
    assert "you ·" in shown
    assert "Taken off by you sea" in shown
    assert "− sea change" in shown


@pytest.mark.parametrize("name", ["1006503122-7", "@news-7", "7", "-5-7"])
def test_a_post_has_many_names(visitor: Visitor, store: Store, name: str) -> None:
    if name == "-5-7":
        store.posts.save_page(page(post(7, "group"), channel=Channel(-5, "Group", None, "group")))
    assert visitor.get(f"/posts/{name}").status_code == 200


def test_an_unknown_post_is_told(visitor: Visitor) -> None:
    answer = visitor.get("/posts/1006503122-999")
    assert answer.status_code == 404
    assert "no post 999" in words(answer)


# ---- tags by hand


def test_a_tag_is_given_and_undone_without_scripts(visitor: Visitor, store: Store) -> None:
    form = {"tag": "Comet, Big  News", "next": "/?query=number7"}
    answer = visitor.post("/posts/1006503122-7/tags", form)
    assert (answer.url.path, answer.url.query) == ("/", b"query=number7")
    assert told(answer).startswith("Tagged 1 post: Comet, Big News.")
    assert {"Comet", "Big News"} <= {*tags_of(store, 7)}
    answer = visitor.post("/tags/undo", fields(answer, "/tags/undo"))
    assert tags_of(store, 7) == ("storm", "sea")
    assert (answer.url.path, answer.url.query) == ("/", b"query=number7")


def test_a_long_query_is_come_back_to(visitor: Visitor) -> None:
    here = f"/?query={quote('слово ' * 300)}"
    answer = visitor.post("/posts/1006503122-7/tags", {"tag": "mine", "next": here})
    assert str(answer.url).endswith(here)


def test_htmx_gets_the_tags_of_the_one_post(visitor: Visitor, store: Store) -> None:
    target = "t1006503122-7"
    answer = visitor.post("/posts/1006503122-7/tags/drop", {"tag": "sea"}, target=target)
    assert answer.text.count('class="tags"') == 1
    assert "<html" not in answer.text
    assert told(answer).startswith("Taken off 1 post: sea.")
    assert tags_of(store, 7) == ("storm",)
    undone = visitor.post("/tags/undo", fields(answer, "/tags/undo"), target=target)
    assert 'value="sea"' in undone.text


def test_the_page_of_a_post_is_renewed_as_a_whole(visitor: Visitor) -> None:
    form = {"tag": "mine", "next": "/posts/1006503122-7"}
    answer = visitor.post("/posts/1006503122-7/tags", form, target="post")
    assert answer.text.lstrip().startswith('<div id="post"')
    assert "Your changes" in words(answer)


def test_a_form_of_a_known_tag_is_told(visitor: Visitor, store: Store) -> None:
    store.curation.add("news/1", ["новость"])
    answer = visitor.post("/posts/1006503122-7/tags", {"tag": "новости"})
    assert "“новость” exists, too." in told(answer)


@pytest.mark.parametrize("tag_name", ["", " , ", "@x", "a" * 300])
def test_what_cannot_be_a_tag_is_told(visitor: Visitor, store: Store, tag_name: str) -> None:
    before = tags_of(store, 7)
    answer = visitor.post("/posts/1006503122-7/tags", {"tag": tag_name}, target="t1006503122-7")
    assert answer.status_code == 400
    assert tags_of(store, 7) == before


def test_chosen_posts_are_tagged_as_one_change(visitor: Visitor, store: Store) -> None:
    form = {"post": ["1006503122-3", "1006503122-5"], "tag": "both", "next": "/"}
    answer = visitor.post("/posts/tags", form)
    assert told(answer).startswith("Tagged 2 posts: both.")
    assert "both" in tags_of(store, 3)
    assert "both" in tags_of(store, 5)
    again = visitor.post("/posts/tags", form)
    assert told(again) == "They have these tags already."
    visitor.post("/tags/undo", fields(answer, "/tags/undo"))
    assert "both" not in tags_of(store, 5)


def test_all_that_is_found_is_changed_only_after_a_question(visitor: Visitor, store: Store) -> None:
    form = {"query": "tag:sea", "tag": "sea", "every": "true", "takes": "true", "next": "/"}
    asked = visitor.post("/posts/tags", form)
    assert "Take sea off?" in words(asked)
    assert "120 posts" in words(asked)
    assert tags_of(store, 7) == ("storm", "sea")
    done = visitor.post("/posts/tags", fields(asked, "/posts/tags"))
    assert told(done).startswith("Taken off 120 posts: sea.")
    assert tags_of(store, 7) == ("storm",)


def test_no_post_chosen_is_told(visitor: Visitor) -> None:
    answer = visitor.post("/posts/tags", {"tag": "x"})
    assert answer.status_code == 400
    assert "no post is chosen" in words(answer)


def test_a_post_is_asked_to_be_tagged_again_once(visitor: Visitor, store: Store) -> None:
    answer = visitor.post("/posts/1006503122-7/again", {"next": "/"})
    visitor.post("/posts/1006503122-7/again", {"next": "/"})
    assert told(answer).startswith("It will be tagged again.")
    assert len(store.jobs.open()) == 1


def test_a_field_suggests_tags_for_the_last_name(visitor: Visitor) -> None:
    answer = visitor.get("/complete/tags?tag=other,%20se", target="choices")
    assert re.findall(r'data-value="([^"]*)"', answer.text) == ["sea", "se"]
    assert "new tag" in answer.text
    assert "new tag" not in visitor.get("/complete/tags?tag=SEA").text
    assert visitor.get("/complete/tags").text.strip() == ""


def test_a_reader_may_change_nothing(store: Store, visitor: Visitor) -> None:
    visitor.app.state.archive.read_only = True
    for path in ("/", "/posts/1006503122-7"):
        text = visitor.get(path).text
        assert 'method="post"' not in text
        assert "storm" in text


# ---- news


def test_news_are_told_whoever_wrote(visitor: Visitor, store: Store) -> None:
    first = visitor.get("/")
    at = re.search(r'data-at="(\d+)"', first.text)
    newest = re.search(r'data-newest="(\d+)"', first.text)
    assert at is not None
    assert newest is not None
    path = f"/live?at={at[1]}&newest={newest[1]}&query="
    assert visitor.get(path).status_code == 204
    with Store.open(str(store.path)) as other:
        other.curation.add("news/1", ["x"])
    answer = visitor.get(path).json()
    assert answer["text"] == "Something changed · show"
    assert answer["at"] != at[1]
    with Store.open(str(store.path)) as other:
        other.posts.save_page(page(post(300, "a", date=minute(300)), post(301, "b")))
    answer = visitor.get(f"/live?at={answer['at']}&newest={newest[1]}&query=").json()
    assert answer["text"] == "2 posts new · show"


@pytest.mark.parametrize(
    "part", ["at=x", "at=1&newest=-5", "at=1&newest=" + "9" * 40, "at=²&newest=²"]
)
def test_nonsense_is_no_news(visitor: Visitor, part: str) -> None:
    assert visitor.get(f"/live?{part}").status_code in {200, 204}


def test_the_keys_that_are_shown_are_those_that_work() -> None:
    from tgtagger.web.application import STATIC

    script = (STATIC / "app.js").read_text()
    table = script[script.index("const ACTIONS") :].partition("\n};")[0]
    actions = {*re.findall(r"^  (\w+)[:,]", table, re.MULTILINE)}
    assert {key.act for key in KEYS} == actions
    assert {key.href or key.act for key in KEYS} == {*KEY_WORDS}
