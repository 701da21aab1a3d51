"""Give posts to a tagger, and store the results.

Posts are read in batches, each its own snapshot, so that results can be saved in between. Results
are stored as sets, under one SAVEPOINT, and one by one if that fails. A person's decisions stand:
links that a person made stay as they are, and a tag that a person took off a post, or removed from
the archive, does not come back. Knows no rule of status (`decide`) and none of tags as such
(`vocabulary`).
"""

from __future__ import annotations

import json
import random
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tgtagger import decide
from tgtagger.decide import answer_prefix
from tgtagger.model.hashes import Hashes
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import (
    Attempt,
    PostForTagging,
    PostId,
    Provenance,
    SuggestedTag,
    TagUpdate,
)
from tgtagger.store import answers, origins, shown_names, tag_queue
from tgtagger.store.claims import (
    FOR_TAGGING,
    Claims,
    add_held,
    ids_of,
    order_of,
    post_for_tagging,
    read_posts,
)
from tgtagger.store.database import Part, one_transaction
from tgtagger.store.given_tags import GivenTags, tags_named
from tgtagger.store.query import query_for
from tgtagger.store.recording import LASTING_SOURCES, LINK, STATE, Replaced, keep_replaced
from tgtagger.store.rooms import Connection, is_of_database, room_of
from tgtagger.store.statements import Statement, savepoint
from tgtagger.store.tags import make_tag
from tgtagger.store.times import now, to_text, to_text_or_none

LOOKED_AT = 2000
"""Posts that are compared with the queue when a run begins: the newest, and as many anywhere."""

BATCH = 500
"""Posts read at a time: bounds memory, and how long a snapshot lasts."""

_ANSWERED = Statement(
    f"SELECT {FOR_TAGGING}, a.tags FROM posts AS p "
    "JOIN answers AS a ON a.key = :prefix || p.text_hash "
    "WHERE p.id IN few(:ids) ORDER BY p.id DESC"
)
_DONE_SINCE = Statement(
    "SELECT count(*) FROM (SELECT post_id FROM attempts WHERE run_id >= :run "
    "UNION SELECT post_id FROM post_tags WHERE run_id >= :run) AS done"
)


class Queue(Part):
    """The posts for a tagger, and its results."""

    def count(self, wanted: PostFilter) -> int:
        """Return how many posts a filter picks, up to its limit."""
        with self._database.read() as db:
            query = query_for(db, wanted)
            return int(query.count(wanted.limit)(db).fetchone()[0])

    def done_since(self, run: int) -> int:
        """Return how many posts this run and later ones have tagged or tried."""
        with self._database.read() as db:
            (count,) = _DONE_SINCE(db, run=run).fetchone()
            return int(count)

    def posts(self, wanted: PostFilter) -> Iterator[PostForTagging]:
        """Yield the posts of a filter, in batches that are each a snapshot.

        Results can be saved while this runs; a post is yielded once, even if its status changes.
        The newest come first. If only failed posts are wanted, those with the fewest turns come
        first, so that a post that always fails does not delay the others.
        """
        ids = self._ids(wanted)
        for at in range(0, len(ids), BATCH):
            chosen = ids[at : at + BATCH]
            found = self._read(chosen)
            yield from (found[number] for number in chosen if number in found)

    @one_transaction
    def _ids(self, wanted: PostFilter) -> array[int]:
        with self._database.read() as db:
            return ids_of(db, query_for(db, wanted), order=order_of(wanted), limit=wanted.limit)

    @one_transaction
    def _read(self, ids: array[int]) -> dict[int, PostForTagging]:
        with self._database.read() as db:
            return read_posts(db, ids)

    def is_at_work(self, wanted: PostFilter) -> bool:
        """Tell whether anybody works at posts of a filter."""
        with self._database.read() as db:
            query = query_for(db, wanted)
            add_held(query)
            return query.select("1", order="1", limit=1)(db).fetchone() is not None

    def claims(self, wanted: PostFilter, worker: str, *, by_text: bool = False) -> Claims:
        """Return the claims of a worker on the posts of a filter, `by_text` on equal ones, too."""
        return Claims(self._database, wanted, worker, by_text=by_text)

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
        met = Hashes()
        for provenance in provenances:
            ids = self._ids_answered(wanted, provenance, since_run)
            for at in range(0, len(ids), BATCH):
                for post, tags in self._read_answered(ids[at : at + BATCH], provenance):
                    if post.id in met or (wanted.limit is not None and len(met) >= wanted.limit):
                        continue
                    if len(provenances) > 1 or wanted.limit is not None:
                        met.add(post.id)
                    yield post, provenance, tags

    @one_transaction
    def _ids_answered(
        self, wanted: PostFilter, provenance: Provenance, since_run: int | None
    ) -> array[int]:
        with self._database.read() as db:
            if not answers.any_of(db, provenance):
                return array("q")
            query = query_for(db, wanted)
            query.add(
                "EXISTS (SELECT 1 FROM answers WHERE key = :prefix || p.text_hash)",
                prefix=answer_prefix(provenance),
            )
            if since_run is not None:
                query.add(
                    "p.text_hash IN (SELECT asked.text_hash FROM attempts AS a "
                    "JOIN posts AS asked ON asked.id = a.post_id "
                    "WHERE a.run_id >= :run AND a.class IS NULL)",
                    run=since_run,
                )
            return ids_of(db, query, limit=wanted.limit)

    @one_transaction
    def _read_answered(
        self, ids: array[int], provenance: Provenance
    ) -> list[tuple[PostForTagging, tuple[SuggestedTag, ...]]]:
        prefix = answer_prefix(provenance)
        with self._database.read() as db:
            rows = _ANSWERED(db, prefix=prefix, ids=json.dumps(ids.tolist()))
            return [(post_for_tagging(row), answers.read_tags(tags)) for *row, tags in rows]

    def out_of_step(self) -> int:
        """Return how many posts wait and are not in the queue, or are in it and do not wait."""
        with self._database.read() as db:
            return tag_queue.out_of_step(db)

    def mend(self, chance: Callable[[], float] = random.random) -> int:
        """Let posts wait again that the queue has lost; return how many.

        Some posts are looked at, which is quick; where one of them is lost, all are.
        """
        with self._database.read() as db:
            if not tag_queue.has_gaps(db, LOOKED_AT, chance):
                return 0
        with self._database.write() as db:
            return tag_queue.fill_gaps(db)

    def refill(self) -> None:
        """Make the queue anew from the posts; nobody works at any of them any more."""
        with self._database.write() as db:
            tag_queue.refill(db)

    def save(
        self,
        updates: Sequence[TagUpdate],
        run: int,
        attempts: Sequence[tuple[PostId, Attempt]] = (),
    ) -> list[bool]:
        """Store results, as sets; return, for each update, whether it was stored.

        An update is skipped if the post's text was edited since, or the post is gone. Attempts are
        always stored: they were made, and perhaps paid for.
        """
        with self._database.write() as db:
            at = now()
            _keep_attempts(db, attempts, run)
            try:
                with savepoint(db, "posts"):
                    return _save_updates(db, updates, run, at)
            except room_of(db).errors.BAD_VALUE as error:
                if room_of(db).errors.is_fatal(error):
                    raise
            return [_save_alone(db, update, run, at) for update in updates]

    def keep_paid(
        self,
        updates: Sequence[TagUpdate],
        run: int,
        attempts: Sequence[tuple[PostId, Attempt]] = (),
    ) -> None:
        """Store what was paid for, answers and attempts; the posts stay as they are."""
        with self._database.write() as db:
            _keep_attempts(db, attempts, run)
            _keep_answers(db, updates, now())


_ATTEMPT = Statement(
    "INSERT INTO attempts (post_id, run_id, at, model, class, http_status, prompt_tokens, "
    "completion_tokens, cached_tokens, cost_usd, latency_ms, error, sent_letters) "
    "SELECT id, :run_id, :at, :model, :class, :http_status, :prompt_tokens, :completion_tokens, "
    ":cached_tokens, :cost_usd, :latency_ms, :error, :sent_letters FROM posts "
    "WHERE channel_id = :channel AND message_id = :message"
)


def _keep_attempts(db: Connection, attempts: Iterable[tuple[PostId, Attempt]], run: int) -> None:
    if rows := [_attempt_row(post, made, run) for post, made in attempts]:
        _ATTEMPT.many(db, rows)


_FOUND = Statement(
    f"SELECT message_id, id, {', '.join(STATE)} FROM posts "
    "WHERE channel_id = :channel AND message_id IN few(:messages) ORDER BY id locked(posts)"
)
_STATE = Statement(
    "UPDATE posts SET status = :status, attempts = :attempts, failure = :failure, error = :error, "
    "next_attempt_at = :next_attempt_at, tagged_at = :tagged_at WHERE id = :id"
)
_ANSWER = Statement(
    "INSERT INTO answers (key, tags, model, at) VALUES (:key, :tags, :model, :at) "
    "ON CONFLICT (key) DO UPDATE SET tags = excluded.tags, model = excluded.model, "
    "at = excluded.at"
)
_REPLACE = Statement(
    f"DELETE FROM post_tags WHERE post_id IN few(:posts) AND source NOT IN ({LASTING_SOURCES}) "
    f"RETURNING post_id, tag_id, {LINK}, run_id"
)
# What a person or an agent gave, and the places of what an undo may bring back: see `FREE_PLACE`.
_PLACES = Statement(
    "SELECT post_id, tag_id, position FROM post_tags WHERE post_id IN few(:posts) UNION ALL "
    "SELECT post_id, CAST(NULL AS bigint), number_of(before, 0) FROM changed_links "
    f"WHERE post_id IN few(:posts) AND text_of(before, 1) IN ({LASTING_SOURCES})"
)
_GIVE = Statement(
    "INSERT INTO post_tags "
    "(post_id, position, tag_id, source, model, prompt, vocabulary, run_id, added_at) VALUES "
    "(:post_id, :position, :tag_id, :source, :model, :prompt, :vocabulary, :run_id, :added_at)"
)


def _attempt_row(post: PostId, made: Attempt, run: int) -> tuple[object, ...]:
    error = None if made.error is None else made.error.encode(errors="replace").decode()
    return (
        run, to_text(made.at), made.model, made.failure, made.http_status, made.prompt_tokens,
        made.completion_tokens, made.cached_tokens, made.cost_usd, made.latency_ms, error,
        made.sent_letters, post.channel_id, post.message_id,
    )  # fmt: skip


_NEW = list(decide.UNTAGGED.values())


@dataclass(slots=True)
class _Taken:
    """An update whose post is as the tagger read it, and what the post held before."""

    update: TagUpdate
    post: int
    before: str | None


def _save_alone(db: Connection, update: TagUpdate, run: int, now: str) -> bool:
    try:
        with savepoint(db, "post"):
            return _save_updates(db, [update], run, now)[0]
    except room_of(db).errors.BAD_VALUE as error:
        if is_of_database(db, error):
            raise
        return False


def _save_updates(db: Connection, updates: Sequence[TagUpdate], run: int, now: str) -> list[bool]:
    taken = _take(db, updates, now)
    found = [each for each in taken if each is not None]
    states = {
        each.post: (
            update.status,
            update.attempts,
            update.failure,
            update.error,
            to_text_or_none(update.next_attempt_at),
            now if update.status == "tagged" else None,
            each.post,
        )
        for each in found
        for update in (each.update,)
    }
    _STATE.at_once(db, [*states.values()])
    tag_queue.finish(
        db,
        [each.post for each in found],
        [each.update.text_hash for each in found],
        [each.post for each in found if each.update.next_attempt_at is not None],
    )
    replaced = [
        Replaced(each.post, each.before, each.update.status)
        for each in found
        if not decide.replaces_tags(each.update)
    ]
    tagged = [each for each in found if decide.replaces_tags(each.update)]
    replaced += _replace_tags(db, tagged, run, now)
    keep_replaced(db, run, replaced)
    return [each is not None for each in taken]


def _take(db: Connection, updates: Sequence[TagUpdate], now: str) -> list[_Taken | None]:
    """Return each update with its post; None: its text was edited since, or it is gone.

    Also if another worker has it by now: then its answer alone is kept.
    """
    messages: dict[int, list[int]] = {}
    for update in updates:
        messages.setdefault(update.id.channel_id, []).append(update.id.message_id)
    stored = {
        (channel, message): state
        for channel, numbers in messages.items()
        for message, *state in _FOUND(db, channel=channel, messages=json.dumps(numbers))
    }
    claims = tag_queue.claimed(db, [state[0] for state in stored.values()])
    taken: list[_Taken | None] = []
    lost: list[TagUpdate] = []
    for update in updates:
        post, *state = stored.get((update.id.channel_id, update.id.message_id)) or (None, None)
        if post is None or state[-1] != update.text_hash:
            taken.append(None)
        elif update.claim is not None and claims.get(post) != update.claim:
            taken.append(None)
            lost.append(update)
        else:
            before = None if state[:-1] == _NEW else json.dumps(state, ensure_ascii=False)
            taken.append(_Taken(update, post, before))
    _keep_answers(db, lost, now)
    return taken


def _keep_answers(db: Connection, updates: Iterable[TagUpdate], now: str) -> None:
    """Store the answers that were paid for, so that equal texts cost nothing."""
    if rows := [
        (update.answer_key, _names(update.tags), update.provenance.model, now)
        for update in updates
        if update.answer_key is not None
    ]:
        _ANSWER.many(db, rows)


def _replace_tags(db: Connection, taken: Sequence[_Taken], run: int, now: str) -> list[Replaced]:
    """Give posts the tags of their updates in place of other machines'; return what was replaced.

    A new post that gets tags needs no record: its tags name the run.
    """
    if not taken:
        return []
    _keep_answers(db, (each.update for each in taken), now)
    posts = json.dumps([each.post for each in taken])
    gone: dict[int, list[tuple[int, str, int | None]]] = {}
    for post, *link in _REPLACE(db, posts=posts).fetchall():
        gone.setdefault(post, []).append(tuple(link))
    places: dict[int, int] = {}
    kept = set[tuple[int, int | None]]()
    for post, tag, place in _PLACES(db, posts=posts):
        places[post] = max(places.get(post, 0), place + 1)
        kept.add((post, tag))
    tags = tags_named(db, (each.update for each in taken), lambda name: make_tag(db, name, now))
    may_get = GivenTags(db, [each.post for each in taken], kept)
    given, spelt, replaced = [], [], []
    for each in taken:
        made_by = each.update.provenance
        free, has_some = places.get(each.post, 0), False
        for place, tag, source, name in may_get.links(each.update, each.post, tags):
            has_some = True
            spelt.append((tag, each.post, name))
            given.append((
                each.post, free + place, tag, source, made_by.model, made_by.prompt,
                made_by.vocabulary, run, now,
            ))  # fmt: skip
        before = gone.get(each.post, ())
        if before or each.before is not None or not has_some:
            links = tuple((tag, link) for tag, link, by in before if by != run)
            replaced.append(Replaced(each.post, each.before, each.update.status, links))
    # In the order of the table: newest first, each of its pages would be left half empty.
    _GIVE.at_once(db, sorted(given))
    shown_names.note(db, spelt, run)
    origins.note(db, {(by, model, prompt, of) for *_, model, prompt, of, by, _ in given})
    return replaced


def _names(tags: Sequence[SuggestedTag]) -> str:
    return json.dumps([tag.name for tag in tags], ensure_ascii=False)
