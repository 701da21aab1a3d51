"""Pictures of an export on this disk: shown with their post, and nothing else in that folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.make import CHANNEL, page, post
from support.visitor import Visitor
from tgtagger.model.posts import RawRecord
from tgtagger.sources import raw
from tgtagger.store import Store

PICTURE = b"\xff\xd8\xff\xe0 a photo"
NAME = "photos/photo_1@01-01-2026.jpg"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "exports" / "ChatExport_2026-01-01"
    (folder / "photos").mkdir(parents=True)
    (folder / NAME).write_bytes(PICTURE)
    write_head(folder, {"name": "News", "type": "public_channel", "id": CHANNEL.id})
    return folder


@pytest.fixture
def visitor(store: Store, export: Path) -> Iterator[Visitor]:
    with Visitor(store.path) as made:
        made.app.state.archive.media = (export.parent,)
        yield made


def write_head(folder: Path, head: dict[str, Any]) -> None:
    (folder / "result.json").write_text(json.dumps({**head, "messages": []}))


def keep(store: Store, record: object) -> None:
    """Store a post with this raw record."""
    text = f"a photo {record!r}".replace("\0", "")
    store.posts.save_page(page(post(1, text, raw=RawRecord(raw.pack(record), 1))))


def status(visitor: Visitor, at: int = 1) -> int:
    return visitor.get(f"/posts/{CHANNEL.id}-1/pictures/{at}").status_code


def test_a_picture_is_shown_with_its_post(visitor: Visitor, store: Store) -> None:
    keep(store, {"photo": NAME, "photo_file_size": len(PICTURE)})
    assert f'src="/posts/{CHANNEL.id}-1/pictures/1"' in visitor.get(f"/posts/{CHANNEL.id}-1").text
    answer = visitor.get(f"/posts/{CHANNEL.id}-1/pictures/1")
    assert answer.content == PICTURE
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert status(visitor, 2) == 404


def test_a_folder_may_be_a_link(visitor: Visitor, store: Store, export: Path) -> None:
    keep(store, {"photo": NAME})
    link = export.parent.parent / "link"
    link.symlink_to(export.parent)
    visitor.app.state.archive.media = (link,)
    assert status(visitor) == 200


def test_an_album_shows_all_its_pictures(visitor: Visitor, store: Store) -> None:
    keep(store, [{"photo": NAME}, {"text": "no photo"}, {"photo": NAME}])
    assert [status(visitor, at) for at in (1, 2, 3)] == [200, 200, 404]


def test_without_a_folder_none_is_shown(visitor: Visitor, store: Store) -> None:
    keep(store, {"photo": NAME})
    visitor.app.state.archive.media = ()
    assert "/pictures/" not in visitor.get(f"/posts/{CHANNEL.id}-1").text
    assert status(visitor) == 404


@pytest.mark.parametrize(
    "name",
    ["../secret.jpg", "/etc/passwd", "photos/../../secret.jpg", "photos/link.jpg", "photos", "",
     "page.html", "drawing.svg", "result.json", "photos/x.jpg\0", "photos/missing.jpg",
     "(File not included. Change data exporting settings to download.)", 7, None, {"a": 1},
     "a" * 5000 + ".jpg", "a/" * 3000 + "a.jpg", "\ud800.jpg"],
)  # fmt: skip
def test_nothing_else_is_served(visitor: Visitor, store: Store, export: Path, name: object) -> None:
    (export.parent / "secret.jpg").write_bytes(b"secret")
    (export / "photos/link.jpg").symlink_to(export.parent / "secret.jpg")
    for other in ("page.html", "drawing.svg"):
        (export / other).write_text("<script>alert(1)</script>")
    keep(store, {"photo": name})
    assert status(visitor) == 404
    keep(store, {"file": name})
    assert status(visitor) == 404
    assert visitor.get(f"/posts/{CHANNEL.id}-1").status_code == 200


@pytest.mark.parametrize(
    ("head", "code"),
    [({"id": CHANNEL.id}, 200), ({"id": 5}, 404), ({}, 404), ({"chats": {"list": []}}, 200)],
)
def test_only_the_channels_own_export_counts(
    visitor: Visitor, store: Store, export: Path, head: dict[str, Any], code: int
) -> None:
    write_head(export, head)
    keep(store, {"photo": NAME})
    assert status(visitor) == code


def test_a_file_of_another_size_is_another_picture(visitor: Visitor, store: Store) -> None:
    keep(store, {"photo": NAME, "photo_file_size": 3})
    assert status(visitor) == 404


def test_a_raw_record_that_cannot_be_read_costs_only_the_picture(
    visitor: Visitor, store: Store
) -> None:
    store.posts.save_page(page(post(1, "text", raw=RawRecord(b"nonsense", 1))))
    assert visitor.get(f"/posts/{CHANNEL.id}-1").status_code == 200
    assert status(visitor) == 404
