"""What every test shares: no way out to the network, an archive of its own."""

from __future__ import annotations

import functools
import gc
import inspect
import itertools
import os
import re
import shutil
import socket
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
import typer.main
from hypothesis import HealthCheck, settings
from typer.utils import get_params_from_function

from support import byte_code, forked, postgres_server
from support.on_server import Archive, make_archive, make_database
from telegram_server import RsaKey, ServerThread
from tgtagger.store import Store

# Machines are shared and slow at times: how long an example takes says nothing.
# In CI the examples are the same every time; at home they look for what is not known yet. Half of
# Hypothesis's hundred, in a short run: `make fuzz` and `make torture` look at length.
settings.register_profile(
    "tgtagger",
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
)
settings.register_profile(
    "tgtagger-long", settings.get_profile("tgtagger"), max_examples=2000, derandomize=False
)
settings.load_profile("tgtagger")

# Typer would read the signature of each command anew, for each command that is run in this process.
vars(typer.main)["get_params_from_function"] = functools.cache(get_params_from_function)

pytest_plugins = [
    "support.over_the_wire",
    "support.fault_matrix",
    "support.damage",
    "support.browser",
    "support.news",
]


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("long"):  # before the tests are collected, which ask for their number
        settings.load_profile("tgtagger-long")
        forked.is_allowed = False
    if not hasattr(config, "workerinput"):
        # The processes that are broken write no byte code (calls that write are counted, and fail
        # by turns).
        byte_code.write_all(config)
        if not config.getoption("long") and _has_room(MEMORY):
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))  # pytest's own, for this

        postgres_server.prepare()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres_server.end()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without collecting garbage, in which thousands of tests would be looked at often."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_finish() -> None:
    """Let applications share what FastAPI finds out about a route: each test makes its own.

    It reads the signatures of an application's routes at the first request. No test overrides
    dependencies, which belong to one application. A FastAPI that works otherwise is left alone.
    """
    routing = sys.modules.get("fastapi.routing")
    context = getattr(routing, "_EffectiveRouteContext", None)
    read = getattr(context, "from_api_route", None)
    if read is None:
        return
    known: dict[tuple[int, str, bool], tuple[object, object]] = {}

    def read_once(*, original_route: Any, include_context: Any) -> object:
        path, is_shown = include_context.path_for(original_route), include_context.include_in_schema
        key = (id(original_route), path, is_shown)
        if key not in known:
            found = read(original_route=original_route, include_context=include_context)
            known[key] = (found, original_route)  # which stays, and so does its id
        return known[key][0]

    context.from_api_route = read_once  # type: ignore[union-attr]


MEMORY = Path("/dev/shm")
"""A folder in memory, for the files of tests: a disk would wait for the sync of each transaction.

What a disk keeps is no question that it answers: those tests record the syncs (powercut.py).
"""


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 4 << 30


REAL_DATA = os.environ.get("TGTAGGER_TEST_DATA")
"""The folder of real posts, exports and pages that some tests read, where there is one."""


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def connect_on_loopback(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {
            "127.0.0.1",
            "::1",
        }:
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_on_loopback)


_homes = itertools.count()


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in list(os.environ):
        if name.startswith("TGTAGGER_") or name in {"OPENAI_API_KEY", "OPENROUTER_API_KEY"}:
            monkeypatch.delenv(name)
    # Not in `tmp_path`: most tests need no folder, and making one for each takes its time.
    home = tmp_path_factory.getbasetemp() / f"home-{next(_homes)}"
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(home))


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "posts.db"


@pytest.fixture(scope="session")
def empty_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which nothing is: to copy, since making one takes as long as most tests."""
    path = tmp_path_factory.mktemp("empty") / "posts.db"
    Store.open(str(path)).close()
    return path


@pytest.fixture(scope="session")
def archive_on_server() -> Iterator[Archive]:
    why = postgres_server.why_not()
    if why is not None:
        pytest.skip(why)
    archive = Archive()
    yield archive
    archive.opened.close()


_databases = itertools.count()


@pytest.fixture
def server_url(archive_on_server: Archive) -> str:
    """The URL of an empty archive of the test's own."""
    del archive_on_server  # there is a server
    return make_archive(f"own_{os.getpid()}_{next(_databases)}")


@pytest.fixture
def empty_server_url(archive_on_server: Archive) -> str:
    """The URL of a database without any table."""
    del archive_on_server
    return make_database(f"empty_{os.getpid()}_{next(_databases)}")


_OF_BOTH = Path(__file__).parent / "store"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let the tests of the store run on a server, too, unless they are about a file."""
    wanted = inspect.signature(metafunc.function).parameters
    if "store" not in metafunc.fixturenames or metafunc.definition.path.parent != _OF_BOTH:
        return
    is_of_file = (
        metafunc.definition.get_closest_marker("of_file")
        or "db" in wanted
        or _says_sqlite(metafunc.function.__code__)
    )
    if not is_of_file:
        metafunc.parametrize("store", ["file", "server"], indirect=True)


_OF_SQLITE = re.compile(r"EXPLAIN|PRAGMA|posts_fts|CREATE TRIGGER|RAISE\(")
_NAMES_OF_SQLITE = {"driver", "plan", "Traced", "iterdump", "sqlite3", "path", "sqlite"}


def _says_sqlite(code: CodeType) -> bool:
    """Tell whether a test says in its own words that it is about SQLite."""
    return (
        not _NAMES_OF_SQLITE.isdisjoint(code.co_names)
        or any(isinstance(said, str) and _OF_SQLITE.search(said) for said in code.co_consts)
        or any(isinstance(inner, CodeType) and _says_sqlite(inner) for inner in code.co_consts)
    )


@pytest.fixture
def store(request: pytest.FixtureRequest, db: Path, empty_archive: Path) -> Iterator[Store]:
    """An archive in which nothing is: in a file, or on a server, which is asked for by name."""
    if getattr(request, "param", "file") == "server":
        archive: Archive = request.getfixturevalue("archive_on_server")
        with archive.empty() as opened:
            yield opened
        return
    shutil.copy(empty_archive, db)
    with Store.open(str(db), busy_timeout=0) as opened:
        yield opened


@pytest.fixture
def real_data() -> Path:
    if not REAL_DATA:
        pytest.skip("TGTAGGER_TEST_DATA names no folder of real data")
    return Path(REAL_DATA)


@pytest.fixture(scope="session")
def rsa_key() -> RsaKey:
    return RsaKey()


@pytest.fixture
def telegram(rsa_key: RsaKey) -> Iterator[ServerThread]:
    """A Telegram of the test's own, where nothing went wrong that no test asked for."""
    with ServerThread(rsa_key) as server:
        yield server
    assert not server.crashes
    assert not server.unhandled
