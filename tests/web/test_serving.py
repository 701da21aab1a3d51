"""`tgtagger serve` as a process: how it starts, who may ask, how it ends."""

from __future__ import annotations

import signal
import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from support.next_version import NEXT
from support.serving import serving
from support.terminal import in_pipes
from tgtagger.store import Store
from tgtagger.web import server


def test_it_says_where_it_is_and_ends_within_two_seconds(store: Store, db: Path) -> None:
    """A reader who holds a connection, and one in the middle of a request, do not keep it."""
    with (
        serving(db, "--no-worker", anew=True) as running,
        httpx.Client(base_url=running.address) as client,
    ):
        assert client.get("/healthz").json()["name"] == "tgtagger"
        place = urlsplit(running.address)
        with socket.create_connection((place.hostname, place.port)) as half:
            half.sendall(
                b"POST /tags/undo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
            )
            code, seconds = running.end()
    assert code == 143
    assert seconds < 2
    assert str(db) in "".join(running.said)
    assert "Traceback" not in "".join(running.said)


def test_small_answers_do_not_wait_for_one_another() -> None:
    with server.listen(server.Address(port=0)) as opened:
        with socket.create_connection(opened.getsockname()):
            taken, _ = opened.accept()
        assert (opened.proto, taken.proto) == (socket.IPPROTO_TCP, socket.IPPROTO_TCP)
        taken.close()


def test_ctrl_c_ends_it_without_a_trace(store: Store, db: Path) -> None:
    with serving(db, "--no-worker", anew=True) as running:
        code, _ = running.end(signal.SIGINT)
    assert code == 130
    assert "Traceback" not in "".join(running.said)


def test_a_second_one_on_the_port_says_who_has_it(store: Store, db: Path) -> None:
    with serving(db, "--no-worker") as running:
        port = str(urlsplit(running.address).port)
        done = in_pipes("--db", str(db), "serve", "--port", port)
    assert done.code == 2
    assert "another tgtagger serves there" in done.errors
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = in_pipes("--db", str(db), "serve", "--port", str(other.getsockname()[1]))
    assert done.code == 2
    assert "another program listens there" in done.errors


def test_another_host_than_this_machine_wants_a_token(db: Path, tmp_path: Path) -> None:
    done = in_pipes("--db", str(db), "serve", "--host", "0.0.0.0", "--port", "0")
    assert done.code == 2
    assert "token" in done.errors
    assert not db.exists()
    file = tmp_path / "token"
    file.write_text("0123456789abcdef0123")
    file.chmod(0o644)
    done = in_pipes("--db", str(db), "serve", "--token-file", str(file))
    assert done.code == 2
    assert str(file) in done.errors
    assert "0123456789" not in done.errors
    file.chmod(stat.S_IRUSR)
    file.write_text("short")
    assert in_pipes("--db", str(db), "serve", "--token-file", str(file)).code == 2
    assert in_pipes("--db", str(db), "serve", "--token-file", str(tmp_path / "no")).code == 2


def test_a_token_lets_one_browser_in_by_a_link(store: Store, db: Path) -> None:
    secret = "0123456789abcdef0123"
    with serving(db, "--no-worker", env={"TGTAGGER_TOKEN": secret}) as running:
        link = next(line for line in running.said if line.startswith("open ")).split()[1]
        with httpx.Client(base_url=running.address) as client:
            assert client.get("/").status_code == 401
            assert client.get("/", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
            entered = client.get(link)
            assert entered.status_code in {200, 303}
            cookie = next(iter(client.cookies.jar))
            assert client.get("/").status_code == 200
        with httpx.Client(base_url=running.address) as another:
            assert another.get(link).status_code != 200
            assert another.get("/").status_code == 401
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert secret not in str(cookie.value)
        running.end()
    assert secret not in "".join(running.said)


def test_the_demo_is_gone_when_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(tmp_path / "mine.db", "--demo", "--no-worker") as running:
        page = httpx.get(running.address, headers={"Accept": "text/html"}).text
        assert page.count("<article") > 5
        running.end()
    assert not list(tmp_path.glob("tgtagger-demo-*"))
    assert not (tmp_path / "mine.db").exists()


HTML = {"Accept": "text/html"}


def test_another_archive_in_its_place_is_noticed(store: Store, db: Path, tmp_path: Path) -> None:
    """A backup that was put back, a file that is gone: what is shown is what is there."""
    with (
        serving(db, "--no-worker") as running,
        httpx.Client(base_url=running.address) as client,
    ):
        assert "<article" not in client.get("/", headers=HTML).text
        other = tmp_path / "other.db"
        assert in_pipes("--db", str(other), "-q", "demo").code == 0
        store.close()
        other.replace(db)
        assert "<article" in client.get("/", headers=HTML).text
        db.unlink()
        gone = client.get("/", headers=HTML)
        assert gone.status_code >= 400
        assert str(db) in gone.text
        assert not db.exists()


def test_an_upgrade_under_it_is_noticed(store: Store, db: Path) -> None:
    with (
        serving(db, "--no-worker") as running,
        httpx.Client(base_url=running.address) as client,
    ):
        assert client.get("/", headers=HTML).status_code == 200
        store.close()
        Store.open_up_to_date(str(db), schema=NEXT).close()
        newer = client.get("/", headers=HTML)
        assert newer.status_code == 503
        assert "a newer tgtagger" in newer.text
        assert client.get("/").json()["kind"] == "database_newer"
