"""A second export makes little, and the folder is byte for byte what a fresh export gives."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from support.make import CHANNEL, minute, page, post, tag
from tgtagger.export import memory, site, vault
from tgtagger.export.folder import NOTE, Folder
from tgtagger.export.memory import STATE
from tgtagger.model.posts import Channel, Media, PostFilter, Reply
from tgtagger.store import Selection, Store
from tgtagger.store.deletion import delete_posts
from tgtagger.store.statements import Statement

FORMATS = pytest.mark.parametrize("form", [vault, site])
OTHER = Channel(7, "Other", None)
TAGS = ["storm", "rain", "C#", "снег", "ice", "Ice cream", "sun"]


def write(
    form: ModuleType, store: Store, path: Path, wanted: PostFilter | None = None
) -> tuple[Folder, list[str]]:
    """Export; return the folder, and the files that were made."""
    made: list[str] = []

    class Seen(Folder):
        def write(self, name: str, content: str | bytes, inputs: int = 0) -> None:
            made.append(name)
            super().write(name, content, inputs)

    with store.select(wanted or PostFilter()) as selection, Seen(path, _kind(form)) as folder:
        _writer(form)(selection, folder).write()  # type: ignore[attr-defined]
    return folder, made


def _kind(form: ModuleType) -> str:
    return "md" if form is vault else "html"


def _writer(form: ModuleType) -> Callable[[Selection, Folder], object]:
    found: Callable[[Selection, Folder], object] = vault._Vault if form is vault else site._Site
    return found


def contents(path: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.name not in {STATE, NOTE}
    }


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe files that were written a moment ago: the tests write nothing in the same tick."""
    monkeypatch.setattr(memory, "_TICK", -(10**12))
    monkeypatch.setattr(memory, "_COARSE_TICK", -(10**12))


@pytest.fixture
def archive(store: Store) -> Store:
    store.posts.save_page(page(*(post(at, f"text {at}") for at in range(1, 130))))
    store.posts.save_page(page(*(post(at, f"other {at}") for at in range(1, 60)), channel=OTHER))
    tag(store, TAGS[:2])
    return store


@FORMATS
def test_nothing_is_made_again(
    form: ModuleType, archive: Store, tmp_path: Path, believed: None
) -> None:
    _, first = write(form, archive, tmp_path / "out")
    _, again = write(form, archive, tmp_path / "out")
    assert len(first) > 10
    always = {"style.css", "search.js", "search.html", "index.html"}
    lists = {"Home.md", "Tags.md", "Days.md", "Channels.md"} | {
        name for name in again if name.partition(".")[0] in {"tags", "days", "channels"}
    }
    assert not {name for name in again if not name.startswith("names/")} - always - lists
    archive.posts.save_page(page(post(3, "edited words")))
    _, some = write(form, archive, tmp_path / "out")
    assert any("2026-01-01-3.md" in name or "/1.html" in name for name in some)
    assert not [name for name in some if "2026-01-01-4.md" in name or "other" in name]


@FORMATS
def test_what_was_written_a_moment_ago_is_compared(
    form: ModuleType, archive: Store, tmp_path: Path
) -> None:
    write(form, archive, tmp_path / "out")
    state = tmp_path / "out" / STATE
    assert state.exists()
    victim = max((tmp_path / "out").rglob("*1.*"), key=lambda each: each.stat().st_mtime_ns)
    before = victim.read_bytes()
    victim.write_bytes(before.swapcase())
    write(form, archive, tmp_path / "out")
    assert victim.read_bytes() == before


@FORMATS
def test_random_changes_give_what_a_fresh_export_gives(
    form: ModuleType, archive: Store, tmp_path: Path, believed: None
) -> None:
    chance = random.Random(11)
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    kept = 0
    for step in range(9):
        for _ in range(chance.randint(0, 3)):
            chance.choice(CHANGES)(archive, chance, out)
        wanted = PostFilter(limit=100) if step % 7 == 5 else PostFilter()
        _, made = write(form, archive, out, wanted)
        _, whole = write(form, archive, fresh, wanted)
        kept += len(whole) - len(made)
        assert contents(out) == contents(fresh), step
        shutil.rmtree(fresh)
    assert kept > 100


def _edit(store: Store, chance: random.Random, _: Path) -> None:
    text = chance.choice(["edited", "", "слово " * chance.randint(1, 90)])
    media = (Media("photo"),) if chance.random() < 0.3 else ()
    reply = Reply(chance.randint(1, 140)) if chance.random() < 0.3 else None
    number = chance.randint(1, 140)
    dates = [minute(number), minute(number * 9000), None]
    date = chance.choices(dates, (8, 2, 1))[0]
    made = post(number, text, media=media, reply=reply, views=chance.randint(1, 99), date=date)
    store.posts.save_page(page(made, channel=chance.choice([OTHER, CHANNEL])))


def _add_tag(store: Store, chance: random.Random, _: Path) -> None:
    for found in store.records.tags_of(PostFilter(limit=chance.randint(1, 20))):
        channel = abs(found.id.channel_id)
        store.curation.add(f"{channel}/{found.id.message_id}", [chance.choice(TAGS)])


def _merge(store: Store, chance: random.Random, _: Path) -> None:
    known = [each.name for each in store.tags.listed()]
    if len(known) > 2:
        one, other = chance.sample(known, 2)
        store.curation.merge([one], other)


def _rename(store: Store, chance: random.Random, _: Path) -> None:
    known = [each.name for each in store.tags.listed()]
    store.curation.rename(chance.choice(known), f"named {chance.randint(1, 9**9)}")


def _remove(store: Store, chance: random.Random, _: Path) -> None:
    with store._database.write() as db:
        found = [key for (key,) in Statement("SELECT id FROM posts ORDER BY id")(db)]
        delete_posts(db, chance.sample(found, 2))


def _damage(_: Store, chance: random.Random, out: Path) -> None:
    files = [each for each in sorted(out.rglob("*.*")) if each.is_file()]
    for file in chance.sample(files, min(4, len(files))):
        if file.name == NOTE:
            continue
        kind = chance.randint(0, 4)
        if kind == 0:
            file.unlink()
        elif kind == 1:
            data = bytearray(file.read_bytes())
            data[-1] ^= 1
            times = file.stat()
            file.write_bytes(bytes(data))
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        elif kind == 2:
            os.utime(file, (1, 1))
        elif kind == 3:
            file.replace(file.with_name(f"{file.name}.mine"))
            file.with_name(f"{file.name}.mine").unlink()
        else:
            (out / STATE).unlink(missing_ok=True)


CHANGES = [_edit, _edit, _add_tag, _merge, _rename, _remove, _damage, _damage]


@FORMATS
def test_two_archives_share_a_folder(
    form: ModuleType, archive: Store, tmp_path: Path, believed: None
) -> None:
    with Store.open(str(tmp_path / "two.db")) as two:
        two.posts.save_page(page(*(post(at, f"text {at % 50}") for at in range(1, 120))))
        tag(two, TAGS[1:4])
        for store in (archive, two, archive, two):
            write(form, store, tmp_path / "out")
            write(form, store, tmp_path / "fresh")
            assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
            shutil.rmtree(tmp_path / "fresh")


@FORMATS
def test_another_program_makes_all_again(
    form: ModuleType,
    archive: Store,
    tmp_path: Path,
    believed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, first = write(form, archive, tmp_path / "out")
    monkeypatch.setattr("tgtagger.__version__", "9.9")
    _, again = write(form, archive, tmp_path / "out")
    assert sorted(again) == sorted(first)


def test_a_state_that_is_damaged_is_not_believed(
    archive: Store, tmp_path: Path, believed: None
) -> None:
    _, first = write(vault, archive, tmp_path / "out")
    state = tmp_path / "out" / STATE
    whole = state.read_bytes()
    for data in (b"", whole[:-1], whole[:90] + bytes([whole[90] ^ 1]) + whole[91:], b"x" * 300):
        state.write_bytes(data)
        _, again = write(vault, archive, tmp_path / "out")
        assert len(again) == len(first)


def test_the_first_page_of_a_list_says_something_of_all_of_it() -> None:
    """Its related tags are counted on all posts; each other page is of its own posts alone."""
    piles = [memory.Pile(2), memory.Pile(2)]
    for number in range(9):
        piles[0].add(number)
        piles[1].add(number or 77)
    one, other = ([*pile.sheets()] for pile in piles)
    assert [mine == theirs for mine, theirs in zip(one, other, strict=True)] == [
        False, True, True, False
    ]  # fmt: skip
    piles[0].add(9)
    more = [*piles[0].sheets()]
    assert more[-3:-1] != one[-3:-1], "what was the newest full page has another one before it"
    assert more[-1] == one[-1]
