"""`tgtagger doctor`: look for what is wrong, and say what to do about it.

Decides the order of the checks. Each module here checks one thing: `permissions`, the `archive`,
`telegram`, the tagging `server`. `backup` and `recovery` are the two options.
"""

from __future__ import annotations

import datetime as dt
import platform
import sqlite3
from collections.abc import Iterator
from functools import partial

import typer

from tgtagger import __version__
from tgtagger.cli.context import Invocation, invocation, screen_of
from tgtagger.cli.doctor import archive, archive_server, permissions, recovery, telegram
from tgtagger.cli.doctor.backup import BackupOption, back_up
from tgtagger.cli.doctor.findings import SKEW, Shown, failure
from tgtagger.cli.doctor.recovery import RecoverOption
from tgtagger.cli.failures import usage
from tgtagger.cli.options import JsonOption
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import local_time
from tgtagger.config import Settings, unknown_variables
from tgtagger.errors import TgTaggerError, exit_code
from tgtagger.runs import shapes
from tgtagger.runs.findings import Finding
from tgtagger.runs.taggers import make_tagger
from tgtagger.store import database_path, is_on_server

EPILOG = """Examples:
  tgtagger doctor
  tgtagger doctor --backup ~/backup/posts-$(date +%F).db    make a copy
  tgtagger doctor --recover saved.db       save what can be read

doctor rebuilds a search index that differs from the posts. It joins a channel
that an old export stored under a wrong id with the right one. It never writes
to a damaged database: see docs/recovery.md.

Exit codes:
   0  no errors (warnings are fine), copied, or everything saved
   2  wrong settings, or a FILE that cannot be used
   3  you must act: sign in, or change the key or the model
   5  saved, but something is lost
   6  the database is damaged or cannot be used
  75  another program uses the database, or a server is down"""

WRITTEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""An earlier clock is wrong: this program was written later."""

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


def command(
    ctx: typer.Context,
    *,
    backup: BackupOption = None,
    recover: RecoverOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check settings, permissions, the database, the session and the tagging server.

    If you use a language model, it gets two short example posts to tag.
    """
    if backup is not None and recover is not None:
        raise usage("--backup and --recover exclude each other", "use one of them")
    if backup is not None:
        return back_up(ctx, backup, as_json=as_json)
    if recover is not None:
        return recovery.recover(ctx, recover, as_json=as_json)
    screen = screen_of(ctx)
    if as_json:
        findings = list(_look(invocation(ctx), screen.progress))
        screen.json([shapes.finding(item) for item in findings])
    else:
        findings = list(
            _drawn(screen, _look(invocation(ctx), partial(screen.progress, tells=True)))
        )
    return exit_code([item.code for item in findings if item.level == "error"])


def _drawn(screen: Screen, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Draw each finding at once, since a check may take long."""
    for item in findings:
        screen.line(f"{item.level:<8} {item.message}", _STYLES[item.level])
        if item.hint:
            screen.line(f"{'':<8} {item.hint}")
        yield item


def _variables() -> Iterator[Finding]:
    """Find variables that are no setting: probably misspelled, and then without effect."""
    for name, near in unknown_variables():
        hint = f"did you mean {near}?" if near else "see docs/settings.md"
        yield Finding("settings", "warning", f"the variable {name} is not a setting", hint)


def _look(called: Invocation, progress: Shown) -> Iterator[Finding]:
    try:
        settings = called.settings()
    except TgTaggerError as error:
        yield failure("settings", error)
        return
    yield Finding("settings", "ok", f"settings read ({settings.origins['config']} file)")
    yield _versions()
    yield from _variables()
    yield from _reader()
    # Before anything opens the database: SQLite's own files beside it must not become findings.
    database = None if is_on_server(settings.db) else database_path(settings.db)
    yield from permissions.look(settings, database)
    if database is None:
        yield from archive_server.password(settings)
    yield from telegram.look(settings, progress)
    found = yield from archive.look(settings, progress)
    is_sound = found is not None and not found.damage and not found.altered
    yield _clock(None if found is None else found.newest)
    if database is not None:
        yield from archive.backups(database)
    if settings.tagger == "llm":
        from tgtagger.cli.doctor import server

        yield from server.look(settings, has_archive=is_sound)
    else:
        yield _embedded(settings)


def _versions() -> Finding:
    python = platform.python_version()
    return Finding(
        "versions", "ok",
        f"tgtagger {__version__}, Python {python}, SQLite {sqlite3.sqlite_version}, "
        f"{platform.system()}",
    )  # fmt: skip


def _embedded(settings: Settings) -> Finding:
    try:
        settings.check_llm()
        make_tagger(settings, None)
    except TgTaggerError as error:
        return failure("tagger", error)
    return Finding("tagger", "ok", "posts are tagged by the embedded tagger: no key, no network")


def _clock(newest: dt.datetime | None) -> Finding:
    now = dt.datetime.now(dt.UTC)
    late = dt.timedelta() if newest is None else newest - now
    if now < WRITTEN:
        words = f"the clock says {now:%Y-%m-%d}: this program is newer"
    elif newest is not None and late.total_seconds() > SKEW:
        words = f"the clock is behind the last run, or the newest post ({local_time(newest)})"
    else:
        return Finding("clock", "ok", "the clock is later than all that is stored")
    return Finding("clock", "warning", words, "set the clock: retries depend on it")


def _reader() -> Iterator[Finding]:
    from tgtagger.sources.desktop.file import parser_backend

    backend = parser_backend()
    if backend == "yajl2_c":
        yield Finding("reader", "ok", "exports are read by ijson's compiled part")
    else:
        yield Finding(
            "reader",
            "warning",
            f"exports are read slowly (ijson's backend is {backend})",
            "install ijson from a wheel: pip install --force-reinstall --only-binary :all: ijson",
        )
