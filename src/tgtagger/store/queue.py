"""Give posts to a tagger, and store the results.

Posts are read in batches, each its own snapshot, so that results can be saved in between. Each
result has its own SAVEPOINT. A person's decisions stand: links that a person or an agent made
stay as they are, and a tag that a person took off a post, or removed from the archive, does not
come back. Knows no rule of status (`decide`) and none of tags as such (`vocabulary`).
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from tgtagger import decide
from tgtagger.decide import answer_prefix
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import (
    Attempt,
    PostForTagging,
    PostId,
    Provenance,
    SuggestedTag,
    TagUpdate,
)
from tgtagger.store import answers
from tgtagger.store.database import BAD_VALUE, Part, savepoint
from tgtagger.store.post_rows import text_for_tagging
from tgtagger.store.query import query_for
from tgtagger.store.recording import FREE_FOR_MACHINE, LINK, STATE, keep_replaced
from tgtagger.store.sqlite.errors import is_fatal
from tgtagger.store.tags import tag_for_machine
from tgtagger.store.times import now, to_text, to_text_or_none
from tgtagger.store.values import RowCheck, plain

BATCH = 500
"""Posts read at a time: bounds memory, and how long a snapshot lasts."""


class Queue(Part):
    """The posts for a tagger, and its results."""

    def count(self, wanted: PostFilter) -> int:
        """Return how many posts a filter picks, up to its limit."""
        with self._database.read() as db:
            query = query_for(db, wanted)
            sql = f"SELECT count(*) FROM ({query.sql('1', order='NULL', limit=wanted.limit)})"
            (count,) = db.execute(sql, query.values).fetchone()
            return int(count)

    def done_since(self, run: int) -> int:
        """Return how many posts this run and later ones have tagged or tried."""
        with self._database.read() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM (SELECT post_id FROM attempts WHERE run_id >= ?1 "
                "UNION SELECT post_id FROM post_tags WHERE run_id >= ?1)",
                (run,),
            ).fetchone()
            return int(count)

    def posts(self, wanted: PostFilter) -> Iterator[PostForTagging]:
        """Yield the posts of a filter, in batches that are each a snapshot.

        Results can be saved while this runs; a post is yielded once, even if its status changes.
        The newest come first. If only failed posts are wanted, those with the fewest turns come
        first, so that a post that always fails does not delay the others.
        """
        with self._database.read() as db:
            query = query_for(db, wanted)
            order = "p.attempts, p.id DESC" if wanted.statuses == ("failed",) else None
            ids = array(
                "q",
                (i for (i,) in db.execute(
                    query.sql("p.id", order=order, limit=wanted.limit), query.values)),
            )  # fmt: skip
        for at in range(0, len(ids), BATCH):
            chosen = ids[at : at + BATCH]
            with self._database.read() as db:
                rows = db.execute(
                    f"SELECT {_FOR_TAGGING} FROM posts AS p "
                    "WHERE p.id IN (SELECT value FROM json_each(?))",
                    (json.dumps(chosen.tolist()),),
                )
                found = {row[0]: _post_for_tagging(row) for row in rows}
            yield from (found[number] for number in chosen if number in found)

    def answered(
        self,
        wanted: PostFilter,
        provenances: Sequence[Provenance],
        *,
        since_run: int | None = None,
    ) -> Iterator[tuple[PostForTagging, Provenance, tuple[SuggestedTag, ...]]]:
        """Yield the posts of a filter for whose text an answer is stored, with that answer.

        If several models answered it, the first of `provenances` counts. With `since_run` only
        texts count that this run or a later one has asked.
        """
        met: set[PostId] = set()
        for provenance in provenances:
            with self._database.read() as db:
                if not answers.any_of(db, provenance):
                    continue
                query = query_for(db, wanted)
                query.add(
                    "EXISTS (SELECT 1 FROM answers WHERE key = ? || p.text_hash)",
                    answer_prefix(provenance),
                )
                if since_run is not None:
                    query.add(
                        "p.text_hash IN (SELECT asked.text_hash FROM attempts AS a "
                        "JOIN posts AS asked ON asked.id = a.post_id "
                        "WHERE a.run_id >= ? AND a.class IS NULL)",
                        since_run,
                    )
                sql = query.sql("p.id", limit=wanted.limit)
                ids = array("q", (i for (i,) in db.execute(sql, query.values)))
            for at in range(0, len(ids), BATCH):
                with self._database.read() as db:
                    rows = db.execute(
                        f"SELECT {_FOR_TAGGING}, a.tags FROM posts AS p "
                        "JOIN answers AS a ON a.key = ? || p.text_hash "
                        "WHERE p.id IN (SELECT value FROM json_each(?)) ORDER BY p.id DESC",
                        (answer_prefix(provenance), json.dumps(ids[at : at + BATCH].tolist())),
                    )
                    found = [
                        (_post_for_tagging(row), answers.read_tags(tags)) for *row, tags in rows
                    ]
                for post, tags in found:
                    if post.id in met or (wanted.limit is not None and len(met) >= wanted.limit):
                        continue
                    if len(provenances) > 1 or wanted.limit is not None:
                        met.add(post.id)
                    yield post, provenance, tags

    def save(
        self,
        updates: Sequence[TagUpdate],
        run: int,
        attempts: Sequence[tuple[PostId, Attempt]] = (),
    ) -> list[bool]:
        """Store results, a SAVEPOINT each; return, for each update, whether it was stored.

        An update is skipped if the post's text was edited since, or the post is gone. Attempts are
        always stored: they were made, and perhaps paid for.
        """
        written = []
        with self._database.write() as db:
            at = now()
            for post, attempt in attempts:
                _save_attempt(db, post, attempt, run)
            for update in updates:
                try:
                    with savepoint(db, "post"):
                        written.append(_save_update(db, update, run, at))
                except BAD_VALUE as error:
                    if is_fatal(error):
                        raise
                    written.append(False)
        return written


# A post that was tagged or skipped and is tagged again begins with no turns.
_FOR_TAGGING = (
    "p.id, p.channel_id, p.message_id, p.text, p.media_text, p.text_hash, "
    "CASE WHEN p.status IN ('tagged', 'skipped') THEN 0 ELSE p.attempts END"
)


_ROW_FOR_TAGGING = RowCheck(
    "posts.id", "posts.channel_id", "posts.message_id", "posts.text", "posts.media_text",
    plain("posts.text_hash"), "posts.attempts",
)  # fmt: skip


def _post_for_tagging(row: Sequence[Any]) -> PostForTagging:
    _, channel_id, message_id, text, media_text, text_hash, attempts = _ROW_FOR_TAGGING(row)
    words = text_for_tagging(text, media_text)
    return PostForTagging(PostId(channel_id, message_id), words, text_hash, attempts)


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


_NEW = list(decide.UNTAGGED.values())


def _save_update(db: sqlite3.Connection, update: TagUpdate, run: int, now: str) -> bool:
    found = db.execute(
        f"SELECT id, {', '.join(STATE)} FROM posts "
        "WHERE channel_id = ? AND message_id = ? AND text_hash = ?",
        (update.id.channel_id, update.id.message_id, update.text_hash),
    ).fetchone()
    if found is None:
        return False
    post, *state = found
    before = None if state[:-1] == _NEW else json.dumps(state, ensure_ascii=False)
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
    if not decide.replaces_tags(update):
        keep_replaced(db, run, post, before, update.status, ())
        return True
    provenance = update.provenance
    if update.answer_key is not None:
        db.execute(
            "INSERT OR REPLACE INTO answers (key, tags, model, at) VALUES (?, ?, ?, ?)",
            (update.answer_key, _names(update.tags), provenance.model, now),
        )
    replaced = db.execute(
        f"DELETE FROM post_tags WHERE post_id = ? AND source NOT IN (?, ?) "
        f"RETURNING tag_id, {LINK}, run_id",
        (post, *decide.LASTING),
    ).fetchall()
    blocked = {
        tag
        for (tag,) in db.execute(
            "SELECT tag_id FROM removed_tags WHERE post_id = ? "
            "UNION ALL SELECT tag_id FROM barred_tags",
            (post,),
        )
    }
    (position,) = db.execute(f"SELECT {FREE_FOR_MACHINE}", (post,)).fetchone()
    tags = [tag_for_machine(db, suggested.name, now) for suggested in update.tags]
    given = 0
    for place, tag, source in decide.given_links(update, tags, blocked):
        given += db.execute(
            "INSERT OR IGNORE INTO post_tags "
            "(post_id, position, tag_id, source, model, prompt, vocabulary, run_id, added_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                post,
                position + place,
                tag,
                source,
                provenance.model,
                provenance.prompt,
                provenance.vocabulary,
                run,
                now,
            ),
        ).rowcount
    # A new post that gets tags needs no record: its tags name the run.
    if replaced or before is not None or not given:
        others = [(tag, link) for tag, link, by in replaced if by != run]
        keep_replaced(db, run, post, before, update.status, others)
    return True


def _names(tags: Sequence[SuggestedTag]) -> str:
    return json.dumps([tag.name for tag in tags], ensure_ascii=False)
