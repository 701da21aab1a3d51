"""The sentences of errors of the database: where it is, its use, damage, backups, recovery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def _locked(*, path: Path, process: int | None, program: str | None) -> str:
    by = "another program" if process is None else f"process {process}"
    return f"{path} is locked by {by}" + (f" ({program})" if program is not None else "")


def _access_denied(*, path: Path, is_folder: bool, wanted: str, **_: Any) -> str:
    verb = {"read": "read", "write": "written to"}[wanted]
    return f"{'the folder ' if is_folder else ''}{path} cannot be {verb}"


def _cut_off(*, path: Path) -> str:
    return f"{path} is cut off: it is empty, but {path.name}-wal is not"


def _not_its_log(*, path: Path, log: Path) -> str:
    return f"{log.name} does not belong to {path} as it is now; both files are unchanged"


def _damaged_file_unusable(*, path: Path, is_there: bool) -> str:
    return f"{path} {'is not a regular file' if is_there else 'does not exist'}"


def _row_refused(*, path: Path, table: str, key: str) -> str:
    return f"{path} does not take a row of the table {table}{f' (number {key})' if key else ''}"


_NEWER = "{path} was written by a newer tgtagger (schema {version}, this one knows {known})"
_FOREIGN = "{path} is the database of another program; it was not changed"

SENTENCES: Mapping[str, str | Callable[..., str]] = {
    # ---- where it is
    "database_url_unreadable": "the database's URL cannot be read",
    "database_kind_unsupported": (
        "databases of kind {name!r} are not supported: tgtagger keeps its posts in a SQLite file, "
        "or on a PostgreSQL server"
    ),
    "database_not_a_file": "the database must be a file",
    "database_path_with_nul": "the path of the database has a NUL character",
    "database_home_unknown": "{path}: there is no such home folder",
    # ---- on a server
    "postgres_missing": "the package that speaks to PostgreSQL is not installed",
    "database_driver_unsupported": "{name!r} is not how tgtagger speaks to PostgreSQL",
    "database_unreachable": "{path}: the server cannot be reached",
    "database_forbidden": "{path}: the server does not let this user do that",
    "database_not_trusted": "{path}: the server's certificate is not trusted, or TLS is refused",
    "no_database_on_server": "{path}: the server has no such database",
    "postgres_too_old": "PostgreSQL {version} is too old: tgtagger needs {needed} or newer",
    "database_encoding": "{path} keeps its texts in {encoding}: tgtagger needs UTF8",
    "database_connection_lost": "the connection to {path} was lost",
    "database_server_full": "{path}: the server takes no more connections",
    "server_read_only": "{path} can only be read",
    "statements_mixed_up": "{path}: a pool of connections loses what one of them has prepared",
    "database_starting": "{path}: the server is starting, or shutting down",
    "database_outcome_unknown": (
        "the connection to {path} was lost: it cannot be told if the last step was stored"
    ),
    "database_statement_cancelled": "{path}: the server broke off a statement that took too long",
    "database_server_disk_full": "{path}: the server's disk is full",
    "database_server_failed": "{path}: the server failed ({name})",
    "database_server_damaged": "{path}: the server found damage ({name})",
    "value_on_server_wrong": "{path} is damaged: a value in it cannot be ({what})",
    "database_busy": "{path}: another transaction was in the way",
    "database_on_server": "the database is on a server, and has no file",
    # ---- what lies there
    "no_database": "there is no database yet at {path}",
    "database_empty": "{path} is empty",
    "database_is_folder": "{path} is a folder, not a database",
    "database_no_ordinary_file": "{path} is not a regular file",
    "database_cut_off": _cut_off,
    "not_a_database": "{path} is not a database; it was not changed",
    "foreign_database": _FOREIGN,
    "database_newer": _NEWER,
    "database_older": "{path} has an older schema ({version}; this one reads {known})",
    "sqlite_too_old": "SQLite {version} is too old: tgtagger needs {needed} or newer",
    "log_not_its_own": _not_its_log,
    # ---- what keeps it from being used
    "database_locked": _locked,
    "locks_refused": "locks do not work in the folder of {path}: {reason}",
    "database_written_meanwhile": (
        "another program wrote to {path} during the reading, and locks do not work there"
    ),
    "database_moved": "{path} was moved or removed while it was in use",
    "too_many_open_files": "{path} cannot be opened: too many open files",
    "access_denied": _access_denied,
    "database_file_refused": "{path}: {reason}",
    "database_read_only": "{path} cannot be written to",
    "database_unusable": "{path} cannot be used",
    "database_unopenable": "{path} cannot be opened",
    "database_half_written": (
        "a killed run left {path} half written, and this user cannot repair it"
    ),
    "database_disk_full": "no space left to write {path}",
    "temporary_disk_full": "no space left for temporary files in {folder}",
    "database_io_failed": "{path}: reading or writing failed ({name})",
    "database_write_failed": "{path}: writing failed ({name})",
    "shared_memory_unwritable": "{path}-shm cannot be written ({name})",
    "database_locking_failed": "{path}: locking failed ({name})",
    # ---- damage
    "database_corrupt": "{path} is damaged, or its disk cannot be read",
    "database_damaged": "{path} is damaged",
    "database_damaged_at": "{path} is damaged: {found}",
    # ---- upgrades, backups
    "upgrade_not_backed_up": "{path} was not upgraded, because its backup failed: {reason}",
    "copy_exists": "{target} exists already",
    "copy_is_folder": "{target} is a folder",
    "copy_without_folder": "the folder of {target} does not exist",
    "copy_unwritable": "{target} cannot be written: {reason}",
    "copy_belongs_to_database": "{target} belongs to the database",
    "copy_beside_another_log": "{log} belongs to another database",
    "copy_damaged": "the copy of {path} is damaged, and was not kept: {damage}",
    "backup_of_server": "the database is on a server, which makes its own backups",
    "recovery_of_server": "the database is on a server: there is no file to save from",
    # ---- copies into another database
    "copy_source_missing": "there is no archive at {path}: nothing to copy",
    "copy_onto_itself": "{path} is both where to copy from and where to copy to",
    "copy_target_used": "{path} has an archive of its own; nothing was copied",
    "copy_unfinished": "{path} is half a copy of another archive",
    "copy_row_refused": _row_refused,
    "copy_differs": "{path} differs from what was copied into it, in the table {table}",
    # ---- recovery
    "recovery_target_exists": "{target} exists already",
    "recovery_without_room": "{target} cannot be written: {reason}",
    "damaged_file_unusable": _damaged_file_unusable,
    "foreign_database_not_saved": _FOREIGN,
    "nothing_to_save": "nothing in {path} can be saved",
}
