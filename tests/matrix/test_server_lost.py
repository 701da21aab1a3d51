"""S1, S2: an archive on a server, and connections to it that break at any statement.

A proxy stands before the server. It breaks the connection before a statement is sent, or after it
ran and before its answer came: of a COMMIT, nobody hears then whether it was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llm_server import LlmServer
from support import on_server, postgres_server
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.make import fail_posts, page, post, tag
from support.on_server import contents
from support.postgres_proxy import Break, How, PostgresProxy
from support.preview_server import PreviewServer
from support.tagging import fill
from support.terminal import Shown, in_pipes
from tgtagger.model.posts import Channel
from tgtagger.store import Store

pytestmark = pytest.mark.row("S1", "S2")


@pytest.fixture(scope="module")
def proxy() -> Iterator[PostgresProxy]:
    why = postgres_server.why_not()
    if why is not None:
        pytest.skip(why)
    with PostgresProxy(postgres_server.url()) as made:
        yield made


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LlmServer]:
    with LlmServer() as made:
        for name, value in {
            "LLM_URL": made.url, "LLM_MODEL": "test-model", "LLM_BATCH": "2", "RETRY_BASE": "0.01",
            "LLM_CONCURRENCY": "1", "PREVIEW_PAUSE": "0",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"TGTAGGER_{name}", value)
        yield made


@dataclass(frozen=True)
class Case:
    """A command, and the archive it begins with."""

    arguments: tuple[str, ...]
    begin: Callable[[Store], object] = lambda _: None


def tagged(store: Store) -> None:
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 5))))
    tag(store, ["one", "two", "three"])


def merged(store: Store) -> None:
    tagged(store)
    store.curation.merge(["one", "two"], "three")


def failed(store: Store) -> None:
    fill(store, 6)
    fail_posts(store)


def followed(store: Store) -> None:
    store.channels.save(Channel(1234567890, "News", "newsroom"))


CASES = {
    "parse": Case(("parse", "EXPORT")),
    "tag": Case(("tag",), lambda store: fill(store, 6)),
    "tag by keywords": Case(("tag", "--tagger", "keywords"), lambda store: fill(store, 6)),
    "retry-failed": Case(("retry-failed", "--force"), failed),
    "sync": Case(("sync",), followed),
    "merge": Case(("tags", "merge", "one", "two", "--into", "three", "--yes"), tagged),
    "undo": Case(("tags", "undo", "--yes"), merged),
    "copy": Case(("copy", "FILE", "TO")),
}


HOW: tuple[How, ...] = ("before", "after")


WRITES = (
    "INSERT INTO attempts", "INSERT INTO posts ", "INSERT INTO tag_changes", "COPY posts ",
    "INSERT INTO post_tags",
)  # fmt: skip
"""How what a command is for begins, where it writes; for the short form."""


def draw(requests: list[str]) -> list[tuple[How, int]]:
    """Choose the COMMIT of what is written, which runs or does not; and one that opens."""
    written = next(nth for nth, sql in enumerate(requests) if sql.startswith(WRITES))
    commit = requests.index("COMMIT", written) + 1
    return [("after", commit), ("before", commit), ("before", 3)]


class Run:
    """A command on an archive by the proxy, again and again from the same beginning."""

    def __init__(self, case: Case, proxy: PostgresProxy, server: LlmServer, folder: Path) -> None:
        self._case, self._proxy, self._server = case, proxy, server
        self._base = on_server.new()
        with Store.open(postgres_server.url(self._base)) as store:
            case.begin(store)
        posts = (message(n, f"Post {n} about a storm") for n in range(1, 7))
        places = {"EXPORT": str(write(folder / "export", chat(*posts))), "FILE": str(folder / "f")}
        with Store.open(places["FILE"]) as store:
            fill(store, 6)
        self._arguments = [places.get(word, word) for word in case.arguments]

    def end(self) -> None:
        on_server.drop(self._base)

    def begin(self) -> None:
        self.database = on_server.new(self._base)
        self._server.requests.clear()
        self._server.answered.clear()

    def __call__(self, what: Break | None = None) -> Shown:
        self._proxy.breaks(what)
        url = self._proxy.to(self.database)
        if "TO" in self._arguments:
            return in_pipes(*(url if word == "TO" else word for word in self._arguments))
        return in_pipes("--db", url, *self._arguments)

    def close(self) -> dict[str, Any]:
        """Return what is stored now, and delete it."""
        found = contents(postgres_server.url(self.database))
        on_server.drop(self.database)
        return found

    @property
    def paid_twice(self) -> int:
        return sum(count - 1 for count in self._server.answered.values())


@pytest.mark.parametrize("name", CASES)
def test_a_connection_that_is_lost_costs_nothing(
    name: str, proxy: PostgresProxy, server: LlmServer, tmp_path: Path, effort: Effort,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with PreviewServer({n: f"post number{n}" for n in range(1, 7)}) as preview:
        monkeypatch.setenv("TGTAGGER_PREVIEW_URL", preview.url)
        run = Run(CASES[name], proxy, server, tmp_path)
        run.begin()
        done = run()
        assert done.code == 0, done.errors
        requests = list(proxy.seen)
        whole = run.close()
        assert whole["run locks"] == []
        every = [(how, nth) for nth in range(1, len(requests) + 1) for how in HOW]
        chosen = every if effort.is_long else draw(requests)
        for how, nth in chosen:
            run.begin()
            done = run(Break(how, nth))
            assert proxy.struck == 1 or nth > len(requests) - 3
            lost = (how, nth, requests[nth - 1], done)
            assert "Traceback" not in done.errors, lost
            assert done.code in {0, 75}, lost
            if done.code == 75:
                assert name == "copy", lost
                assert "run it again" in done.errors, lost
                assert run().code == 0
            assert run.close() == whole, lost
            assert run.paid_twice == 0, lost
        run.end()
        effort.saw(rounds=len(chosen), requests=len(requests))
