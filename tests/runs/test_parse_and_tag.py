"""What a run does without any face: it returns a noun, notes itself, and tells what happens."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_server import LlmServer, refusals
from support.events import RecordedRun
from support.exports import account, chat, message, write
from support.make import CHANNEL, archive, page, post
from tgtagger.config import Settings, load
from tgtagger.errors import ActionNeeded, InputError
from tgtagger.model.choices import SourceName
from tgtagger.model.posts import Page, PageStored, PostFilter
from tgtagger.model.tagging import TagResult
from tgtagger.pipeline import PostSource
from tgtagger.runs import parse, shapes, sync, tag
from tgtagger.runs.connections import Connections
from tgtagger.runs.events import Progress, Stage
from tgtagger.runs.parse import ParseOptions
from tgtagger.runs.tag import TagOptions
from tgtagger.store import Store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"db": str(tmp_path / "posts.db")}, {"TGTAGGER_DATA_DIR": str(tmp_path)})


@pytest.fixture
def events() -> RecordedRun:
    return RecordedRun()


def noted(settings: Settings) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(settings.db)) as raw:
        rows = raw.execute("SELECT command, exit_code, summary FROM runs ORDER BY id").fetchall()
    return [(command, code, summary and json.loads(summary)) for command, code, summary in rows]


def with_model(settings: Settings, server: LlmServer) -> Settings:
    environ = {
        "TGTAGGER_LLM_URL": server.url, "TGTAGGER_LLM_MODEL": "test-model",
        "TGTAGGER_RETRY_BASE": "0.01", "TGTAGGER_DATA_DIR": str(settings.data_dir),
    }  # fmt: skip
    return load({"db": settings.db}, environ)


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as made:
        yield made


# ---- parsing


def test_an_export_is_parsed(settings: Settings, events: RecordedRun, tmp_path: Path) -> None:
    export = write(
        tmp_path / "export",
        account(
            chat(message(1, "storm"), message(2, "tide"), message("x", "no number")),
            chat(name="Aunt", type="personal_chat", id=7),
        ),
    )
    report = parse.parse(settings, [str(export)], ParseOptions(), events)
    (channel,) = report.channels
    assert (channel.new, channel.rejections, report.code) == (2, 1, 5)
    assert report.channel_ids == (1006503122,)
    assert noted(settings) == [("parse", 5, shapes.noted_parse(report))]
    assert events.of("begin") == [Stage("export", "result.json")]
    assert [name for name, _ in events.told].count("end") == 1
    assert events.of("remark") == [
        ("archive_made", {"path": Path(settings.db)}),
        ("chats_left_out", {"kinds": {"personal_chat": 1}}),
    ]
    (stored,) = events.of("stored")
    assert isinstance(stored, PageStored)
    (progress,) = events.of("progress")
    assert isinstance(progress, Progress)
    assert progress.posts == 2
    assert progress.share is not None


def test_what_is_no_source_stops_no_other(
    settings: Settings, events: RecordedRun, tmp_path: Path
) -> None:
    export = write(tmp_path / "export", chat(message(1, "storm")))
    report = parse.parse(settings, ["two words", str(export)], ParseOptions(), events)
    wrong, read = report.channels
    assert isinstance(wrong.error, InputError)
    assert (read.new, report.code) == (1, 2)


def test_nothing_to_read_is_said_by_its_kind(settings: Settings, events: RecordedRun) -> None:
    with pytest.raises(InputError) as caught:
        parse.parse(settings, [], ParseOptions(), events)
    assert caught.value.kind == "no_database"
    Store.open(settings.db).close()
    with pytest.raises(InputError) as caught:
        parse.parse(settings, [], ParseOptions(), events)
    assert caught.value.kind == "no_channels_yet"
    assert noted(settings) == [("parse", 2, None)]


def test_channels_without_a_name_want_an_account(
    settings: Settings, events: RecordedRun, tmp_path: Path
) -> None:
    export = write(tmp_path / "export", chat(message(1, "storm")))
    parse.parse(settings, [str(export)], ParseOptions(), events)
    with pytest.raises(ActionNeeded) as caught:
        parse.parse(settings, [], ParseOptions(), events)
    assert caught.value.kind == "channels_without_names"


class Two:
    """A source of two pages, the first of which takes a while."""

    name: SourceName = "preview"
    channel_id = CHANNEL.id

    async def pages(self, *_: Any) -> AsyncGenerator[Page]:
        for number in (2, 1):
            await asyncio.sleep(2.1)
            yield page(post(number, "text"), source="preview")


class Here(Connections):
    async def preview(self, *_: Any) -> PostSource:
        return Two()


def test_no_page_is_asked_for_when_the_time_is_over(
    settings: Settings, events: RecordedRun
) -> None:
    with Store.open(settings.db) as store:
        options = ParseOptions(via="preview", deadline=time.monotonic() + 2)
        report = parse.parse_into(
            store, settings, ["@one1", "@two2"], options, events, Here(settings)
        )
    first, second = report.channels
    assert (first.new, second.new, report.code) == (1, 0, 75)
    assert first.channel == CHANNEL
    assert [channel.error and channel.error.kind for channel in report.channels] == [
        "parse_time_over", "parse_time_over",
    ]  # fmt: skip
    assert events.of("begin") == [Stage("channel", "@one1")]


# ---- tagging


def test_posts_are_tagged_by_the_embedded_tagger(settings: Settings, events: RecordedRun) -> None:
    archive(Path(settings.db), 3)
    estimate = tag.estimate(settings, TagOptions())
    assert (estimate.posts, estimate.provenance.source, estimate.needs.requests) == (
        3,
        "keywords",
        0,
    )
    assert noted(settings) == []
    summary = tag.tag(settings, TagOptions(PostFilter(limit=2)), events)
    assert (summary.tagged, summary.pending, summary.code) == (2, 1, 0)
    assert noted(settings) == [("tag", 0, shapes.tag_summary(summary))]
    results = events.of("stored")
    assert all(isinstance(each, TagResult) for each in results)
    assert [getattr(each, "share", None) for each in events.of("progress")] == [0.5, 1.0]
    assert events.of("remark") == [("first_by_the_embedded_tagger", {})]
    again = RecordedRun()
    assert tag.tag(settings, TagOptions(), again).tagged == 1
    assert again.of("remark") == []


def test_posts_that_the_queue_has_lost_are_tagged_all_the_same(
    settings: Settings, events: RecordedRun
) -> None:
    archive(Path(settings.db), 3)
    with closing(sqlite3.connect(settings.db)) as raw, raw:
        raw.execute("DELETE FROM tag_queue WHERE post_id <> (SELECT max(post_id) FROM tag_queue)")
    assert tag.tag(settings, TagOptions(), events).tagged == 3
    assert events.warnings == ["posts that wait and were lost from the queue are in it again: 2"]
    with closing(sqlite3.connect(settings.db)) as raw:
        assert raw.execute("SELECT count(*) FROM tag_queue").fetchone() == (0,)


def test_a_dry_run_asks_nothing_and_takes_no_lock(settings: Settings, server: LlmServer) -> None:
    archive(Path(settings.db), 3)
    with Store.open(settings.db) as store, store.lock("tag"):
        estimate = tag.estimate(with_model(settings, server), TagOptions())
    assert (estimate.posts, estimate.provenance.source, estimate.needs.requests) == (3, "llm", 1)
    assert estimate.needs.prompt_tokens > 0
    assert server.completions == []


def test_what_stops_a_run_is_in_its_summary(
    settings: Settings, events: RecordedRun, server: LlmServer
) -> None:
    archive(Path(settings.db), 3)
    server.script = [refusals.wrong_key()]
    summary = tag.tag(with_model(settings, server), TagOptions(), events)
    assert summary.stopped is not None
    assert (summary.stopped.kind, summary.code, summary.pending) == ("key_rejected", 3, 3)
    assert summary.hint == "do something about key_rejected"
    ((_, code, told),) = noted(settings)
    assert (code, told["stopped"]["class"]) == (3, "key_rejected")
    assert events.told[-1] == ("end", None)


def test_a_prepared_tagging_can_be_looked_at_and_left(
    settings: Settings, events: RecordedRun
) -> None:
    archive(Path(settings.db), 3)
    with tag.prepared(settings, TagOptions(), events) as tagging:
        assert tagging.count() == 3
        with tag.prepared(settings, TagOptions(), events) as another:  # they share the posts
            assert another.count() == 3
    assert noted(settings) == []


def test_the_embedded_tagger_has_no_prompt(settings: Settings) -> None:
    with pytest.raises(InputError) as caught:
        tag.show_prompt(settings)
    assert caught.value.kind == "embedded_tagger_has_no_prompt"


# ---- all of it


def test_a_sync_that_can_read_nothing_tags_all_the_same(
    settings: Settings, events: RecordedRun
) -> None:
    archive(Path(settings.db), 3)
    with Store.open(settings.db) as store:
        store.channels.remove("@news", with_posts=False)
        store.channels.follow(["t.me/+AbCd123456"])  # it wants an account
    report = sync.sync(settings, ParseOptions(), events)
    assert report.parse.error is not None
    assert report.tag is not None
    assert report.retry is not None
    assert (report.parse.error.kind, report.tag.tagged, report.retry.posts) == (
        "channels_without_names", 3, 0,
    )  # fmt: skip
    assert report.code == 3
    assert events.of("finished") == [report.parse, report.tag, report.retry]
    assert noted(settings) == [("sync", 3, shapes.noted_sync(report))]


def test_a_sync_of_one_source_tags_what_it_has_read_and_no_other_channel(
    settings: Settings, events: RecordedRun, tmp_path: Path
) -> None:
    archive(Path(settings.db), 3)
    export = write(tmp_path / "export", chat(message(1, "A storm at sea"), id=77))
    with Store.open(settings.db) as store:
        report = sync.sync_as_run(store, settings, ParseOptions(), events, [str(export)])
        assert report.tag is not None
        assert (report.tag.tagged, report.code) == (1, 0)
        assert store.queue.count(PostFilter(statuses=("pending",))) == 3
        unread = sync.sync_as_run(store, settings, ParseOptions(), events, ["t.me/+AbCd123456"])
    assert (unread.tag, unread.retry, unread.code) == (None, None, 3)


def test_a_sync_of_an_empty_archive_has_nothing_to_read_yet(
    settings: Settings, events: RecordedRun
) -> None:
    Store.open(settings.db).close()
    report = sync.sync(settings, ParseOptions(), events)
    assert report.parse.error is not None
    assert (report.parse.error.kind, report.code) == ("no_channels_yet", 2)


@pytest.mark.parametrize("how", ["removed", "paused"])
def test_a_sync_of_channels_that_a_person_set_aside_is_well(
    settings: Settings, events: RecordedRun, how: str
) -> None:
    archive(Path(settings.db), 3)
    with Store.open(settings.db) as store:
        if how == "removed":
            store.channels.remove("@news", with_posts=False)
        else:
            store.channels.pause(["@news"])
    report = sync.sync(settings, ParseOptions(), events)
    assert report.tag is not None
    assert (report.parse.error, report.tag.tagged, report.code) == (None, 3, 0)
    assert ("all_set_aside", {"is_first": True}) in events.of("remark")


def test_a_sync_of_an_archive_that_exports_feed_says_so_once(
    settings: Settings, events: RecordedRun, tmp_path: Path
) -> None:
    export = write(tmp_path / "export", chat(message(1, "storm at sea")))
    parse.parse(settings, [str(export)], ParseOptions(), events)
    report = sync.sync(settings, ParseOptions(), events)
    assert report.tag is not None
    assert (report.parse.error, report.tag.tagged, report.code) == (None, 1, 0)
    assert sync.sync(settings, ParseOptions(), events).code == 0
    said = [("fed_by_exports", {"is_first": is_first}) for is_first in (True, False)]
    assert [each for each in events.of("remark") if each in said] == said


def test_a_sync_of_channels_that_telegram_read_wants_the_account_again(
    settings: Settings, events: RecordedRun, tmp_path: Path
) -> None:
    export = write(tmp_path / "export", chat(message(1, "storm at sea")))
    parse.parse(settings, [str(export)], ParseOptions(), events)
    with closing(sqlite3.connect(settings.db)) as raw, raw:
        raw.execute(
            "INSERT INTO readings (channel_id, source, floor_id) "
            "SELECT id, 'telegram', 0 FROM channels"
        )
    assert sync.sync(settings, ParseOptions(), events).code == 3


def test_what_stops_new_posts_of_a_sync_spares_old_ones(
    settings: Settings, events: RecordedRun, server: LlmServer
) -> None:
    archive(Path(settings.db), 3)
    server.script = [refusals.wrong_key()]
    report = sync.sync(with_model(settings, server), ParseOptions(), events)
    assert report.tag is not None
    assert report.tag.stopped is not None
    assert report.retry is None
    assert shapes.noted_sync(report)["retry"] is None
