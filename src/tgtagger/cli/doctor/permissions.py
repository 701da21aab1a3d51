"""What other users of this machine could do with our files: read secrets, or replace the files.

Looks at owners and modes. Knows no access control lists.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from tgtagger.config import Settings
from tgtagger.runs.findings import Finding
from tgtagger.system.terminal_text import clean

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def look(settings: Settings, database: Path | None) -> Iterator[Finding]:
    """Yield a finding for each file that exists, then for the folders above them.

    `database`: the file of the archive; None: it is on a server.
    """
    private = [path for path in _private_files(settings, database) if not path.is_dir()]
    trusted = _trusted_files(settings)
    for path in private:
        yield from _file(path, _OTHERS, "use", "600", is_private=True)
    for path in trusted:
        yield from _file(path, _OTHERS_WRITE, "change", "go-w", is_private=False)
    folders: dict[Path, bool] = {}  # value: a new file in it may do harm, too
    for path in private:
        # SQLite takes the files beside a database for the database's own.
        folders |= {folder: folders.get(folder, False) for folder in _folders_above(path)}
        folders[path.absolute().parent] = True
    for path in trusted:
        folders = dict.fromkeys(_folders_above(path), False) | folders
    for folder, holds_private in folders.items():
        yield from _folder(folder, holds_private=holds_private)


def _folders_above(path: Path) -> Iterator[Path]:
    """Yield the folders above a file; for a link, also the folders above its target."""
    yield from path.absolute().parents
    with contextlib.suppress(OSError, RuntimeError):  # a link to itself
        yield from path.resolve().parents


def _private_files(settings: Settings, database: Path | None) -> list[Path]:
    """Return the files with posts, keys and sessions; some may be missing."""
    ends = ("", "-wal", "-shm", "-journal")
    sessions = settings.data_dir / "sessions"
    found = [database.with_name(database.name + end) for end in ends] if database else []
    found.append(settings.config)
    for kind in ("*.session", "*.session-journal", "*.json"):
        found += sorted(sessions.glob(kind))
    return found


def _trusted_files(settings: Settings) -> list[Path]:
    """Return the files that steer a run and hold no secret."""
    named = (
        settings.telegram_key, settings.llm_prompt, settings.llm_prices, settings.vocabulary,
        settings.shelves,
    )  # fmt: skip
    return [path for path in named if isinstance(path, Path)]


def _file(path: Path, wrong: int, verb: str, better: str, *, is_private: bool) -> Iterator[Finding]:
    try:
        found = path.stat()
    except OSError:
        return
    mode = stat.S_IMODE(found.st_mode)
    quoted = for_shell(path.absolute())
    if found.st_uid not in {os.geteuid(), 0}:
        yield _warning(
            f"{path} belongs to another user (number {found.st_uid})",
            f"if this is wrong, run: sudo chown $(id -un) {quoted}",
        )
    if mode & wrong:
        yield _warning(
            f"other users can {verb} {path} (mode {mode:o})",
            f"run: chmod {better} {quoted}",
        )
    elif is_private:
        yield Finding("permissions", "ok", f"{path} is yours only")


def _folder(folder: Path, *, holds_private: bool) -> Iterator[Finding]:
    try:
        found = folder.stat()
    except OSError:
        return
    mode = stat.S_IMODE(found.st_mode)
    quoted = for_shell(folder)
    if found.st_uid not in {os.geteuid(), 0}:
        yield _warning(
            f"the folder {folder} belongs to another user (number {found.st_uid}): "
            "this user can replace your files",
            "move your files to another folder, or run: sudo chown $(id -un) " + quoted,
        )
    elif mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
        yield _warning(
            f"other users can replace your files in {folder} (mode {mode:o})",
            f"run: chmod go-w {quoted}",
        )
    elif mode & _OTHERS_WRITE and holds_private:  # as /tmp: only its owner may replace a file there
        yield _warning(
            f"other users can add files beside yours in {folder} (mode {mode:o})",
            "move your files to a folder of your own",
        )


def for_shell(path: Path) -> str:
    """Return a path, quoted on one line, to copy into a command."""
    text = str(path)
    if text.isprintable() and clean(text) == text:
        return shlex.quote(text)
    # bash, zsh and ksh read this; it may stand for any bytes.
    return "$'" + "".join(map(_byte_for_shell, os.fsencode(path))) + "'"


def _byte_for_shell(byte: int) -> str:
    if byte in b"\\'":
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"


def _warning(message: str, hint: str) -> Finding:
    return Finding("permissions", "warning", message, hint)
