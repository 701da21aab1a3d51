"""The store of a test: in a file, and on a server, too, unless the test is about a file."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import postgres_server
from support.on_server import Archive
from tgtagger.store import Store

_HERE = Path(__file__).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = inspect.signature(metafunc.function).parameters
    is_of_file = (
        metafunc.definition.get_closest_marker("of_file")
        or "db" in wanted
        or {"driver", "plan"} & {*metafunc.function.__code__.co_names}
        or metafunc.definition.path.parent != _HERE
    )
    if "store" in wanted and not is_of_file:
        metafunc.parametrize("store", ["file"], indirect=True)


@pytest.fixture(scope="session")
def archive_on_server() -> Archive:
    why = postgres_server.why_not()
    if why is not None:
        pytest.skip(why)
    return Archive()


@pytest.fixture
def store(request: pytest.FixtureRequest, db: Path, empty_archive: Path) -> Iterator[Store]:
    if getattr(request, "param", "file") == "server":
        archive: Archive = request.getfixturevalue("archive_on_server")
        with archive.empty() as opened:
            yield opened
        return
    shutil.copy(empty_archive, db)
    with Store.open(str(db), busy_timeout=0) as opened:
        yield opened
