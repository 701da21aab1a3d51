"""The record of runs: what it keeps, and for how long."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from support import old_schemas
from support.make import PROVENANCE, page, post, tag
from support.sql import reading, writing
from tgtagger.store import Store
from tgtagger.store.times import to_text

MONTH = dt.timedelta(days=30)
OLD = to_text(dt.datetime.now(dt.UTC) - 4 * MONTH)


def summaries(store: Store) -> dict[int, str | None]:
    with reading(store) as db:
        return dict(db.execute("SELECT id, summary FROM runs ORDER BY id").fetchall())


def test_old_runs_go_unless_something_refers_to_them(store: Store) -> None:
    store.posts.save_page(page(post(1, "text")))
    tag(store, ("ai",))  # run 1
    for number in range(2, 6):
        store.runs.end(store.runs.start("parse"), 0, f'{{"new": {number}}}')
    store.runs.end(1, 0, '{"tagged": 1}')
    with writing(store) as db:
        db.execute("UPDATE runs SET started_at = ? WHERE id < 5", (OLD,))
        db.execute("UPDATE runs SET ended_at = NULL WHERE id = 2")
        db.execute("INSERT INTO attempts (post_id, run_id, at) SELECT id, 3, 'x' FROM posts")
    store.runs.start("sync")  # without a rule, nothing goes
    assert summaries(store).keys() == {1, 2, 3, 4, 5, 6}
    store.runs.start("sync", keep=MONTH)
    assert summaries(store) == {
        1: None,  # its tags can still be undone
        2: '{"new": 2}',  # at work, or killed
        3: None,
        5: '{"new": 5}',
        6: None,
        7: None,
    }
    assert store.changes.take_back(1).links == 1


def test_a_run_that_was_swept_is_known_by_its_tags(store: Store) -> None:
    store.posts.save_page(page(post(1, "text")))
    tag(store, ("ai",))  # run 1, without a summary as if swept
    store.runs.start("tag", PROVENANCE)
    assert summaries(store) == {1: None, 2: None}
    assert store.runs.has_tagged_with(PROVENANCE, 2)
    assert not store.runs.has_tagged_with(PROVENANCE, 1)
    with reading(store) as db:
        query = "SELECT 1 FROM runs WHERE EXISTS (SELECT 1 FROM post_tags WHERE run_id = runs.id)"
        plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}"))
    assert "ix_post_tags_run_id" in plan


def test_a_rule_beyond_the_calendar_keeps_all(store: Store) -> None:
    store.runs.end(store.runs.start("parse"), 0, "{}")
    store.runs.start("parse", keep=dt.timedelta(days=9999 * 365))
    assert summaries(store) == {1: "{}", 2: None}


def test_undoing_a_run_looks_only_at_its_own_links(store: Store) -> None:
    store.posts.save_page(page(*(post(n, "text") for n in range(1, 50))))
    tag(store, ("ai", "sea"))
    with reading(store) as db:
        for query in (
            "SELECT DISTINCT post_id FROM post_tags WHERE run_id = 1 AND source <> 'human'",
            "SELECT DISTINCT +tag_id FROM post_tags WHERE run_id = 1",
            "SELECT 1 FROM attempts WHERE run_id = 1",
        ):
            plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}"))
            assert "run_id" in plan, (query, plan)


def test_the_upgrade_thins_what_is_there(db: Path) -> None:
    quiet = {"source": "@a", "new": 0, "updated": 0, "deleted": 0, "rejected": [], "error": None}
    told = quiet | {"source": "@b", "new": 3}
    broken = quiet | {"source": "@c", "error": "gone"}
    parse = {"channels": [quiet, told, broken], "new": 3}
    stored = [json.dumps(parse), json.dumps({"parse": parse, "tag": None}), '{"channels": 5}', "[]"]
    old_schemas.make(db, "0002", 0)
    with closing(sqlite3.connect(db)) as raw, raw:
        raw.executemany(
            "INSERT INTO runs (command, started_at, summary) VALUES ('sync', 'x', ?)",
            [(text,) for text in stored],
        )
    Store.open(str(db)).close()
    thin = {"channels": [told, broken], "new": 3, "unchanged_channels": 1}
    with closing(sqlite3.connect(db)) as raw:
        found = [text for (text,) in raw.execute("SELECT summary FROM runs ORDER BY id")]
    assert [json.loads(text) for text in found] == [
        thin,
        {"parse": thin, "tag": None},
        {"channels": 5},
        [],
    ]


def test_the_view_has_no_link_to_a_message_that_moved_on(store: Store) -> None:
    store.posts.save_page(page(post(-5, "before"), post(5, "after")))
    with reading(store) as db:
        urls = dict(db.execute("SELECT message_id, url FROM tagged_posts").fetchall())
    assert urls == {-5: None, 5: "https://t.me/news/5"}


def test_the_upgrade_brings_back_posts_that_were_blamed_for_a_key(db: Path) -> None:
    """An earlier version blamed posts for 400 and 403 that spoke of a key or a model."""
    errors = {
        1: (400, "server", "API key not valid. Please pass a valid API key."),
        2: (403, "refused", "Country, region, or territory not supported"),
        3: (400, "refused", "content may violate our policy"),
        4: (500, "server", "the model is overloaded"),
        5: (400, "server", "your credit balance is too low"),
        6: (400, "server", "The model `gemma-9` does not exist or you do not have access to it."),
        7: (400, "too_long", "This model's maximum context length is 8192 tokens."),
        8: (400, "server", "This model's maximum context length is 8192 tokens."),
        9: (403, "refused", "The request violates the model's usage policy."),
        10: (403, "server", "The request violates the model's usage policy."),
        11: (400, "server", "unsupported media location"),
        12: (400, "too_long", "model x: the input exceeds what the model takes; prompt not found"),
        13: (403, "refused", "Your organization has been flagged and suspended."),
        14: (400, "refused", "A post on payments and verification is flagged by the safety model."),
    }
    old_schemas.make(db, "0002", 0)
    with closing(sqlite3.connect(db)) as raw, raw:
        raw.execute(
            "INSERT INTO channels (id, title, kind, added_at) VALUES (7, 'a', 'channel', 'x')"
        )
        for number, (status, failure, error) in errors.items():
            raw.execute(
                "INSERT INTO posts (id, channel_id, message_id, size, text, markdown, source, "
                "text_hash, added_at, status, attempts, failure, error) VALUES "
                "(?, 7, ?, 1, '', '', 'desktop', '0123456789abcdef', '2026-01-01T00:00:00Z', "
                "'failed', 3, ?, ?)",
                (number, number, failure, error),
            )
            raw.execute(
                "INSERT INTO attempts (post_id, at, http_status) VALUES (?, 'x', ?)",
                (number, status),
            )
    Store.open(str(db)).close()
    with closing(sqlite3.connect(db)) as raw:
        due = raw.execute(
            "SELECT id, attempts FROM posts WHERE next_attempt_at IS NOT NULL ORDER BY id"
        ).fetchall()
    assert due == [(number, 0) for number in (1, 2, 5, 6, 13)]


def test_the_runs_are_read_a_page_at_a_time(store: Store) -> None:
    for number in range(1, 6):
        run = store.runs.start("tag", PROVENANCE)
        if number % 2:
            store.runs.end(run, 0, json.dumps({"tagged": number}))
    first = store.runs.past(2)
    assert [(run.id, run.exit_code) for run in first] == [(5, 0), (4, None)]
    assert [run.id for run in store.runs.past(9, before=first[-1].id)] == [3, 2, 1]
