"""Telegram Desktop's export: any bytes as the file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fuzz.posts import FOLDER, check_all
from support import exports
from tgtagger.errors import InputError
from tgtagger.model.posts import Page, StoredRawRecord
from tgtagger.sources.desktop import DesktopExport, file, reconvert, stretches

MESSAGES: list[dict[str, Any]] = [
    exports.service(1, "create_channel"),
    exports.message(2, ["Hello ", {"type": "bold", "text": "wörld 😀"}, {"type": "link", "text": "https://a.b/c_d"}]),
    exports.message(3, "caption", photo="p.jpg", photo_file_size=9, width=3, height=4),
    exports.message(4, "", photo="q.jpg", date_unixtime=str(exports.START + 180)),
    exports.message(5, "edited", edited_unixtime="1767312000", author="Ann", reply_to_message_id=3,
                    forwarded_from="Other", forwarded_from_id="channel42",
                    reactions=[{"type": "emoji", "count": 2, "emoji": "👍"},
                               {"type": "custom_emoji", "count": 4, "document_id": "77"}]),
    exports.message(6, "", file="v.mp4", media_type="video_file", mime_type="video/mp4",
                    duration_seconds=35, file_name="v.mp4"),
    exports.message(7, "", poll={"question": "Why?", "answers": [{"text": "a"}, {"text": ["b"]}]}),
    exports.message(8, "", location_information={"latitude": 1.5, "longitude": -2.0}),
    exports.message(9, [{"type": "pre", "text": "x = 1\n", "language": "py"},
                        {"type": "text_link", "text": "here", "href": "https://a.b/(x)"},
                        {"type": "blockquote", "text": "said", "collapsed": True}]),
    exports.message(10, "ten"),
]  # fmt: skip
_ONE = exports.chat(exports.message(1, "one"), exports.message(2, "?"), exports.message(3, "three"))
INPUTS = [
    *(
        json.dumps(root, ensure_ascii=False).encode()
        for root in (
            exports.chat(*MESSAGES),
            exports.chat(MESSAGES[1], type="private_supergroup"),
            exports.account(
                exports.chat(MESSAGES[1], id=2),
                exports.chat(type="personal_chat", id=1),
                left=(exports.chat(MESSAGES[2], MESSAGES[3], id=5),),
            ),
        )
    ),
    # As Desktop lays it out: most of it is read fast.
    json.dumps(exports.chat(*MESSAGES), ensure_ascii=False, indent=1).encode(),
    # What was found.
    *(
        json.dumps(_ONE, indent=1).encode().replace(b'"?"', value)
        for value in (
            b"9" * 5000,
            b"-" + b"9" * 5000,
            b"1e99999999999999999999",
            rb'"\ude00 \ud83d\u0041 \\ude00 \ud83d\ude00"',
            b'"\xed\xa0\x80"',
            b'"\xff"',
            b"[" * 3000 + b"]" * 3000,
        )
    ),
]


def read(data: bytes, *, stretch: int | None = None) -> tuple[list[Page], str | None]:
    """Return the pages of a file with these bytes, and what was said at its end."""
    path = Path(FOLDER.name) / "result.json"
    path.write_bytes(data)
    pages: list[Page] = []
    with pytest.MonkeyPatch.context() as patch:
        if stretch is not None:  # bytes that are read at a time
            patch.setattr(file, "BUFFER", stretch)
            patch.setattr(stretches, "STRETCH", stretch)
        try:
            pages.extend(DesktopExport(path, groups=True, page_size=4).read())
        except InputError as error:
            return pages, error.message
    return pages, None


def members(pages: list[Page]) -> int:
    """Return how many messages the pages account for."""
    return sum(
        sum(len(post.ids) for post in page.posts) + len(page.service) + len(page.rejected)
        for page in pages
    )


def fuzz_desktop(data: bytes) -> None:
    """Pages, then perhaps an InputError: the same ones again, in stretches of any size."""
    pages, said = read(data)
    for page in pages:
        check_all(page.posts + page.service + page.rejected)
        for post in page.posts:
            assert post.raw is not None
            assert reconvert(StoredRawRecord(page.channel, "desktop", post.raw.data)) == post
    # A number of thousands of digits is noticed in stretches that hold a thousand of them, and what
    # it is in the raw record depends on where they end.
    least = 2048 if re.search(rb"[0-9]{900}", data) else 1
    again, still_said = read(data, stretch=least + len(data) % 61)
    assert still_said == said
    assert [_bare(page) for page in again] == [_bare(page) for page in pages]


def _bare(page: Page) -> Page:
    service = tuple(replace(each, raw=None) for each in page.service)
    return replace(
        page, posts=tuple(replace(each, raw=None) for each in page.posts), service=service
    )
