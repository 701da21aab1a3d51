"""Write what taggers answered, a SAVEPOINT per post; list the tags.

A person's decisions stand: human links are never touched, and a tag that a person took off a post
or from the archive is not put back. Knows no rule of status (`decide`) or spelling (`vocabulary`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from tgtagger import vocabulary
from tgtagger.model.archive import TagCount
from tgtagger.model.tagging import Attempt, PostId, SuggestedTag, TagUpdate
from tgtagger.store.posts import BAD_VALUE, savepoint
from tgtagger.store.sqlite.engine import is_fatal
from tgtagger.store.times import from_text, to_text, to_text_or_none
from tgtagger.store.typed import checked


def save_updates(
    db: sqlite3.Connection,
    updates: Sequence[TagUpdate],
    run: int,
    now: str,
    attempts: Sequence[tuple[PostId, Attempt]] = (),
) -> list[bool]:
    """Write each update under its own SAVEPOINT; return which were written.

    Not written is an answer for a text that has been edited since, or for a post that is gone.
    Attempts are written whatever became of their posts: they were made, and perhaps paid for.
    """
    written = []
    for post, attempt in attempts:
        _save_attempt(db, post, attempt, run)
    for update in updates:
        try:
            with savepoint(db, "post"):
                written.append(_save_update(db, update, run, now))
        except BAD_VALUE as error:
            if is_fatal(error):
                raise
            written.append(False)
    return written


_ATTEMPT = (
    "INSERT INTO attempts (post_id, run_id, at, model, class, http_status, prompt_tokens, "
    "completion_tokens, cached_tokens, cost_usd, latency_ms, error, sent_letters) "
    "SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM posts "
    "WHERE channel_id = ? AND message_id = ?"
)


def _save_attempt(db: sqlite3.Connection, post: PostId, made: Attempt, run: int) -> None:
    error = None if made.error is None else made.error.encode(errors="replace").decode()
    db.execute(
        _ATTEMPT,
        (
            run, to_text(made.at), made.model, made.failure, made.http_status, made.prompt_tokens,
            made.completion_tokens, made.cached_tokens, made.cost_usd, made.latency_ms, error,
            made.sent_letters, post.channel_id, post.message_id,
        ),
    )  # fmt: skip


def _save_update(db: sqlite3.Connection, update: TagUpdate, run: int, now: str) -> bool:
    found = db.execute(
        "SELECT id FROM posts WHERE channel_id = ? AND message_id = ? AND text_hash = ?",
        (update.id.channel_id, update.id.message_id, update.text_hash),
    ).fetchone()
    if found is None:
        return False
    (post,) = found
    db.execute(
        "UPDATE posts SET status = ?, attempts = ?, failure = ?, error = ?, next_attempt_at = ?, "
        "tagged_at = ? WHERE id = ?",
        (
            update.status,
            update.attempts,
            update.failure,
            update.error,
            to_text_or_none(update.next_attempt_at),
            now if update.status == "tagged" else None,
            post,
        ),
    )
    if update.status == "failed":
        return True  # the tags of an earlier run are better than none
    provenance = update.provenance
    if update.answer_key is not None:
        db.execute(
            "INSERT OR REPLACE INTO answers (key, tags, model, at) VALUES (?, ?, ?, ?)",
            (update.answer_key, _names(update.tags), provenance.model, now),
        )
    db.execute("DELETE FROM post_tags WHERE post_id = ? AND source <> 'human'", (post,))
    removed = {
        tag
        for (tag,) in db.execute(
            "SELECT tag_id FROM removed_tags WHERE post_id = ? "
            "UNION ALL SELECT tag_id FROM barred_tags",
            (post,),
        )
    }
    position = db.execute(
        "SELECT coalesce(max(position) + 1, 0) FROM post_tags WHERE post_id = ?", (post,)
    ).fetchone()[0]
    for number, suggested in enumerate(update.tags):
        tag = _tag(db, suggested.name, now)
        if tag is None or tag in removed:
            continue
        db.execute(
            "INSERT OR IGNORE INTO post_tags VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                post,
                position + number,
                tag,
                "hashtag" if suggested.hashtag else provenance.source,
                provenance.model,
                provenance.prompt,
                provenance.vocabulary,
                run,
                now,
            ),
        )
    return True


def _names(tags: Sequence[SuggestedTag]) -> str:
    return json.dumps([tag.name for tag in tags], ensure_ascii=False)


def find_tag(db: sqlite3.Connection, name: str) -> int | None:
    """Return the id of the tag that a name, or an alias, stands for; None for a new one."""
    key = vocabulary.key(name)
    found = db.execute(
        "SELECT id FROM tags WHERE key = ?1 "
        "UNION ALL SELECT tag_id FROM tag_aliases WHERE key = ?1",
        (key,),
    ).fetchone()
    return int(found[0]) if found else None


def _tag(db: sqlite3.Connection, name: str, now: str) -> int | None:
    """Return the id of the tag that a name stands for, made if it is new; None for no tag."""
    name = vocabulary.normalise(name)
    if not vocabulary.is_tag(name):
        return None
    known = find_tag(db, name)
    return make_tag(db, name, now) if known is None else known


def make_tag(db: sqlite3.Connection, name: str, now: str) -> int:
    """Make a tag that there is not yet; return its id."""
    (made,) = db.execute(
        "INSERT INTO tags (name, key, added_at) VALUES (?, ?, ?) RETURNING id",
        (name, vocabulary.key(name), now),
    ).fetchone()
    return int(made)


def count_tags(db: sqlite3.Connection, *, unused: bool) -> tuple[TagCount, ...]:
    """Return the tags and their use, the most used first; or only those that no post has."""
    aliases = _aliases(db)
    rows = db.execute(
        "SELECT id, name, 0, NULL, NULL FROM tags "
        "WHERE id NOT IN (SELECT tag_id FROM barred_tags) "
        "AND NOT EXISTS (SELECT 1 FROM post_tags WHERE tag_id = tags.id) ORDER BY name"
        if unused
        # The plus: once through the links as they lie, a third of what it takes by the tags' index.
        else "SELECT t.id, t.name, l.posts, l.sources, l.latest FROM (SELECT tag_id, count(*) AS "
        "posts, group_concat(DISTINCT source) AS sources, max(added_at) AS latest FROM post_tags "
        "GROUP BY +tag_id) AS l JOIN tags AS t ON t.id = l.tag_id ORDER BY l.posts DESC, t.name"
    )
    return tuple(
        checked(
            TagCount(
                name,
                count,
                tuple(sorted(sources.split(","))) if sources else (),
                from_text(last),
                aliases.get(tag, ()),
            )
        )
        for tag, name, count, sources, last in rows
    )


LOOKED_AT = 500
"""Tags that begin alike whose posts are counted: the oldest, among which are the common ones."""


def beginning(db: sqlite3.Connection, text: str, most: int) -> tuple[tuple[str, int], ...]:
    """Return tags that begin so with their posts, the most used first, of not too many."""
    key = vocabulary.key(text)
    rows = db.execute(
        "SELECT name, (SELECT count(*) FROM post_tags AS l WHERE l.tag_id = t.id) AS posts FROM "
        "(SELECT id, name FROM tags WHERE key >= ? AND key < ? AND substr(name, 1, ?) = ? "
        "ORDER BY id LIMIT ?) AS t ORDER BY posts DESC, name LIMIT ?",
        (key, key + "\U0010ffff", len(text), text, LOOKED_AT, most),
    )
    return tuple((name, posts) for name, posts in rows)


def most_used(db: sqlite3.Connection, most: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the tags with their aliases, the most used first."""
    aliases = _aliases(db)
    rows = db.execute(
        "SELECT t.id, t.name FROM tags AS t LEFT JOIN "
        "(SELECT tag_id, count(*) AS posts FROM post_tags GROUP BY tag_id) AS l ON l.tag_id = t.id "
        "WHERE t.id NOT IN (SELECT tag_id FROM barred_tags) "
        "ORDER BY coalesce(l.posts, 0) DESC, t.id LIMIT ?",
        (most,),
    )
    return tuple((name, aliases.get(tag, ())) for tag, name in rows)


def barred(db: sqlite3.Connection) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the tags that no machine gives, with their aliases."""
    aliases = _aliases(db)
    rows = db.execute(
        "SELECT t.id, t.name FROM barred_tags AS b JOIN tags AS t ON t.id = b.tag_id ORDER BY t.id"
    )
    return tuple((name, aliases.get(tag, ())) for tag, name in rows)


def _aliases(db: sqlite3.Connection) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for tag, name in db.execute("SELECT tag_id, name FROM tag_aliases ORDER BY key"):
        found[tag] = (*found.get(tag, ()), name)
    return found


def counts(db: sqlite3.Connection) -> dict[str, int]:
    """Return how many posts each tag has that any has."""
    return dict(
        db.execute(
            "SELECT t.name, count(*) FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id "
            "GROUP BY t.id ORDER BY 2 DESC, 1"
        ).fetchall()
    )


def shared_posts(db: sqlite3.Connection, least: int) -> list[tuple[str, str, int]]:
    """Return which two tags share at least so many posts, and how many."""
    # CROSS JOIN and the plus: post by post; else each tag would be looked up with each other one.
    return db.execute(
        "SELECT a.name, b.name, n FROM (SELECT x.tag_id AS one, y.tag_id AS two, count(*) AS n "
        "FROM post_tags AS x CROSS JOIN post_tags AS y "
        "ON y.post_id = x.post_id AND +y.tag_id > x.tag_id GROUP BY 1, 2 HAVING n >= ?) "
        "CROSS JOIN tags AS a ON a.id = one CROSS JOIN tags AS b ON b.id = two",
        (least,),
    ).fetchall()


def described(db: sqlite3.Connection, most: int) -> list[tuple[str, tuple[str, ...], str | None]]:
    """Return the tags in use with aliases and description, the most used first."""
    aliases = _aliases(db)
    rows = db.execute(
        "SELECT t.id, t.name, t.description FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id "
        "GROUP BY t.id ORDER BY count(*) DESC, t.name LIMIT ?",
        (most,),
    )
    return [(name, aliases.get(tag, ()), description) for tag, name, description in rows]
