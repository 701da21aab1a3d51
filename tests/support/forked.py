"""A process that has loaded the program, and forks one for each run: to load takes most of it.

A fork is a process of its own, a child of the test's, which may be stopped, killed and traced. It
differs in two ways: nothing is broken while it loads, and its memory is not that of a run. So long
forms, and runs that are weighed, start anew. Linux only: the fork of a fork becomes our child.

As a program, this is the process that forks; it ends with the test's.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

PR_SET_CHILD_SUBREAPER = 36
LOADED = (
    "alembic.command", "alembic.runtime.migration", "fastapi", "httpx", "ijson", "orjson",
    "rich.console", "rich.progress", "selectolax.lexbor", "sqlalchemy.dialects.sqlite",
    "telethon.sync", "tgtagger.cli", "tgtagger.runs.parse", "tgtagger.runs.tag",
    "tgtagger.sources.desktop", "tgtagger.sources.preview", "tgtagger.sources.telegram",
    "tgtagger.store", "tgtagger.taggers.keywords", "tgtagger.taggers.llm",
    "tgtagger.web.application", "tgtagger.web.server", "typer.rich_utils", "uvicorn",
)  # fmt: skip
"""What most runs load. Commands are not among them: tests put others in their place."""

LOADED_FOR = {"mcp": "tgtagger.mcp.server", "serve": "tgtagger.mcp.server"}
"""What commands load that few tests run: it is loaded before the first fork for one of them."""

OF_THE_START = ("PYTHON", "LC_", "LANG", "TZ")
"""How names of variables begin that Python reads when it starts."""

STREAMS = ("stdin", "stdout", "stderr")

is_allowed = True
"""False in the long form of the tests."""

ENOUGH = 1 << 20
"""Bytes of what is asked: the arguments, and the environment."""


class _Forker:
    """The process that forks, as the tests see it."""

    def __init__(self) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ENOUGH)
        self._asked = ours
        self._lock = threading.Lock()
        self.environment = {**os.environ}
        with its:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(its.fileno())],
                pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            )  # fmt: skip

    def fork(self, asked: Mapping[str, Any], files: Sequence[int]) -> int:
        """Return the process, a child of ours."""
        with self._lock:
            _adopt(does=True)
            try:
                socket.send_fds(self._asked, [json.dumps(asked).encode()], [*files])
                return int(self._asked.recv(32))
            finally:
                _adopt(does=False)


def _adopt(*, does: bool) -> None:
    """Become the parent of processes whose parent has ended below us, or no longer."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, int(does), 0, 0, 0)


_making = threading.Lock()


def _forker() -> _Forker:
    """Return the one forker: of two each would adopt, and no longer adopt, the other's forks."""
    with _making:
        return _make_forker()


@functools.cache
def _make_forker() -> _Forker:
    return _Forker()


class Forked:
    """A process that waits for `go`; until then a tracer may come."""

    def __init__(
        self,
        arguments: Sequence[str],
        code: str,
        env: Mapping[str, str],
        cwd: str,
        files: Sequence[int],
    ) -> None:
        self._tracer: subprocess.Popen[bytes] | None = None
        waits, self._go = os.pipe()
        asked = {"arguments": arguments, "code": code, "env": env, "cwd": cwd, "umask": _umask()}
        try:
            self.pid = _forker().fork(asked, [*files, waits])
        finally:
            os.close(waits)

    def go(self, tracing: Sequence[str] = ()) -> None:
        """Let it run; under this call of strace, if it is given."""
        if tracing:
            self._tracer = subprocess.Popen(
                [*tracing, "-p", str(self.pid)], stdin=subprocess.DEVNULL
            )
            status = Path(f"/proc/{self.pid}/status")
            while "TracerPid:\t0\n" in status.read_text():
                assert self._tracer.poll() is None, "strace cannot trace another process here"
                time.sleep(0.002)
        os.write(self._go, b"!")
        os.close(self._go)

    def wait(self) -> int:
        """Wait for its end; return the exit code, below 0 for a signal."""
        _, status = os.waitpid(self.pid, 0)
        if self._tracer is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)  # who is left in its group is traced, too
            self._tracer.wait()
        return os.waitstatus_to_exitcode(status)


class ForkedPopen(subprocess.Popen[str]):
    """A Popen of text whose process is a fork: of tgtagger with these arguments, or of code."""

    def __init__(self, arguments: Sequence[str], *, code: str, **options: Any) -> None:
        self._code = code
        super().__init__(arguments, **options)

    def _execute_child(self, *given: Any) -> None:
        arguments, cwd, env = given[0], given[5], given[6]
        pipes = given[10:16]  # two ends each, of stdin, stdout and stderr
        files = [pipes[0], pipes[3], pipes[5]]
        made = Forked(arguments, self._code, env, str(cwd or Path.cwd()), files)
        self.pid = made.pid
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]
        made.go()


def start(
    arguments: Sequence[str],
    env: Mapping[str, str] | None = None,
    *,
    code: str = "",
    anew: bool = False,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[str]:
    """Start tgtagger, or other code, with both outputs in pipes.

    It is a fork, unless it is to start `anew`.
    """
    settings = {**os.environ, **(env or {})}
    options: dict[str, Any] = {
        "env": settings, "stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
        "text": True,
    }  # fmt: skip
    if not anew and can_fork(settings):
        return ForkedPopen(arguments, code=code, **options)
    program = ["-c", code] if code else ["-m", "tgtagger"]
    return subprocess.Popen([sys.executable, *program, *arguments], **options)


def can_fork(env: Mapping[str, str]) -> bool:
    """Tell whether a process with this environment may be a fork."""
    if sys.platform != "linux" or not is_allowed:
        return False
    known = _forker().environment
    names = {name for name in {*env, *known} if name.startswith(OF_THE_START)}
    return all(env.get(name) == known.get(name) for name in names - {"PYTHONDONTWRITEBYTECODE"})


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


# ---- the process that forks


def _serve(listener: socket.socket) -> str:
    """Fork for each that asks; in a fork, return the code to run when it is time."""
    while True:
        said, files, _, _ = socket.recv_fds(listener, ENOUGH, 4)
        if not said:
            os._exit(0)
        asked = json.loads(said)
        _load(LOADED_FOR[each] for each in asked["arguments"] if each in LOADED_FOR)
        middle = os.fork()
        if middle:
            os.waitpid(middle, 0)
            for file in files:
                os.close(file)
            continue
        between = os.getpid()
        if os.fork():
            os._exit(0)
        while os.getppid() == between:  # it is not adopted yet
            os.sched_yield()
        return _become(asked, files, listener)


def _load(names: Iterable[str]) -> None:
    for name in names:
        if name not in sys.modules:
            __import__(name)
            gc.freeze()  # a fork would look at all of it as it ends, which takes most of its time


def _become(asked: dict[str, Any], files: list[int], listener: socket.socket) -> str:
    os.setsid()
    *streams, go = files
    for number, (file, name) in enumerate(zip(streams, STREAMS, strict=True)):
        os.dup2(file, number)
        os.close(file)
        before = getattr(sys, name)  # it knows of the file that was there whether it can seek
        made = open(  # noqa: SIM115
            number, before.mode, buffering=1 if before.line_buffering else -1,
            encoding=before.encoding, errors=before.errors, closefd=False,
        )  # fmt: skip
        setattr(sys, name, made)
        setattr(sys, f"__{name}__", made)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    os.umask(asked["umask"])
    sys.argv[1:] = asked["arguments"]
    listener.send(str(os.getpid()).encode())
    listener.close()
    os.read(go, 1)
    os.close(go)
    return str(asked["code"])


if __name__ == "__main__":
    sys.path[0] = ""  # as with -m and -c
    _load(LOADED)
    code = _serve(socket.socket(fileno=int(sys.argv.pop(1))))
    if code:
        exec(code, {"__name__": "__main__"})
    else:
        from tgtagger.__main__ import main

        main()
