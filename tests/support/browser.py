"""A real browser on a real server: Debian's Chromium, driven by Playwright, which brings none.

Each test gets a page that nobody uses, and ends red if the page broke the content policy, ran into
an error of a script, or asked another machine for anything. The browser's driver and the web face
are imported when they are asked for: most tests want neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
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
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, Response

    from tgtagger.web.guard import Access

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",  # root has none, in a container
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--renderer-process-limit=1",  # a process for each page takes most of a short visit
    "--host-resolver-rules=MAP nas.lan 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
MARK = f"--tests-of={os.getpid()}"
"""Chromium knows no such argument; it tells the browser of this process from others."""
SECONDS = 20.0
"""How long a page may take to show what a test waits for; machines are busy at times."""


EmptyPages = dict[str, list["Page"]]
"""By what their context was made of."""


class Driver:
    """The one browser of this process, with its driver; both start when they are first asked for.

    Playwright's loop runs in this thread, between its calls, too: it is called the running one only
    while a module drives the browser, or no other test of this thread could run a loop.
    """

    def __init__(self, program: str) -> None:
        from playwright.sync_api import sync_playwright

        self._program = program
        self._stack = contextlib.ExitStack()
        self._playwright = self._stack.enter_context(sync_playwright())
        self._loop = asyncio.get_running_loop()
        self._browser: Browser | None = None
        self.empty_pages: EmptyPages = {}

    @contextlib.contextmanager
    def driving(self) -> Iterator[Browser]:
        asyncio._set_running_loop(self._loop)
        if self._browser is None or not self._browser.is_connected():  # it was killed: it hung
            self.empty_pages.clear()
            self._browser = self._playwright.chromium.launch(
                executable_path=self._program, args=[*ARGUMENTS, MARK]
            )
        try:
            yield self._browser
        finally:
            asyncio._set_running_loop(None)

    def end(self) -> None:
        asyncio._set_running_loop(self._loop)
        try:
            if self._browser is not None:
                with killed_if_it_hangs():
                    self._browser.close()
            self._stack.close()
        finally:
            asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def driver(sample_archive: Path) -> Iterator[Driver]:
    del sample_archive  # a run makes it, which is one more loop: it comes first
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed (apt install chromium)")
        pytest.skip("Chromium is not installed (apt install chromium)")
    made = Driver(found)
    yield made
    made.end()


@pytest.fixture(scope="module")
def chromium(driver: Driver) -> Iterator[Browser]:
    """The browser, for a module. While that lasts, `asyncio.run` is for other threads only."""
    with driver.driving() as browser:
        yield browser


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

    def __init__(self, browser: Browser, address: str, empty: EmptyPages | None = None) -> None:
        """`empty`: pages to take, and to give back; by default each is made, and closed."""
        self._browser = browser
        self.address = address
        self._empty = empty
        self._opened: list[tuple[str, Page]] = []
        self.faults: list[str] = []

    def open(self, path: str = "/", **context: Any) -> Page:
        """Open a page in a browser of its own. `context`: what Playwright's new_context takes."""
        kind = repr(sorted(context.items()))
        page = self._empty[kind].pop() if self._empty and self._empty.get(kind) else None
        if page is None:
            base: dict[str, Any] = {"base_url": self.address} if self._empty is None else {}
            made = self._browser.new_context(**base, **context)
            made.set_default_timeout(SECONDS * 1000)
            page = made.new_page()
        self._opened.append((kind, page))
        for event, note in self._notes.items():
            page.on(event, note)  # type: ignore[call-overload]
        self.go(page, path)
        return page

    def go(self, page: Page, path: str) -> Response | None:
        """Let a page show another path."""
        return page.goto(f"{self.address}{path}")

    def close(self) -> None:
        with killed_if_it_hangs():
            for kind, page in self._opened:
                if self._empty is None or page.is_closed():
                    page.context.close()
                else:
                    self._leave(page)
                    self._empty.setdefault(kind, []).append(page)
        self._opened.clear()

    def _leave(self, page: Page) -> None:
        """Leave nothing of this visit: what scripts keep belongs to the server's port."""
        page.context.clear_cookies()  # an answer, before which all that was noted comes
        for event, note in self._notes.items():
            page.remove_listener(event, note)
        page.unroute_all()
        for other in page.context.pages:
            if other is not page:
                other.close()
        page.goto("about:blank")

    @functools.cached_property
    def _notes(self) -> dict[str, Callable[[Any], None]]:
        return {
            "console": self._note,
            "pageerror": lambda error: self.faults.append(f"script: {error}"),
            "request": self._note_request,
            "dialog": self._note_dialog,
        }

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text}")

    def _note_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.accept()

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "http://nas.lan")):
            self.faults.append(f"asked {request.url}")


Visit = Callable[[str], Visitor]


@pytest.fixture
def visit(chromium: Browser, driver: Driver) -> Iterator[Visit]:
    """Make visitors of an address; what they note is for the test to look at.

    They take pages that others are done with: a new one takes a process of the browser.
    """
    with contextlib.ExitStack() as stack:

        def make(address: str) -> Visitor:
            made = Visitor(chromium, address, driver.empty_pages)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def visitor(sample: Store, serve: Callable[..., str], visit: Visit) -> Iterator[Visitor]:
    """A visitor of the sample archive; the test is red if a page did what it may not."""
    del sample  # it is on the disk
    made = visit(serve())
    yield made
    made.close()
    assert not made.faults
