"""S7: TLS to a server, with certificates made for the test; the password is shown nowhere."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg
import pytest

from support.exports import chat, message, write
from support.own_server import own_server
from support.terminal import in_pipes
from tgtagger.store import Store

pytestmark = pytest.mark.row("S7")

pytest.importorskip("cryptography", reason="it makes the certificates")

PASSWORD = "canary-8Zq4wN2x"


def make_certificates(folder: Path) -> None:
    """Write the certificate of an authority; sign one for `localhost`, and write it and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def builder(name: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(named(name)).issuer_name(named(issuer)).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )  # fmt: skip

    authority, ours = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    of_all = x509.BasicConstraints(ca=True, path_length=None)
    root = builder("tests", "tests", authority).add_extension(of_all, critical=True)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    server = builder("localhost", "tests", ours).add_extension(names, critical=False)
    pem = serialization.Encoding.PEM
    for name, made in (("root.crt", root), ("server.crt", server)):
        signed = made.sign(authority, hashes.SHA256())
        (folder / name).write_bytes(signed.public_bytes(pem))
    (folder / "server.key").write_bytes(
        ours.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class TlsProxy:
    """Speaks TLS before a server, which the tests' own cannot, while the `with` lasts."""

    def __init__(self, server: str, certificate: Path, key: Path) -> None:
        self._server = server
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate, key)
        self.speaks_tls = True
        self.port = 0

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._work(started),), daemon=True
        )
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _work(self, started: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        listening.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened = [writer]
        try:
            await reader.readexactly(8)  # the wish for TLS
            writer.write(b"S" if self.speaks_tls else b"N")
            if self.speaks_tls:
                await writer.start_tls(self._context)
                theirs, ours = await asyncio.open_unix_connection(self._server)
                opened.append(ours)
                await asyncio.gather(_pass(reader, ours), _pass(theirs, writer))
            else:
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in opened:
                each.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    make_certificates(made)
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[TlsProxy]:
    with own_server() as made:
        made.run(f"CREATE ROLE anna LOGIN PASSWORD '{PASSWORD}'")
        made.run("CREATE DATABASE posts OWNER anna")
        hba = made.folder / "data" / "pg_hba.conf"
        hba.write_text("local all anna scram-sha-256\nlocal all all trust\n")
        made.run("SELECT pg_reload_conf()")
        socket = f"{made.folder}/.s.PGSQL.{made.port}"
        with TlsProxy(socket, folder / "server.crt", folder / "server.key") as proxy:
            yield proxy
        assert PASSWORD not in (made.folder / "log").read_text(errors="replace")


def url(server: TlsProxy, root: Path, *, host: str = "localhost") -> str:
    return (
        f"postgresql://anna:{PASSWORD}@{host}:{server.port}/posts"
        f"?sslmode=verify-full&sslrootcert={quote(str(root))}"
    )


def test_a_verified_server_is_used_and_the_password_is_shown_nowhere(
    server: TlsProxy, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = write(tmp_path / "export", chat(message(1, "a storm at sea")))
    there = url(server, folder / "root.crt")
    monkeypatch.setenv("TGTAGGER_DB", there)
    shown = ""
    for command in (
        ("parse", str(export)), ("tag", "--tagger", "keywords"), ("search", "storm"), ("status",),
        ("status", "--json"), ("doctor",), ("doctor", "--json"), ("config",), ("config", "--json"),
    ):  # fmt: skip
        done = in_pipes("-vv", *command)
        assert done.code in ({0, 6} if command[0] == "doctor" else {0}), (command, done)
        shown += done.output + done.errors
    assert PASSWORD not in shown
    with Store.open_to_read(there) as store, store._database.read() as db:
        driver = db.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        assert driver.pgconn.ssl_in_use


def refused(server: TlsProxy, root: Path, **more: str) -> str:
    """Run with this URL, which is refused; return what is said."""
    done = in_pipes("-vv", "--db", url(server, root, **more), "status")
    assert done.code == 2, done
    assert PASSWORD not in done.output + done.errors
    return done.errors


def test_a_certificate_of_another_authority_is_refused(server: TlsProxy, tmp_path: Path) -> None:
    make_certificates(tmp_path)
    said = refused(server, tmp_path / "root.crt")
    assert "certificate is not trusted" in said
    assert "sslrootcert=FILE" in said


def test_a_certificate_for_another_name_is_refused(server: TlsProxy, folder: Path) -> None:
    said = refused(server, folder / "root.crt", host="127.0.0.1")
    assert "certificate is not trusted" in said


def test_a_file_of_authorities_that_is_missing_is_said(server: TlsProxy, tmp_path: Path) -> None:
    assert "certificate is not trusted" in refused(server, tmp_path / "nowhere.crt")


def test_a_server_without_tls_is_refused(
    server: TlsProxy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "speaks_tls", False)
    assert "TLS is refused" in refused(server, folder / "root.crt")


def test_a_wrong_password_is_refused(
    server: TlsProxy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("test_server_tls.PASSWORD", f"{PASSWORD}x")
    assert "does not let this user" in refused(server, folder / "root.crt")
