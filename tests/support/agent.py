"""An agent's client: the SDK's own, to a server in this process, in another, or over HTTP.

It runs in a thread of its own, so that tests call it as any function, several at once, too.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import CallToolResult, Implementation, TextContent, jsonrpc_message_adapter

from mcp import Client, StdioServerParameters
from support.environments import at_home
from support.forked import start
from tgtagger.config import load
from tgtagger.mcp.server import AgentServer, make_server

SECONDS = 30.0
"""How long a server may take to end, on a busy machine."""


def server_of(db: Path, *, may_write: bool = False, **settings: str) -> AgentServer:
    return make_server(load({"db": str(db), **settings}), may_write=may_write)


def process(db: Path, *options: str, env: Mapping[str, str] | None = None) -> StdioServerParameters:
    """Return what starts `tgtagger mcp`."""
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "tgtagger", "--db", str(db), "mcp", *options],
        env={**at_home(db.parent), **(env or {})},
    )


def fork(
    db: Path, *options: str, env: Mapping[str, str] | None = None, code: str = ""
) -> subprocess.Popen[str]:
    """Start `tgtagger mcp`, or other code with its arguments, as a fork (forked.py)."""
    return start(
        ["--db", str(db), "mcp", *options], {**at_home(db.parent), **(env or {})},
        code=code, stdin=subprocess.PIPE,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def over_pipes(process: subprocess.Popen[str]) -> AsyncIterator[TransportStreams]:
    """Speak with a process that runs, as the library does with one that it starts itself."""
    assert process.stdin is not None
    assert process.stdout is not None
    told, telling = process.stdout, process.stdin
    answers, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    written, questions = anyio.create_memory_object_stream[SessionMessage](0)

    async def listen() -> None:
        async with answers:
            while line := await anyio.to_thread.run_sync(told.readline):
                await answers.send(SessionMessage(jsonrpc_message_adapter.validate_json(line)))

    async def talk() -> None:
        async with questions:
            async for each in questions:
                telling.write(each.message.model_dump_json(by_alias=True, exclude_unset=True))
                telling.write("\n")
                telling.flush()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        tasks.start_soon(talk)
        try:
            yield read, written
        finally:
            with contextlib.suppress(BrokenPipeError):
                telling.close()
            end(process)
            tasks.cancel_scope.cancel()
    for stream in (answers, read, written, questions):
        stream.close()


def end(process: subprocess.Popen[str]) -> None:
    """Wait until a process whose input is closed has ended."""
    try:
        process.wait(SECONDS)
    finally:
        process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


@contextlib.contextmanager
def agent(
    server: Any, *, mode: str = "auto", name: str = "test", token: str = ""
) -> Iterator[Agent]:
    """Connect to a server: one of this process, one to start, a fork, or an address and a token."""
    http = httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}) if token else None
    to = streamable_http_client(server, http_client=http) if http else server
    to = over_pipes(server) if isinstance(server, subprocess.Popen) else to
    client = Client(to, mode=mode, client_info=Implementation(name=name, version="1"))
    leaves_open = _left_open() if isinstance(server, str) else contextlib.nullcontext()
    with leaves_open, start_blocking_portal() as portal:
        opened = portal.wrap_async_context_manager(_open(client, http))
        opened.__enter__()
        try:
            yield Agent(client, portal)
        finally:  # without the error of a test, which it would put into groups
            opened.__exit__(None, None, None)


@contextlib.contextmanager
def _left_open() -> Iterator[None]:
    """Let the library leave connections open: to a dead server, and where it may not listen."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        yield
        gc.collect()


@contextlib.asynccontextmanager
async def _open(client: Client, http: httpx2.AsyncClient | None) -> AsyncIterator[None]:
    async with http or contextlib.nullcontext(), client:
        yield


class Refused(Exception):
    """A tool error: what it told."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(json.dumps(told, ensure_ascii=False))
        self.told = told
        self.kind = told["error"]


class Agent:
    def __init__(self, client: Client, portal: BlockingPortal) -> None:
        self.client = client
        self._portal = portal
        self.sizes: list[int] = []
        self._validators: dict[str, Draft202012Validator] = {}

    def do(self, verb: str, *given: Any, **named: Any) -> Any:
        """Call a method of the client."""
        return self._portal.call(functools.partial(getattr(self.client, verb), *given, **named))

    def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; return what it answers. Raises Refused for a tool error."""
        result = self.do("call_tool", tool, arguments)
        assert isinstance(result, CallToolResult)
        (content,) = result.content
        assert isinstance(content, TextContent)
        told: dict[str, Any] = json.loads(content.text)
        self.sizes.append(len(result.model_dump_json(by_alias=True).encode()))
        if result.is_error:
            assert result.structured_content is None
            raise Refused(told)
        assert told == result.structured_content
        self._validator(tool).validate(told)
        return told

    def _validator(self, tool: str) -> Draft202012Validator:
        """Return what checks an answer by the schema that the tool declares."""
        if not self._validators:
            for each in self.do("list_tools").tools:
                Draft202012Validator.check_schema(each.output_schema)
                self._validators[each.name] = Draft202012Validator(each.output_schema)
        return self._validators[tool]

    def read(self, uri: str) -> str:
        found = self.do("read_resource", uri)
        self.sizes.append(len(found.model_dump_json(by_alias=True).encode()))
        return str(found.contents[0].text)

    def pages(self, tool: str, of: str, **arguments: Any) -> list[list[Any]]:
        """Call a tool until it has no next page; return the items of each."""
        found, cursor = list[list[Any]](), ""
        while True:
            answer = self.ask(tool, **arguments, **({"cursor": cursor} if cursor else {}))
            found.append(answer[of])
            if answer["next_cursor"] is None:
                return found
            cursor = answer["next_cursor"]
            assert len(found) < 500


def names(posts: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the message numbers of posts in an answer."""
    return [int(each["post"].rpartition("-")[2]) for each in posts]
