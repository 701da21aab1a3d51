"""A real browser on a real server: Debian's Chromium, driven by Playwright, which brings none.

Each test gets a page of its own, and ends red if the page broke the content policy, ran into an
error of a script, or asked another machine for anything. The browser's driver and the web face are
imported when they are asked for: most tests want neither.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tgtagger.cli.demo import make_archive
from tgtagger.config import Settings, load
from tgtagger.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

    from tgtagger.web.guard import Access

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",  # root has none, in a container
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP nas.lan 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
MARK = f"--tests-of={os.getpid()}"
"""Chromium knows no such argument; it tells the browser of this process from others."""
SECONDS = 20.0
"""How long a page may take to show what a test waits for; machines are busy at times."""


@pytest.fixture(scope="module")
def chromium(sample_archive: Path) -> Iterator[Browser]:
    """A browser for a module of tests. While it lives, `asyncio.run` is for other threads only."""
    del sample_archive  # a run makes it, which is one more loop: it comes first
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed (apt install chromium)")
        pytest.skip("Chromium is not installed (apt install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, MARK])
        yield browser
        with killed_if_it_hangs():
            browser.close()


@pytest.fixture(scope="session")
def sample_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of `tgtagger demo`: to copy, since making one takes a while."""
    path = tmp_path_factory.mktemp("sample") / "posts.db"
    make_archive(load({"db": str(path), "tagger": "keywords"}, {}))
    return path


@pytest.fixture
def sample(db: Path, sample_archive: Path) -> Iterator[Store]:
    """The sample archive, a copy for this test."""
    shutil.copy(sample_archive, db)
    with Store.open(str(db)) as opened:
        yield opened


@pytest.fixture
def serve(db: Path) -> Iterator[Callable[..., str]]:
    """Start servers of the archive `db`, each on a port of its own; returns the address."""
    with contextlib.ExitStack() as stack:

        def start(access: Access | None = None, **settings: str) -> str:
            wanted = load({"db": str(db), "tagger": "keywords", **settings}, {})
            return stack.enter_context(serving(wanted, access))

        yield start


@pytest.fixture
def serve_file() -> Iterator[Callable[[Path], str]]:
    """Start a server of another file; returns the address."""
    with contextlib.ExitStack() as stack:

        def start(path: Path) -> str:
            wanted = load({"db": str(path), "tagger": "keywords"}, {})
            return stack.enter_context(serving(wanted))

        yield start


@contextlib.contextmanager
def serving(settings: Settings, access: Access | None = None) -> Iterator[str]:
    """Serve an archive in a thread while the body runs."""
    from tgtagger.web import server
    from tgtagger.web.application import make_app

    app = make_app(settings, access)
    ready = threading.Event()
    with contextlib.closing(server.listen(server.Address(port=0))) as opened:
        running = server.make_server(app, None, ready.set)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [opened]})
        thread.start()
        try:
            assert ready.wait(SECONDS), "the server did not start"
            yield f"http://127.0.0.1:{opened.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(SECONDS)
    app.state.archive.close()


@contextlib.contextmanager
def killed_if_it_hangs() -> Iterator[None]:
    """Kill the browser if the body, which closes it, hangs: Chromium does so once in many times."""
    kill = threading.Timer(SECONDS, subprocess.run, [["pkill", "-KILL", "-f", "--", MARK]])
    kill.daemon = True
    kill.start()
    try:
        yield
    except Exception:  # what is said of a browser that was killed is no fault of a page
        if kill.is_alive():
            raise
    finally:
        kill.cancel()


class Visitor:
    """Who opens pages: with a screen, a language, with or without scripts."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self.address = address
        self._contexts: list[Any] = []
        self.faults: list[str] = []

    def open(self, path: str = "/", **context: Any) -> Page:
        """Open a page in a browser of its own. `context`: what Playwright's new_context takes."""
        made = self._browser.new_context(base_url=self.address, **context)
        made.set_default_timeout(SECONDS * 1000)
        self._contexts.append(made)
        page = made.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("request", self._note_request)
        page.goto(path)
        return page

    def close(self) -> None:
        with killed_if_it_hangs():
            for context in self._contexts:
                context.close()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "http://nas.lan")):
            self.faults.append(f"asked {request.url}")


@pytest.fixture
def visitor(chromium: Browser, sample: Store, serve: Callable[..., str]) -> Iterator[Visitor]:
    """A visitor of the sample archive; the test is red if a page did what it may not."""
    del sample  # it is on the disk
    made = Visitor(chromium, serve())
    yield made
    made.close()
    assert not made.faults
