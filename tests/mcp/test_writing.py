"""What an agent may change: tags in its own name, runs up to a cap; and only if it is allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.agent import Agent, Refused, agent, server_of
from support.make import page, post, tag
from support.terminal import in_pipes
from support.undoing import contents
from tgtagger.config import load
from tgtagger.mcp.server import WRITING_TOOLS, make_server
from tgtagger.mcp.writing import PAUSE, Cap, Writing
from tgtagger.model.jobs import JobEnd
from tgtagger.runs.archive import Archive
from tgtagger.store import Store

POST = "1006503122-1"


@pytest.fixture
def writer(filled: Store, db: Path) -> Iterator[Agent]:
    with agent(server_of(db, may_write=True, tagger="keywords")) as connected:
        yield connected


@pytest.fixture
def filled(store: Store) -> Store:
    store.posts.save_page(page(*(post(n, f"A storm at sea {n}") for n in range(1, 4))))
    tag(store, ["AI", "news"])
    return store


def sources(store: Store, name: str = POST) -> dict[str, str]:
    return {link.name: link.source for link in store.records.post(name).links}


def test_without_leave_nothing_is_written(filled: Store, db: Path) -> None:
    before = contents(filled)
    with agent(server_of(db)) as reader:
        listed = [tool.name for tool in reader.do("list_tools").tools]
        assert not set(listed) & set(WRITING_TOOLS)
        for tool in WRITING_TOOLS:
            with pytest.raises(Refused) as told:
                reader.ask(tool, post=POST, tags=["x"])
            assert told.value.kind == "agents_only_read"
            assert "--allow-write" in told.value.told["hint"]
    assert contents(filled) == before
    assert filled.jobs.latest(5) == ()


def test_what_there_is_to_write_with_and_nothing_else(writer: Agent) -> None:
    tools = {tool.name: tool for tool in writer.do("list_tools").tools}
    writing = {name for name, tool in tools.items() if not tool.annotations.read_only_hint}
    assert writing == set(WRITING_TOOLS)
    assert tools["untag_post"].annotations.destructive_hint
    assert not tools["tag_post"].annotations.destructive_hint
    assert tools["sync_channel"].annotations.open_world_hint
    forbidden = ("delete", "remove", "merge", "rename", "export", "sql", "login", "config", "undo")
    assert not [name for name in tools if any(word in name for word in forbidden)]


def test_a_tag_of_an_agent_and_its_undo(writer: Agent, filled: Store) -> None:
    before = contents(filled)
    given = writer.ask("tag_post", post="@news-1", tags=["storm", "ai"])
    assert (given["done"], given["unchanged"]) == (["storm"], ["AI"])
    assert given["tags"] == ["AI", "news", "storm"]
    second = writer.ask("tag_post", post="@news-2", tags=["Storms"])
    assert second["other_forms"] == {"Storms": "storm"}
    taken = writer.ask("untag_post", post="@news-3", tags=["news"])
    assert {given["change"], second["change"], taken["change"]} == {given["change"]}
    assert sources(filled) == {"AI": "keywords", "news": "keywords", "storm": "agent"}
    shown = json.loads(in_pipes("--db", str(filled.path), "tags", "history", "--json").output)
    assert (shown[0]["by"], shown[0]["posts"]) == ("agent", 3)
    assert (
        "agent: storm Storms news" in in_pipes("--db", str(filled.path), "tags", "history").output
    )
    undone = in_pipes("--db", str(filled.path), "tags", "undo")
    assert undone.code == 0
    assert "3 posts as before" in undone.output
    assert contents(filled) == before
    third = writer.ask("tag_post", post="@news-1", tags=["sea"])
    assert third["change"] != given["change"]


def test_a_persons_word_stands(writer: Agent, filled: Store) -> None:
    filled.curation.add(POST, ["mine"])
    filled.curation.drop(POST, ["AI"])
    given = writer.ask("tag_post", post=POST, tags=["AI", "mine"])
    assert (given["refused"], given["unchanged"], given["change"]) == (["AI"], ["mine"], None)
    taken = writer.ask("untag_post", post=POST, tags=["mine"])
    assert (taken["refused"], taken["done"]) == (["mine"], [])
    assert sources(filled)["mine"] == "human"


@pytest.mark.parametrize(
    ("tool", "given", "kind"),
    [
        ("tag_post", {"post": "@news-9", "tags": ["x"]}, "post_unknown"),
        ("tag_post", {"post": POST, "tags": ["<b>", "a b c d e f"]}, "tag_invalid"),
        ("tag_post", {"post": POST, "tags": []}, "request_invalid"),
        ("tag_post", {"post": POST, "tags": ["x"] * 21}, "request_invalid"),
        ("untag_post", {"post": POST, "tags": ["nothing"]}, "tag_unknown"),
        ("sync_channel", {"channel": "not a channel"}, "channel_unknown"),
        ("retry_failed", {"channels": ["@other"]}, "channel_unknown"),
    ],
)
def test_what_cannot_be_done_is_refused(
    writer: Agent, filled: Store, tool: str, given: dict[str, object], kind: str
) -> None:
    before = contents(filled)
    with pytest.raises(Refused) as told:
        writer.ask(tool, **given)
    assert told.value.kind == kind
    assert told.value.told["hint"]
    assert contents(filled) == before


def test_a_session_ends_with_a_long_pause_and_each_program_has_its_own(
    filled: Store, db: Path
) -> None:
    server = server_of(db, may_write=True)
    with agent(server, name="one") as one, agent(server, name="two") as two:
        first = one.ask("tag_post", post=POST, tags=["storm"])["change"]
        other = two.ask("tag_post", post=POST, tags=["sea"])["change"]
        assert one.ask("tag_post", post="@news-2", tags=["storm"])["change"] == first
        assert other != first
    now = [1000.0]
    writing = Writing(
        Archive(load({"db": str(db)}), opens=Store.open), lambda: None, clock=lambda: now[0]
    )
    sessions: list[int] = []
    for pause in (0.0, PAUSE - 1, PAUSE + 1):
        now[0] += pause
        session = writing.session("x")
        session.change, session.wrote_at = session.change or len(sessions) + 1, now[0]
        sessions.append(session.change)
    assert sessions == [1, 1, 3]


def test_runs_are_asked_for_and_a_worker_is_started(filled: Store, db: Path) -> None:
    started: list[int] = []
    settings = load({"db": str(db), "tagger": "keywords"})
    server = make_server(settings, may_write=True, start_worker=lambda: started.append(1))
    with agent(server) as writer:
        read = writer.ask("sync_channel", channel="@news", limit=7)["job"]
        assert (read["kind"], read["state"]) == ("parse", "queued")
        assert writer.ask("sync_channel", channel="News", limit=7)["job"] == read  # asked already
        both = writer.ask("sync_channel", channel="@news", limit=7, tag=True)["job"]
        assert both["kind"] == "sync"  # one job: it is read before it is tagged
        writer.ask("retry_failed", force=True)
        assert [job["kind"] for job in writer.ask("archive_status")["jobs"]] == [
            "retry", "sync", "parse",
        ]  # fmt: skip
    assert len(started) == 4
    assert filled.jobs.find(1).params == {"sources": ["-1001006503122"], "limit": 7}


def test_only_a_person_says_which_channels_are_read(writer: Agent, filled: Store) -> None:
    """Else a post could order a hostile channel into the archive."""
    filled.channels.follow(["@added", "https://t.me/+AbCdEfGhIjKlMn"])
    filled.channels.pause(["@news"])
    for name in ("@added", "t.me/added", "@news"):
        assert writer.ask("sync_channel", channel=name)["job"]["kind"] == "parse"
    asked = len(filled.jobs.latest(9))
    filled.channels.remove("@news", with_posts=False)
    for name, kind in {
        "@evil": "channel_unknown", "t.me/evil": "channel_unknown", "null": "channel_unknown",
        "-1005555555": "channel_unknown", "https://t.me/+Other12345": "channel_unknown",
        "@news": "channel_unfollowed", "News": "channel_unfollowed",
    }.items():  # fmt: skip
        for more in ({}, {"tag": True}):
            with pytest.raises(Refused) as told:
                writer.ask("sync_channel", channel=name, **more)
            assert told.value.kind == kind
            assert told.value.told["hint"]
    assert len(filled.jobs.latest(9)) == asked
    assert writer.ask("list_channels")["not_read"] == ["@added", "an invitation"]


LLM = {"tagger": "llm", "llm_provider": "ollama", "llm_models": "m"}


def test_what_may_cost_money_wants_a_cap(filled: Store, db: Path) -> None:
    with agent(server_of(db, may_write=True, **LLM)) as writer:
        for tool, given in (
            ("retry_failed", {}),
            ("sync_channel", {"channel": "@news", "tag": True}),
        ):
            with pytest.raises(Refused) as told:
                writer.ask(tool, **given)
            assert told.value.kind == "agent_cap_missing"
            assert "--max-cost" in told.value.told["hint"]
        assert filled.jobs.latest(5) == ()
        writer.ask("sync_channel", channel="@news")  # reading costs nothing


def test_all_runs_of_a_server_share_the_cap(filled: Store, db: Path) -> None:
    with agent(server_of(db, may_write=True, max_cost="1", **LLM)) as writer:

        def ask(**given: int) -> int:
            return int(writer.ask("retry_failed", **given)["job"]["job"])

        first = ask()
        assert filled.jobs.find(first).params["max_cost"] == 1.0
        for tool, given in (("retry_failed", {"limit": 5}), ("sync_channel", SYNC)):
            with pytest.raises(Refused) as told:
                writer.ask(tool, **given)
            assert told.value.kind == "agent_cap_reached"
        assert len(filled.jobs.latest(5)) == 1
        end(filled, first, 0.25)
        second = ask(limit=5)
        assert filled.jobs.find(second).params["max_cost"] == 0.75
        end(filled, second, 0.0)
        third = writer.ask("sync_channel", **SYNC)["job"]["job"]
        assert filled.jobs.find(third).params["max_cost"] == 0.75
        end(filled, third, 0.25)
        last = ask(limit=7)
        assert filled.jobs.find(last).params["max_cost"] == 0.5
    assert Cap(1.0, 0.0, {999: 0.25}).left(filled) == 0.75  # ended so long ago that it is swept


SYNC = {"channel": "@news", "tag": True}


def end(store: Store, job: int, cost: float) -> None:
    """Let a job have cost so much, and end."""
    store.jobs.spend(job, cost, cost, 1.0)
    store.jobs.end(job, JobEnd("done", 0))


def test_the_cap_needs_leave_to_write() -> None:
    told = in_pipes("mcp", "--max-cost", "1")
    assert told.code == 2
    assert "--allow-write" in told.errors
