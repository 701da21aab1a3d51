"""The schema on a server: the same as in a file, made anew or upgraded, whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from support.make import page, post
from support.next_version import NEXT
from support.on_server import connected
from tgtagger.errors import StoreError
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.store.sqlite.schema_version import SCHEMA, OlderSchema, Schema

FIRST = "0011"
"""The first version that was on servers."""

OWN = {"post_words", "known_words", "run_leases", "write_order"}
"""Tables that only a server has."""


def described(store: Store) -> dict[str, Any]:
    """Return the tables of an archive, in words that both kinds of database have."""
    looked = sa.inspect(store._database.opened.engine)  # type: ignore[attr-defined]
    found: dict[str, Any] = {"views": sorted({*looked.get_view_names()} - {"posts_fts_words"})}
    for table in looked.get_table_names():
        if table in OWN or table.startswith(("posts_fts", "tag_uses")):
            continue
        keys = looked.get_foreign_keys(table)
        found[table] = {
            "columns": [
                (each["name"], _kind(each["type"]), each["nullable"], _plain(each["default"]))
                for each in looked.get_columns(table)
            ],
            "key": looked.get_pk_constraint(table)["constrained_columns"],
            "unique": sorted(
                (each["name"], *each["column_names"])
                for each in looked.get_unique_constraints(table)
            ),
            "checks": sorted(str(each["name"]) for each in looked.get_check_constraints(table)),
            "references": sorted(
                (
                    each["name"],
                    *each["constrained_columns"],
                    each["referred_table"],
                    *each["referred_columns"],
                    *sorted(each["options"].items()),
                )
                for each in keys
            ),
            "indexes": sorted(
                (each["name"], tuple(each["column_names"]), bool(each["unique"]), _is_partial(each))
                for each in looked.get_indexes(table)
                if not each.get("duplicates_constraint")
            ),
        }
    return found


def _kind(found: Any) -> str:
    kinds = {"BIGINT": "INTEGER", "DOUBLE PRECISION": "REAL", "DOUBLE_PRECISION": "REAL"}
    kind = str(found).split(" COLLATE")[0]
    return {"BYTEA": "BLOB"}.get(kind, kinds.get(kind, kind))


def _plain(default: str | None) -> str | None:
    if default is None or default.startswith("nextval"):
        return None
    return default.partition("::")[0].strip("'\"")


def _is_partial(index: Any) -> bool:
    options = index.get("dialect_options", {})
    return any(name.endswith("_where") for name in options)


def own_words(store: Store) -> list[tuple[Any, ...]]:
    """Return the schema as the server writes it: columns, rules, indexes, triggers, functions."""
    with connected(store) as db:
        return db.execute(
            """
            SELECT 'column', table_name, column_name, data_type, collation_name, is_nullable,
                   column_default, is_identity
            FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name <> 'tagged_posts'
            UNION ALL SELECT 'rule', CAST(conrelid AS regclass)::text, conname,
                   pg_get_constraintdef(oid), NULL, NULL, NULL, NULL
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
            UNION ALL SELECT 'index', tablename, indexname, indexdef, NULL, NULL, NULL, NULL
            FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT 'view', viewname, NULL, definition, NULL, NULL, NULL, NULL
            FROM pg_views WHERE schemaname = 'public'
            UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid),
                   NULL, NULL, NULL, NULL FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT 'function', proname, NULL, prosrc, NULL, NULL, NULL, NULL
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT 'options', relname, NULL, reloptions::text, NULL, NULL, NULL, NULL
            FROM pg_class WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
            ORDER BY 1, 2, 3
            """
        ).fetchall()


def schema_of(*revisions: str) -> Schema:
    return Schema(revisions, SCHEMA.folders)


def test_the_tables_are_those_of_a_file(store: Store, server_url: str) -> None:
    with Store.open(server_url) as on_server:
        in_file, found = described(store), described(on_server)
    assert found.keys() == in_file.keys()
    for table, there in in_file.items():
        assert found[table] == there, table


def test_an_upgraded_archive_is_as_a_new_one(server_url: str, empty_server_url: str) -> None:
    until = SCHEMA.revisions[: SCHEMA.revisions.index(FIRST) + 1]
    with Store.open(empty_server_url, schema=schema_of(*until)) as old:
        assert old.is_new
    with Store.open(empty_server_url) as upgraded, Store.open(server_url) as new:
        assert own_words(upgraded) == own_words(new)


def test_text_sorts_and_numbers_are_large_everywhere(server_url: str) -> None:
    with Store.open(server_url) as store:
        words = own_words(store)
    kinds = {(kind, collation) for what, _, _, kind, collation, *_ in words if what == "column"}
    version = ("character varying", None)  # Alembic's
    assert kinds - {version, ("tsvector", None), ("timestamp with time zone", None)} == {
        ("bigint", None), ("text", "C"), ("double precision", None), ("bytea", None),
    }  # fmt: skip
    assert ("options", "tag_queue", None) in {row[:3] for row in words}


def test_an_older_schema_is_upgraded_with_its_rows_and_only_by_who_says_so(server_url: str) -> None:
    with Store.open(server_url) as store:
        store.posts.save_page(page(post(1, "kept")))
        with pytest.raises(OlderSchema):
            Store.open_to_read(server_url, schema=NEXT)
        with Store.open_up_to_date(server_url, schema=NEXT) as newer:
            assert [found.text for found in newer.records.posts(PostFilter())] == ["kept"]
            assert newer.status.archive().schema == "next"
        with pytest.raises(StoreError, match="newer tgtagger"):  # which still has it open
            store.posts.save_page(page(post(2, "lost")))
    with pytest.raises(StoreError, match="newer tgtagger"):
        Store.open(server_url)


def test_a_failed_upgrade_leaves_the_old_schema(server_url: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "from alembic import op\n"
        f"revision, down_revision = 'broken', {SCHEMA.newest!r}\n"
        "def upgrade():\n"
        "    op.get_bind().exec_driver_sql('ALTER TABLE posts ADD COLUMN topic TEXT')\n"
        "    op.get_bind().exec_driver_sql('DELETE FROM posts')\n"
        "    raise OSError('broken')\n",
        encoding="utf-8",
    )
    broken = Schema((*SCHEMA.revisions, "broken"), (*SCHEMA.folders, tmp_path))
    with Store.open(server_url) as store:
        store.posts.save_page(page(post(1, "kept")))
        before = own_words(store)
        with pytest.raises(OSError, match="broken"):
            Store.open(server_url, schema=broken)
        assert own_words(store) == before
        assert [found.text for found in store.records.posts(PostFilter())] == ["kept"]


def test_who_makes_the_tables_at_the_same_time_makes_them_once(empty_server_url: str) -> None:
    made: list[bool] = []

    def make() -> None:
        with Store.open(empty_server_url) as store:
            made.append(store.is_new)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(made) == [False, False, False, True]
