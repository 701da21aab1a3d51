"""What an agent does to the tags of posts: it gives them, and takes those of machines off.

An agent is no person: a tag that a person gave stays, and one that a person took off a post, or
removed from the archive, does not come back. What an agent gave stays when the post is tagged
again; what it took off may come back then. All that it does in one session is one change, undone
as a whole. Knows no client, and not when a session ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from tgtagger import vocabulary
from tgtagger.decide import AGENT, HUMAN
from tgtagger.errors import InputError
from tgtagger.model.archive import AgentChange
from tgtagger.store.database import Part
from tgtagger.store.lookup import post_id, tag_id
from tgtagger.store.recording import FREE_FOR_PERSON, recording
from tgtagger.store.tags import tag_for_machine
from tgtagger.store.times import now
from tgtagger.store.values import RowCheck

_NAME = RowCheck("tags.name")
_LINK = RowCheck("post_tags.source")
_BLOCKED = (
    "SELECT 1 FROM removed_tags WHERE (post_id, tag_id) = (?1, ?2) "
    "UNION ALL SELECT 1 FROM barred_tags WHERE tag_id = ?2"
)
_TAGS = (
    "SELECT t.name FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id "
    "WHERE l.post_id = ? ORDER BY l.position"
)


class Agents(Part):
    """What agents do to tags. `session`: the number of the change to which it is added, if any."""

    def give(self, post: str, names: Sequence[str], session: int | None) -> AgentChange:
        """Give a post tags in an agent's name; a new tag is made."""
        done, unchanged, refused = [], [], []
        with (
            self._database.write() as db,
            recording(db, "agent", names, into=session) as recorded,
        ):
            owner = post_id(db, post)
            for name in names:
                tag = tag_for_machine(db, name, now())
                if tag is None:
                    raise InputError(
                        "tag_invalid",
                        name=name,
                        words=vocabulary.MAX_WORDS,
                        letters=vocabulary.MAX_LENGTH,
                    )
                if db.execute(_BLOCKED, (owner, tag)).fetchone():
                    refused.append(_name(db, tag))
                elif _source(db, owner, tag) is not None:
                    unchanged.append(_name(db, tag))
                else:
                    done.append(_name(db, tag))
                    db.execute(
                        "INSERT INTO post_tags (post_id, position, tag_id, source, added_at) "
                        f"SELECT ?1, {FREE_FOR_PERSON}, ?2, ?3, ?4",
                        (owner, tag, AGENT, now()),
                    )
            tags = tuple(name for (name,) in map(_NAME, db.execute(_TAGS, (owner,))))
        return AgentChange(tags, tuple(done), tuple(unchanged), tuple(refused), recorded.number)

    def take(self, post: str, names: Sequence[str], session: int | None) -> AgentChange:
        """Take tags off a post, except those that a person gave. Raises InputError for no tag."""
        done, unchanged, refused = [], [], []
        with (
            self._database.write() as db,
            recording(db, "agent", names, into=session) as recorded,
        ):
            owner = post_id(db, post)
            for tag in dict.fromkeys(tag_id(db, name) for name in names):
                match _source(db, owner, tag):
                    case None:
                        unchanged.append(_name(db, tag))
                    case source if source == HUMAN:
                        refused.append(_name(db, tag))
                    case _:
                        done.append(_name(db, tag))
                        db.execute(
                            "DELETE FROM post_tags WHERE (post_id, tag_id) = (?, ?)", (owner, tag)
                        )
            tags = tuple(name for (name,) in map(_NAME, db.execute(_TAGS, (owner,))))
        return AgentChange(tags, tuple(done), tuple(unchanged), tuple(refused), recorded.number)


def _name(db: sqlite3.Connection, tag: int) -> str:
    found = db.execute("SELECT name FROM tags WHERE id = ?", (tag,)).fetchone()
    return str(_NAME(found)[0])


def _source(db: sqlite3.Connection, post: int, tag: int) -> str | None:
    query = "SELECT source FROM post_tags WHERE (post_id, tag_id) = (?, ?)"
    found = db.execute(query, (post, tag)).fetchone()
    return None if found is None else str(_LINK(found)[0])
