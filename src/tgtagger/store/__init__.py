"""The archive: posts, tags and what is known about them, in one SQLite file.

A public method of `Store` is one transaction; plain values go in and come out, and no connection
or row ever leaves. A method that returns an iterator gives one reading snapshot, open until the
iterator ends. Writing begins with BEGIN IMMEDIATE and waits 30 seconds for another writer, then
raises TryLater; a database that cannot be used raises StoreError. Reading never waits.

Knows neither where posts come from nor how they are tagged, nor any rule: it asks `decide` what a
new post does to a stored one, and obeys a `TagUpdate` without thinking.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from sqlalchemy.engine import Engine

from tgtagger.decide import answer_prefix
from tgtagger.errors import InputError
from tgtagger.model.archive import (
    ArchiveState,
    Backup,
    ChannelRemoved,
    ChannelState,
    Found,
    Post,
    PostDetails,
    Recovered,
    Soundness,
    Storage,
    TagChange,
    TagCount,
    TagLink,
    Undone,
)
from tgtagger.model.posts import (
    Channel,
    Page,
    PageStored,
    PostFilter,
    ReadProgress,
    SourceName,
    StoredRawRecord,
)
from tgtagger.model.tagging import (
    Attempt,
    Learned,
    PostForTagging,
    PostId,
    Provenance,
    SuggestedTag,
    TagUpdate,
)
from tgtagger.store import (
    answers,
    channels,
    curation,
    posts,
    progress,
    records,
    search,
    status,
    tags,
)
from tgtagger.store.post_rows import text_for_tagging
from tgtagger.store.rescue import check, recovery
from tgtagger.store.selection import Selection
from tgtagger.store.sqlite import backup, engine, migrate, opening, stale_log
from tgtagger.store.sqlite.connections import Unlocked, undisturbed
from tgtagger.store.sqlite.run_lock import LockName, run_lock
from tgtagger.store.times import from_text, moment, now, to_text
from tgtagger.store.typed import WrongValueError, checked
from tgtagger.system.mounts import network_file_system
from tgtagger.vocabulary import Entry, Read, Suggestion, suggest
from tgtagger.vocabulary.likeness import FEW

__all__ = ["LockName", "Selection", "Store", "database_path", "kept_backups"]

database_path = engine.database_path
kept_backups = migrate.kept_backups

BATCH = 500
"""Posts taken to a tagger at a time: bounds memory, and how long a reading snapshot lasts."""


class Store:
    """One database file, opened for reading or for writing."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine = engine

    @classmethod
    def open(cls, location: str, *, busy_timeout: float = engine.BUSY_TIMEOUT) -> Self:
        """Open for writing; make the file if there is none, bring the schema up to date."""
        path = engine.database_path(location)
        if not opening.look(path):
            engine.create_file(path)
        store = cls(path, engine.create_writer(path, busy_timeout=busy_timeout))
        try:
            migrate.migrate(store._engine, path)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open_to_read(cls, location: str) -> Self:
        """Open for reading only. Raises InputError if there is no database yet."""
        path = engine.database_path(location)
        if not opening.look(path):
            raise engine.missing(path)
        store = cls(path, engine.create_reader(path))
        try:
            if not store._is_ready():
                cls.open(location).close()
                store._engine.dispose()  # what read the file without locks has seen it change
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open_as_it_is(cls, location: str) -> Self | None:
        """Open for reading only; None if there is no database yet, or one with an older schema."""
        path = engine.database_path(location)
        if not opening.look(path):
            return None
        store = cls(path, engine.create_reader(path))
        is_ready = False
        try:
            is_ready = store._is_ready()
        finally:
            if not is_ready:
                store.close()
        return store if is_ready else None

    @staticmethod
    def back_up(location: str, target: Path, told: backup.Told = lambda *_: None) -> Backup:
        """Copy the database of one moment to a new file, while others write.

        `told` hears how many bytes are copied, of how many. Whatever its schema is, it is kept.
        """
        path = engine.database_path(location)
        if not opening.look(path):
            raise engine.missing(path)
        return backup.back_up(path, target, told)

    @staticmethod
    def recover(location: str, target: Path, convert: recovery.Convert) -> Recovered:
        """Save what can be read of a damaged database into a new file; it is only read.

        `convert` makes a post anew of its raw record, where its row is lost.
        """
        return recovery.recover(engine.database_path(location), target, convert)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_ready(self) -> bool:
        """Tell whether it can be read as it is, without an older schema."""
        with self._read() as db:
            (schema,) = db.execute("SELECT version_num FROM alembic_version").fetchone()
        return bool(schema == engine.HEAD)

    @contextlib.contextmanager
    def _write(self, *, patient: bool = True) -> Iterator[sqlite3.Connection]:
        with self._transaction(patient=patient) as db:
            # A newer tgtagger may have brought it up to date since it was opened.
            if engine.schema_version(db, self.path) is None:
                raise engine.empty(self.path)
            stale_log.number(db)
            yield db

    @contextlib.contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._transaction() as db:
            if engine.schema_version(db, self.path) is None:
                raise engine.empty(self.path)
            with undisturbed(db, self.path):
                yield db

    @contextlib.contextmanager
    def _transaction(self, *, patient: bool = True) -> Iterator[sqlite3.Connection]:
        """Begin; what goes wrong is the database's failure, its values' fault, or a bug."""
        with engine.map_errors(self.path):
            try:
                with self._engine.connect() as connection:
                    driver = engine.driver(connection)
                    if not patient:
                        driver.execute("PRAGMA busy_timeout = 0")
                    with connection.begin():
                        yield driver
            except check.SYMPTOMS as error:
                if not engine.is_failure(error):
                    check.explain(error, self.path)
                raise

    # ---- runs

    def lock(self, name: LockName) -> contextlib.AbstractContextManager[None]:
        """Hold the lock of this kind of run. Raises TryLater at once if another run holds it."""
        return run_lock(self.path, name)

    def start_run(self, command: str, provenance: Provenance | None = None) -> int:
        """Note that a run begins, and with what; return its number."""
        with self._write() as db:
            cursor = db.execute(
                "INSERT INTO runs (command, started_at, pid, tagger, model, prompt, vocabulary) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    command,
                    now(),
                    os.getpid(),
                    provenance and provenance.source,
                    provenance and provenance.model,
                    provenance and provenance.prompt,
                    provenance and provenance.vocabulary,
                ),
            )
            return int(cursor.lastrowid or 0)

    def end_run(
        self, run: int, exit_code: int, summary: str | None = None, *, patient: bool = True
    ) -> None:
        """Note how a run ended; `summary` is JSON. Not `patient`: nobody is waited for."""
        with self._write(patient=patient) as db:
            db.execute(
                "UPDATE runs SET ended_at = ?, exit_code = ?, summary = ? WHERE id = ?",
                (now(), exit_code, summary, run),
            )

    def has_tagged_with(self, provenance: Provenance, before: int) -> bool:
        """Tell whether any run before this one tagged something with this kind of tagger."""
        with self._read() as db:
            found = db.execute(
                "SELECT 1 FROM runs WHERE tagger = ? AND id < ? AND coalesce("
                "json_extract(summary, '$.tagged'), json_extract(summary, '$.tag.tagged')) > 0",
                (provenance.source, before),
            )
            return found.fetchone() is not None

    # ---- posts come in

    def save_page(self, page: Page) -> PageStored:
        """Keep a page. A bad post is rejected with the reason, and never takes a neighbour along.

        Raises StoreError when the database itself fails; then nothing of the page is kept.
        """
        with self._write() as db:
            return posts.save_page(db, page, now())

    def save_channel(self, channel: Channel) -> None:
        """Remember a channel without posts."""
        with self._write() as db:
            posts.save_channel(db, channel, now(), parsed=False)

    def channel(self, name: str | int) -> Channel | None:
        """Return a stored channel by its username (without the @, in any case) or its id."""
        column = "id" if isinstance(name, int) else "lower(username)"
        with self._read() as db:
            found = db.execute(
                f"SELECT id, title, username, kind FROM channels WHERE {column} = ?",
                (name if isinstance(name, int) else name.lower(),),
            ).fetchone()
            return checked(Channel(*found)) if found else None

    def reading(self, channel_id: int, source: SourceName) -> ReadProgress:
        """Return how far a source has read a channel."""
        with self._read() as db:
            return progress.read(db, channel_id, source)

    def holds_whole(self, channel_id: int, message_id: int, edited: dt.datetime | None) -> bool:
        """Tell whether a post is here as Telegram showed it, whole, when it was last edited."""
        with self._read() as db:
            return posts.holds_whole(db, channel_id, message_id, edited)

    def postpone(self, channel_id: int, source: SourceName, until: dt.datetime) -> None:
        """Remember that a source asked to be left alone with this channel until then."""
        with self._write() as db:
            progress.postpone(db, channel_id, source, to_text(until))

    def raw_records(self, source: SourceName, *, older_than: int) -> Iterator[StoredRawRecord]:
        """Yield the raw records that a converter older than this one read, in batches of their own.

        Every batch is a snapshot of its own, so that pages can be saved in between.
        """
        last = -1
        while True:
            with self._read() as db:
                rows = db.execute(
                    "SELECT r.post_id, c.id, c.title, c.username, c.kind, r.data "
                    "FROM raw_forms AS r JOIN posts AS p ON p.id = r.post_id "
                    "JOIN channels AS c ON c.id = p.channel_id "
                    "WHERE r.post_id > ? AND r.source = ? AND r.converter < ? "
                    "ORDER BY r.post_id LIMIT ?",
                    (last, source, older_than, BATCH),
                ).fetchall()
                forms = [
                    checked(StoredRawRecord(checked(Channel(*channel)), source, data))
                    for _, *channel, data in rows
                ]
            if not rows:
                return
            last = rows[-1][0]
            yield from forms

    # ---- tags come in

    def count_posts(self, wanted: PostFilter) -> int:
        """Return how many posts a filter picks; its limit counts."""
        with self._read() as db:
            query = records.query_for(db, wanted)
            sql = f"SELECT count(*) FROM ({query.sql('1', order='NULL', limit=wanted.limit)})"
            (count,) = db.execute(sql, query.values).fetchone()
            return int(count)

    def posts_for_tagging(self, wanted: PostFilter) -> Iterator[PostForTagging]:
        """Yield the posts of a filter, in batches that are snapshots of their own.

        So results can be saved while this runs; a post is yielded once, whatever its new status.
        The newest come first; of failed ones those that had the fewest turns, so that one which
        fails for ever keeps no other waiting.
        """
        with self._read() as db:
            query = records.query_for(db, wanted)
            order = "p.attempts, p.id DESC" if wanted.statuses == ("failed",) else None
            ids = array(
                "q",
                (i for (i,) in db.execute(
                    query.sql("p.id", order=order, limit=wanted.limit), query.values)),
            )  # fmt: skip
        for at in range(0, len(ids), BATCH):
            chosen = ids[at : at + BATCH]
            with self._read() as db:
                rows = db.execute(
                    f"SELECT {_FOR_TAGGING} FROM posts AS p "
                    "WHERE p.id IN (SELECT value FROM json_each(?))",
                    (json.dumps(chosen.tolist()),),
                )
                found = {row[0]: _post_for_tagging(row) for row in rows}
            yield from (found[number] for number in chosen if number in found)

    def save_tags(
        self,
        updates: Sequence[TagUpdate],
        run: int,
        attempts: Sequence[tuple[PostId, Attempt]] = (),
    ) -> list[bool]:
        """Write what became of posts, a SAVEPOINT each, and the requests made for any.

        Returns which updates were written: not those whose text was edited since it was read, or
        whose post is gone.
        """
        with self._write() as db:
            return tags.save_updates(db, updates, run, now(), attempts)

    def answered_posts(
        self, wanted: PostFilter, provenances: Sequence[Provenance]
    ) -> Iterator[tuple[PostForTagging, Provenance, tuple[SuggestedTag, ...]]]:
        """Yield the posts of a filter whose text was answered before, with the answer.

        Of several models that answered it, the first one's counts.
        """
        met: set[PostId] = set()
        for provenance in provenances:
            with self._read() as db:
                if not answers.any_of(db, provenance):
                    continue
                query = records.query_for(db, wanted)
                query.add(
                    "EXISTS (SELECT 1 FROM answers WHERE key = ? || p.text_hash)",
                    answer_prefix(provenance),
                )
                sql = query.sql("p.id", limit=wanted.limit)
                ids = array("q", (i for (i,) in db.execute(sql, query.values)))
            for at in range(0, len(ids), BATCH):
                with self._read() as db:
                    rows = db.execute(
                        f"SELECT {_FOR_TAGGING}, a.tags FROM posts AS p "
                        "JOIN answers AS a ON a.key = ? || p.text_hash "
                        "WHERE p.id IN (SELECT value FROM json_each(?)) ORDER BY p.id DESC",
                        (answer_prefix(provenance), json.dumps(ids[at : at + BATCH].tolist())),
                    )
                    found = [(_post_for_tagging(row), answers.read(tags)) for *row, tags in rows]
                for post, tags in found:
                    if post.id in met or (wanted.limit is not None and len(met) >= wanted.limit):
                        continue
                    if len(provenances) > 1 or wanted.limit is not None:
                        met.add(post.id)
                    yield post, provenance, tags

    def answer(
        self, text_hash: str, provenances: Sequence[Provenance]
    ) -> tuple[Provenance, tuple[SuggestedTag, ...]] | None:
        """Return what was answered for an equal text by one of these models, and by which."""
        with self._read() as db:
            return answers.find(db, text_hash, provenances)

    def capabilities(self, url: str) -> dict[str, str]:
        """Return what is remembered of a tagging server, JSON by model."""
        with self._read() as db:
            return answers.capabilities(db, url, dt.datetime.now(dt.UTC))

    def save_capabilities(self, learned: Learned) -> None:
        with self._write() as db:
            answers.remember(db, learned, now())

    def mean_seconds(self, model: str) -> float | None:
        """Return how long the model's latest answers took."""
        with self._read() as db:
            return answers.mean_seconds(db, model)

    def most_used_tags(self, most: int = 50_000) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the tags with their aliases, the most used first."""
        with self._read() as db:
            return tags.most_used(db, most)

    def barred_tags(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the tags that no machine gives, with their aliases."""
        with self._read() as db:
            return tags.barred(db)

    # ---- people decide about channels

    def follow(self, sources: Sequence[str]) -> tuple[str, ...]:
        """Let channels be read by runs that name none; return those that were not before."""
        with self._write() as db:
            return channels.follow(db, sources, now())

    def is_read_by(self, source: SourceName) -> bool:
        """Tell whether a channel that is still followed is read by this source."""
        with self._read() as db:
            return progress.are_of(db, source)

    def followed(self) -> tuple[str, ...]:
        """Return the sources that were added and have not been read yet."""
        with self._read() as db:
            return channels.followed(db)

    def unfollow(self, name: str) -> str | None:
        """Forget a source that was added and not read, however it is named; return it."""
        with self._write() as db:
            return channels.unfollow(db, name)

    def settle(self, source: str, channel_id: int) -> None:
        """Note that a source was read, and is this channel; one that was left is followed again."""
        with self._write() as db:
            channels.settle(db, source, channel_id)

    def pause_channel(self, name: str) -> str:
        """Leave a channel out of runs that name none; return its title."""
        with self._write() as db:
            return channels.pause(db, name, now())

    def resume_channel(self, name: str) -> str:
        """Take a paused channel up again, or one that was removed; return its title."""
        with self._write() as db:
            return channels.resume(db, name)

    def remove_channel(self, name: str, *, with_posts: bool) -> ChannelRemoved:
        """Follow a channel no longer; with its posts, forget all that is known of it."""
        with self._write() as db:
            return channels.remove(db, name, now(), with_posts=with_posts)

    def count_channel_posts(self, name: str) -> int:
        """Return how many posts of a channel are here."""
        with self._read() as db:
            return channels.count_posts(db, name)

    # ---- people decide about tags

    def rename_tag(self, old: str, new: str, *, dry_run: bool = False) -> TagChange:
        """Give a tag another name; machines that use the old one mean the new one.

        This and what follows raise InputError for what is unknown, naming the nearest, and with
        `dry_run` say what would be changed, and change nothing.
        """
        with self._decide(dry_run=dry_run) as db:
            return curation.rename(db, old, new)

    def merge_tags(self, names: Sequence[str], into: str, *, dry_run: bool = False) -> TagChange:
        """Make several tags one; machines that use any of their names mean that one."""
        with self._decide(dry_run=dry_run) as db:
            return curation.merge(db, names, into)

    def add_aliases(self, tag: str, names: Sequence[str]) -> TagChange:
        """Let further names stand for a tag."""
        with self._write() as db:
            return curation.add_aliases(db, tag, names)

    def remove_aliases(self, tag: str, names: Sequence[str]) -> TagChange:
        """Let names stand for a tag no longer."""
        with self._write() as db:
            return curation.remove_aliases(db, tag, names)

    def remove_tags(self, names: Sequence[str], *, dry_run: bool = False) -> tuple[TagChange, ...]:
        """Take tags off all posts; no machine gives them to any post again."""
        with self._decide(dry_run=dry_run) as db:
            return tuple(curation.remove(db, name, now()) for name in names)

    def add_post_tags(self, post: str, names: Sequence[str]) -> TagChange:
        """Give a post tags that no machine touches."""
        with self._write() as db:
            return curation.add_to_post(db, post, names, now())

    def drop_post_tags(self, post: str, names: Sequence[str]) -> TagChange:
        """Take tags off a post; no machine puts them back."""
        with self._write() as db:
            return curation.drop_from_post(db, post, names, now())

    def undo_run(self, run: int, *, dry_run: bool = False) -> Undone:
        """Take back what a tagging run added; its posts are pending again."""
        with self._decide(dry_run=dry_run) as db:
            return curation.undo(db, run)

    def suggest_merges(self, read: Read) -> tuple[Suggestion, ...]:
        """Return which tags are probably one, by a dictionary of words if one is lent."""
        with self._read() as db:
            return suggest(tags.counts(db), tags.shared_posts(db, FEW), read)

    def described_tags(self, most: int) -> tuple[Entry, ...]:
        """Return the tags in use as entries of a vocabulary, the most used first."""
        with self._read() as db:
            return tuple(
                checked(Entry(name, description, aliases))
                for name, aliases, description in tags.described(db, most)
            )

    @contextlib.contextmanager
    def _decide(self, *, dry_run: bool) -> Iterator[sqlite3.Connection]:
        """Begin a transaction that a dry run takes back, so that what it says is what would be."""
        with contextlib.suppress(_DryRun), self._write() as db:
            yield db
            if dry_run:
                raise _DryRun

    # ---- people read

    def records(self, wanted: PostFilter) -> Iterator[str]:
        """Yield the posts of a filter as records: JSON, one line each, newest first."""
        with self._read() as db:
            query = records.query_for(db, wanted)
            columns = f"{records.RECORD}, {records.FITS}"
            for record, fits in db.execute(query.sql(columns, limit=wanted.limit), query.values):
                if not fits:
                    raise WrongValueError
                yield record

    def posts(self, wanted: PostFilter) -> Iterator[Post]:
        """Yield the posts of a filter, newest first."""
        with self._read() as db:
            query = records.query_for(db, wanted)
            sql = query.sql(records.RECORD, limit=wanted.limit)
            for (record,) in db.execute(sql, query.values):
                yield records.read_post(record)

    @contextlib.contextmanager
    def select(self, wanted: PostFilter) -> Iterator[Selection]:
        """Hold the posts of a filter still, to be read several times in one snapshot."""
        with self._read() as db:
            selection = Selection(db, wanted)
            try:
                yield selection
            finally:
                selection.close()

    def search(self, wanted: PostFilter, *, by_relevance: bool = False) -> Iterator[Found]:
        """Yield what a filter finds, newest or most relevant first, the words of its query marked.

        Raises InputError where no word is looked for that could be relevant.
        """
        with self._read() as db:
            query = records.query_for(db, wanted)
            if by_relevance and not query.matches:
                raise InputError("relevance needs a word to look for", hint="give a QUERY")
            snippet = records.SNIPPET if query.matches else records.BEGINNING
            order = "rank, posts_fts.rowid DESC" if by_relevance else None
            sql = query.sql(f"{records.RECORD}, {snippet}", order=order, limit=wanted.limit)
            for record, found in db.execute(sql, query.values):
                yield Found(
                    records.read_post(record),
                    records.with_snippet(record, found),
                    records.snippet_parts(found),
                )

    def post(self, name: str) -> PostDetails:
        """Return all about one post: `@name/123`, a t.me link, `<channel id>/123`."""
        with self._read() as db:
            query = records.query_for(db, PostFilter(posts=(name,)))
            (inner_id,) = query.values
            columns = f"{records.RECORD}, p.problem, p.failure, p.error, p.next_attempt_at"
            record, problem, failure, error, due = db.execute(
                query.sql(columns), query.values
            ).fetchone()
            links = db.execute(
                "SELECT t.name, l.source, l.model, l.run_id, l.added_at FROM post_tags AS l "
                "JOIN tags AS t ON t.id = l.tag_id WHERE l.post_id = ? ORDER BY l.position",
                (inner_id,),
            )
            attempts = db.execute(
                "SELECT at, model, class, http_status, latency_ms, error, prompt_tokens, "
                "completion_tokens, cached_tokens, cost_usd, sent_letters FROM attempts "
                "WHERE post_id = ? ORDER BY id",
                (inner_id,),
            )
            details = PostDetails(
                records.read_post(record),
                record,
                tuple(
                    checked(TagLink(tag, source, model, run, moment(added)))
                    for tag, source, model, run, added in links
                ),
                tuple(checked(Attempt(moment(at), *rest)) for at, *rest in attempts),
                problem,
                failure,
                error,
                from_text(due),
            )
            return checked(details)

    def tags(self, *, unused: bool = False) -> tuple[TagCount, ...]:
        """Return the tags in use, the most used first; or those that no post has."""
        with self._read() as db:
            return tags.count_tags(db, unused=unused)

    def tags_beginning(self, text: str, most: int) -> tuple[tuple[str, int], ...]:
        """Return tags that begin so with their posts, the most used first; quick, not complete."""
        with self._read() as db:
            return tags.beginning(db, text, most)

    def channel_names(self) -> tuple[tuple[str, str], ...]:
        """Return what to call each channel, and its title; those just added, too."""
        with self._read() as db:
            return channels.names(db)

    def channels(self) -> tuple[ChannelState, ...]:
        with self._read() as db:
            return status.channel_states(db)

    def state(self) -> ArchiveState:
        with self._read() as db:
            return status.archive_state(db, self.path, engine.HEAD, dt.datetime.now(dt.UTC))

    def storage(self) -> Storage:
        with self._read() as db:
            (mode,) = db.execute("PRAGMA journal_mode").fetchone()
            is_locked = not isinstance(db, Unlocked)
        return Storage(str(mode), is_locked, network_file_system(self.path))

    def check(self) -> Soundness:
        """Read the whole file and say what is wrong with it; a damaged one, too."""
        return check.soundness(self.path)

    def check_index(self) -> bool:
        """Tell whether the search index agrees with the posts. Needs a store opened to write."""
        with self._transaction() as db:
            return search.check_index(db)

    def rebuild_index(self) -> None:
        """Make the search index anew from the posts."""
        with engine.map_errors(self.path), self._engine.connect() as connection:
            search.rebuild(engine.driver(connection))


class _DryRun(Exception):
    """Takes a transaction back; nobody outside meets it."""


# What is tagged, and tagged anew, has all its turns before it.
_FOR_TAGGING = (
    "p.id, p.channel_id, p.message_id, p.text, p.media_text, p.text_hash, "
    "CASE WHEN p.status IN ('tagged', 'skipped') THEN 0 ELSE p.attempts END"
)


def _post_for_tagging(row: Sequence[Any]) -> PostForTagging:
    _, channel_id, message_id, text, media_text, text_hash, attempts = row
    words = text_for_tagging(text, media_text)
    if (type(message_id), type(words), type(text_hash), type(attempts)) != (int, str, str, int):
        raise WrongValueError
    return PostForTagging(PostId(channel_id, message_id), words, text_hash, attempts)
