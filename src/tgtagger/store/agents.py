"""What an agent does to the tags of posts: it gives them, and takes those of machines off.

An agent is no person: a tag that a person gave stays, and one that a person took off a post, or
removed from the archive, comes back in no form. What an agent gave stays when the post is tagged
again; what it took off may come back then. All that it does in one session is one change, undone
as a whole. Knows no client, and not how long a session may pause.
"""

from __future__ import annotations

from collections.abc import Sequence

from tgtagger import vocabulary
from tgtagger.decide import AGENT, HUMAN
from tgtagger.errors import InputError
from tgtagger.model.changes import AgentChange
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.lookup import post_id, tag_id
from tgtagger.store.recording import FREE_PLACE, recording
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.tags import find_decided, find_tag, make_tag
from tgtagger.store.times import now

_CHECKED_NAME = RowCheck("tags.name")
_CHECKED_SOURCE = RowCheck("post_tags.source")

_BLOCKED = Statement("SELECT 1 FROM barred_tags WHERE tag_id = :tag")
_TAKEN_OFF = Statement(
    "SELECT t.name FROM removed_tags AS r JOIN tags AS t ON t.id = r.tag_id "
    "WHERE r.post_id = :post ORDER BY r.tag_id"
)
_GIVE = Statement(
    "INSERT INTO post_tags (post_id, position, tag_id, source, added_at) "
    f"SELECT :post, {FREE_PLACE}, :tag, '{AGENT}', :at"
)
_TAKE = Statement("DELETE FROM post_tags WHERE post_id = :post AND tag_id = :tag")
_SOURCE = Statement("SELECT source FROM post_tags WHERE post_id = :post AND tag_id = :tag")
_NAME = Statement("SELECT name FROM tags WHERE id = :tag")
_NAMES_OF = Statement(
    "SELECT t.name FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id "
    "WHERE l.post_id = :post ORDER BY l.position"
)


class Agents(Part):
    """What agents do to tags. `session`: the number of the change to which it is added, if any."""

    def give(self, post: str, names: Sequence[str], session: int | None) -> AgentChange:
        """Give a post tags in an agent's name; a new tag is made. Raises InputError for no tag."""
        done, unchanged, refused = list[str](), list[str](), list[str]()
        with (
            self._database.write() as db,
            recording(db, "agent", done, into=session) as recorded,
        ):
            owner = post_id(db, post)
            off = [name for (name,) in map(_CHECKED_NAME, _TAKEN_OFF(db, post=owner))]
            for given in names:
                tag, name = _tag(db, given)
                if tag is not None and _source(db, owner, tag) is not None:
                    unchanged.append(name)
                elif _is_blocked(db, tag) or vocabulary.is_among(name, off):
                    refused.append(name)
                else:
                    tag = make_tag(db, name, now()) if tag is None else tag
                    done.append(name)
                    _GIVE(db, post=owner, tag=tag, at=now())
            tags = _names_of(db, owner)
        return AgentChange(tags, tuple(done), tuple(unchanged), tuple(refused), recorded.number)

    def take(self, post: str, names: Sequence[str], session: int | None) -> AgentChange:
        """Take tags off a post, except those that a person gave. Raises InputError for no tag."""
        done, unchanged, refused = list[str](), list[str](), list[str]()
        with (
            self._database.write() as db,
            recording(db, "agent", done, into=session) as recorded,
        ):
            owner = post_id(db, post)
            for tag in dict.fromkeys(tag_id(db, name) for name in names):
                source = _source(db, owner, tag)
                if source is None:
                    unchanged.append(_name(db, tag))
                elif source == HUMAN:
                    refused.append(_name(db, tag))
                else:
                    done.append(_name(db, tag))
                    _TAKE(db, post=owner, tag=tag)
            tags = _names_of(db, owner)
        return AgentChange(tags, tuple(done), tuple(unchanged), tuple(refused), recorded.number)


def _tag(db: Connection, given: str) -> tuple[int | None, str]:
    """Return the tag that a name stands for, as for a machine, and its name; None: a new one."""
    name = vocabulary.normalise(given)
    if not vocabulary.is_tag(name):
        most = {"words": vocabulary.MAX_WORDS, "letters": vocabulary.MAX_LENGTH}
        raise InputError("tag_invalid", name=given, **most)
    known = find_tag(db, name)
    if known is None:
        known = find_decided(db, name)
    return known, name if known is None else _name(db, known)


def _is_blocked(db: Connection, tag: int | None) -> bool:
    return tag is not None and _BLOCKED(db, tag=tag).fetchone() is not None


def _name(db: Connection, tag: int) -> str:
    return str(_CHECKED_NAME(_NAME(db, tag=tag).fetchone())[0])


def _names_of(db: Connection, post: int) -> tuple[str, ...]:
    return tuple(name for (name,) in map(_CHECKED_NAME, _NAMES_OF(db, post=post)))


def _source(db: Connection, post: int, tag: int) -> str | None:
    found = _SOURCE(db, post=post, tag=tag).fetchone()
    return None if found is None else str(_CHECKED_SOURCE(found)[0])
