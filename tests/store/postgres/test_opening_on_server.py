"""An archive on a server: its URL, what lies there, its tables."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from support import postgres_server
from support.make import page, post, tag
from support.on_server import connected
from tgtagger.errors import InputError, NoDatabase, StoreError, TgTaggerError
from tgtagger.model.posts import PostFilter
from tgtagger.runs.query import read_query
from tgtagger.store import Store


def test_posts_are_stored_tagged_and_found(server_url: str) -> None:
    with Store.open(server_url) as store:
        assert not store.is_new
        store.posts.save_page(page(post(1, "Шторм у берега"), post(2, "штормы")))
        tag(store, ["море"])
        wanted = PostFilter(query=read_query("шторм"))
        assert [found.post.text for found in store.records.search(wanted)] == [
            "штормы",
            "Шторм у берега",
        ]
        assert store.integrity.check_index()
    with Store.open_up_to_date(server_url) as store:
        assert store.records.post("news/1").post.tags == ("море",)


@pytest.mark.parametrize("begin", ["postgresql", "postgresql+psycopg", "postgres", "POSTGRESQL"])
def test_a_server_is_named_by_any_of_its_names(server_url: str, begin: str) -> None:
    with Store.open(server_url.replace("postgresql", begin, 1)) as store:
        assert str(store.place).startswith("postgresql://postgres@/own_")


def test_the_password_is_shown_to_nobody(server_url: str) -> None:
    with_password = server_url.replace("postgres@", "postgres:hush@")
    with Store.open(with_password) as store:
        assert "hush" not in str(store.place)
        assert "host=" in str(store.place)
    for wrong in (
        with_password.replace("own_", "missing_"),
        with_password.replace("host=", "host=/nowhere"),
        with_password.replace("postgres:", "nobody:"),
        with_password + "&sslmode=maybe",
        with_password + "&nonsense=1",
        "postgresql://postgres:hush@127.0.0.1:1/x",
        "postgresql://postgres:hush@[::1/x",
        "postgresql+asyncpg://postgres:hush@/x",
    ):
        with pytest.raises(TgTaggerError) as failed:
            Store.open(wrong)
        shown = [failed.value, failed.value.__cause__, failed.value.data, failed.value.__context__]
        assert "hush" not in repr(shown)
        assert failed.value.exit_code in {2, 75}


@pytest.mark.parametrize(
    "option",
    [
        "nonsense=1", "sslmode=maybe", "connect_timeout=soon", "port=99999", "port=x", "port=1,2",
        "service=missing", "options=-c%20nonsense%3D1",
    ],
)  # fmt: skip
def test_a_wrong_option_of_a_url_is_the_user_s_to_mend(server_url: str, option: str) -> None:
    with pytest.raises(InputError) as failed:
        Store.open(f"{server_url}&{option}")
    assert failed.value.kind == "database_url_unreadable"


def test_text_is_utf8_whatever_libpq_is_set_to(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    for option in ("", "&client_encoding=KOI8R"):
        with Store.open(server_url + option) as store:
            store.posts.save_page(page(post(1, "Шторм 🌊 日本語")))
            assert store.records.post("news/1").post.text == "Шторм 🌊 日本語"


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "WIN1251"])
def test_a_database_of_another_encoding_is_refused(encoding: str) -> None:
    name = f"other_{encoding.lower()}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name}")
        db.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING {encoding} "
            "LC_COLLATE 'C' LC_CTYPE 'C' STRATEGY file_copy"
        )
    with pytest.raises(InputError) as failed:
        Store.open(postgres_server.url(name))
    assert failed.value.kind == "database_encoding"
    assert failed.value.data["encoding"] == encoding


def test_databases_of_one_name_on_two_servers_are_two(server_url: str, tmp_path: Path) -> None:
    folder = parse_qs(urlsplit(server_url).query)["host"][0]
    (tmp_path / "other").symlink_to(folder)
    other_url = server_url.replace(folder, str(tmp_path / "other"))
    with Store.open(server_url) as store, Store.open(other_url) as other:
        assert store.place != other.place
        assert store.identity != other.identity


def test_an_empty_database_becomes_an_archive_only_if_it_shall(server_url: str) -> None:
    with Store.open(server_url) as store, connected(store) as db:
        db.execute("DROP SCHEMA public CASCADE")
        db.execute("CREATE SCHEMA public")
        db.commit()
    for opens in (Store.open_to_read, Store.open_up_to_date):
        with pytest.raises(NoDatabase):
            opens(server_url)
    with pytest.raises(NoDatabase):
        Store.open(server_url, create=False)
    with Store.open(server_url) as store:
        assert store.is_new
        store.posts.save_page(page(post(1, "x")))
        assert store.status.archive().posts["pending"] == 1


def test_another_program_s_database_stays_as_it_is(server_url: str) -> None:
    with Store.open(server_url) as store, connected(store) as db:
        db.execute("DROP TABLE alembic_version")
        db.commit()
    with pytest.raises(StoreError, match="another program"):
        Store.open(server_url)


def test_a_newer_tgtagger_s_database_stays_as_it_is(server_url: str) -> None:
    with Store.open(server_url) as store:
        with connected(store) as db:
            db.execute("UPDATE alembic_version SET version_num = '9999'")
            db.commit()
        with pytest.raises(StoreError, match="newer tgtagger"):
            store.status.archive()
    for opens in (Store.open, Store.open_to_read, Store.open_up_to_date):
        with pytest.raises(StoreError, match="newer tgtagger"):
            opens(server_url)


def test_without_the_driver_a_line_to_type_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules]:
        if name.startswith("tgtagger.store.postgres"):
            monkeypatch.delitem(sys.modules, name)
    import tgtagger.store

    monkeypatch.delattr(tgtagger.store, "postgres", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match="not installed"):
        Store.open("postgresql://127.0.0.1/x")
