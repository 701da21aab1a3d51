"""`tgtagger doctor`: look for what is wrong, and say what to do about it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import typer

from tgtagger.cli import runs
from tgtagger.cli.options import Invocation, JsonOption, invocation
from tgtagger.cli.parsing import access_of
from tgtagger.cli.render import plural
from tgtagger.cli.targets import is_signed_in
from tgtagger.config import Settings
from tgtagger.errors import InputError, TgTaggerError, TryLater, exit_code
from tgtagger.store import Store, database_path
from tgtagger.views import Soundness

EPILOG = """Exit codes:
  0 no errors (warnings are fine) · 2 settings · 3 signed out
  6 the database is damaged or cannot be used · 75 another program holds it"""

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `hint` says what to do where it is not ok."""

    check: str
    level: Level
    message: str
    hint: str | None = None
    code: int = 0


def command(ctx: typer.Context, *, as_json: JsonOption = False) -> int:
    """Check settings, the session, permissions and the database; say what to do."""
    screen = runs.screen_of(ctx)
    findings = list(_look(invocation(ctx)))
    if as_json:
        screen.json([{k: v for k, v in asdict(item).items() if k != "code"} for item in findings])
    else:
        marks = {"ok": "ok", "warning": "warning", "error": "error"}
        styles = {"ok": "green", "warning": "yellow", "error": "bold red"}
        for item in findings:
            screen.line(f"{marks[item.level]:<8} {item.message}", styles[item.level])
            if item.hint:
                screen.line(f"{'':<8} {item.hint}")
    return exit_code([item.code for item in findings if item.level == "error"])


def _look(called: Invocation) -> Iterator[Finding]:
    try:
        settings = called.settings()
        yield Finding("settings", "ok", f"settings read ({settings.origins['config']} file)")
        settings.check_tagger()
        yield Finding("tagger", "ok", "posts are tagged by the embedded tagger: no key, no network")
    except TgTaggerError as error:
        yield Finding("settings", "error", error.message, error.hint, error.exit_code)
        return
    yield from _reader()
    yield from _session(settings)
    path = database_path(settings.db)
    yield from _permissions(settings, path)
    try:
        Store.open_to_read(settings.db).close()
    except InputError as error:
        yield Finding("database", "warning", error.message, error.hint)
        return
    except TgTaggerError as error:
        yield Finding("database", "error", error.message, error.hint, error.exit_code)
        return
    try:
        with Store.open(settings.db) as store:
            yield from _database(store.check())
    except TgTaggerError as error:
        yield Finding("database", "error", error.message, error.hint, error.exit_code)


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
    if not is_signed_in(settings):
        yield Finding(
            "session", "ok", "nobody is signed in to Telegram: channels come from the web preview"
        )
        return
    import asyncio

    from tgtagger.sources.telegram import session

    try:
        access = access_of(settings)
        name = asyncio.run(session.who(access))
    except TgTaggerError as error:
        level: Level = "warning" if isinstance(error, TryLater) else "error"
        yield Finding("session", level, error.message, error.hint, error.exit_code)
        return
    yield Finding("session", "ok", f"signed in to Telegram as {name} (account {access.account})")


def _permissions(settings: Settings, database: Path) -> Iterator[Finding]:
    files = (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm")))
    folder = settings.data_dir / "sessions"
    sessions = sorted(folder.glob("*.session")) + sorted(folder.glob("*.json"))
    for path in (*files, settings.config, *sessions):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & 0o077:
            yield Finding(
                "permissions",
                "warning",
                f"{path} can be used by others than you (mode {mode:o})",
                f"run: chmod 600 {path}",
            )
        else:
            yield Finding("permissions", "ok", f"{path} is yours only")


def _database(found: Soundness) -> Iterator[Finding]:
    for line in found.damage:
        yield Finding("database", "error", f"damaged: {line}", "bring back a backup of the file", 6)
    if found.orphans:
        yield Finding(
            "database", "error", f"{plural(found.orphans, 'row')} without its owner",
            "bring back a backup of the file", 6,
        )  # fmt: skip
    if not found.damage and not found.orphans:
        yield Finding("database", "ok", "the database is sound")
    if found.index_in_step:
        yield Finding("search", "ok", "the search index agrees with the posts")
    else:
        yield Finding(
            "search", "error", "the search index does not agree with the posts",
            "bring back a backup, or parse your exports into a new database", 6,
        )  # fmt: skip
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
