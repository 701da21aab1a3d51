"""Run tgtagger in a process and break it: after a time, or at the N-th call of the system.

The process is a real one, and the tests look at the disk afterwards. strace counts the calls of the
system, makes them fail, or kills at them; where it is missing, the tests that need it are skipped,
and say so. The idea comes from SQLite's crash tests, which fail the N-th call, for every N.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from support.forked import Forked, can_fork

TGTAGGER = (sys.executable, "-m", "tgtagger")


def before_main(code: str) -> tuple[str, ...]:
    """Return tgtagger as a program that runs some code first."""
    return (sys.executable, "-c", f"{code}\nfrom tgtagger.__main__ import main\nmain()\n")


def fake(body: str) -> tuple[str, ...]:
    """Return tgtagger with another command `status`, whose module has this body."""
    made = f"""
import sys, types
module = types.ModuleType("tgtagger.cli.status")
exec({body!r}, module.__dict__)
sys.modules["tgtagger.cli.status"] = module
sys.argv[1:] = ["status"]
"""
    return forked(made)


ROOT = Path(__file__).parents[2]

STRACE = ("strace", "-f", "-qq")
COUNTING = (*STRACE, "--seccomp-bpf")  # stops only at the requested calls; injects no signal

WRITING = ("pwrite64", "write", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "openat")
"""The calls that change a disk; openat counts if it names one of the files."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that strace injects: from the N-th call on, or `once`, or again at `every` so many.

    `call` names one or more calls with commas between, each counted separately. `what` is
    `signal=SIGKILL`, `error=ENOSPC`, ... Only calls on these paths are counted.
    """

    call: str
    what: str
    nth: int = 1
    once: bool = True
    paths: tuple[Path, ...] = ()
    every: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended; `hit`: the fault struck.

    `peak` is its largest resident memory in KiB, read every 10 ms: the figure of wait4 would
    include the memory of the parent process. It is 0 if the process was not started anew.
    """

    code: int
    output: str
    errors: str
    seconds: float
    peak: int
    hit: bool = False
    stopping: float = 0.0
    """Seconds from the signal to the end."""


def run(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    after: float | None = None,
    when: Callable[[], bool] | None = None,
    sign: int = signal.SIGKILL,
    then: Sequence[int] = (),
    fault: Fault | None = None,
    timeout: float = 60,
    program: Sequence[str] = TGTAGGER,
    prefix: Sequence[str] = (),
    stdin: str = "",
    asks_on: bool = False,
    cwd: Path | None = None,
    anew: bool = False,
    counting: Sequence[str] = (),
) -> Ended:
    """Run a command of tgtagger to its end, or send it a signal.

    The signal comes `after` so many seconds, counted from the moment when `when` is true, if it is
    given; `then` come other signals, 20 ms apart. The test fails if the process runs longer than
    `timeout` seconds. `prefix` is a program that starts it (prlimit, setpriv ...); `env` is added
    to the test's environment. With `asks_on`, a question after `stdin` waits for ever. `anew`: it
    is no fork of one that is loaded (forked.py), and its memory is read. `counting`: what strace is
    to be asked for, to look on.
    """
    with ExitStack() as open_until_the_end:
        out = open_until_the_end.enter_context(tempfile.TemporaryFile())
        err = open_until_the_end.enter_context(tempfile.TemporaryFile())
        given: BinaryIO = open_until_the_end.enter_context(tempfile.TemporaryFile())
        trace = open_until_the_end.enter_context(tempfile.NamedTemporaryFile(suffix=".strace"))
        given.write(stdin.encode())
        given.seek(0)
        if asks_on:
            reader, writer = os.pipe()
            os.write(writer, stdin.encode())
            given = open_until_the_end.enter_context(os.fdopen(reader, "rb"))
            open_until_the_end.callback(os.close, writer)
        started = time.monotonic()
        streams = (given, out, err)
        settings = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        fork = None
        if not prefix and not anew and not (fault and _is_met_in_loading(fault)):
            fork = _fork(program, arguments, settings, cwd, streams)
        tracing = _tracing(fault, counting, trace.name, is_from_start=fork is None)
        process: subprocess.Popen[bytes] | Forked
        if fork is None:
            process = subprocess.Popen(
                [*prefix, *tracing, *program, *arguments], stdin=given, stdout=out, stderr=err,
                cwd=cwd, start_new_session=True, env=settings,
            )  # fmt: skip
        else:
            process = fork
            fork.go(tracing)
        signalled: list[float] = []
        has_ended = threading.Event()

        def send() -> None:
            while when is not None and not when():
                if has_ended.wait(0.002):
                    return
            if has_ended.wait(after or 0.0):
                return
            signalled.append(time.monotonic())
            _signal(process.pid, sign)
            for number in then:
                if not has_ended.wait(0.02):
                    _signal(process.pid, number)

        limit = threading.Timer(timeout, _signal, [process.pid, signal.SIGKILL])
        sender = threading.Thread(target=send, daemon=True)
        limit.daemon = True
        limit.start()
        if after is not None or when is not None:
            sender.start()
        peaks = [0]
        if anew and sys.platform == "linux":
            threading.Thread(target=_watch, args=(process.pid, peaks), daemon=True).start()
        code = process.wait()
        ended = time.monotonic()
        has_ended.set()
        limit.cancel()
        _signal(process.pid, signal.SIGKILL)  # kill its whole group before the next round
        assert ended - started < timeout, f"did not end within {timeout} s: {arguments}"
        out.seek(0)
        err.seek(0)
        seen = Path(trace.name).read_text(errors="replace") if fault else ""
        return Ended(
            code,
            out.read().decode(errors="replace"),
            err.read().decode(errors="replace"),
            ended - started,
            peaks[0],
            bool(signalled) if fault is None else "INJECTED" in seen or "by SIGKILL" in seen,
            ended - signalled[0] if signalled else 0.0,
        )


def _is_met_in_loading(fault: Fault) -> bool:
    """Tell whether its calls are made in loading, too: of all others it makes none."""
    return "openat" in fault.call and not fault.paths


def _tracing(
    fault: Fault | None, counting: Sequence[str], trace: str, *, is_from_start: bool
) -> list[str]:
    if counting:  # who is not followed from its start is stopped at each call
        return [*(COUNTING if is_from_start else STRACE), *counting]
    return _strace(fault, trace) if fault else []


def _fork(
    program: Sequence[str],
    arguments: Sequence[str],
    env: Mapping[str, str],
    cwd: Path | None,
    files: Sequence[BinaryIO],
) -> Forked | None:
    """Return a fork of the loaded program; None for another program."""
    code = _FORKED.get(tuple(program))
    if code is None or not can_fork(env):
        return None
    return Forked(arguments, code, env, str(cwd or Path.cwd()), [file.fileno() for file in files])


MANY = (sys.executable, str(ROOT / "tests" / "support" / "many.py"))

_FORKED: dict[tuple[str, ...], str] = {TGTAGGER: "", MANY: Path(MANY[1]).read_text("utf-8")}
"""Programs that may be forks, with the code that each runs."""


def forked(code: str) -> tuple[str, ...]:
    """Return tgtagger as a program that runs some code first, and may be a fork."""
    return may_fork(before_main(code)[-1])


def may_fork(code: str) -> tuple[str, ...]:
    """Return code as a program that may be a fork."""
    program = (sys.executable, "-c", code)
    _FORKED[program] = code
    return program


def run_many(
    commands: Sequence[Sequence[str]],
    *,
    env: Mapping[str, str] | None = None,
    fault: Fault | None = None,
    prefix: Sequence[str] = (),
    timeout: float = 60,
) -> list[Ended]:
    """Run several commands one after another in one process (many.py); no command may kill it."""
    ended = run(
        env=env, fault=fault, prefix=prefix, timeout=timeout, stdin=json.dumps(commands),
        program=MANY,
    )  # fmt: skip
    assert ended.code == 0, ended.errors[-2000:]
    return [
        Ended(code, out, err, ended.seconds, ended.peak, ended.hit)
        for code, out, err in json.loads(ended.output)
    ]


def _watch(pid: int, peaks: list[int]) -> None:
    status = Path(f"/proc/{pid}/status")
    while True:
        try:
            found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        except OSError:
            return
        if found is None:  # it has ended
            return
        peaks[0] = max(peaks[0], int(found[1]))
        time.sleep(0.01)


def _signal(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # it ended by itself
        return


def _strace(fault: Fault, trace: str) -> list[str]:
    need("strace")
    paths = [part for path in fault.paths for part in ("-P", str(path))]
    again = f"+{fault.every}" if fault.every else "" if fault.once else "+"
    inject = f"inject={fault.call}:{fault.what}:when={fault.nth}{again}"
    if not fault.what:
        inject = f"trace={fault.call}"
    return [*STRACE, "-o", trace, *paths, "-e", f"trace={fault.call}", "-e", inject]


def need(program: str) -> None:
    """Skip the test if a program of the system is missing."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (apt install {program})")


def without_rights() -> list[str]:
    """Return the prefix that starts a program for which the modes of files hold.

    They do not hold for root; they do for a root without capabilities.
    """
    if os.geteuid() != 0:
        return []
    need("setpriv")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


def count_calls(
    *arguments: str,
    paths: Sequence[Path],
    calls: Sequence[str] = WRITING,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    program: Sequence[str] = TGTAGGER,
) -> dict[str, int]:
    """Return how often an unbroken run makes each call on these paths. The run does its work."""
    need("strace")
    with tempfile.NamedTemporaryFile(suffix=".strace") as trace:
        options = [part for path in paths for part in ("-P", str(path))]
        ended = run(
            *arguments,
            env=env,
            stdin=stdin,
            program=program,
            counting=["-o", trace.name, *options, "-e", f"trace={','.join(calls)}"],
            anew=not paths,
        )
        assert ended.code == 0, ended.errors
        text = Path(trace.name).read_text(errors="replace")
    counts = {call: len(re.findall(rf"^(?:\d+\s+)?{call}\(", text, re.MULTILINE)) for call in calls}
    return {call: count for call, count in counts.items() if count}


def calls_in(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> list[Fault]:
    """Return a SIGKILL for each call that an unbroken run makes on files in a folder.

    For files with unknown names: each call is counted among all calls of its kind.
    """
    need("strace")
    with tempfile.NamedTemporaryFile(suffix=".strace") as trace:
        ended = run(
            *arguments,
            env=env,
            stdin=stdin,
            prefix=[*COUNTING, "-y", "-o", trace.name, "-e", f"trace={','.join(WRITING)}"],
        )
        assert ended.code == 0, ended.errors
        lines = Path(trace.name).read_text(errors="replace").splitlines()
    found = []
    counts = Counter[str]()
    main = lines[0].split()[0]  # strace counts each thread separately
    for line in lines:
        match = re.match(rf"{main} +(\w+)\(", line)
        if match is not None:
            counts[match[1]] += 1
            if str(folder) in line:
                found.append(Fault(match[1], "signal=SIGKILL", counts[match[1]]))
    return found


def points(count: int, most: int) -> list[int]:
    """Return so many of 1..count at most, spread evenly, with both ends."""
    taken = min(count, most)
    return sorted({1 + round(i * (count - 1) / max(1, taken - 1)) for i in range(taken)})


def files_of(db: Path) -> tuple[Path, ...]:
    """Return the paths that SQLite uses for a database, whether they exist or not."""
    return tuple(db.with_name(db.name + end) for end in ("", "-wal", "-shm", "-journal"))


def copy_database(db: Path, target: Path) -> None:
    """Copy a database's files; remove those at the target first."""
    for old, new in zip(files_of(db), files_of(target), strict=True):
        new.unlink(missing_ok=True)
        if old.exists():
            shutil.copy2(old, new)


def assert_sound(db: Path) -> None:
    """Check a file: pages, foreign keys, the index; every tagged post has tags."""
    if not db.exists() or not db.stat().st_size:
        return
    with closing(sqlite3.connect(db)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        if not raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'posts'").fetchone():
            return
        raw.execute("INSERT INTO posts_fts (posts_fts, rank) VALUES ('integrity-check', 1)")
        torn = raw.execute(
            "SELECT count(*) FROM posts AS p WHERE status = 'tagged' AND NOT "
            "EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id)"
        ).fetchone()
        assert torn == (0,)
        if raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'tag_queue'").fetchone():
            waiting = raw.execute(
                "SELECT id FROM posts WHERE status = 'pending' "
                "OR (status = 'failed' AND next_attempt_at IS NOT NULL) ORDER BY id"
            ).fetchall()
            queue = "SELECT post_id FROM tag_queue WHERE coalesce(due_at, '') < '9999' ORDER BY 1"
            assert raw.execute(queue).fetchall() == waiting


CONTENTS = {
    "posts": "SELECT channel_id, message_id, size, date, edited, deleted, text, markdown, status, "
    "attempts, failure, source FROM posts ORDER BY channel_id, message_id",
    "tags": "SELECT p.channel_id, p.message_id, l.position, t.name, l.source "
    "FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id JOIN posts AS p ON p.id = l.post_id "
    "ORDER BY 1, 2, 3",
    "raw records": "SELECT post_id, source, converter, data FROM raw_forms ORDER BY 1, 2",
    "members": "SELECT channel_id, message_id, post_id FROM album_members ORDER BY 1, 2",
    "unread": "SELECT * FROM unread_ranges ORDER BY 1, 2, 3",
    "rejected": "SELECT channel_id, message_id, reason FROM rejected_posts ORDER BY 1, 2",
}


def contents(db: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the contents of an archive without times and runs."""
    with closing(sqlite3.connect(db)) as raw:
        return {name: raw.execute(sql).fetchall() for name, sql in CONTENTS.items()}


def assert_clean_end(ended: Ended, *codes: int) -> None:
    """Check that a failure was told in words, with one of these codes, and without a traceback."""
    assert ended.code in codes, (ended.code, ended.errors[-2000:])
    assert "Traceback" not in ended.errors, ended.errors[-2000:]
    if ended.code not in {0, 130, 143, -signal.SIGKILL}:
        assert "error: " in ended.errors or "warning" in ended.errors, ended.errors
