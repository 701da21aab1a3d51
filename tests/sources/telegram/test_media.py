"""Photos and documents, described from Telegram's plain form."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types as tl

from tgtagger.model.posts import Media
from tgtagger.sources.telegram import media

WHEN = dt.datetime(2026, 7, 16, tzinfo=dt.UTC)
SET = tl.InputStickerSetEmpty()


def photo(*sizes: Any) -> Any:
    return tl.Photo(5, 1, b"", WHEN, list(sizes), 2).to_dict()


def document(*attributes: Any, mime: str = "a/b", size: int = 77) -> Any:
    return tl.Document(6, 1, b"", WHEN, mime, size, 2, list(attributes)).to_dict()


def file(kind: Any, **facts: Any) -> Media:
    return Media(kind, mime_type="a/b", size=77, **facts)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            photo(
                tl.PhotoStrippedSize("i", b"x"),
                tl.PhotoSize("m", 320, 240, 100),
                tl.PhotoSizeProgressive("y", 1280, 960, [10, 500, 300]),
                tl.PhotoCachedSize("s", 90, 60, b"x"),
            ),
            Media("photo", size=500, width=1280, height=960),
        ),
        (photo(tl.PhotoSize("m", 320, 240, 100)), Media("photo", size=100, width=320, height=240)),
        (photo(), Media("photo")),
        (tl.PhotoEmpty(5).to_dict(), Media("photo")),
        (None, Media("photo")),
        ({"sizes": 7}, Media("photo")),
        ({"sizes": [{"w": 5, "h": "6", "sizes": 7}]}, Media("photo", width=5)),
    ],
)
def test_a_photo(given: Any, expected: Media) -> None:
    assert media.photo(given) == expected


ATTRIBUTES: list[tuple[list[Any], Media]] = [
    ([], file("document")),
    ([tl.DocumentAttributeFilename("a.pdf")], file("document", file_name="a.pdf")),
    ([tl.DocumentAttributeImageSize(3, 4)], file("document", width=3, height=4)),
    ([tl.DocumentAttributeHasStickers()], file("document")),
    ([tl.DocumentAttributeVideo(1.5, 3, 4)], file("video", duration=1.5, width=3, height=4)),
    (
        [tl.DocumentAttributeVideo(2, 3, 3, round_message=True)],
        file("round", duration=2, width=3, height=3),
    ),
    (
        [tl.DocumentAttributeVideo(1, 3, 4), tl.DocumentAttributeAnimated()],
        file("animation", duration=1, width=3, height=4),
    ),
    ([tl.DocumentAttributeAudio(9, voice=True)], file("voice", duration=9)),
    (
        [tl.DocumentAttributeAudio(9, title="Song", performer="Ann")],
        file("audio", duration=9, title="Ann – Song"),
    ),
    ([tl.DocumentAttributeAudio(9, title="Song")], file("audio", duration=9, title="Song")),
    (
        [tl.DocumentAttributeImageSize(3, 4), tl.DocumentAttributeSticker("😀", SET)],
        file("sticker", width=3, height=4, description="😀"),
    ),
    (
        [tl.DocumentAttributeVideo(1, 3, 4), tl.DocumentAttributeCustomEmoji("😀", SET)],
        file("sticker", duration=1, width=3, height=4, description="😀"),
    ),
]


@pytest.mark.parametrize(("attributes", "expected"), ATTRIBUTES)
def test_a_document(attributes: list[Any], expected: Media) -> None:
    assert media.document(document(*attributes)) == expected


def test_every_attribute_is_known() -> None:
    telethon = {name for name in dir(tl) if name.startswith("DocumentAttribute")}
    assert {type(each).__name__ for attributes, _ in ATTRIBUTES for each in attributes} == telethon


def test_a_document_that_is_none() -> None:
    assert media.document(None) == Media("document")
    assert media.document(tl.DocumentEmpty(6).to_dict()) == Media("document")


def test_nul_is_removed() -> None:
    found = media.document(document(tl.DocumentAttributeFilename("a\0.pdf"), mime="a\0/b"))
    assert (found.file_name, found.mime_type) == ("a.pdf", "a/b")


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
    | st.binary(max_size=3) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            "_ sizes w h size attributes duration mime_type file_name title alt document photo "
            "poll todo question answers list text geo lat long webpage url".split()
        ),
        inner | st.sampled_from(
            [name for name in dir(tl) if name.startswith(("DocumentAttribute", "MessageMedia"))]
        ),
        max_size=4,
    ),
    max_leaves=10,
)  # fmt: skip


@given(HOSTILE)
def test_whatever_comes_nothing_is_raised(value: Any) -> None:
    media.photo(value)
    media.document(value)
    media.media_of(value)
