"""Byte code of the program and of its tests, made once: or each process would compile both anew.

pytest keeps the tests' own (with its assertions rewritten) beside them, unless it is told to write
none; then each of its workers would spend half of its start on what the others do at once.
"""

from __future__ import annotations

import compileall
import contextlib
import multiprocessing
import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.assertion import rewrite

import tgtagger

TESTS = Path(__file__).parents[1]
_TESTS = re.compile(r"/test_[^/]*$")


def write_all(config: pytest.Config) -> None:
    """Write what is missing or old."""
    compileall.compile_dir(Path(tgtagger.__file__).parent, quiet=2)
    compileall.compile_dir(TESTS, quiet=2, rx=_TESTS)  # what they share is imported by processes
    left = [path for path in sorted(TESTS.rglob("test_*.py")) if not _is_written(path)]
    share = os.cpu_count() or 1
    if "fork" in multiprocessing.get_all_start_methods() and share > 1 and len(left) > share:
        fork = multiprocessing.get_context("fork")
        others = [
            fork.Process(target=_write, args=(left[at::share], config)) for at in range(1, share)
        ]
        for each in others:
            each.start()
        _write(left[::share], config)
        for each in others:
            each.join()
    else:
        _write(left, config)


def _is_written(path: Path) -> bool:
    return rewrite._read_pyc(path, _place(path)) is not None


def _place(path: Path) -> Path:
    return rewrite.get_cache_dir(path) / (path.stem + rewrite.PYC_TAIL)


def _write(paths: Iterable[Path], config: pytest.Config) -> None:
    state = config.stash[rewrite.assertstate_key]
    for path in paths:
        with contextlib.suppress(OSError, SyntaxError):  # whoever imports it will tell
            rewrite.try_makedirs(_place(path).parent)
            source, code = rewrite._rewrite_test(path, config)
            rewrite._write_pyc(state, code, source, _place(path))
