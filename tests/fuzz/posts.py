"""What holds of every post that a source makes, whatever it was made of."""

from __future__ import annotations

import datetime as dt
import functools
import os
import tempfile
from collections.abc import Iterable
from typing import Any

from support.shown import check_ends, check_words
from tgtagger.model.posts import Media, PostData, Rejected, ServiceMessage
from tgtagger.sources.desktop.convert import MIGRATED

FOLDER = tempfile.TemporaryDirectory(
    prefix="tgtagger-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None
)
"""For files that readers want; in memory, where that is to be had."""

LONGEST_SHOWN = 3000  # reading Markdown is slow


def units(text: str) -> int:
    """Return how many UTF-16 code units a text has."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@functools.lru_cache(2000)  # most of what is changed leaves most texts as they are
def check_markdown(text: str, markdown: str | None, *, is_rich: bool = False) -> None:
    """Check that Markdown shows the same words, and that no formatting leaks out of it."""
    found = text if markdown is None else markdown
    if len(found) <= LONGEST_SHOWN and "\0" not in found:
        check_ends(found)
        if not is_rich:  # which has marks of its own: of lists, of tables
            check_words(text, markdown)


def _is_id(number: object) -> bool:
    """Tell whether it is an id; those of a group before it became a supergroup are negative."""
    return type(number) is int and -MIGRATED < number < 2**63 and number != 0


def check_post(post: PostData, *, is_rich: bool = False) -> None:
    """Check what the store, the taggers and the exports count on."""
    assert post.ids
    assert list(post.ids) == sorted(set(post.ids))
    assert all(map(_is_id, post.ids))
    for moment in (post.date, post.edited):
        assert moment is None or moment.utcoffset() == dt.timedelta(0)
    assert "\0" not in post.text + (post.markdown or "")
    size = units(post.text)
    for entity in post.entities:
        assert entity.type
        assert 0 <= entity.offset < entity.offset + entity.length <= size, entity
    for count in (post.views, post.forwards, post.replies, post.grouped_id):
        assert count is None or _is_count(count)
    if post.reactions is not None:
        assert len(dict(post.reactions)) == len(post.reactions)
        assert all(name and _is_count(count) for name, count in post.reactions)
    for media in post.media:
        _check_media(media)
    if post.reply is not None:
        assert _is_id(post.reply.message_id)
    if post.forward is not None and post.forward.message_id is not None:
        assert _is_count(post.forward.message_id)
    if not post.text and not post.media:
        assert post.problem
    check_markdown(post.text, post.markdown, is_rich=is_rich)


def _check_media(media: Media) -> None:
    for number in (media.size, media.width, media.height):
        assert number is None or _is_count(number)
    assert media.duration is None or 0 <= media.duration <= 1e9
    assert all(type(word) is str for word in media.words)
    assert "\0" not in "".join(media.words)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def check(found: PostData | ServiceMessage | Rejected, *, is_rich: bool = False) -> None:
    """Check what a converter made of a message."""
    match found:
        case PostData():
            check_post(found, is_rich=is_rich)
        case ServiceMessage():
            assert 0 < found.message_id < 2**63
            assert found.action
        case Rejected():
            assert found.reason
            assert found.id is None or isinstance(found.id, int | str)


def check_all(
    found: Iterable[PostData | ServiceMessage | Rejected], *, is_rich: bool = False
) -> None:
    for item in found:
        check(item, is_rich=is_rich)
