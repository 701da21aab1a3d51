"""Find the channel, post or tag that a user names. For an unknown name raise InputError.

The error suggests similar names. Changes nothing; knows nothing of filters and records.
"""

from __future__ import annotations

import difflib
import re
import unicodedata

from tgtagger.errors import InputError
from tgtagger.model.refs import (
    ChannelRef,
    Named,
    Numbered,
    are_same,
    post_name,
    read_channel,
    read_post_name,
    split_post,
)
from tgtagger.model.tagging import PostId
from tgtagger.store.checks import RowCheck
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.tags import find_tag
from tgtagger.store.values import INTEGER

_CHANNEL = RowCheck("channels.id", "channels.username", "channels.title")
_NAMED = RowCheck("channels.id", "channels.username")
_SOURCE = RowCheck("followed_sources.source")
_TAG = RowCheck("tags.name")
_ID = RowCheck(INTEGER)
_POST = RowCheck(INTEGER, "posts.channel_id", "posts.message_id")


_CHANNELS = Statement("SELECT id, username, title FROM channels ORDER BY id")
_USERNAMES = Statement("SELECT id, username FROM channels ORDER BY id")
_ADDED = Statement("SELECT source FROM followed_sources ORDER BY source")
_TAGS = Statement("SELECT name FROM tags ORDER BY id")
_BY_KEY = Statement("SELECT id FROM posts WHERE id = :key")
_WITH_MESSAGE = Statement(
    "SELECT p.id, p.channel_id, p.message_id FROM channels AS c CROSS JOIN posts AS p "
    "ON p.channel_id = c.id AND p.message_id = :message WHERE c.id = coalesce(:channel, c.id) "
    "UNION SELECT p.id, p.channel_id, p.message_id FROM channels AS c "
    "CROSS JOIN album_members AS a ON a.channel_id = c.id AND a.message_id = :message "
    "CROSS JOIN posts AS p ON p.id = a.post_id WHERE c.id = coalesce(:channel, c.id) ORDER BY 1"
)


def channel_id(db: Connection, name: str) -> int:
    """Return the id of a channel by its username, link, id or title, or by a part of its title.

    A part is enough if one title begins so, or only one contains it.
    """
    ref = _ref(name)
    known = [*map(_CHANNEL, _CHANNELS(db))]
    plain = name.strip().casefold()
    found = [
        identity
        for identity, username, title in known
        if (ref is not None and _means(ref, identity, username))
        or plain == title.casefold()
        or (username and plain.removeprefix("@") == username.casefold())
    ]
    if not found and isinstance(ref, Numbered):  # a basic group, by the number in its records
        found = [identity for identity, _, _ in known if identity == -ref.id]
    if len(found) == 1:
        return int(found[0])
    if found:
        raise InputError("channel_ambiguous", name=name, ids=tuple(found))
    added = None if ref is None else followed_as(db, ref)
    if added is not None:
        raise InputError("channel_not_read", source=added)
    alike = _partly_named(plain, [(identity, title) for identity, _, title in known])
    if len(alike) == 1:
        return alike[0][0]
    if alike:
        titles = tuple(title for _, title in alike)
        raise InputError("channel_partly_named", name=name, titles=titles)
    names = [n for _, username, title in known for n in (username and f"@{username}", title) if n]
    raise InputError("channel_unknown", name=name, near=_nearest(name, names))


def _partly_named(part: str, titles: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the channels whose title begins with a part; if none does, those that contain it."""
    part = _plain(part)
    if len(part) < 2:
        return []
    begin = [(each, title) for each, title in titles if _plain(title).startswith(part)]
    return begin or [(each, title) for each, title in titles if part in _plain(title)]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")


def channel_of(db: Connection, ref: ChannelRef) -> int | None:
    """Return the id of the stored channel that a ref means; None if there is none."""
    for identity, username in map(_NAMED, _USERNAMES(db)):
        if _means(ref, identity, username):
            return int(identity)
    return None


def followed_as(db: Connection, ref: ChannelRef) -> str | None:
    """Return the name under which a channel was added that has not been read yet, or None."""
    for (source,) in map(_SOURCE, _ADDED(db)):
        if are_same(ref, read_channel(source)):
            return str(source)
    return None


def _ref(name: str) -> ChannelRef | None:
    if re.fullmatch(r"\d{1,18}", name.strip(), re.ASCII):
        return Numbered(int(name))
    try:
        return read_channel(name)
    except InputError:
        return None


def _means(ref: ChannelRef, identity: int, username: str | None) -> bool:
    if username and are_same(ref, Named(username)):
        return True
    return ref == Numbered(identity)


def post_id(db: Connection, name: str) -> int:
    """Return the inner id of a post by any of its names.

    They are @name/123, a t.me link and <channel id>/123; without a slash @name-123 and
    <channel id>-123; and a number alone: an inner id, else the message id that one post has. A
    message id may be that of any message of an album.
    """
    if re.fullmatch(r"\d{1,18}", name.strip(), re.ASCII):
        return _post_numbered(db, int(name))
    post = read_post_name(name)
    if post is None:
        channel, number = split_post(name)
        owner = channel_id(db, channel)
    else:
        channel, number, owner = str(post.channel_id), post.message_id, post.channel_id
    found = _posts_with(db, number, owner)
    if not found and post is not None:  # a basic group, by the number in its records
        found = _posts_with(db, number, -owner)
    if not found:
        raise InputError("post_unknown", number=number, channel=channel)
    return found[0][0]


def _posts_with(
    db: Connection, message: int, channel: int | None = None
) -> list[tuple[int, PostId]]:
    """Return (inner id, id) of the posts with a message, of one channel or of any."""
    rows = _WITH_MESSAGE(db, message=message, channel=channel)
    return [(key, PostId(owner, number)) for key, owner, number in map(_POST, rows)]


def _post_numbered(db: Connection, number: int) -> int:
    """Return the inner id of the post that a number alone means."""
    found = _BY_KEY(db, key=number).fetchone()
    if found is not None:
        return int(_ID(found)[0])
    posts = _posts_with(db, number)
    if not posts:
        raise InputError("post_number_unknown", number=number)
    if len(posts) > 1:
        names = tuple(post_name(post) for _, post in posts)
        raise InputError("post_ambiguous", number=number, names=names)
    return posts[0][0]


def tag_id(db: Connection, name: str) -> int:
    """Return the id of the tag that a name or an alias stands for."""
    found = find_tag(db, name)
    if found is None:
        names = [n for (n,) in map(_TAG, _TAGS(db))]
        raise InputError("tag_unknown", name=name, near=_nearest(name, names))
    return found


def _nearest(name: str, names: list[str]) -> tuple[str, ...]:
    by_case = {candidate.casefold(): candidate for candidate in names}
    near = difflib.get_close_matches(name.casefold(), by_case, n=3)
    return tuple(by_case[candidate] for candidate in near)
