"""Tagging servers at their worst (H1–H9), in whole processes: every fault there is, in every mode.

The catalogue of faults and of what they mean is support/http_faults.py. A run ends with the code
and in the words that are promised, in time, within the memory of a run in which nothing goes wrong,
after no more requests than it needs; every post is pending, tagged, or failed with the right class;
the key is in no output, in no file, and at no other server.
"""

from __future__ import annotations

import contextlib
import inspect
import socket
import sqlite3
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llm_server import KINDS, Fault, Limit, LlmServer, Seen, contents, faults, refusals
from support.breaking import need
from support.fault_matrix import Effort
from support.http_faults import AWAY, CASES, Case, Meaning, Mode
from support.tagging_process import Bench, Tagged, archive

POSTS = 20
WITHIN = 1.5
"""Times the memory of a run in which nothing goes wrong that any run may take."""

PROMISED_SECONDS = 60
"""Of one run with ten timeouts of a second; most end within two."""


@pytest.fixture(scope="session")
def untagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("untagged"), POSTS)


@pytest.fixture
def bench(tmp_path: Path, untagged: Path) -> Bench:
    return Bench(tmp_path, untagged)


@pytest.fixture(scope="session")
def usual(untagged: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The memory of a run in which nothing goes wrong, in KiB."""
    with LlmServer() as server:
        found = Bench(tmp_path_factory.mktemp("usual"), untagged).tag(server)
    assert (found.code, found.statuses, found.requests) == (0, {"tagged": POSTS}, 2)
    return found.ended.peak


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as made:
        yield made


def saw(effort: Effort, found: Tagged, usual: int, faults: int = 1) -> None:
    assert found.ended.seconds < PROMISED_SECONDS
    assert found.ended.peak <= WITHIN * usual
    effort.saw(faults=faults, max_seconds=found.ended.seconds, max_mib=found.ended.peak / 1024)


# ---- every fault in every mode


def has_post_7(seen: Seen) -> bool:
    return any("number7 " in text for text in seen.texts)


def script(server: LlmServer, fault: Fault, mode: Mode) -> None:
    match mode:
        case "always":
            server.rule = lambda _: fault
        case "once":
            server.script = [fault]
        case "post":
            server.rule = lambda seen: fault if has_post_7(seen) else None
        case "fifth":
            hits = Counter[str]()

            def rule(seen: Seen) -> Fault | None:
                # Not each try of one post: its waits may be as long as four others' answers.
                if len(server.completions) % 5 != 4 or any(hits[text] > 1 for text in seen.texts):
                    return None
                hits.update(seen.texts)
                return fault

            server.rule = rule


def check(found: Tagged, meaning: Meaning, mode: Mode) -> None:
    """Check the promise: ten posts a request, but one where every fifth request is hit."""
    tagged, failed = found.statuses.get("tagged", 0), found.statuses.get("failed", 0)
    pending = found.statuses.get("pending", 0)
    assert tagged + failed + pending == POSTS
    assert set(found.failures) <= {meaning.failure}
    ended = (found.code, found.stopped)
    match meaning.kind, mode:
        case ("used", _):
            assert (ended, tagged) == ((0, ""), POSTS)
            assert found.requests == (20 if mode == "fifth" else 2)
        case ("stops", _):
            before = {"post": 10, "fifth": 4}.get(mode, 0)
            assert ended == (meaning.code, meaning.stop)
            assert (tagged, failed) == (before, 0)
            assert found.requests == {"post": 2, "fifth": 5}.get(mode, 1)
        case ("throttles", "always" | "post"):
            assert ended == (75, "throttled")
            assert failed == 0
            assert tagged == (10 if mode == "post" else 0)
            assert found.requests <= 12
        case ("refused", "always"):
            assert (ended, failed) == ((5, ""), POSTS)
            assert found.requests <= 26
        case ("passes" | "unnamed", "always"):
            assert ended == (75, "provider_down")
            # Of a server that answers, if uselessly, a post may have had its turn.
            assert (tagged, failed <= (8 if meaning.failure == "bad_answer" else 0)) == (0, True)
            assert found.requests <= 13
        case ("partly", "always"):
            assert ended in {(0, ""), (5, "")}
            assert tagged >= 12
        case ("passes" | "unnamed" | "refused", "post"):
            assert (ended, tagged, found.failures) == ((5, ""), 19, {meaning.failure: 1})
            assert found.requests <= 11
        case ("unnamed" | "refused", "fifth"):
            assert (ended, 16 <= tagged <= 18, pending) == ((5, ""), True, 0)
            assert found.requests <= 22
        case _:  # it passes
            assert (ended, tagged) == ((0, ""), POSTS)
            assert found.requests <= (26 if mode == "fifth" else 9)
    if found.code in {3, 75}:
        assert found.words


def try_it(case: Case, mode: Mode, bench: Bench, usual: int, effort: Effort) -> None:
    with LlmServer() as elsewhere, LlmServer() as server:
        fault = case.fault
        if case.given and case.given[0] == AWAY:
            there = AWAY.format(port=elsewhere.port)
            fault = replace(case, given=(there, *case.given[1:])).fault
        if "day" in case.given or 10**30 in case.given:
            case = replace(case, meaning=Meaning("stops", stop="throttled", code=75))
        script(server, fault, mode)
        batch = "1" if mode == "fifth" else "10"
        found = bench.tag(server, TGTAGGER_LLM_BATCH=batch)
        check(found, case.meaning, mode)
        saw(effort, found, usual)
        assert not elsewhere.connections


def param(case: Case, mode: Mode) -> Any:
    rows = (case.row, "H9") if mode == "post" else (case.row,)
    return pytest.param(case, mode, id=f"{case.name}-{mode}", marks=pytest.mark.row(*rows))


def tells(case: Case, mode: Mode) -> bool:
    """Whether a mode shows what no other one does. `once` is tried in one run for all of them."""
    kind = case.meaning.kind
    if kind == "throttles":  # what is waited for in every fifth request takes long
        return mode == "always" or (mode == "fifth" and case.given in {(1, "seconds"), (1, "none")})
    return mode == "always" or (
        kind != "used" if mode == "fifth" else kind in {"passes", "unnamed", "refused"}
    )


MODES: tuple[Mode, ...] = ("always", "fifth", "post")
EVERY = [param(case, mode) for case in CASES for mode in MODES if tells(case, mode)]


@pytest.mark.slow
@pytest.mark.parametrize(("case", "mode"), EVERY)
def test_every_fault_in_every_mode(
    case: Case, mode: Mode, bench: Bench, usual: int, effort: Effort
) -> None:
    try_it(case, mode, bench, usual, effort)


def test_the_catalogue_knows_every_fault() -> None:
    general = {"always", "wrapped", "items"}  # what others are made with
    known = {case.maker.__name__ for case in CASES}
    for module in (faults, contents, refusals):
        for name, made in vars(module).items():
            if inspect.isfunction(made) and made.__module__ == module.__name__:
                makes = made.__annotations__.get("return") == "Fault" and name[0] != "_"
                assert not makes or name in known | general, name


# ---- in `make test`: all of them in one run, and a few for ever


@pytest.mark.row("H1", "H2", "H4", "H6", "H7", "H8")
def test_a_run_through_every_fault_tags_every_post(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, usual: int, effort: Effort
) -> None:
    """Every other post meets a fault of its own with its first request; the next one is answered.

    Not each: a slow machine would see ten failures in a row, which is a server that is down.
    """
    quick = [
        case.fault
        for case in CASES
        if case.meaning.kind in {"passes", "partly", "used"}
        and case.fault.delay < 1
        and case.given != (100,)
    ]
    bench = Bench(tmp_path, archive(tmp_path_factory.mktemp("made"), 2 * len(quick)))
    met: dict[str, Fault | None] = {}
    left = iter(quick)

    def rule(seen: Seen) -> Fault | None:
        (text,) = seen.texts
        if text in met:
            return None
        met[text] = None if len(met) % 2 else next(left)
        return met[text]

    with LlmServer(rule=rule) as server:
        found = bench.tag(server, TGTAGGER_LLM_BATCH="1")
    assert (found.code, found.statuses) == (0, {"tagged": 2 * len(quick)})
    assert found.requests < 3 * len(quick)
    assert next(left, None) is None
    saw(effort, found, usual, len(quick))


FEW = {"gzip_bomb()", f"redirect({AWAY!r}, 301)"[:60]}
FOR_EVER = [param(case, "always") for case in CASES if case.name in FEW]


@pytest.mark.parametrize(("case", "mode"), FOR_EVER)
def test_some_faults_for_ever(
    case: Case, mode: Mode, bench: Bench, usual: int, effort: Effort
) -> None:
    try_it(case, mode, bench, usual, effort)


# ---- H1: no connection


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def listening(talk: Callable[[socket.socket], object]) -> Iterator[int]:
    """Let every connection to a port of this machine be talked to, and then closed."""
    opened = socket.create_server(("127.0.0.1", 0), backlog=50)

    def serve() -> None:
        while True:
            try:
                connection, _ = opened.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5)
                talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield opened.getsockname()[1]
    finally:
        opened.shutdown(socket.SHUT_RDWR)
        opened.close()
        thread.join(5)


@contextmanager
def secured(folder: Path) -> Iterator[int]:
    """A server that speaks TLS, with a certificate that it made itself."""
    need("openssl")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with listening(lambda plain: context.wrap_socket(plain, server_side=True).close()) as port:
        yield port


def plain() -> contextlib.AbstractContextManager[int]:
    """A server that speaks no TLS, and says so in plain words, as most do."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    return listening(talk)


@pytest.mark.row("H1")
def test_no_connection(tmp_path: Path, untagged: Path, usual: int, effort: Effort) -> None:
    """Nobody there, no such name, a proxy that is off, TLS on one side only, a strange certificate.

    Side by side, since each waits between its tries.
    """
    nobody = f"http://127.0.0.1:{free_port()}"
    with plain() as no_tls, secured(tmp_path) as tls:
        wanted: dict[str, tuple[str, dict[str, str], int, str]] = {
            "refused": (f"{nobody}/v1", {}, 75, "no connection"),
            "no such name": ("http://nowhere.invalid/v1", {}, 75, "no connection"),
            "proxy": ("http://tagging.invalid/v1", {"HTTP_PROXY": nobody}, 75, "no connection"),
            "tunnel": ("https://tagging.invalid/v1", {"HTTPS_PROXY": nobody}, 75, "no connection"),
            "https to http": (f"https://127.0.0.1:{no_tls}/v1", {}, 3, "does not speak TLS"),
            "http to https": (f"http://127.0.0.1:{tls}/v1", {}, 75, "connection broke off"),
            "certificate": (f"https://127.0.0.1:{tls}/v1", {}, 3, "cannot be trusted"),
        }

        if not effort.is_long:
            for name in ("no such name", "tunnel", "http to https"):
                del wanted[name]

        def tag(name: str) -> Tagged:
            url, settings, _, _ = wanted[name]
            folder = tmp_path / name.replace(" ", "-")
            folder.mkdir()
            # What came to a server may be the post's fault, if there are too few to tell.
            few = () if name == "http to https" else ("--limit", "5")
            return Bench(folder, untagged).tag(url, "tag", *few, env=settings)

        with ThreadPoolExecutor(len(wanted)) as pool:
            ended = dict(zip(wanted, pool.map(tag, wanted), strict=True))
    for name, (_, _, code, words) in wanted.items():
        found = ended[name]
        assert (found.code, found.statuses) == (code, {"pending": POSTS}), (name, found)
        assert words in found.words, name
        saw(effort, found, usual)


@pytest.mark.slow
@pytest.mark.row("H1")
def test_a_connection_that_is_never_accepted(bench: Bench, usual: int, effort: Effort) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listening.getsockname())
        found = bench.tag(f"http://127.0.0.1:{listening.getsockname()[1]}/v1")
        for each in waiting:
            each.close()
    assert (found.code, found.statuses) == (75, {"pending": POSTS})
    saw(effort, found, usual)


@pytest.mark.slow
@pytest.mark.row("H1")
def test_a_server_that_resets_every_connection(
    bench: Bench, server: LlmServer, usual: int, effort: Effort
) -> None:
    server.refuse = True
    found = bench.tag(server)
    assert (found.code, found.statuses) == (75, {"pending": POSTS})
    assert server.connections <= 10 * 4
    saw(effort, found, usual)


# ---- H3: a pace


LIMITS: dict[str, Callable[[], Limit]] = {
    "told": lambda: Limit(20, 1.0),
    "sliding, refusals count": lambda: Limit(
        20, 1.0, headers=False, sliding=True, count_refused=True
    ),
    "nothing told": lambda: Limit(20, 1.0, headers=False, retry_after=False),
    "headers only": lambda: Limit(20, 1.0, retry_after=False, sliding=True),
}


@pytest.mark.slow
@pytest.mark.row("H3")
@pytest.mark.parametrize("name", LIMITS)
def test_a_pace_costs_few_requests(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, usual: int, effort: Effort, name: str
) -> None:
    posts = 200
    bench = Bench(tmp_path, archive(tmp_path_factory.mktemp("made"), posts))
    with LlmServer(limit=LIMITS[name](), latency=0.05) as server:
        found = bench.tag(
            server, TGTAGGER_LLM_BATCH="1", TGTAGGER_LLM_CONCURRENCY="8",
            TGTAGGER_RETRY_BASE="0.2", TGTAGGER_LLM_WAIT="20",
        )  # fmt: skip
    assert (found.code, found.statuses) == (0, {"tagged": posts})
    assert found.requests <= 1.2 * posts
    assert not server.paid_twice()
    saw(effort, found, usual)
    effort.saw(max_requests_per_needed=found.requests / posts)


# ---- H8: kept connections


@pytest.mark.row("H8")
def test_one_in_five_connections_closes_under_32_at_once(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, effort: Effort
) -> None:
    posts = effort.rounds(200, long=2000)
    bench = Bench(tmp_path, archive(tmp_path_factory.mktemp("made"), posts))
    with LlmServer(latency=0.01) as server:
        server.rule = lambda _: faults.close_after() if len(server.completions) % 5 == 4 else None
        found = bench.tag(
            server, TGTAGGER_LLM_BATCH="1", TGTAGGER_LLM_CONCURRENCY="32", TGTAGGER_LLM_TIMEOUT="30"
        )
    assert (found.code, found.statuses) == (0, {"tagged": posts})
    assert not server.paid_twice()
    assert found.requests <= 1.2 * posts
    effort.saw(max_seconds=found.ended.seconds, max_mib=found.ended.peak / 1024)


# ---- H9: a post that always fails


@pytest.mark.slow  # in virtual time it is tried in tests/taggers/llm/test_tagging.py
@pytest.mark.row("H9")
def test_a_poisoned_post_is_left_alone_after_its_turns(
    bench: Bench, server: LlmServer, effort: Effort
) -> None:
    """Its neighbours are tagged in the first run; it is asked again while it has turns left."""
    turns = effort.rounds(2, long=5)
    server.rule = lambda seen: faults.status(500) if has_post_7(seen) else None
    most = str(turns)
    found = bench.tag(server, TGTAGGER_MAX_ATTEMPTS=most)
    assert (found.code, found.statuses) == (5, {"tagged": 19, "failed": 1})
    for turn in range(2, turns + 2):
        with closing(sqlite3.connect(bench.db)) as raw, raw:  # days go by
            raw.execute("UPDATE posts SET next_attempt_at = '2020-01-01T00:00:00Z'")
        found = bench.tag(server, "retry-failed", TGTAGGER_MAX_ATTEMPTS=most)
        assert found.requests == (3 if turn <= turns else 0)
        assert found.statuses == {"tagged": 19, "failed": 1}
    assert found.code == 0
    server.rule = None
    found = bench.tag(server, "retry-failed", "--force", TGTAGGER_MAX_ATTEMPTS=most)
    assert (found.code, found.statuses) == (0, {"tagged": 20})


# ---- every kind of server


@pytest.mark.slow
@pytest.mark.row("H5", "H6")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_server(bench: Bench, usual: int, effort: Effort, kind: str) -> None:
    with LlmServer(kind, key=None) as server:
        found = bench.tag(server)
        assert (found.code, found.statuses) == (0, {"tagged": POSTS})
        saw(effort, found, usual)
    with LlmServer(kind, key="another") as strict:
        found = bench.tag(strict, "tag", "--force", "--yes")
        assert (found.code, found.stopped, found.requests) == (3, "key_rejected", 1)
        saw(effort, found, usual)
