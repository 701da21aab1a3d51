"""MTProto over TCP on loopback: key exchange, encrypted messages, faults, a log of requests.

The server runs in a thread of its own, so that what is tested may be a subprocess. Knows how to
speak; what to say is in `methods`.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import fnmatch
import itertools
import os
import struct
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, Self
from zlib import crc32

from telethon import helpers
from telethon.crypto import AES
from telethon.extensions import BinaryReader
from telethon.tl import functions, types
from telethon.tl.core import GzipPacked, MessageContainer

from telegram_server import crypto
from telegram_server.methods import Fail, Methods, Session
from telegram_server.world import Account, World

WRAPPERS = ("InvokeWithLayerRequest", "InitConnectionRequest", "InvokeWithoutUpdatesRequest")
EARLIEST, LATEST = -300, 30
"""Seconds from the server's time that a client's message may be, as Telegram has it."""

SILENT = (types.MsgsAck, types.HttpWait)


@dataclass
class Call:
    """A request as it came, and what became of it: ok, an error's name, or dropped."""

    method: str
    request: Any
    outcome: str = ""


@dataclass
class Fault:
    """What goes wrong with the calls of a method from the `at`-th on, `times` times."""

    method: str
    at: int = 1
    times: int = 1
    error: Fail | None = None
    drop: bool = False
    after: bool = False  # the drop comes after the answer was made, which nobody sees
    delay: float = 0.0
    hang: bool = False
    answer: Callable[[Any], Any] | None = None  # makes another answer of the right one
    raw: bytes | None = None  # sent in place of an answer's packet, as it is
    notify: int = 0  # a bad_msg_notification of this code in place of an answer
    seen: int = 0

    def strikes(self, method: str) -> bool:
        if not fnmatch.fnmatch(method, self.method):
            return False
        self.seen += 1
        return self.at <= self.seen < self.at + self.times


@dataclass
class Server:
    """The server; `world` is what a test fills, `log` what it asserts on."""

    key: crypto.RsaKey
    dc: int = 2
    port: int = 0
    world: World = field(default_factory=World)
    log: list[Call] = field(default_factory=list)
    unhandled: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    whole: dict[tuple[int, int], Any] = field(default_factory=dict)  # rich messages sent in part
    latency: float = 0.0
    qr_seconds: float = 30.0
    faults: list[Fault] = field(default_factory=list)
    sessions: dict[bytes, Session] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)
    refuse: bool = False  # every connection is closed at once
    connected: int = 0
    skew: float = 0.0  # seconds that this server's clock is ahead

    def __post_init__(self) -> None:
        self.methods = Methods(self.world, self)
        self.salt = int.from_bytes(os.urandom(7), "big")

    # ---- for tests

    def flood_wait(
        self, seconds: int, method: str = "messages.GetHistory", at: int = 1, times: int = 1
    ) -> None:
        self.fail(420, f"FLOOD_WAIT_{seconds}", method, at, times)

    def fail(
        self,
        code: int,
        message: str,
        method: str = "messages.GetHistory",
        at: int = 1,
        times: int = 1,
    ) -> None:
        self.faults.append(Fault(method, at, times, error=Fail(code, message)))

    def drop(
        self,
        method: str = "messages.GetHistory",
        at: int = 1,
        *,
        after: bool = False,
        times: int = 1,
    ) -> None:
        self.faults.append(Fault(method, at, times, drop=True, after=after))

    def slow(self, seconds: float, method: str = "*", at: int = 1, times: int = 1) -> None:
        self.faults.append(Fault(method, at, times, delay=seconds))

    def hang(self, method: str = "messages.GetHistory", at: int = 1, times: int = 1) -> None:
        self.faults.append(Fault(method, at, times, hang=True))

    def change(
        self,
        answer: Callable[[Any], Any],
        method: str = "messages.GetHistory",
        at: int = 1,
        times: int = 1,
    ) -> None:
        """Answer with something else, made of the right answer."""
        self.faults.append(Fault(method, at, times, answer=answer))

    def send_raw(
        self, data: bytes, method: str = "messages.GetHistory", at: int = 1, times: int = 1
    ) -> None:
        """Put bytes on the wire that are no answer, and leave the connection open."""
        self.faults.append(Fault(method, at, times, raw=data))

    def notify(
        self, code: int, method: str = "messages.GetHistory", at: int = 1, times: int = 1
    ) -> None:
        """Refuse the client's message: 16 and 17 say that its clock is wrong."""
        self.faults.append(Fault(method, at, times, notify=code))

    def count(self, method: str = "*", outcome: str = "*") -> int:
        return sum(
            fnmatch.fnmatch(call.method, method) and fnmatch.fnmatch(call.outcome, outcome)
            for call in self.log
        )

    def methods_called(self) -> Counter[str]:
        return Counter(call.method for call in self.log)

    def revoke(self, account: Account) -> None:
        for session in self.sessions.values():
            if session.account is account:
                session.account = None

    def forget_keys(self) -> None:
        self.sessions.clear()

    def scan_qr(self, account: Account) -> None:
        """Be the telephone that scans the code shown last."""
        update = types.UpdateShort(types.UpdateLoginToken(), dt.datetime.now(dt.UTC))
        for connection in list(self.connections):
            session = connection.session
            if session is not None and session.tokens:
                session.scanned = account
                connection.loop.call_soon_threadsafe(connection.send, bytes(update))

    # ---- at work

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            writer.close()
            return
        self.connected += 1
        connection = Connection(self, reader, writer)
        self.connections.append(connection)
        try:
            await connection.run()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        except Exception:  # noqa: BLE001 -- the fixture asserts that there is none
            self.crashes.append(traceback.format_exc())
        finally:
            self.connections.remove(connection)
            writer.close()

    async def answer(
        self, session: Session, name: str, request: Any, struck: list[Fault], call: Call
    ) -> Any:
        for fault in struck:
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if fault.hang:
                await asyncio.Event().wait()
            if fault.error is not None:
                raise fault.error
        if self.latency:
            await asyncio.sleep(self.latency)
        method = getattr(self.methods, name.replace(".", "_"), None)
        if method is None:
            self.unhandled.append(name)
            raise Fail(400, "METHOD_INVALID")
        result = method(session, request)
        for fault in struck:
            if fault.answer is not None:
                result = fault.answer(result)
        return result


class Connection:
    def __init__(
        self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.session: Session | None = None
        self.loop = asyncio.get_running_loop()
        self._sent = itertools.count()
        self._session_id = 0
        self._last_id = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._exchange = Exchange(server)

    async def run(self) -> None:
        try:
            while True:
                head = await self.reader.readexactly(4)
                rest = await self.reader.readexactly(int.from_bytes(head, "little") - 4)
                payload = rest[4:-4]
                assert crc32(head + rest[:-4]) == int.from_bytes(rest[-4:], "little")
                if payload[:8] == bytes(8):
                    body = self._exchange.answer(payload[20:])
                    self._send_packet(
                        bytes(8) + struct.pack("<qi", self._new_id(1), len(body)) + body
                    )
                else:
                    self._encrypted(payload)
                await self.writer.drain()
        finally:
            for task in self._tasks:
                task.cancel()

    def _send_packet(self, payload: bytes) -> None:
        packet = struct.pack("<ii", len(payload) + 12, next(self._sent)) + payload
        self.writer.write(packet + struct.pack("<I", crc32(packet)))

    def _new_id(self, kind: int) -> int:
        number = int((time.time() + self.server.skew) * 2**32) & ~3 | kind
        self._last_id = number = max(number, self._last_id + 4 & ~3 | kind)
        return number

    def send(self, body: bytes, *, kind: int = 3) -> None:
        assert self.session is not None
        head = struct.pack(
            "<qqqii", self.server.salt, self._session_id, self._new_id(kind), 1, len(body)
        )
        self._send_packet(crypto.encrypt(self.session.key, head + body))

    def _encrypted(self, payload: bytes) -> None:
        session = self.server.sessions.get(payload[:8])
        if session is None:
            self._send_packet(struct.pack("<i", -404))
            return
        self.session = session
        plain = crypto.decrypt(session.key, payload[8:])
        salt, self._session_id, msg_id, _, length = struct.unpack("<qqqii", plain[:32])
        ahead = (msg_id >> 32) - time.time() - self.server.skew
        if not EARLIEST < ahead < LATEST:
            code = 17 if ahead > 0 else 16
            self.send(bytes(types.BadMsgNotification(msg_id, 1, code)), kind=1)
            return
        if salt != self.server.salt:
            self.send(bytes(types.BadServerSalt(msg_id, 1, 48, self.server.salt)), kind=1)
            return
        with BinaryReader(plain[32 : 32 + length]) as reader:
            self._message(msg_id, reader.tgread_object())

    def _message(self, msg_id: int, obj: Any) -> None:
        match obj:
            case MessageContainer():
                for inner in obj.messages:
                    self._message(inner.msg_id, inner.obj)
            case GzipPacked():
                with BinaryReader(obj.data) as reader:
                    self._message(msg_id, reader.tgread_object())
            case functions.PingRequest():
                self.send(bytes(types.Pong(msg_id, obj.ping_id)), kind=1)
            case _ if isinstance(obj, SILENT):
                pass
            case _:
                while type(obj).__name__ in WRAPPERS:
                    obj = obj.query
                name = _name_of(obj)
                call = Call(name, obj)
                self.server.log.append(call)
                struck = [fault for fault in self.server.faults if fault.strikes(name)]
                task = self.loop.create_task(self._answer(msg_id, name, obj, struck, call))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _answer(
        self, msg_id: int, name: str, request: Any, struck: list[Fault], call: Call
    ) -> None:
        drops = [fault for fault in struck if fault.drop]
        if any(not fault.after for fault in drops):
            call.outcome = "dropped"
            self.writer.transport.abort()
            return
        for fault in struck:
            if fault.raw is not None:
                call.outcome = "raw"
                self.writer.write(fault.raw)
                return
            if fault.notify:
                call.outcome = f"notified {fault.notify}"
                self.send(bytes(types.BadMsgNotification(msg_id, 1, fault.notify)), kind=1)
                return
        assert self.session is not None
        try:
            result = await self.server.answer(self.session, name, request, struck, call)
            call.outcome = "ok"
            body = _bytes_of(result)
        except Fail as fail:
            call.outcome = fail.message
            body = bytes(types.RpcError(fail.code, fail.message))
        except Exception:  # noqa: BLE001 -- the fixture asserts that there is none
            self.server.crashes.append(traceback.format_exc())
            body = bytes(types.RpcError(400, "CRASHED"))
        if drops:
            call.outcome = "dropped"
            self.writer.transport.abort()
            return
        self.send(struct.pack("<Iq", 0xF35C6D01, msg_id) + body, kind=1)
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()


def _name_of(request: Any) -> str:
    module = type(request).__module__.rpartition(".")[2]
    name = type(request).__name__.removesuffix("Request")
    return name if module == "functions" else f"{module}.{name}"


def _bytes_of(result: Any) -> bytes:
    if isinstance(result, bool):
        return struct.pack("<I", 0x997275B5 if result else 0xBC799737)
    if isinstance(result, list):
        return struct.pack("<II", 0x1CB5C415, len(result)) + b"".join(map(bytes, result))
    return bytes(result)


class Exchange:
    """The making of an auth key (core.telegram.org/mtproto/auth_key)."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def answer(self, body: bytes) -> bytes:
        with BinaryReader(body) as reader:
            request = reader.tgread_object()
        match request:
            case functions.ReqPqMultiRequest():
                self._nonce = request.nonce
                self._server_nonce = int.from_bytes(os.urandom(16), "little", signed=True)
                self._p, self._q = crypto.small_primes()
                pq = (self._p * self._q).to_bytes(4, "big")
                return bytes(
                    types.ResPQ(
                        request.nonce, self._server_nonce, pq, [self.server.key.fingerprint]
                    )
                )
            case functions.ReqDHParamsRequest():
                return self._parameters(request)
            case functions.SetClientDHParamsRequest():
                return self._key(request)
        raise AssertionError(f"unknown plain request {request}")

    def _parameters(self, request: Any) -> bytes:
        plain = self.server.key.decrypt(request.encrypted_data)
        with BinaryReader(plain[20:]) as reader:
            inner = reader.tgread_object()
        assert sha1(bytes(inner)).digest() == plain[:20]
        assert int.from_bytes(inner.p, "big") * int.from_bytes(inner.q, "big") == self._p * self._q
        self._new_nonce = inner.new_nonce
        self._aes = helpers.generate_key_data_from_nonce(self._server_nonce, self._new_nonce)
        self._a = int.from_bytes(os.urandom(256), "big")
        answer = bytes(
            types.ServerDHInnerData(
                self._nonce, self._server_nonce, crypto.G, crypto.PRIME.to_bytes(256, "big"),
                pow(crypto.G, self._a, crypto.PRIME).to_bytes(256, "big"), int(time.time()),
            )
        )  # fmt: skip
        data = sha1(answer).digest() + answer
        encrypted = AES.encrypt_ige(data + os.urandom(-len(data) % 16), *self._aes)
        return bytes(types.ServerDHParamsOk(self._nonce, self._server_nonce, encrypted))

    def _key(self, request: Any) -> bytes:
        plain = AES.decrypt_ige(request.encrypted_data, *self._aes)
        with BinaryReader(plain[20:]) as reader:
            inner = reader.tgread_object()
        secret = pow(int.from_bytes(inner.g_b, "big"), self._a, crypto.PRIME)
        # The specification keeps 256 bytes. Telethon strips a leading zero, sees a wrong hash and
        # repeats the exchange a second later: one key in 256, so the server strips it, too.
        key = secret.to_bytes((secret.bit_length() + 7) // 8, "big")
        self.server.sessions[crypto.key_id(key)] = Session(key)
        nonce = self._new_nonce.to_bytes(32, "little", signed=True)
        hashed = sha1(nonce + b"\x01" + sha1(key).digest()[:8]).digest()[4:20]
        return bytes(
            types.DhGenOk(
                self._nonce, self._server_nonce, int.from_bytes(hashed, "little", signed=True)
            )
        )


class ServerThread(Server):
    """A server at work in a thread of its own while the `with` lasts."""

    def __enter__(self) -> Self:
        started = threading.Event()

        async def work() -> None:
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            listening = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
            self.port = listening.sockets[0].getsockname()[1]
            started.set()
            await self._stop.wait()
            listening.close()
            for connection in list(self.connections):
                connection.writer.transport.abort()
            await asyncio.sleep(0)

        self._thread = threading.Thread(target=asyncio.run, args=(work(),), daemon=True)
        self._thread.start()
        assert started.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)
