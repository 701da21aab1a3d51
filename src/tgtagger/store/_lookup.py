"""Find what a user names: a channel, a post, a tag. Each raises InputError, naming the nearest.

Changes nothing, and knows nothing of filters and records.
"""

from __future__ import annotations

import difflib
import re
import sqlite3

from tgtagger.errors import InputError
from tgtagger.store._tags import find_tag


def channel_id(db: sqlite3.Connection, name: str) -> int:
    """Return the id of the channel that a user names: @username, link, id or title."""
    bare = re.sub(r"^(https?://)?t\.me/(s/)?", "", name.strip()).strip("/").removeprefix("@")
    known = db.execute("SELECT id, username, title FROM channels").fetchall()
    number = bare.removeprefix("-100") if bare.removeprefix("-").isdigit() else None
    found = [
        identity
        for identity, username, title in known
        if (username and username.casefold() == bare.casefold())
        or str(identity) in (number, bare)
        or title.casefold() == name.strip().casefold()
    ]
    if len(found) == 1:
        return int(found[0])
    if found:
        raise InputError(
            f"several channels are called {name!r}",
            hint="name it by its id: " + ", ".join(map(str, found)),
        )
    names = [n for _, username, title in known for n in (username and f"@{username}", title) if n]
    raise InputError(
        f"no channel {name!r} in the database", hint=_nearest(name, names, "tgtagger channels")
    )


def post_id(db: sqlite3.Connection, name: str) -> int:
    """Return the inner id of a post: @name/123, a t.me link, <channel id>/123; any album member."""
    path = re.sub(r"^(https?://)?t\.me/(s/|c/)?", "", name.strip()).split("?")[0].strip("/")
    channel, _, number = path.rpartition("/")
    if not channel or not number.isdigit():
        raise InputError(
            f"{name!r} names no post", hint="write @channel/123, 1006503122/123 or a t.me link"
        )
    owner = channel_id(db, channel)
    found = db.execute(
        "SELECT id FROM posts WHERE channel_id = ?1 AND message_id = ?2 UNION ALL "
        "SELECT post_id FROM album_members WHERE channel_id = ?1 AND message_id = ?2",
        (owner, int(number)),
    ).fetchone()
    if found is None:
        raise InputError(
            f"no post {number} of {channel} in the database", hint="parse the channel first"
        )
    return int(found[0])


def tag_id(db: sqlite3.Connection, name: str) -> int:
    """Return the id of the tag that a name or an alias stands for."""
    found = find_tag(db, name)
    if found is None:
        names = [n for (n,) in db.execute("SELECT name FROM tags")]
        raise InputError(f"no tag {name!r}", hint=_nearest(name, names, "tgtagger tags"))
    return found


def _nearest(name: str, names: list[str], listing: str) -> str:
    by_case = {candidate.casefold(): candidate for candidate in names}
    near = difflib.get_close_matches(name.casefold(), by_case, n=3)
    if near:
        return "did you mean " + " or ".join(by_case[candidate] for candidate in near) + "?"
    return f"see: {listing}"
