"""What the server says of an error holds values, and whole rows: nothing of it is told."""

from __future__ import annotations

import traceback

import psycopg
import pytest

from support.make import page, post
from support.on_server import connected
from tgtagger.store import Store
from tgtagger.store.statements import Statement


def test_a_post_that_breaks_a_rule_is_rejected_without_a_word_of_it(server_url: str) -> None:
    with Store.open(server_url) as store:
        with connected(store) as db:
            db.execute("ALTER TABLE posts ADD CONSTRAINT unlucky CHECK (message_id % 13 <> 0)")
        stored = store.posts.save_page(page(*(post(n, f"secret {n}") for n in range(1, 40))))
        assert stored.new == 36
        assert [item.id for item in stored.rejected] == [13, 26, 39]
        for item in stored.rejected:
            assert item.reason == "it breaks a rule of the database: unlucky"
        assert store.integrity.check_index()


def test_a_bug_s_report_has_no_value(server_url: str) -> None:
    with Store.open(server_url) as store:
        for sql in (
            "INSERT INTO channels (id, title, kind, added_at) VALUES (1, 'secret', 'x', '')",
            "SELECT CAST('secret' AS bigint)",
        ):
            with pytest.raises(psycopg.Error) as failed, store._database.write() as db:
                Statement(sql)(db)
            assert failed.value.__cause__ is None
            assert failed.value.__suppress_context__
            said = traceback.format_exception(failed.value)
            assert "SQLSTATE 2" in said[-1]
            assert "secret" not in str(failed.value)
