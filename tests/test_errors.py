"""What the system refuses, as ours: what a machine has no more of is 6 everywhere; exit codes."""

from __future__ import annotations

import errno
import os
import sys
import warnings

import pytest

from tgtagger.cli.failures import ended
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError, StoreError, exit_code, shortage, system_error


def refused(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/the/file")


@pytest.mark.row("D1", "D2", "D4")
@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EFBIG", "EIO", "EMFILE", "ENFILE", "ENOMEM"])
def test_a_shortage_is_one_wherever_it_is_met(name: str) -> None:
    error = refused(getattr(errno, name))
    found = system_error(error, "file_unwritable", path="/the/file")
    assert type(found) is StoreError
    assert found.message == f"/the/file cannot be written: {error.strerror}"
    assert hint_of(found)
    assert type(shortage(error)) is StoreError


@pytest.mark.row("D3")
@pytest.mark.parametrize("name", ["EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR", "ENAMETOOLONG"])
def test_a_path_that_is_not_to_be_had_is_the_user_s(name: str) -> None:
    error = refused(getattr(errno, name))
    assert type(system_error(error, "file_refused", path="it")) is InputError
    assert type(system_error(error, "file_refused", otherwise=StoreError, path="it")) is StoreError
    assert shortage(error) is None


@pytest.mark.row("D4")
def test_what_led_to_a_failure_tells() -> None:
    late = AttributeError("no _ssock")  # asyncio's, where it could not make its own socket pair
    late.__context__ = refused(errno.EMFILE)
    later = RuntimeError("x")
    later.__cause__ = late
    assert shortage(later) is not None
    assert shortage(MemoryError()) is not None
    assert shortage(ImportError("x.so: failed to map segment from shared object")) is not None
    assert shortage(ImportError("x.so: cannot open shared object file: Too many open files"))
    assert shortage(ImportError("no module named x")) is None
    circle = KeyError("x")
    circle.__context__ = late
    late.__context__ = circle
    assert shortage(circle) is None


@pytest.mark.row("D3", "D4")
@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (MemoryError(), 6, "error: there is not enough memory\nhint: close other"),
        (
            OSError(errno.EMFILE, "Too many open files"),
            6,
            "error: this run failed: Too many open files\n",
        ),
        (refused(errno.EROFS), 2, "error: /the/file: Read-only file system\nhint: check the path"),
        (OSError(errno.ENOSPC, "No space left"), 6, "error: the output cannot be written: No sp"),
    ],
)
def test_what_nobody_caught_is_said_in_a_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # which it takes away

    def fails() -> None:
        raise error

    with warnings.catch_warnings():
        assert ended(fails) == code
        assert capsys.readouterr().err.startswith(words)
        assert ended(fails, lambda: 2) == code  # -vv
    assert "in fails" in capsys.readouterr().err


@pytest.mark.parametrize("bug", [RuntimeError("bug"), ConnectionResetError(104, "reset")])
def test_a_bug_stays_a_bug(bug: Exception) -> None:
    def fails() -> None:
        raise bug

    with warnings.catch_warnings(), pytest.raises(type(bug)):
        ended(fails)


def test_of_several_failures_one_code() -> None:
    assert exit_code([]) == 0
    assert exit_code([0, 5, 2]) == 2
    assert exit_code([5, 75, 3, 2]) == 3
    assert exit_code([5, 6, 75]) == 6
    assert exit_code([5, 1]) == 1
