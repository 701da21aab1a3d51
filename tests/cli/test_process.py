"""The program as a process: what it imports, its signals, its pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.breaking import fake

SLOW = (
    "sqlalchemy alembic httpx telethon rich ijson orjson pymorphy3 platformdirs snowballstemmer "
    "asyncio sqlite3"
).split()


@pytest.fixture(autouse=True)
def _buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # it would hide what happens at the end


def program(*args: str) -> list[str]:
    return [sys.executable, "-m", "tgtagger", *args]


def loaded(*args: str, environ: dict[str, str] | None = None) -> set[str]:
    """Return the modules that a run imports."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tgtagger", *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environ or {})},
    )
    lines = [line for line in result.stderr.splitlines() if line.startswith("import time:")]
    assert lines
    return {line.rsplit("|", 1)[1].strip() for line in lines}


@pytest.mark.parametrize(
    "args", [[], ["--help"], ["-h"], ["--version"], ["serach"], ["config", "--help"]]
)
def test_a_quick_answer_loads_nothing_slow(args: list[str]) -> None:
    modules = loaded(*args)
    if args != ["serach"]:
        assert "tgtagger.cli.search" not in modules
    assert not modules.intersection(SLOW)


def test_the_version_does_not_load_the_command_line() -> None:
    assert "typer" not in loaded("--version")


def test_completion_lists_commands_and_options_and_loads_nothing() -> None:
    def complete(words: str, at: int) -> list[str]:
        result = subprocess.run(
            program(),
            env={
                **os.environ,
                "_TGTAGGER_COMPLETE": "complete_bash",
                "COMP_WORDS": words,
                "COMP_CWORD": str(at),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout.split()

    assert complete("tgtagger s", 1) == ["sync", "search", "show", "status", "serve"]
    assert complete("tgtagger status --j", 2) == ["--json"]
    modules = loaded(
        environ={
            "_TGTAGGER_COMPLETE": "complete_bash",
            "COMP_WORDS": "tgtagger ",
            "COMP_CWORD": "1",
        }
    )
    assert not modules.intersection(SLOW)
    commands = {f"tgtagger.cli.{name}" for name in ("search", "show", "status", "sync")}
    assert not modules & commands


LINES = """
def command():
    for at in range(200_000):
        print("line", at)
"""


WRITERS = pytest.mark.parametrize(
    "command",
    [fake(LINES), fake("def command(): print('one line, still in the buffer')"), program("--help")],
    ids=["command", "line", "help"],
)


@WRITERS
def test_a_reader_that_goes_away_is_no_failure(command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@WRITERS
def test_a_full_disk_is_said_once(command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 6
    assert result.stderr == "error: the output cannot be written: No space left on device\n"


def test_a_bug_shows_no_values() -> None:
    body = "def command():\n    text = 'post' + ' text'\n    raise RuntimeError('bug')\n"
    result = subprocess.run(fake(body), capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback (most recent call last):")
    assert result.stderr.endswith("RuntimeError: bug\n")
    assert "post text" not in result.stderr


def test_a_pipe_gets_utf8_whatever_the_language() -> None:
    body = "def command():\n    print(chr(0x1f600), chr(0xd83d))\n"
    result = subprocess.run(
        fake(body),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert result.returncode == 0
    assert result.stdout == "\U0001f600 \\ud83d\n".encode()


def test_a_bug_in_a_task_that_nobody_waits_for_is_seen() -> None:
    body = (
        "import asyncio, gc\n"
        "async def fail():\n"
        "    raise ZeroDivisionError\n"
        "async def work():\n"
        "    asyncio.ensure_future(fail())\n"
        "    await asyncio.sleep(0)\n"
        "    await asyncio.sleep(0)\n"
        "    gc.collect()\n"
        "asyncio.run(work())\n"
    )
    done = subprocess.run(fake(body), capture_output=True, text=True, check=False)
    assert "ZeroDivisionError" in done.stderr


def test_a_command_seldom_looks_for_cycles() -> None:
    body = "import gc\ndef command():\n    print(gc.isenabled(), gc.get_threshold()[0])\n"
    done = subprocess.run(fake(body), capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "20000"]
