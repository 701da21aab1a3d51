"""A proxy before the tests' PostgreSQL server, which breaks a connection at the N-th request.

It speaks as much of the protocol as it needs: where a request ends (a simple query, or a Sync), and
where its answer does. How a connection begins is not counted.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self
from urllib.parse import parse_qs, quote, urlsplit

How = Literal["before", "after", "error"]
"""before: the request is never sent · after: the answer to it never comes · error: it is refused"""

_LENGTH = struct.Struct("!i")


@dataclass(frozen=True, slots=True)
class Break:
    """What happens at a request: at the N-th of those that `where` picks by their SQL.

    `code` is the SQLSTATE of a refusal; so `often` it happens, to one request after the other.
    """

    how: How
    nth: int = 1
    where: Callable[[str], bool] = lambda _: True
    code: str = ""
    often: int = 1


@dataclass
class PostgresProxy:
    """Stands before a server while the `with` lasts; `seen` are the requests, as SQL."""

    url: str
    seen: list[str] = field(default_factory=list)
    struck: int = 0

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="tgtagger-proxy-"))
        asked = urlsplit(self.url)
        self._server = f"{parse_qs(asked.query)['host'][0]}/.s.PGSQL.5432"
        self._path = asked.path
        self._break: Break | None = None
        self._left = 0
        self._lock = threading.Lock()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(f"{self._folder}/.s.PGSQL.5432")
        self._listening.listen(50)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def to(self, database: str) -> str:
        """Return the URL of a database of the server, by this proxy."""
        return f"postgresql://postgres@/{database}?host={quote(str(self._folder))}"

    def breaks(self, what: Break | None) -> None:
        """Let this happen from now on; count from the start."""
        with self._lock:
            self._break = what
            self._left = what.nth if what else 0
            self.seen, self.struck = [], 0

    def _takes(self, sql: str) -> Break | None:
        with self._lock:
            self.seen.append(sql)
            if self._break is None or self.struck >= self._break.often:
                return None
            if not self._break.where(sql):
                return None
            self._left -= 1
            if self._left > 0:
                return None
            self.struck += 1
            return self._break

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._server)
            except OSError:
                client.close()
                continue
            _Connection(client, server, self._takes).start()


class _Connection:
    """One client's connection, and ours to the server."""

    def __init__(
        self, client: socket.socket, server: socket.socket, takes: Callable[[str], Break | None]
    ) -> None:
        self._client, self._server, self._takes = client, server, takes
        self._lock = threading.Lock()
        self._answers = 0  # that the server still owes
        self._fatal = 0  # the number of the answer that never arrives
        self._status = b"I"

    def start(self) -> None:
        for work in (self._ask, self._answer):
            threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            with contextlib.suppress(OSError, EOFError):
                work()
        finally:
            for each in (self._client, self._server):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                if work == self._answer:
                    each.close()

    def _ask(self) -> None:
        reader = self._client.makefile("rb")
        (length,) = _LENGTH.unpack(head := _exactly(reader.read, 4))
        self._server.sendall(head + _exactly(reader.read, length - 4))
        self._owes()
        request, sql = b"", ""
        for kind, message in _messages(reader.read):
            request += message
            if kind == b"Q":
                sql = message[5:-1].decode()
            elif kind == b"P":
                sql = message[5:].split(b"\0")[1].decode()
            if kind in {b"d", b"c"}:  # the rows of a COPY, which the same answer ends
                self._server.sendall(request)
                request = b""
            if kind not in {b"Q", b"S"}:
                continue
            broken = self._takes(sql)
            if broken is None:
                self._owes()
                self._server.sendall(request)
            elif broken.how == "before":
                return
            elif broken.how == "after":
                self._owes(fatal=True)
                self._server.sendall(request)
            else:
                self._refuse(sql, broken.code)
            request, sql = b"", ""

    def _owes(self, *, fatal: bool = False) -> None:
        with self._lock:
            self._answers += 1
            if fatal:
                self._fatal = self._answers

    def _refuse(self, sql: str, code: str) -> None:
        """Refuse a request; the server never sees it. A transaction has failed then."""
        status = self._status.replace(b"T", b"E")
        if sql == "COMMIT":  # and is over
            with self._lock:
                self._answers += 1
                self._fatal = -self._answers  # whose answer is for nobody
            self._server.sendall(_message(b"Q", b"ROLLBACK\0"))
            status = b"I"
        fields = b"SERROR\0VERROR\0C" + code.encode() + b"\0Mas the test says\0\0"
        self._client.sendall(_message(b"E", fields) + _message(b"Z", status))

    def _answer(self) -> None:
        reader = self._server.makefile("rb")
        given = 0
        held = b""
        for kind, message in _messages(reader.read):
            held += message
            if kind != b"Z":
                is_fatal = given + 1 == abs(self._fatal)
                if kind == b"G" and is_fatal:  # it waits for the rows of a COPY
                    return
                if not is_fatal and (kind == b"G" or len(held) > 1 << 16):
                    self._client.sendall(held)
                    held = b""
                continue
            given += 1
            self._status = message[5:]
            if given == self._fatal:
                return
            if given != -self._fatal:
                self._client.sendall(held)
            held = b""


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + _LENGTH.pack(len(body) + 4) + body


def _messages(read: Callable[[int], bytes]) -> Iterator[tuple[bytes, bytes]]:
    while kind := read(1):
        (length,) = _LENGTH.unpack(head := _exactly(read, 4))
        yield kind, kind + head + _exactly(read, length - 4)


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    data = read(size)
    if len(data) < size:
        raise EOFError
    return data
