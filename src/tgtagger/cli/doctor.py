"""`tgtagger doctor`: look for what is wrong, and say what to do about it.

Looks at what is on this machine, and asks who is signed in; the tagging server is looked at by
`server_checks`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path

import typer

from tgtagger import signals
from tgtagger.cli import permissions, recovery, runs
from tgtagger.cli.doctor_backup import BackupOption, back_up
from tgtagger.cli.findings import SKEW, Finding, Level
from tgtagger.cli.options import Invocation, JsonOption, invocation
from tgtagger.cli.parsing import access_of
from tgtagger.cli.recovery import RecoverOption
from tgtagger.cli.render import local_time, megabytes, plural
from tgtagger.cli.taggers import make_tagger
from tgtagger.cli.targets import is_signed_in
from tgtagger.config import Settings
from tgtagger.errors import InputError, TgTaggerError, TryLater, exit_code, system_error
from tgtagger.store import Store, database_path, kept_backups
from tgtagger.views import Soundness, Storage
from tgtagger.visible import clean

EPILOG = """Examples:
  tgtagger doctor
  tgtagger doctor --backup ~/backup/posts-$(date +%F).db    while others write, too
  tgtagger doctor --recover saved.db     what is left of a damaged database, in a new one

A search index that does not agree with the posts is made anew. A damaged database
is never written to: see docs/recovery.md.

Exit codes:
  0 no errors (warnings are fine), copied, or all saved · 2 settings, or a FILE that
  cannot be had · 3 a person must act: signed out, a key, a model · 5 saved, but
  something is lost · 6 the database is damaged or cannot be used, nothing of it can
  be saved · 75 another program holds it, or a server is down"""

WRITTEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""A clock that is earlier is wrong: this program is younger."""
RECOVER = "save what can be read into a new file: tgtagger doctor --recover FILE"

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


def command(
    ctx: typer.Context,
    *,
    backup: BackupOption = None,
    recover: RecoverOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check settings, the session, permissions, the database and the tagging server.

    A language model is asked for the tags of two short posts that come with tgtagger.
    """
    if backup is not None and recover is not None:
        raise InputError("--backup and --recover exclude each other", hint="one at a time")
    if backup is not None:
        return back_up(ctx, backup, as_json=as_json)
    if recover is not None:
        return recovery.recover(ctx, recover, as_json=as_json)
    screen = runs.screen_of(ctx)
    findings: list[Finding] = []
    for item in _look(invocation(ctx)):
        findings.append(item)
        if not as_json:
            screen.line(f"{item.level:<8} {item.message}", _STYLES[item.level])
            if item.hint:
                screen.line(f"{'':<8} {item.hint}")
    if as_json:
        screen.json([_as_json(item) for item in findings])
    return exit_code([item.code for item in findings if item.level == "error"])


def _as_json(item: Finding) -> dict[str, str | None]:
    shown = {name: value for name, value in asdict(item).items() if name != "code"}
    return {name: value and clean(value) for name, value in shown.items()}


def _look(called: Invocation) -> Iterator[Finding]:
    try:
        settings = called.settings()
    except TgTaggerError as error:
        yield Finding("settings", "error", error.message, error.hint, error.exit_code)
        return
    yield Finding("settings", "ok", f"settings read ({settings.origins['config']} file)")
    yield from _reader()
    yield from _session(settings)
    yield from permissions.look(settings, database_path(settings.db))
    found = yield from _archive(settings)
    is_sound = found is not None and not found.damage and not found.altered
    yield _clock(None if found is None else found.newest)
    yield from _backups(database_path(settings.db))
    if settings.tagger == "llm":
        from tgtagger.cli import server_checks

        yield from server_checks.look(settings, has_archive=is_sound)
    else:
        yield _embedded(settings)


def _embedded(settings: Settings) -> Finding:
    try:
        make_tagger(settings, None)
    except TgTaggerError as error:
        return Finding("tagger", "error", error.message, error.hint, error.exit_code)
    return Finding("tagger", "ok", "posts are tagged by the embedded tagger: no key, no network")


def _clock(newest: dt.datetime | None) -> Finding:
    now = dt.datetime.now(dt.UTC)
    late = dt.timedelta() if newest is None else newest - now
    if now < WRITTEN:
        words = f"the clock says {now:%Y-%m-%d}: this program was not written then"
    elif newest is not None and late.total_seconds() > SKEW:
        words = f"the clock is behind the last run, or the newest post ({local_time(newest)})"
    else:
        return Finding("clock", "ok", "the clock is later than what is stored")
    return Finding("clock", "warning", words, "set it: what is tried again, and when, goes by it")


def _archive(settings: Settings) -> Generator[Finding, None, Soundness | None]:
    """Look at the database; return what was found, None where it cannot be used."""
    try:
        with Store.open_to_read(settings.db) as store:
            storage = store.storage()
    except InputError as error:
        yield Finding("database", "warning", error.message, error.hint)
        return None
    except TgTaggerError as error:
        yield Finding("database", "error", error.message, error.hint, error.exit_code)
        return None
    yield _storage(storage)
    try:
        with Store.open_to_read(settings.db) as store:
            found = store.check()
    except TgTaggerError as error:
        yield Finding("database", "error", error.message, error.hint, error.exit_code)
        return None
    yield from _database(found)
    if not found.damage and not found.altered:
        yield _search(settings)
    return found


def _storage(found: Storage) -> Finding:
    words, hint = "the database uses write-ahead logging", None
    if not found.is_locked:
        words = "the database can only be read, and without locks: SQLite's files are denied there"
        hint = "to write, make room, or see to the permissions of the database's folder"
    elif found.network is not None:
        words = f"the database lies on a network file system ({found.network})"
        hint = "move it to a local disk; until then use it from one machine at a time"
    elif found.mode != "wal":
        words = "write-ahead logging is not used: writing is slower, and waits for who reads"
        hint = "where it can be had, the next run that writes turns it on"
    return Finding("storage", "warning" if hint else "ok", words, hint)


def _backups(database: Path) -> Iterator[Finding]:
    for kept in kept_backups(database):
        size = megabytes(kept.stat().st_size)
        yield Finding(
            "backup",
            "ok",
            f"{kept} is the database as it was before it was brought up to date ({size})",
            "delete it when you no longer want it",
        )


def _search(settings: Settings) -> Finding:
    """Compare the search index with the posts; where it is out of step, make it anew.

    It is made of the posts alone, so nothing can be lost by that. SQLite compares it for writers
    only.
    """
    try:
        with Store.open(settings.db) as store:
            if store.check_index():
                return Finding("search", "ok", "the search index agrees with the posts")
            store.rebuild_index()
    except TgTaggerError as error:
        message = f"the search index could not be compared or mended: {error.message}"
        return Finding("search", "error", message, error.hint, error.exit_code)
    return Finding(
        "search", "warning", "the search index did not agree with the posts: it was made anew"
    )


def _reader() -> Iterator[Finding]:
    import ijson

    backend = str(ijson.backend)
    if backend == "yajl2_c":
        yield Finding("reader", "ok", "exports are read by ijson's compiled part")
    else:
        yield Finding(
            "reader",
            "warning",
            f"exports are read slowly (ijson's backend is {backend})",
            "install ijson from a wheel: pip install --force-reinstall --only-binary :all: ijson",
        )


def _session(settings: Settings) -> Iterator[Finding]:
    try:
        if not is_signed_in(settings):
            yield Finding(
                "session", "ok",
                "nobody is signed in to Telegram: channels come from the web preview",
            )  # fmt: skip
            return
    except OSError as error:
        found = system_error(error, f"{settings.data_dir} cannot be used")
        yield Finding("session", "error", found.message, found.hint, found.exit_code)
        return
    from tgtagger.sources.telegram import session

    try:
        access = access_of(settings)
        name = signals.run(session.who, access)
    except TgTaggerError as error:
        level: Level = "warning" if isinstance(error, TryLater) else "error"
        yield Finding("session", level, error.message, error.hint, error.exit_code)
        return
    yield Finding("session", "ok", f"signed in to Telegram as {name} (account {access.account})")


SHOWN = 20
"""Places of damage that are named; the rest is counted."""


def _database(found: Soundness) -> Iterator[Finding]:
    for words in found.damage[:SHOWN]:
        yield Finding("database", "error", f"damaged: {words}", RECOVER, 6)
    if len(found.damage) > SHOWN:
        more = plural(len(found.damage) - SHOWN, "more table")
        yield Finding("database", "error", f"damaged: {more}", RECOVER, 6)
    if found.altered:
        text = "its text is" if found.altered == 1 else "their texts are"
        yield Finding(
            "content", "error", f"altered: {plural(found.altered, 'post')}: {text} not as stored",
            RECOVER, 6,
        )  # fmt: skip
    if not found.damage and not found.altered:
        yield Finding("database", "ok", "the database is sound")
    if found.unreadable:
        yield Finding(
            "content", "warning", f"{plural(found.unreadable, 'post')} could not be read whole",
            "a newer export or version may read them: parse it again",
        )  # fmt: skip
    if found.textless:
        yield Finding(
            "content", "warning", f"{plural(found.textless, 'post')} with neither text nor media"
        )
    for item in found.rejected:
        yield Finding(
            "rejected",
            "warning",
            f"message {item.id or '(without an id)'} of {item.channel} was rejected: {item.reason}",
        )
