"""The hints for errors of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_URL = "give a path, or a URL such as sqlite:////home/me/posts.db"
_ANOTHER = "name another file with --db or TGTAGGER_DB"
_PERMISSIONS = "check the path, and the permissions of the file and its folder"
_DISK = "check the disk, then run: tgtagger doctor"
_ROOM = "make room; what was committed is kept"
_UPDATE = "update tgtagger: nothing was changed"
RECOVER = "see what is left: tgtagger doctor; save it: tgtagger doctor --recover FILE"


def _access_denied(*, path: Path, is_read_only: bool, **_: Any) -> str:
    if is_read_only:
        return "its file system is mounted read-only"
    return f"check the permissions of {path}"


def _not_its_log(*, path: Path, log: Path) -> str:
    return f"if {path.name} is a backup put in place, move {log.name} away"


def _as_it_was(*, path: Path, reason_hint: str | None, **_: Any) -> str:
    return f"{path} is as it was. {reason_hint or ''}".strip()


HINTS: Mapping[str, str | Callable[..., str | None]] = {
    # ---- its place
    "database_url_unreadable": _URL,
    "database_kind_unsupported": _URL,
    "database_not_a_file": _URL,
    "database_path_with_nul": _URL,
    "database_home_unknown": _URL,
    # ---- its file
    "no_database": (
        "fill it: tgtagger parse @CHANNEL, or a Desktop export's folder; or name another with --db"
    ),
    "database_empty": "fill it: tgtagger parse PATH-TO-EXPORT",
    "database_is_folder": "name a file in it",
    "database_no_ordinary_file": "name another with --db",
    "database_cut_off": RECOVER,
    "not_a_database": _ANOTHER,
    "foreign_database": _ANOTHER,
    "database_newer": _UPDATE,
    "sqlite_too_old": "SQLite comes with Python, or with the system: take a newer one of either",
    "log_not_its_own": _not_its_log,
    # ---- access
    "database_locked": "end that program, or try again when it has finished",
    "locks_refused": "keep it on a local disk; on NFS, see to its lock service",
    "database_written_meanwhile": "run it again",
    "database_moved": "nothing more was written; run it again with the database where it is now",
    "too_many_open_files": "allow more (ulimit -n)",
    "access_denied": _access_denied,
    "database_file_refused": _PERMISSIONS,
    "database_read_only": _PERMISSIONS,
    "database_unusable": _PERMISSIONS,
    "database_unopenable": _PERMISSIONS,
    "database_half_written": (
        "run tgtagger doctor as somebody who may write to the file and its folder"
    ),
    "database_disk_full": _ROOM,
    "temporary_disk_full": "make room there, or name another folder: SQLITE_TMPDIR",
    "database_io_failed": _DISK,
    "database_write_failed": (
        "a quota, a limit of a file's size (ulimit -f), or a disk that fails: see tgtagger doctor"
    ),
    "shared_memory_unwritable": (
        "make room, or check the disk: tgtagger doctor; what was committed is kept"
    ),
    "database_locking_failed": _DISK,
    # ---- damage
    "database_corrupt": RECOVER,
    "database_damaged": RECOVER,
    "database_damaged_at": RECOVER,
    # ---- upgrades, backups, recovery
    "upgrade_not_backed_up": _as_it_was,
    "copy_exists": "name a new file, or delete this one first",
    "copy_is_folder": "name a file in it",
    "copy_without_folder": "make it first",
    "copy_unwritable": "name a file where you may write",
    "copy_belongs_to_database": "name another file",
    "copy_beside_another_log": "name another file, or move it away",
    "copy_damaged": "run: tgtagger doctor; if it finds the database sound, look at the disk",
    "recovery_target_exists": "name a new file",
    "recovery_without_room": "make room, or name a file on another disk",
    "damaged_file_unusable": "name the damaged database with --db",
    "nothing_to_save": "bring back a backup",
}
