"""A SOURCE of the command line: a path or a channel, and no text is too strange to say which."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tgtagger.cli import app
from tgtagger.errors import InputError
from tgtagger.model.refs import Named, is_foreign_address
from tgtagger.runs import targets
from tgtagger.runs.targets import read_target, readable, stored_targets
from tgtagger.sources.desktop import DesktopExport
from tgtagger.store import Store


def test_a_path_that_exists_is_no_channel(store: Store, tmp_path: Path) -> None:
    there = tmp_path / "durov"
    there.mkdir()
    assert read_target(str(there), store).path == there
    assert read_target("durov", store).ref == Named("durov")


@pytest.mark.parametrize(
    "text",
    ["x" * 5000, "@" + "x" * 300, "a\0b", "~\0", "~nobody-of-that-name/x", "\udcff", "two words"],
)
def test_what_is_neither_is_refused(store: Store, text: str) -> None:
    with pytest.raises(
        InputError,
        match=r"not the name of a channel|a path without a NUL|a home folder that exists",
    ):
        read_target(text, store)


@pytest.mark.parametrize("text", ["x/" * 3000, "./" + "x" * 300, "a/b"])
def test_a_path_that_cannot_be_is_said_when_it_is_read(store: Store, text: str) -> None:
    target = read_target(text, store)
    assert target.path is not None
    with pytest.raises(InputError, match=r"does not exist|cannot be read"):
        list(DesktopExport(target.path).read())


@pytest.mark.skipif(os.getuid() == 0, reason="root may look into every folder")
def test_a_folder_that_is_not_ours_is_said(store: Store, tmp_path: Path) -> None:
    tmp_path.chmod(0)
    try:
        target = read_target(str(tmp_path / "result.json"), store)
        assert target.path is not None
        with pytest.raises(InputError, match="permission denied"):
            list(DesktopExport(target.path).read())
    finally:
        tmp_path.chmod(0o700)


def test_an_added_channel_with_a_name_needs_no_account(store: Store) -> None:
    store.channels.follow(["@durov", "t.me/c/12345", "t.me/+AbCd123456"])
    found, left_out = readable(stored_targets(store), "preview")
    assert ([target.text for target in found], left_out) == (["@durov"], 2)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "channel_ref_empty"),
        ("  ", "channel_ref_empty"),
        ("https://example.com/x", "channel_ref_foreign"),
        ("http://twitter.com/telegram", "channel_ref_foreign"),
        ("ftp://x/y", "channel_ref_foreign"),
        ("vk.com/news", "channel_ref_foreign"),
        ("example.com", "channel_ref_foreign"),
        ("someone@example.com", "channel_ref_foreign"),
        ("+15550001", "channel_ref_invalid"),
        ("https://t.me/", "channel_ref_invalid"),
        ("./missing.json", "export_missing"),
        ("no/such/folder", "export_missing"),
        ("missing.json", "export_missing"),
    ],
)
def test_a_name_that_cannot_be_read_makes_no_archive(tmp_path: Path, text: str, kind: str) -> None:
    db = tmp_path / "new.db"
    result = CliRunner().invoke(app, ["--db", str(db), "parse", "--", text])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError) as error:
        targets.check_any([text])
    assert error.value.kind == kind
    targets.check_any([text, "@news"])  # one that can be read is read


@pytest.mark.parametrize(
    "text", ["https://t.me/news", "t.me/s/news", "news.t.me", "tg://resolve?domain=news",
             "https://telegram.me/news/5"],
)  # fmt: skip
def test_telegrams_own_addresses_are_not_foreign(text: str) -> None:
    assert not is_foreign_address(text)
    targets.check_any([text])
