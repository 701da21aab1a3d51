"""The HTTP API: what it gives, what it refuses and how, and what did not change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import feedparser
import pytest
from pydantic import BaseModel

from support.api import Api, app_of, ask
from support.make import CHANNEL, EPOCH, PROVENANCE, page, post, tag
from support.routes import routes_of
from tgtagger.decide import update_after
from tgtagger.model.posts import Channel, Forward, Media, PostFilter
from tgtagger.model.tagging import TaggingError
from tgtagger.store import Store
from tgtagger.web.api import documents

OTHER = Channel(2222222222, "Other", "other")
GROUP = Channel(-5, "Group", kind="group")


@pytest.fixture
def archive(store: Store) -> Store:
    posts = [post(n, f"storm {n}", views=n) for n in range(1, 10)]
    store.posts.save_page(page(*posts))
    album = post(
        3, "calm", ids=(3, 4), markdown="**calm**", reactions=(("👍", 2),),
        media=(Media("photo", width=3), Media("poll", question="?", options=("a",))),
        forward=Forward(42, "Elsewhere", "elsewhere", 7),
    )  # fmt: skip
    store.posts.save_page(page(album, channel=OTHER))
    store.posts.save_page(page(post(7, "in a group"), channel=GROUP))
    tag(store, ["weather", "sea"], wanted=PostFilter(channels=("news",)))
    run = store.runs.start("tag", PROVENANCE)
    failed = [
        update_after(item, TaggingError("server", "HTTP 500"), PROVENANCE, now=EPOCH)
        for item in store.queue.posts(PostFilter(channels=("other",)))
    ]
    store.queue.save(failed, run)
    store.runs.end(run, 5, json.dumps({"failed": 1}))
    return store


@pytest.fixture
def api(archive: Store, db: Path) -> Iterator[Api]:
    made = Api(app_of(db))
    yield made
    made.app.state.archive.close()


def fits(model: type[BaseModel], shape: Any) -> Any:
    """Check what a route gives against its description."""
    model.model_validate_json(json.dumps(shape), strict=True)
    return shape


def names(shape: Any) -> list[str]:
    return [each["name"] for each in shape["posts"]]


# ---- posts


def test_posts_are_the_records_of_an_export(api: Api, archive: Store) -> None:
    found = fits(documents.PostPage, api.get("/posts"))
    lines = [json.loads(line) for line in archive.records.lines(PostFilter())]
    for given, exported in zip(found["posts"], lines, strict=True):
        assert {key: given[key] for key in exported} == exported
        assert list(given) == [*exported, "snippet", "name", "key"]
    assert found["next"] is None
    assert "-5-7" in names(found)


def test_posts_come_a_page_at_a_time(api: Api) -> None:
    whole = names(api.get("/posts?query=storm"))
    first = api.get("/posts?query=storm&limit=4")
    second = api.get(f"/posts?query=storm&limit=200&after={first['next']}")
    assert names(first) + names(second) == whole
    assert (len(names(first)), second["next"]) == (4, None)
    refused = api.refused("GET", f"/posts?query=storms&after={first['next']}")
    assert (refused["status"], refused["kind"]) == (400, "cursor_of_another_search")
    assert "keep the filters" in refused["hint"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("query=calm", 1),
        ("channel=@news", 9),
        ("channel=@news&channel=other", 10),
        ("channel=-5", 1),
        ("tag=weather&tag=sea", 9),
        ("any-tag=weather&any-tag=sea", 9),
        ("not-tag=weather", 2),
        ("status=failed", 1),
        ("status=failed&status=pending", 2),
        ("since=2026-01-01&until=2026-01-02", 11),
        ("since=2026-01-02", 0),
        ("until=2026", 0),
        ("query=storm+since:3650d&channel=news", 9),
    ],
)
def test_each_filter_narrows(api: Api, query: str, count: int) -> None:
    assert len(api.get(f"/posts?{query}")["posts"]) == count


def test_words_are_shown_where_they_stand(api: Api) -> None:
    (found,) = api.get("/posts?query=calm")["posts"]
    assert found["snippet"] == "**calm**"


@pytest.mark.parametrize(
    "name", ["1006503122-5", "@news-5", "@NEWS-5", "key", "https%3A%2F%2Ft.me%2Fnews%2F5"]
)
def test_a_post_is_named_in_many_ways(api: Api, name: str) -> None:
    known = fits(documents.Post, api.get("/posts/1006503122-5"))
    assert [link["tag"] for link in known["links"]] == ["weather", "sea"]
    name = str(known["key"]) if name == "key" else name
    if "%2F" in name:
        assert api.refused("GET", f"/posts/{name}")["status"] == 404
    else:
        assert api.get(f"/posts/{name}") == known


def test_a_post_of_a_basic_group_has_a_name(api: Api) -> None:
    assert api.get("/posts/-5-7")["text"] == "in a group"


def test_a_number_of_several_posts_tells_which(api: Api) -> None:
    refused = api.refused("GET", "/posts/3")
    assert (refused["status"], refused["kind"]) == (409, "post_ambiguous")
    assert refused["candidates"] == ["1006503122-3", "2222222222-3"]
    assert api.get("/posts/8")["text"] == "storm 8"


def test_attempts_of_a_post_are_told(api: Api) -> None:
    found = fits(documents.Post, api.get("/posts/2222222222-3"))
    assert found["status"] == "failed"
    assert found["media"][0] == {"type": "photo", "width": 3}


# ---- tags of a post


def test_tagging_a_post_twice_is_tagging_it_once(api: Api) -> None:
    first = api("PUT", "/posts/1006503122-5/tags/mine")
    assert (first.status_code, first.json()["tags"]) == (200, ["weather", "sea", "mine"])
    assert first.json()["number"] is not None
    second = fits(documents.PostTags, api("PUT", "/posts/@news-5/tags/mine").json())
    assert second == {"tags": ["weather", "sea", "mine"], "number": None}
    gone = api("DELETE", "/posts/1006503122-5/tags/mine").json()
    assert (gone["tags"], gone["number"] is None) == (["weather", "sea"], False)
    again = api("DELETE", "/posts/1006503122-5/tags/mine")
    assert (again.status_code, again.json()) == (
        200, {"tags": ["weather", "sea"], "number": None},
    )  # fmt: skip
    undone = api("POST", "/tags/undo", {"number": gone["number"]})
    assert fits(documents.TakenBack, undone.json())["posts"] == 1
    assert api.get("/posts/1006503122-5")["tags"] == ["weather", "sea", "mine"]


@pytest.mark.parametrize("name", ["C%2B%2B20%2F23", "новости", "a%20b", "%D1%91%D0%BB%D0%BA%D0%B0"])
def test_a_tag_may_have_any_letters(api: Api, name: str) -> None:
    given = api("PUT", f"/posts/1006503122-5/tags/{name}").json()
    assert len(given["tags"]) == 3
    assert len(api("DELETE", f"/posts/1006503122-5/tags/{name}").json()["tags"]) == 2


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("PUT", "/posts/1006503122-5/tags/%3F%21", 400, "tag_invalid"),
        ("PUT", "/posts/1006503122-99/tags/a", 404, "post_unknown"),
        ("PUT", "/posts/nothing/tags/a", 400, "post_ref_invalid"),
        ("DELETE", "/posts/1006503122-5/tags/wether", 404, "tag_unknown"),
        ("PUT", "/posts/3/tags/a", 409, "post_ambiguous"),
    ],
)
def test_what_is_not_there_is_told(
    api: Api, method: str, path: str, status: int, kind: str
) -> None:
    refused = api.refused(method, path)
    assert (refused["status"], refused["kind"]) == (status, kind)
    assert refused["hint"]


def test_a_name_that_is_nearly_right_is_completed(api: Api) -> None:
    assert api.refused("GET", "/posts?tag=wether")["hint"] == "did you mean weather?"
    assert "did you mean tag" in api.refused("GET", "/posts?query=tga:sea")["hint"]


# ---- tags


def test_tags_come_a_page_at_a_time(api: Api) -> None:
    api("PUT", "/posts/1006503122-5/tags/rare")
    first = fits(documents.TagPage, api.get("/tags?limit=2"))
    assert [(tag["name"], tag["posts"]) for tag in first["tags"]] == [("sea", 9), ("weather", 9)]
    second = api.get(f"/tags?after={first['next']}")
    assert ([tag["name"] for tag in second["tags"]], second["next"]) == (["rare"], None)
    assert api.refused("GET", "/tags?after=5")["kind"] == "cursor_wrong"
    assert fits(documents.TagPage, api.get("/tags?unused=true"))["tags"] == []


def test_tags_are_put_in_order_and_back(api: Api, archive: Store) -> None:
    before = api.get("/tags")
    dry = api("POST", "/tags/merge", {"names": ["sea"], "into": "weather", "dry_run": True}).json()
    assert (dry["number"], dry["posts"], api.get("/tags")) == (None, 9, before)
    merged = api("POST", "/tags/merge", {"names": ["sea"], "into": "weather"}).json()
    assert fits(documents.TagChange, merged)["aliases"] == ["sea"]
    renamed = api("POST", "/tags/rename", {"old": "weather", "new": "погода"}).json()
    assert fits(documents.TagChange, renamed)["name"] == "погода"
    given = api("POST", "/tags/alias", {"tag": "погода", "names": ["wind"]}).json()
    assert given["aliases"] == ["sea", "weather", "wind"]
    taken = api("POST", "/tags/alias", {"tag": "погода", "names": ["wind"], "remove": True}).json()
    assert taken["aliases"] == ["sea", "weather"]
    removed = api("POST", "/tags/remove", {"names": ["погода"]}).json()
    assert fits(documents.TagChanges, removed)["tags"][0]["posts"] == 9
    history = fits(documents.ChangePage, api.get("/tags/history"))
    assert [change["what"] for change in history["changes"]][:5] == [
        "remove", "unalias", "alias", "rename", "merge",
    ]  # fmt: skip
    for _ in range(5):
        assert api("POST", "/tags/undo", {}).status_code == 200
    assert api.get("/tags") == before


def test_the_history_goes_on(api: Api) -> None:
    for name in "abcd":
        api("PUT", f"/posts/1006503122-5/tags/{name}")
    whole = api.get("/tags/history")["changes"]
    first = api.get("/tags/history?limit=2")
    second = api.get(f"/tags/history?after={first['next']}")
    assert (first["changes"] + second["changes"], second["next"]) == (whole, None)


def test_suggestions_are_decided(api: Api) -> None:
    for number, name in ((5, "cities"), (6, "city"), (7, "city")):
        api("PUT", f"/posts/1006503122-{number}/tags/{name}")
    found = fits(documents.Suggestions, api.get("/tags/suggestions"))["suggestions"]
    (forms,) = [each for each in found if {*each["names"], each["into"]} == {"city", "cities"}]
    body = {"names": forms["names"], "other": forms["into"]}
    kept = api("POST", "/tags/suggestions/dismiss", body)
    assert fits(documents.Apart, kept.json()) == body
    assert forms not in api.get("/tags/suggestions")["suggestions"]


def test_a_change_on_which_another_hangs_is_told(api: Api) -> None:
    made = api("PUT", "/posts/1006503122-5/tags/new").json()
    renamed = api("POST", "/tags/rename", {"old": "new", "new": "newer"}).json()
    refused = api.refused("POST", "/tags/undo", {"number": made["number"]})
    assert (refused["status"], refused["kind"]) == (409, "change_depended_on")
    assert refused["hint"].endswith(f": {renamed['number']}")


# ---- channels, state


def test_channels_are_added_and_paused(api: Api) -> None:
    first = fits(documents.ChannelPage, api.get("/channels?limit=2"))
    second = api.get(f"/channels?after={first['next']}")
    titles = [each["title"] for each in first["channels"] + second["channels"]]
    assert (titles, second["next"]) == (["Group", "News", "Other"], None)
    added = api("POST", "/channels", {"sources": ["@fresh", "news"]}).json()
    assert fits(documents.Added, added) == {"added": ["@fresh"]}
    assert api.get("/channels")["added"] == ["@fresh"]
    paused = api("POST", "/channels/pause", {"names": ["@news", "Oth"]}).json()
    assert fits(documents.Titles, paused) == {"titles": ["News", "Other"]}
    states = {each["title"]: each["paused"] for each in api.get("/channels")["channels"]}
    assert states == {"Group": False, "News": True, "Other": True}
    assert api("POST", "/channels/resume", {"names": ["news"]}).json() == {"titles": ["News"]}
    assert api.refused("POST", "/channels/pause", {"names": ["nwes"]})["kind"] == "channel_unknown"


def test_the_state_is_that_of_status(api: Api) -> None:
    found = fits(documents.Status, api.get("/status"))
    assert found["posts"] == {"pending": 1, "tagged": 9, "skipped": 0, "failed": 1}


def test_runs_come_a_page_at_a_time(api: Api) -> None:
    whole = fits(documents.RunPage, api.get("/runs"))
    assert [run["id"] for run in whole["runs"]] == [2, 1]
    first = api.get("/runs?limit=1")
    assert api.get(f"/runs?after={first['next']}") == {"runs": whole["runs"][1:], "next": None}


def test_it_lives(api: Api) -> None:
    assert fits(documents.Health, api.get("/healthz"))["name"] == "tgtagger"
    assert ask(api.app, "GET", "/healthz").json() == api.get("/healthz")


def test_a_query_is_a_feed(api: Api) -> None:
    answer = api("GET", "/feed.xml?query=storm&tag=sea&limit=3")
    assert answer.headers["content-type"] == "application/rss+xml"
    feed = feedparser.parse(answer.content)
    assert not feed.bozo
    assert feed.feed.title == "sea · storm"
    assert [entry.title for entry in feed.entries] == ["storm 9", "storm 8", "storm 7"]


# ---- refusals


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("GET", "/nothing", None, 404, "path_unknown"),
        ("GET", "/posts/", None, 404, "path_unknown"),
        ("PATCH", "/posts", None, 405, "method_not_allowed"),
        ("OPTIONS", "/posts", None, 405, "method_not_allowed"),
        ("GET", "/posts?limit=201", None, 400, "request_invalid"),
        ("GET", "/posts?limit=0", None, 400, "request_invalid"),
        ("GET", "/posts?limit=all", None, 400, "request_invalid"),
        ("GET", "/posts?limit=5&limit=6", None, 400, "parameter_repeated"),
        ("GET", "/posts?tags=sea", None, 400, "parameter_unknown"),
        ("GET", "/tags?limit=5&x=1", None, 400, "parameter_unknown"),
        ("PUT", "/posts/1006503122-5/tags/a?b=c", None, 400, "parameter_unknown"),
        ("GET", "/posts?status=done", None, 400, "request_invalid"),
        ("GET", "/posts?since=soon", None, 400, "date_wrong"),
        ("GET", "/posts?since=5m", None, 400, "date_ambiguous"),
        ("GET", "/posts?since=2026-02&until=2026-01", None, 400, "period_empty"),
        ("GET", "/posts?query=(storm", None, 400, "query_parenthesis_open"),
        ("GET", "/posts?query=status:done", None, 400, "filter_value_unknown"),
        ("GET", "/posts?query=" + "a" * 2001, None, 400, "request_invalid"),
        ("GET", "/posts?" + "&".join(["tag=a"] * 101), None, 400, "request_invalid"),
        ("GET", "/posts?channel=nwes", None, 404, "channel_unknown"),
        ("GET", "/posts?after=x", None, 400, "cursor_wrong"),
        ("POST", "/tags/merge", {"names": ["sea"]}, 400, "request_invalid"),
        ("POST", "/tags/merge", {"names": [], "into": "sea"}, 400, "request_invalid"),
        ("POST", "/tags/merge", {"names": ["sea"], "into": "s", "x": 1}, 400, "request_invalid"),
        ("POST", "/tags/merge", {"names": ["sea"], "into": "ocean"}, 404, "merge_target_unknown"),
        ("POST", "/tags/rename", {"old": "sea", "new": "weather"}, 409, "tag_exists"),
        ("POST", "/tags/undo", {"number": 0}, 400, "request_invalid"),
        ("POST", "/tags/undo", {"number": True}, 400, "request_invalid"),
        ("POST", "/tags/undo", {"number": "1"}, 400, "request_invalid"),
        ("POST", "/tags/undo", {"number": 1, "dry_run": "no"}, 400, "request_invalid"),
        ("POST", "/tags/remove", {"names": "sea"}, 400, "request_invalid"),
        ("POST", "/tags/suggestions/dismiss", {"names": ["x"], "other": "sea"}, 404, "tag_unknown"),
        ("POST", "/tags/undo", {"number": 99}, 404, "run_unknown"),
        ("POST", "/channels", {"sources": ["https://example.org"]}, 400, "channel_ref_foreign"),
    ],
)  # fmt: skip
def test_every_refusal_has_one_shape(
    api: Api, method: str, path: str, body: Any, status: int, kind: str
) -> None:
    refused = api.refused(method, path, body)
    assert (refused["status"], refused["kind"]) == (status, kind)
    assert refused["hint"]


@pytest.mark.parametrize("path", ["/api", "/api/v1", "/api/v2/posts", "/posts/5/nothing"])
def test_a_path_of_nothing_is_refused_in_the_same_shape(api: Api, path: str) -> None:
    assert ask(api.app, "GET", path).json()["kind"] == "path_unknown"


def test_a_refused_method_tells_those_that_are_taken(api: Api) -> None:
    assert api("PATCH", "/posts").headers["allow"] == "GET, HEAD"
    assert api("GET", "/posts/5/tags/a").headers["allow"] == "PUT, DELETE"


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{", "application/json"), (b"", "application/json"), (b"[1]", "application/json"),
     (b'"\xff"', "application/json"), (b"[" * 100_000, "application/json"),
     (b'{"names": ["sea"], "into": "weather"}', "text/plain"),
     (b'{"names": ["sea"], "into": "weather"}', "application/x-www-form-urlencoded"),
     (b'{"names": ["sea"], "into": "weather"}', None)],
)  # fmt: skip
def test_what_is_no_json_is_refused(api: Api, content: bytes, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    before = api.get("/tags")
    answer = ask(api.app, "POST", "/api/v1/tags/merge", content=content, headers=headers)
    assert (answer.status_code, answer.json()["kind"]) in {
        (400, "request_invalid"), (400, "request_refused"),
    }  # fmt: skip
    assert api.get("/tags") == before
    assert (answer.json()["detail"].startswith("the body is not JSON: ")) is (content == b"{")
    says_how = "Content-Type: application/json" in answer.json()["hint"]
    assert says_how is (kind != "application/json")


def test_a_parameter_that_is_nearly_right_is_completed(api: Api) -> None:
    for typed, meant in (("any_tag", "any-tag"), ("chanel", "channel"), ("tags", "tag")):
        assert api.refused("GET", f"/posts?{typed}=a")["hint"] == f"did you mean {meant}?"
    assert "there are none here" in api.refused("GET", "/status?x=1")["hint"]


# ---- the description


def test_every_route_is_described(api: Api) -> None:
    shape = api.get("/openapi.json")
    known = {(method.upper(), path) for path, item in shape["paths"].items() for method in item}
    routes = {
        (method, path.replace(":path", ""))
        for method, path in routes_of(api.app)
        if path.startswith("/api/v1") and not path.endswith(("healthz", "openapi.json"))
    }
    assert routes <= known
    assert len({each["operationId"] for item in shape["paths"].values() for each in item.values()}
               ) == len(known)  # fmt: skip
    for path, item in shape["paths"].items():
        for method, each in item.items():
            where = f"{method} {path}"
            assert each["summary"], where
            assert "422" not in each["responses"], where
            assert "4XX" in each["responses"] or path == "/healthz", where
            for parameter in each.get("parameters", ()):
                assert parameter.get("description") or parameter["name"] == "limit", where


def test_a_refusal_is_described_as_what_it_is(api: Api) -> None:
    shape = api.get("/openapi.json")
    for item in shape["paths"].values():
        for each in item.values():
            for status in {"4XX", "503"} & each["responses"].keys():
                assert [*each["responses"][status]["content"]] == ["application/problem+json"]
            assert each.get("security", [{}])[0] == {}
    assert api.get("/openapi.json") == shape


def test_the_description_has_examples(api: Api) -> None:
    schemas = api.get("/openapi.json")["components"]["schemas"]
    assert len(schemas) > 20
    for name in ("Found", "Merge", "Rename", "Tag", "Channel", "Problem", "TakenBack"):
        properties = schemas[name]["properties"]
        assert any("examples" in each for each in properties.values()), name


# ---- what did not change

GETS = ["/posts", "/posts/5", "/tags", "/tags/history", "/tags/suggestions", "/channels", "/status",
        "/runs", "/feed.xml", "/posts?since=7d", "/posts?query=storm+since:7d"]  # fmt: skip


@pytest.mark.parametrize("path", GETS)
def test_what_did_not_change_is_not_sent_again(api: Api, archive: Store, path: str) -> None:
    first = api("GET", path)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    assert first.headers["cache-control"] == "private, no-store"
    for header in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = api("GET", path, if_none_match=header)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert api("GET", path, if_none_match='"x"').status_code == 200
    archive.curation.add("@news/5", ["other"])  # as another process would
    later = api("GET", path, if_none_match=tag)
    assert later.status_code == 200
    assert later.headers["etag"] != tag


def test_each_address_has_a_tag_of_its_own(api: Api) -> None:
    tags = {
        api("GET", path).headers["etag"] for path in (*GETS, "/posts?limit=3", "/posts?limit=4")
    }
    assert len(tags) == len(GETS) + 2


@pytest.mark.parametrize("path", ["/status", "/posts?since=7d", "/posts?query=after:7d"])
def test_what_is_told_relative_to_now_changes_with_the_minute(
    api: Api, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    tags = set()
    for minute in range(3):
        monkeypatch.setattr(time, "time", lambda minute=minute: 1_800_000_000.0 + 60 * minute)
        tags.add(api("GET", path).headers["etag"])
    assert len(tags) == 3
    monkeypatch.setattr(time, "time", lambda: 1_800_000_001.0)
    first = api("GET", "/tags").headers["etag"]
    monkeypatch.setattr(time, "time", lambda: 1_800_000_121.0)
    assert api("GET", "/tags").headers["etag"] == first


def test_a_refusal_has_no_tag(api: Api) -> None:
    assert "etag" not in api("GET", "/posts/99").headers
    assert api("GET", "/posts?x=1", if_none_match="*").status_code == 400


@pytest.mark.parametrize("path", [*GETS, "/healthz", "/posts/99", "/nothing", "/openapi.json"])
def test_head_is_get_without_its_body(api: Api, path: str) -> None:
    whole, head = api("GET", path), api("HEAD", path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers == whole.headers


def test_head_of_a_stream_ends(api: Api) -> None:
    async def endless() -> Any:
        while True:
            yield b"data: x\n\n"

    from fastapi.responses import StreamingResponse

    @api.app.get("/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(endless(), media_type="text/event-stream")

    answer = ask(api.app, "HEAD", "/stream")
    assert (answer.status_code, answer.content) == (200, b"")
    assert ask(api.app, "HEAD", "/static/style.css").headers["content-length"] != "0"


def test_a_hostile_post_stays_data(api: Api, archive: Store) -> None:
    text = '</script><img src=x onerror=alert(1)>\u2028"\\'
    archive.posts.save_page(page(post(50, text), channel=CHANNEL))
    answer = api("GET", "/posts?limit=1")
    assert answer.json()["posts"][0]["text"] == text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
