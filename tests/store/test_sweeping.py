"""What grows with time goes by its rule, a few rows with each run, and nothing that is needed."""

from __future__ import annotations

import datetime as dt

import pytest

from support.make import CHANNEL, page, post
from support.sql import plan, reading, writing
from tgtagger.decide import answer_key
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import ModelCapabilities, Provenance, SuggestedTag, TagUpdate
from tgtagger.store import Store, sweeping

MONTH = dt.timedelta(days=30)
LONG_AGO = "2020-01-01T00:00:00Z"
OLD, NOW = Provenance("llm", "model", "old"), Provenance("llm", "model", "new")
FALLBACK = Provenance("llm", "another", "new")


def days_ago(days: int) -> str:
    return f"{dt.datetime.now(dt.UTC) - dt.timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def count(store: Store, table: str) -> int:
    with reading(store) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture
def archive(store: Store) -> Store:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 5))))
    return store


def test_attempts_stay_as_long_as_costs_are_shown(archive: Store) -> None:
    run = archive.runs.start("tag", OLD)
    with writing(archive) as db:
        rows = [(run, days_ago(days)) for days in (400, 61, 59, 31, 0)]
        db.executemany(
            "INSERT INTO attempts (post_id, run_id, at) SELECT min(id), ?, ? FROM posts", rows
        )
    archive.runs.start("parse", keep=MONTH)
    assert count(archive, "attempts") == 3
    archive.runs.start("parse", keep=dt.timedelta(days=90))
    assert count(archive, "attempts") == 3
    assert count(archive, "posts") == 4


def test_a_few_rows_go_at_a_time(archive: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing(archive) as db:
        db.executemany(
            "INSERT INTO attempts (post_id, at) SELECT min(id), ? FROM posts", [(LONG_AGO,)] * 2500
        )
    left = []
    for _ in range(4):
        archive.runs.start("parse", keep=MONTH)
        left.append(count(archive, "attempts"))
    assert left == [1500, 500, 0, 0]


def test_a_killed_run_goes_after_a_year(archive: Store) -> None:
    began = [(archive.runs.start("parse"), days) for days in (366, 364)]
    with writing(archive) as db:
        db.executemany(
            "UPDATE runs SET started_at = ? WHERE id = ?",
            [(days_ago(days), run) for run, days in began],
        )
    last = archive.runs.start("parse", keep=MONTH)
    with reading(archive) as db:
        left = [run for (run,) in db.execute("SELECT id FROM runs ORDER BY id").fetchall()]
    assert left == [began[1][0], last]


def test_a_message_that_was_rejected_is_remembered_for_a_year(archive: Store) -> None:
    with writing(archive) as db:
        db.executemany(
            "INSERT INTO rejected_posts (channel_id, message_id, source, reason, seen_at) "
            "VALUES (?, ?, 'desktop', 'why', ?)",
            [(CHANNEL.id, days, days_ago(days)) for days in (366, 364)],
        )
    archive.runs.start("parse", keep=MONTH)
    with reading(archive) as db:
        assert db.execute("SELECT message_id FROM rejected_posts").fetchall() == [("364",)]


def answer(store: Store, made_by: Provenance, number: int, *, run: int | None = None) -> None:
    """Let a model answer a post, long ago, in a run of its own."""
    run = store.runs.start("tag", made_by) if run is None else run
    (item,) = store.queue.posts(PostFilter(posts=(f"news/{number}",)))
    store.queue.save(
        [
            TagUpdate(
                item.id, item.text_hash, "tagged", made_by, (SuggestedTag("tag"),), 1,
                answer_key=answer_key(item.text_hash, made_by),
            )
        ],
        run,
    )  # fmt: skip
    store.runs.end(run, 0, "{}")
    with writing(store) as db:
        db.execute("UPDATE answers SET at = ?", (LONG_AGO,))
        db.execute("UPDATE runs SET started_at = ?, ended_at = ?", (LONG_AGO, LONG_AGO))
        db.execute("UPDATE tag_changes SET at = ?", (LONG_AGO,))


def models_of(store: Store, number: int) -> list[str | None]:
    """Return the prompts by which an answer for a post is there."""
    with reading(store) as db:
        (text,) = db.execute(
            "SELECT text_hash FROM posts WHERE message_id = ?", (number,)
        ).fetchone()
    kinds = [kind for kind in (OLD, NOW, FALLBACK) if store.answers.find([text], [kind])]
    return [f"{kind.model} {kind.prompt}" for kind in kinds]


def test_answers_stay_while_a_post_has_tags_of_their_kind(archive: Store) -> None:
    answer(archive, OLD, 1)
    answer(archive, OLD, 2)
    answer(archive, NOW, 1)
    for _ in range(3):
        archive.runs.end(archive.runs.start("tag", NOW, keep=MONTH), 0)
    assert models_of(archive, 1) == ["model old", "model new"]  # news/2 has tags by the old prompt
    answer(archive, NOW, 2)
    for _ in range(3):
        archive.runs.end(archive.runs.start("parse", keep=MONTH), 0)
    assert models_of(archive, 1) == ["model old", "model new"]  # nobody says what is used now
    for _ in range(3):
        archive.runs.end(archive.runs.start("tag", NOW, keep=MONTH), 0)
    assert models_of(archive, 1) == ["model new"]
    assert models_of(archive, 2) == ["model new"]


def test_answers_of_this_year_and_of_what_tags_now_stay(archive: Store) -> None:
    answer(archive, OLD, 1)
    with writing(archive) as db:
        db.execute("UPDATE answers SET at = ?", (days_ago(364),))
    answer_again = archive.runs.start("tag", NOW)
    answer(archive, FALLBACK, 3, run=answer_again)
    with writing(archive) as db:
        db.execute("UPDATE answers SET at = ? WHERE model = 'model'", (days_ago(364),))
        db.execute("DELETE FROM post_tags")  # so that all runs are swept
    for _ in range(3):
        archive.runs.end(archive.runs.start("tag", NOW, keep=MONTH), 0)
    assert models_of(archive, 1) == ["model old"]
    assert models_of(archive, 3) == ["another new"]  # a fallback of what tags now


def test_what_a_server_could_long_ago_goes(archive: Store) -> None:
    for model, days in (("a", 31), ("b", 29)):
        archive.answers.save_capabilities(ModelCapabilities("url", model, "{}"))
        with writing(archive) as db:
            db.execute(
                "UPDATE server_capabilities SET at = ? WHERE model = ?", (days_ago(days), model)
            )
    archive.answers.save_capabilities(ModelCapabilities("url", "c", "{}"))
    with reading(archive) as db:
        assert db.execute("SELECT model FROM server_capabilities").fetchall() == [("b",), ("c",)]


def test_no_run_that_goes_reads_all_attempts(archive: Store) -> None:
    steps = plan(archive, sweeping._SWEEP_RUNS, before=LONG_AGO)
    assert any("attempts USING COVERING INDEX ix_attempts_run_id" in step for step in steps), steps
    steps = plan(archive, sweeping._FIRST_ANSWER, key="a")
    assert steps == ["SEARCH answers USING PRIMARY KEY (key>?)"]


def test_a_year_of_runs_that_found_nothing_takes_little_room(archive: Store) -> None:
    """An hourly run of a thousand channels, as cron calls it: simulated, a day at a time."""
    summary = '{"new": 0, "channels": []}'
    for day in range(40, 0, -1):
        with writing(archive) as db:
            db.execute("UPDATE runs SET started_at = '2020-01-01T00:00:00Z' WHERE id < "
                       "(SELECT max(id) - 30 * 4 FROM runs)")  # fmt: skip
        for _ in range(4):
            archive.runs.end(archive.runs.start("sync", keep=MONTH), 0, summary)
        assert count(archive, "runs") <= 30 * 4 + 8, day
