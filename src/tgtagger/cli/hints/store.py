"""The hints for errors of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tgtagger.system.terminal_text import shell_word

_URL = "give a path, or a URL: sqlite:////home/me/posts.db or postgresql://USER@HOST/NAME"
_ANOTHER = "choose another file with --db or TGTAGGER_DB"
_PERMISSIONS = "check the path, and the permissions of the file and its folder"
_DISK = "check the disk, then run: tgtagger doctor"
_ROOM = "free some space; what was stored is kept"
_UPDATE = "update tgtagger: nothing was changed"
RECOVER = "check it: tgtagger doctor; save what is left: tgtagger doctor --recover FILE"


def _access_denied(*, path: Path, is_read_only: bool, **_: Any) -> str:
    if is_read_only:
        return "its file system is mounted read-only"
    return f"check the permissions of {path}"


def _older(*, path: Path, **_: Any) -> str:
    return (
        f"first bring it up to date, by any command: tgtagger --db {shell_word(str(path))} status"
    )


def _not_its_log(*, path: Path, log: Path) -> str:
    return f"if you restored {path.name} from a backup, move {log.name} away"


def _as_it_was(*, path: Path, reason_hint: str | None, **_: Any) -> str:
    return f"{path} is unchanged. {reason_hint or ''}".strip()


HINTS: Mapping[str, str | Callable[..., str | None]] = {
    # ---- its place
    "database_url_unreadable": _URL,
    "database_kind_unsupported": _URL,
    "database_not_a_file": _URL,
    "database_path_with_nul": _URL,
    "database_home_unknown": _URL,
    # ---- on a server
    "postgres_missing": "pipx install 'tgtagger[postgres]', or: pip install 'tgtagger[postgres]'",
    "database_driver_unsupported": "write the URL as postgresql://USER@HOST/NAME",
    "database_unreachable": "check the host and the port in --db, and that the server runs",
    "database_forbidden": (
        "check the user and the password (a file ~/.pgpass keeps it), and what the user may do"
    ),
    "database_not_trusted": (
        "name the certificate of who signed it: ?sslmode=verify-full&sslrootcert=FILE in the URL"
    ),
    "no_database_on_server": "make it: createdb NAME; tgtagger makes the tables in it",
    "postgres_too_old": "upgrade the server",
    "database_encoding": "make another: createdb --encoding=UTF8 --template=template0 NAME",
    "database_connection_lost": "what was stored is kept; run it again",
    "database_server_full": "try again later, or allow more (max_connections)",
    "server_read_only": "if it follows another server, give the URL of that one to write",
    "statements_mixed_up": "end the URL with ?prepare_threshold=0: see docs/postgres.md",
    "database_starting": "try again in a minute",
    "database_outcome_unknown": "run it again: it goes on with what is there",
    "database_statement_cancelled": (
        "let it take longer: ALTER ROLE NAME SET statement_timeout = 0; what was stored is kept"
    ),
    "database_server_disk_full": "free some space on the server; what was stored is kept",
    "database_server_failed": "look into the server's log; what was stored is kept",
    "database_server_damaged": (
        "look into the server's log, check it with pg_amcheck, and restore a backup"
    ),
    "value_on_server_wrong": "see where: tgtagger doctor; then restore a backup",
    "database_busy": "run it again; what was stored is kept",
    "database_on_server": "back it up with pg_dump, check it with pg_amcheck",
    # ---- its file
    "no_database": (
        "fill it: tgtagger parse @CHANNEL, or the folder of an export; or choose another with --db"
    ),
    "database_empty": "fill it: tgtagger parse PATH-TO-EXPORT",
    "database_is_folder": "give the name of a file in it",
    "database_no_ordinary_file": "choose another with --db",
    "database_cut_off": RECOVER,
    "not_a_database": _ANOTHER,
    "foreign_database": _ANOTHER,
    "database_newer": _UPDATE,
    "database_older": _older,
    "sqlite_too_old": "install a newer Python, or a newer SQLite",
    "log_not_its_own": _not_its_log,
    # ---- access
    "database_locked": "close that program, or try again when it has ended",
    "locks_refused": "move it to a local disk; on NFS, check its lock service",
    "database_written_meanwhile": "run it again",
    "database_moved": "nothing more was written; run it again with the new path in --db",
    "too_many_open_files": "allow more (ulimit -n)",
    "access_denied": _access_denied,
    "database_file_refused": _PERMISSIONS,
    "database_read_only": _PERMISSIONS,
    "database_unusable": _PERMISSIONS,
    "database_unopenable": _PERMISSIONS,
    "database_half_written": (
        "run tgtagger doctor as a user who can write to the file and its folder"
    ),
    "database_disk_full": _ROOM,
    "temporary_disk_full": "free some space there, or set SQLITE_TMPDIR to another folder",
    "database_io_failed": _DISK,
    "database_write_failed": (
        "check the disk, its quota and the limit of file sizes (ulimit -f); then: tgtagger doctor"
    ),
    "shared_memory_unwritable": (
        "free some space, or check the disk: tgtagger doctor; what was stored is kept"
    ),
    "database_locking_failed": _DISK,
    # ---- damage
    "database_corrupt": RECOVER,
    "database_damaged": RECOVER,
    "database_damaged_at": RECOVER,
    # ---- upgrades, backups
    "upgrade_not_backed_up": _as_it_was,
    "copy_exists": "choose a new name, or delete this file first",
    "copy_is_folder": "give the name of a file in it",
    "copy_without_folder": "create it first",
    "copy_unwritable": "choose a folder where you can write",
    "copy_belongs_to_database": "choose another name",
    "copy_beside_another_log": "choose another name, or move that file away",
    "copy_damaged": "run: tgtagger doctor; if the database is sound, check the disk",
    "backup_of_server": (
        "make one: pg_dump --format=custom --file=FILE URL; "
        "or copy it into a SQLite file: tgtagger copy URL FILE"
    ),
    "recovery_of_server": (
        "see what is damaged: pg_amcheck --host=HOST NAME; then restore a backup into a new "
        "database: pg_restore --dbname=URL FILE"
    ),
    # ---- copies into another database
    "copy_source_missing": "give the path or the URL of the database to copy from",
    "copy_onto_itself": "name another database to copy to",
    "copy_target_used": "name a new database to copy to, or an empty one",
    "copy_unfinished": (
        "go on: tgtagger copy FROM TO, as before; if it was begun by another version of tgtagger, "
        "delete it and copy again"
    ),
    "copy_row_refused": (
        "PostgreSQL takes no NUL in a text, and no database what belongs to nothing: check the one "
        "that is copied: tgtagger doctor"
    ),
    "copy_differs": "copy again: only what differs is copied; if that fails, check the disk",
    # ---- recovery
    "recovery_target_exists": "choose a new name",
    "recovery_without_room": "free some space, or choose a file on another disk",
    "damaged_file_unusable": "give the damaged database with --db",
    "nothing_to_save": "restore a backup",
}
