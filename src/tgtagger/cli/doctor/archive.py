"""The checks of the database in `tgtagger doctor`: how it is kept, and its integrity."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

from tgtagger.cli.context import UPGRADING
from tgtagger.cli.doctor import archive_server
from tgtagger.cli.doctor.findings import Shown, failure
from tgtagger.cli.doctor.permissions import for_shell
from tgtagger.cli.wording import plural, size_of
from tgtagger.config import Settings
from tgtagger.errors import NoDatabase, TgTaggerError
from tgtagger.model.database import Storage
from tgtagger.model.integrity import IntegrityReport, PostCount
from tgtagger.runs.findings import Finding
from tgtagger.store import Store, database_path, kept_backups

LEAST_ROOM = 100_000_000
"""Bytes beyond a copy of the database, for the runs to come."""
RECOVER = "save what can be read into a new file: tgtagger doctor --recover FILE"


def look(settings: Settings, progress: Shown) -> Generator[Finding, None, IntegrityReport | None]:
    """Check the database; return its integrity report, None where it cannot be used."""
    try:
        with (
            progress(UPGRADING, is_sure=False) as live,
            Store.open_up_to_date(settings.db, on_upgrade=live.steps) as store,
        ):
            storage, server = store.integrity.storage(), store.integrity.server()
            place = str(store.place)
    except NoDatabase as error:  # before the first run this is as it should be
        yield failure("database", error, "warning")
        return None
    except TgTaggerError as error:
        yield failure("database", error)
        return None
    if server is None:
        yield _storage(storage)
        yield from _room(database_path(settings.db))
    else:
        yield from archive_server.look(place, server)
    try:
        with (
            Store.open_up_to_date(settings.db) as store,
            progress("checking the database") as live,
        ):
            found = store.integrity.check(live.steps)
    except TgTaggerError as error:
        yield failure("database", error)
        return None
    yield from _contents(found, RECOVER if server is None else archive_server.RECOVER)
    if not found.damage and not found.altered:
        yield from _shifted(settings)
        yield from _queue(settings)
        with progress("counting the posts of the tags"):
            counted = [*_uses(settings)]
        yield from counted
        if found.index_agrees:
            yield _AGREES
        else:
            with progress("checking the search index"):
                searched = _search(settings)
            yield searched
    return found


def _storage(found: Storage) -> Finding:
    words, hint = "the database uses write-ahead logging", None
    if not found.is_locked:
        words = "the database can only be read, without locks: SQLite cannot make its files there"
        hint = "to write, free some space, or change the permissions of the folder"
    elif found.network is not None:
        words = f"the database is on a network file system ({found.network})"
        hint = "move it to a local disk; until then, use it from one machine only"
    elif found.mode != "wal":
        words = "write-ahead logging is not used: writing is slower, and waits for readers"
        hint = "the next run that writes turns it on, if the disk allows it"
    return Finding("storage", "warning" if hint else "ok", words, hint)


def _room(database: Path) -> Iterator[Finding]:
    """Check the free space: an upgrade and `--backup` copy the database."""
    try:
        free, size = shutil.disk_usage(database.parent).free, database.stat().st_size
    except OSError:
        return
    words = f"{size_of(free)} are free beside the database ({size_of(size)})"
    if free > size + LEAST_ROOM:
        yield Finding("room", "ok", words)
    else:
        yield Finding(
            "room", "warning", words, f"free some space in {for_shell(database.parent)}: "
            "an upgrade makes a copy, and a full disk ends every run",
        )  # fmt: skip


def backups(database: Path) -> Iterator[Finding]:
    for kept in kept_backups(database):
        size = size_of(kept.stat().st_size)
        yield Finding(
            "backup",
            "ok",
            f"{kept} is a copy of the database before an upgrade ({size})",
            "delete it when you no longer need it",
        )


def _shifted(settings: Settings) -> Iterator[Finding]:
    """Join channels that old exports brought in under shifted ids: nothing is lost by it."""
    from tgtagger.runs.shifted_ids import join_shifted

    try:
        joined = join_shifted(settings)
    except TgTaggerError as error:
        found = failure("channels", error)
        message = "a channel with the wrong id of an old export could not be corrected: "
        yield replace(found, message=f"{message}{error.message}")
        return
    for each in joined:
        title, number = each.channel.title, each.channel.id
        if each.own is None:
            yield Finding(
                "channels", "warning",
                f"{title} has the id {number}, which may be the wrong id of an export from before "
                "spring 2021. This is not certain, so it was not changed",
                "if another of your channels has the same posts: "
                f"tgtagger channels remove {number} --with-posts",
            )  # fmt: skip
        else:
            yield Finding(
                "channels", "warning",
                f"{title} had the wrong id {number}, from an export made before spring 2021. Its "
                f"posts were joined with the right one, {each.own} ({plural(each.posts, 'post')})",
                "nothing to do",
            )  # fmt: skip


def _queue(settings: Settings) -> Iterator[Finding]:
    """Compare the queue of the taggers with the posts; make it anew where they differ."""
    try:
        with Store.open(settings.db, create=False) as store:
            wrong = store.queue.out_of_step()
            if wrong:
                store.queue.refill()
    except TgTaggerError as error:
        found = failure("queue", error)
        message = f"the queue of posts to tag could not be checked or rebuilt: {error.message}"
        yield replace(found, message=message)
        return
    if wrong:
        yield Finding(
            "queue", "warning",
            f"the queue of posts to tag differed from the posts ({plural(wrong, 'post')}): it was "
            "rebuilt",
            "nothing to do; if it happens again, check the disk",
        )  # fmt: skip


def _uses(settings: Settings) -> Iterator[Finding]:
    """Compare how many posts each tag is said to have with those that have it; count anew."""
    try:
        with Store.open(settings.db, create=False) as store:
            is_right = store.integrity.check_uses()
            if not is_right:
                store.integrity.recount_uses()
    except TgTaggerError as error:
        found = failure("tags", error)
        yield replace(found, message=f"the posts of the tags could not be counted: {error.message}")
        return
    if not is_right:
        yield Finding(
            "tags", "warning",
            "the counts of the tags differed from the posts: they were counted again",
            "nothing to do; if it happens again, check the disk",
        )  # fmt: skip


_AGREES = Finding("search", "ok", "the search index agrees with the posts")


def _search(settings: Settings) -> Finding:
    """Compare the search index with the posts; rebuild it where they differ.

    The index is made of the posts alone, so a rebuild loses nothing. SQLite compares it for
    writers only.
    """
    try:
        with Store.open(settings.db, create=False) as store:
            if store.integrity.check_index():
                return _AGREES
            store.integrity.rebuild_index()
    except TgTaggerError as error:
        found = failure("search", error)
        message = f"the search index could not be checked or rebuilt: {error.message}"
        return replace(found, message=message)
    return Finding(
        "search", "warning", "the search index differed from the posts: it was rebuilt",
        "nothing to do; if it happens again, check the disk",
    )  # fmt: skip


SHOWN = 20
"""Places of damage that are named; the others are counted."""


def _contents(found: IntegrityReport, recover: str) -> Iterator[Finding]:
    for words in found.damage[:SHOWN]:
        yield Finding("database", "error", f"damaged: {words}", recover, 6)
    if len(found.damage) > SHOWN:
        more = plural(len(found.damage) - SHOWN, "more table")
        yield Finding("database", "error", f"damaged: {more}", recover, 6)
    if found.altered:
        text = "its text is" if found.altered == 1 else "their texts are"
        yield Finding(
            "content", "error", f"altered: {plural(found.altered, 'post')}: {text} not as stored",
            recover, 6,
        )  # fmt: skip
    if not found.damage and not found.altered:
        yield Finding("database", "ok", "the database is sound")
    if found.unreadable.count:
        yield Finding(
            "content", "warning", f"{_posts(found.unreadable)} could not be read completely",
            "after an update, run: tgtagger parse --reconvert; or parse a newer export",
        )  # fmt: skip
    if found.textless.count:
        yield Finding(
            "content", "warning", f"{_posts(found.textless)}: neither text nor media",
            "if Telegram shows more, read them again: tgtagger parse CHANNEL --refresh N",
        )  # fmt: skip
    for item in found.rejected:
        yield Finding(
            "rejected",
            "warning",
            f"message {item.id or '(without an id)'} of {item.channel} was rejected: {item.reason}",
            "look at it in Telegram: another source, or a newer export, may have all of it",
        )


def _posts(found: PostCount) -> str:
    return f"{plural(found.count, 'post')} ({', '.join(found.such_as)}{_more(found)})"


def _more(found: PostCount) -> str:
    return ", …" if found.count > len(found.such_as) else ""
