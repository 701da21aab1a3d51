"""A folder kept in step: what is ours is ours alone, and nobody else's is touched."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from support.make import page, post, tag
from tgtagger.errors import InputError, StoreError, TryLater
from tgtagger.export import folder, site, vault
from tgtagger.export.folder import MARK, NOTE, Folder
from tgtagger.export.memory import STATE
from tgtagger.model.posts import Channel, PostFilter, Reply
from tgtagger.store import Store

FORMATS = pytest.mark.parametrize("form", [vault, site])


def write(form: ModuleType, store: Store, path: Path, **wanted: Any) -> Folder:
    with store.select(PostFilter(**wanted)) as selection:
        done: Folder = form.write(selection, path)
        return done


def state_of(path: Path) -> dict[Path, tuple[bytes, int, int]]:
    return {
        file: (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_ino)
        for file in path.rglob("*")
        if file.is_file() and file.name != STATE
    }


@pytest.fixture
def archive(store: Store) -> Store:
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 4))))
    store.posts.save_page(page(post(1, "other"), channel=Channel(7, "Other", None)))
    tag(store, ["storm"])
    return store


@FORMATS
def test_a_second_export_touches_no_file(form: ModuleType, archive: Store, tmp_path: Path) -> None:
    write(form, archive, tmp_path / "out")
    before = state_of(tmp_path / "out")
    write(form, archive, tmp_path / "out")
    assert state_of(tmp_path / "out") == before


@pytest.mark.row("I6")
@FORMATS
def test_what_somebody_made_of_a_file_of_ours_is_theirs(
    form: ModuleType, archive: Store, tmp_path: Path
) -> None:
    """A copy beside it, one elsewhere, one renamed; a hidden folder, a link, an empty folder."""
    out = tmp_path / "out"
    write(form, archive, out)
    ours = next(path for path in sorted(out.rglob("*storm*")) if path.is_file())
    theirs = [
        ours.with_name(f"copy of {ours.name}"), ours.with_name(f"my-{ours.name}"),
        out / ours.name, out / "favourites" / ours.name, out / ".git" / "tags" / ours.name,
    ]  # fmt: skip
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ours.read_bytes())
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ours.name).write_bytes(ours.read_bytes())
    (out / "link").symlink_to(outside)
    ours.unlink()
    ours.symlink_to(outside / ours.name)
    (out / "empty").mkdir()
    done = write(
        form,
        archive,
        out,
        limit=1,
        channels=("Other",),
        until=dt.datetime.min.replace(tzinfo=dt.UTC),
    )
    assert done.removed > 0
    for path in (*theirs, outside / ours.name, ours, out / "empty"):
        assert path.exists(), path


@FORMATS
def test_what_a_killed_run_left_is_swept(form: ModuleType, archive: Store, tmp_path: Path) -> None:
    write(form, archive, tmp_path / "out")
    (tmp_path / "out/tags/.tgtagger-part-x.md").write_text("half")
    (tmp_path / "out/tags/.part-x.md").write_text("a browser's")
    write(form, archive, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out/tags").glob(".*")] == [".part-x.md"]


@pytest.mark.row("L2")
def test_one_export_at_a_time(archive: Store, tmp_path: Path) -> None:
    write(vault, archive, tmp_path / "out")
    held = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)  # ours is an exclusive one
    with pytest.raises(TryLater, match="another export writes to"):
        write(vault, archive, tmp_path / "out")
    os.close(held)
    write(vault, archive, tmp_path / "out")


def test_a_new_vault_or_repository_is_empty(archive: Store, tmp_path: Path) -> None:
    (tmp_path / "out/.obsidian").mkdir(parents=True)
    write(vault, archive, tmp_path / "out")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.md").write_text(MARK)
    with pytest.raises(InputError, match="not an export of tgtagger"):
        write(vault, archive, tmp_path / "notes")


@FORMATS
def test_a_second_page_is_not_the_page_of_another_tag(
    form: ModuleType, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "_LINES", 2)
    monkeypatch.setattr(site, "_ENTRIES", 2)
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 6))))
    tag(store, ["storm", "storm 2"])
    write(form, store, tmp_path / "out")
    names = {path.stem for path in (tmp_path / "out/tags").iterdir()}
    assert names == {"storm", "storm@1", "storm-2", "storm-2@1"}


@FORMATS
def test_a_new_post_changes_the_newest_page_alone(
    form: ModuleType, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "_LINES", 2)
    monkeypatch.setattr(site, "_ENTRIES", 2)
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 8))))
    tag(store, ["storm"])
    write(form, store, tmp_path / "out")
    before = state_of(tmp_path / "out/tags")
    store.posts.save_page(page(post(8, "new")))
    store.curation.add("news/8", ["storm"])
    write(form, store, tmp_path / "out")
    after = state_of(tmp_path / "out/tags")
    kept = {path.stem for path in before if after[path] == before[path]}
    assert kept == {"storm@1"}  # the one that was the newest of the full ones links to a newer one
    assert {path.stem for path in after} - {path.stem for path in before} == {"storm@3"}


@FORMATS
def test_names_that_differ_in_case_alone_are_one_file_on_some_disks(
    form: ModuleType, archive: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(form, archive, tmp_path / "out")
    (tag_page,) = (tmp_path / "out/tags").iterdir()
    tag_page.rename(tag_page.with_name(tag_page.name.replace("storm", "Storm")))
    (tmp_path / "out" / NOTE.upper()).write_text("such a disk finds the note by this name, too")
    assert write(form, archive, tmp_path / "out").removed == 0
    (tmp_path / "out" / NOTE.upper()).unlink()
    assert write(form, archive, tmp_path / "out").removed == 1


@FORMATS
def test_a_tag_that_is_renamed_leaves_no_page(
    form: ModuleType, archive: Store, tmp_path: Path
) -> None:
    write(form, archive, tmp_path / "out")
    archive.curation.rename("storm", "gale")
    write(form, archive, tmp_path / "out")
    assert {path.stem for path in (tmp_path / "out/tags").iterdir()} == {"gale"}


@pytest.mark.row("I7")
@FORMATS
def test_the_ends_of_the_calendar(
    form: ModuleType, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        dates = [dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, 23, tzinfo=dt.UTC)]
        store.posts.save_page(page(*(post(at, "x", date=date) for at, date in enumerate(dates, 1))))
        write(form, store, tmp_path / "out")
        days = {path.stem for path in (tmp_path / "out/days").iterdir()}
        assert days == {"0001-01-01", "9999-12-31"}
    finally:
        monkeypatch.undo()
        time.tzset()


@FORMATS
def test_an_answer_leads_to_what_it_answers(form: ModuleType, store: Store, tmp_path: Path) -> None:
    store.posts.save_page(
        page(post(1, "Who?"), post(2, "Me", reply=Reply(1)), post(3, "x", reply=Reply(9)))
    )
    write(form, store, tmp_path / "out")
    pages = [path.read_text() for path in (tmp_path / "out").rglob("*-2.md")]
    if form is site:
        pages = [(tmp_path / "out/channels/news/1.html").read_text()]
        assert "answers message 9" in pages[0]
    assert "answers" in pages[0]
    assert "Who?" in pages[0]


@pytest.mark.row("D1")
@FORMATS
@pytest.mark.parametrize("part", ["channels", "tags", "days"])
def test_a_full_disk_is_said_wherever_it_is_met(
    form: ModuleType, archive: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Not what comes of it: lists that are half read, which SQLite takes for a lock."""

    def full(target: str, *_: object) -> None:
        if part in Path(target).parts:
            raise OSError(28, "No space left on device", target)
        Path(target).write_bytes(b"")

    for name in ("_ENTRIES", "_POSTS"):
        monkeypatch.setattr(site, name, 1)
    monkeypatch.setattr(vault, "_LINES", 1)
    monkeypatch.setattr(folder, "_replace", full)
    with pytest.raises(StoreError, match="No space left"):
        write(form, archive, tmp_path / "out")


@FORMATS
def test_an_old_group_has_a_number_below_zero(
    store: Store, tmp_path: Path, form: ModuleType
) -> None:
    group = Channel(-4005001, "Friends", None, "group")
    store.posts.save_page(page(post(1, "hello"), post(2, "you"), channel=group))
    assert write(form, store, tmp_path / "out").changed
    pages = [path for path in (tmp_path / "out").rglob("*.*") if "Friends" in str(path)]
    assert any("hello" in path.read_text(encoding="utf-8") for path in pages)
    again = write(form, store, tmp_path / "out", channels=("4005001",))  # as records call it
    assert (again.changed, again.removed) == (0, 0)
