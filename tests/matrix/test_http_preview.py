"""The web preview at its worst: every fault of the wire and of its pages, in whole processes.

The faults are those of the tagging server (tests/llm_server), the rows theirs. Once, on the second
page, and for ever: a run ends in words, in time, within the memory of a run in which nothing goes
wrong; nothing is stored that did not come whole, and what is not read is remembered as unread. The
waits of a real run are long; the process under test has them shortened (`HASTY`).
"""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llm_server import Fault, Response, faults, refusals
from support.breaking import Ended, assert_clean_end, assert_sound, run
from support.fault_matrix import Effort
from support.preview_server import SpoiledPreview, html, message, page

SHORT = """
import sys
from tgtagger.sources.preview import client
client.DEADLINE, client.PAUSES = 1.0, (0.01, 0.01, 0.01)
client.Preview.__init__.__kwdefaults__["pause"] = 0.0
from tgtagger.__main__ import main
main()
"""
HASTY = (sys.executable, "-c", SHORT)
NAME, MESSAGES = "newsroom", 60
READ, PERSON, GONE, LATER = 0, 3, 4, 75
WITHIN = 1.5
"""Times the memory of a run in which nothing goes wrong that any run may take."""


@dataclass
class Reading:
    """How a run ended, and what the archive holds after it."""

    ended: Ended
    texts: dict[int, str]
    unread: list[tuple[int, int]]
    summary: dict[str, Any]

    @property
    def lost(self) -> set[int]:
        top = max(self.texts, default=0)
        unread = {n for low, high in self.unread for n in range(low, high + 1)}
        return set(range(1, top + 1)) - set(self.texts) - unread


def parse(server: SpoiledPreview, db: Path, *names: str, **settings: str) -> Reading:
    """Read the preview; check what holds of every run."""
    env = {
        "TGTAGGER_DB": str(db),
        "TGTAGGER_PREVIEW_URL": server.base,
        "TGTAGGER_FLOOD_BUDGET": "2",
    }
    ended = run(
        "parse", *(names or (NAME,)), "--via", "preview", "--json", env=env | settings,
        program=HASTY, anew=True,
    )  # fmt: skip
    assert_clean_end(ended, READ, GONE, LATER)
    assert "Post number" not in ended.errors
    assert_sound(db)
    with closing(sqlite3.connect(db)) as raw:
        texts = dict(raw.execute("SELECT message_id, text FROM posts"))
        unread = raw.execute("SELECT low, high FROM unread_ranges").fetchall()
        deleted = raw.execute("SELECT count(*) FROM posts WHERE deleted <> ''").fetchone()
    assert deleted == (0,)
    found = Reading(ended, texts, unread, json.loads(ended.output))
    assert not found.lost
    return found


@pytest.fixture(scope="session")
def usual_preview(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The memory of a run in which nothing goes wrong, in KiB."""
    with SpoiledPreview() as server:
        server.channel(NAME, MESSAGES)
        found = parse(server, tmp_path_factory.mktemp("usual") / "posts.db")
    assert (found.ended.code, len(found.texts)) == (READ, MESSAGES)
    return found.ended.peak


# ---- the faults: how a run ends where it happens once, and for ever


@dataclass(frozen=True)
class Case:
    row: str
    fault: Fault
    name: str
    once: int = READ
    always: int = LATER


def wire(row: str, fault: Fault, name: str = "", *, always: int = LATER) -> Case:
    return Case(row, fault, name or fault.name, READ, always)


def answer(row: str, name: str, body: str | bytes, once: int, always: int | None = None) -> Case:
    """A page that is not as it should be, in place of the one that was asked for."""
    fault = Fault(name, lambda _turn: html(body))
    return Case(row, fault, name, once, once if always is None else always)


def typed(content_type: str) -> Case:
    body = page(NAME, {n: f"Post number {n} of {NAME}" for n in range(21, 41)}, older=True)
    fault = Fault(content_type, lambda _turn: html(body, content_type))
    # For ever it is the same page for every request.
    return Case("H6", fault, f"type {content_type}", READ, LATER)


def told(status: int, headers: dict[str, str], name: str, once: int, always: int) -> Case:
    return Case("H3", Fault(name, lambda _turn: Response(status, b"", headers)), name, once, always)


def asked_to_wait(form: Any, once: int, always: int = LATER) -> Case:
    fault = refusals.rate_limited(1, form)
    return Case("H3", fault, fault.name, once, always)


def odd(name: str, posts: dict[Any, str], row: str = "H7") -> Case:
    """A page whose messages are odd: what can be read of it is, and the channel's others, too."""
    return answer(row, name, page(NAME, posts, older=True), READ, LATER)


OF_A_PLACE = ("type", "900", "texts", "messages within")
"""Beginnings of the names of faults that are pages of a certain place."""
ELSEWHERE = "http://127.0.0.1:1/s/newsroom"
NESTED = "".join(f'<div class="tgme_widget_message" data-post="{NAME}/{n}">' for n in range(1, 150))

CASES = [
    # H1, H8
    *(wire("H1", faults.reset(where)) for where in ("before", "headers", "body")),
    *(wire("H1", faults.close(where)) for where in ("before", "headers", "body")),
    wire("H1", faults.short_body()),
    wire("H1", faults.bad_chunks()),
    wire("H8", faults.close_after(), always=READ),
    # H2
    wire("H2", faults.hang()),
    wire("H2", faults.drip()),
    wire("H2", faults.endless()),
    wire("H2", faults.huge()),
    wire("H2", faults.gzip_bomb()),
    wire("H2", faults.slow(0.1), always=READ),
    answer("H2", "a page of 2 MB", page(NAME, {60: "x"}) + "ж" * 1_040_000, LATER),
    answer("H2", "a page larger than any", page(NAME, {60: "x"}) + "z" * 3_000_000, READ, LATER),
    answer("H2", "500,000 elements deep", page(NAME, {60: "<div>" * 400_000}), LATER),
    odd("900 elements deep", {40: "<div>" * 900}, row="H2"),
    answer("H2", "half a million tags", page(NAME, {60: "<br>" * 500_000}), LATER),
    answer("H2", "a tag of 1 MB", page(NAME, {60: "<a " + " ".join(map(str, range(150_000)))}),
           LATER),
    odd("messages within one another", {40: NESTED + "<b>x</b>" * 1000}, row="H2"),
    odd("texts within one another",
        {40: '<p class="tgme_widget_message_text js-message_text">' * 900}, row="H2"),
    answer("H2", "5,000 messages", page(NAME, dict.fromkeys(range(1, 5000), "x")), LATER),
    # H3
    asked_to_wait("seconds", READ),
    asked_to_wait("float", READ),
    asked_to_wait("date", READ),
    asked_to_wait("past", READ),
    asked_to_wait("day", LATER),
    *(asked_to_wait(form, LATER) for form in ("none", "junk", "negative", "nan", "infinite")),
    told(429, {"retry-after": "9" * 30}, "a wait without end", LATER, LATER),
    told(503, {"retry-after": "1"}, "503 for a second", READ, LATER),
    told(503, {"retry-after": "3600"}, "503 for an hour", LATER, LATER),
    # H4, H5
    *(wire("H4", faults.status(code)) for code in (500, 502, 503, 504, 599)),
    *(Case("H5", faults.status(code), f"status {code}", GONE, GONE)
      for code in (204, 400, 401, 403, 410, 451)),
    Case("H5", faults.status(404), "status 404", LATER, LATER),
    Case("H5", faults.redirect(ELSEWHERE), "redirect to another server", GONE, LATER),
    Case("H5", faults.redirect("file:///etc/passwd"), "redirect to a file", GONE, LATER),
    wire("H5", faults.redirect("http://[::1"), "redirect to no address"),
    Case("H5", faults.redirect(f"/s/{NAME}"), "redirect to the newest page", LATER, LATER),
    Case("H5", faults.redirect(f"/s/{NAME}?before=41"), "redirect to itself", READ, LATER),
    # H6
    wire("H6", faults.raw(bytes(range(256)) * 20, "text/html"), "bytes"),
    wire("H6", Fault("", lambda _: html(page(NAME, {60: "погода"}).encode("cp1251"))), "cp1251"),
    wire("H6", Fault("", lambda _: html(page(NAME, {60: "погода"}).encode("utf-16"))), "utf-16"),
    *map(typed, ("text/html; charset=zlib", "text/html; charset=undefined", "text/html; charset=x",
                 "text/html; charset=idna", "application/pdf", "")),
    answer("H6", "a page to sign in to the network", "<html><form>Room?</form></html>", LATER),
    answer("H6", "nothing", "", LATER),
    answer("H6", "deep JSON", "[" * 100_000, LATER),
    # H7: pages of the preview that are no answer, or odd
    answer("H7", "always the newest page",
           page(NAME, {n: f"Post number {n} of {NAME}" for n in range(41, 61)}, older=True),
           LATER, LATER),
    answer("H7", "no messages", page(NAME, {}), READ, GONE),
    answer("H7", "messages without ids", page(NAME, {"x": "x", "y": "y"}), LATER),
    answer("H7", "another channel's number", page(NAME, {40: "x"}, number=77, older=True), LATER),
    answer("H7", "a number too large", page(NAME, {40: "x"}, number=2**70), READ, GONE),
    odd("no message has these ids", {0: "x", -5: "x", 2**63: "x", 40: "x"}),
    odd("another channel's message", {40: "x</div>" + message("elsewhere", 39, "y", 77)}),
    odd("counts too large", {40: "x</div>".join(
        f'<span class="tgme_widget_message_views">{count}</span>'
        for count in ("9" * 400 + "K", "9" * 30))}),
    odd("NUL, halves of pairs, bidi", {40: "a\0b&#xd800;&#x202e;\x1b[31m"}),
    odd("years", {40: '</div><time datetime="9999-12-31T23:59:59-23:00">'}),
]  # fmt: skip
BY_NAME = {case.name: case for case in CASES}


def check(case: Case, db: Path, usual: int, effort: Effort, *, always: bool) -> None:
    """Read with a fault; after one that came once, without: whatever was left is read."""
    with SpoiledPreview() as server:
        server.channel(NAME, MESSAGES)
        if always:
            server.rule = lambda _: case.fault
        else:
            server.script = [None, case.fault]
        found = parse(server, db)
        assert found.ended.code == (case.always if always else case.once), found.ended.errors
        assert found.ended.seconds < 30
        assert found.ended.peak <= WITHIN * usual
        assert len(server.asked) < 12
        server.rule, server.script = None, []
        effort.saw(faults=1, max_seconds=found.ended.seconds, max_mib=found.ended.peak / 1024)
        if always:
            return
        with closing(sqlite3.connect(db)) as raw, raw:  # the wait that was remembered is over
            raw.execute("UPDATE readings SET not_before = NULL")
        again = parse(server, db)
        if case.name not in {"another channel's number", "no messages"}:
            assert again.ended.code == READ, again.ended.errors
            assert set(again.texts) == set(range(1, MESSAGES + 1))


# ---- in `make test`: many faults in one run


@pytest.mark.row("H1", "H2", "H4", "H6")
def test_a_run_through_many_faults_reads_everything(
    db: Path, usual_preview: int, effort: Effort
) -> None:
    passing = [
        case.fault
        for case in CASES
        if case.once == READ and case.always == LATER and case.row in {"H1", "H2", "H4", "H6"}
        and not case.name.startswith(OF_A_PLACE)
    ]  # fmt: skip
    with SpoiledPreview() as server:
        server.channel(NAME, 20 * (len(passing) + 1))
        server.script = [step for fault in passing for step in (None, fault)]
        found = parse(server, db)
    assert (found.ended.code, len(found.texts)) == (READ, 20 * (len(passing) + 1))
    assert found.ended.peak <= WITHIN * usual_preview
    effort.saw(
        faults=len(passing), max_seconds=found.ended.seconds, max_mib=found.ended.peak / 1024
    )


@pytest.mark.row("H2")
@pytest.mark.parametrize("name", ["500,000 elements deep", "messages within one another"])
def test_a_page_that_takes_for_ever_to_read_is_not_read(
    db: Path, usual_preview: int, effort: Effort, name: str
) -> None:
    check(BY_NAME[name], db, usual_preview, effort, always=True)


@pytest.mark.slow
@pytest.mark.row("H2")
def test_many_channels_of_a_server_that_does_not_answer(
    db: Path, usual_preview: int, effort: Effort
) -> None:
    """After two of them the others are not asked for: a run has an end."""
    names = [f"room_number_{n}" for n in range(20)]
    with SpoiledPreview(rule=lambda _: faults.hang()) as server:
        found = parse(server, db, *names)
        assert (found.ended.code, len(server.asked)) == (LATER, 2 * 4)
    assert all(each["error"] for each in found.summary["channels"])
    effort.saw(faults=1, max_seconds=found.ended.seconds)


# ---- at length: every fault once, and for ever


EVERY = [pytest.param(case, marks=pytest.mark.row(case.row), id=case.name) for case in CASES]


@pytest.mark.slow
@pytest.mark.parametrize("case", EVERY)
def test_every_fault_once(case: Case, db: Path, usual_preview: int, effort: Effort) -> None:
    check(case, db, usual_preview, effort, always=False)


@pytest.mark.slow
@pytest.mark.parametrize("case", EVERY)
def test_every_fault_for_ever(case: Case, db: Path, usual_preview: int, effort: Effort) -> None:
    check(case, db, usual_preview, effort, always=True)
