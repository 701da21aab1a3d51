"""H1 to H9: a tagging server at its worst, against a whole process: bounded time and memory.

Each fault stands on every answer, or on one post in five; the run must end by itself, in words,
with no more memory than half as much again as an undisturbed one, and the key in none of its words.
What each fault means to a post is tried in tests/taggers/llm, in virtual time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from breaking import Ended, assert_sound, run
from environments import to_model
from fault_matrix import Effort
from llm_server import Fault, LlmServer, contents, faults, refusals
from make import page, post
from tgtagger.store import Store

KEY = "sk-canary-0123456789abcdef"
POSTS = 20

Made = Callable[[], Fault]

FAULTS: dict[str, tuple[str, Made]] = {
    "reset before": ("H1", lambda: faults.reset("before")),
    "reset in the body": ("H1", lambda: faults.reset("body")),
    "closed before": ("H1", lambda: faults.close("before")),
    "a body too short": ("H1", faults.short_body),
    "bad chunks": ("H1", faults.bad_chunks),
    "hangs": ("H2", faults.hang),
    "drips": ("H2", faults.drip),
    "never ends": ("H2", faults.endless),
    "100 MB": ("H2", faults.huge),
    "gzip bomb": ("H2", faults.gzip_bomb),
    "throttled, 1 s": ("H3", lambda: refusals.rate_limited(1)),
    "throttled, a day": ("H3", lambda: refusals.rate_limited(86_400)),
    "500": ("H4", lambda: faults.status(500)),
    "503": ("H4", lambda: faults.status(503)),
    "wrong key, repeated": ("H5", lambda: refusals.wrong_key(echo=True)),
    "no quota": ("H5", refusals.insufficient_quota),
    "no credits": ("H5", refusals.no_credits),
    "no such model": ("H5", refusals.unknown_model),
    "moved to another host": ("H5", lambda: faults.redirect("http://127.0.0.2:9/v1")),
    "a page": ("H6", faults.html),
    "cut JSON": ("H6", faults.cut_json),
    "deep JSON": ("H6", faults.deep_json),
    "a stream of events": ("H6", faults.event_stream),
    "cp1251": ("H6", faults.cp1251),
    "nothing": ("H6", faults.empty_body),
    "prose": ("H7", contents.prose),
    "a refusal": ("H7", contents.refusal),
    "only thoughts": ("H7", contents.only_reasoning),
    "tags: 5": ("H7", contents.wrong_types),
    "10,000 tags": ("H7", contents.many_tags),
    "a tag of 1 MB": ("H7", contents.huge_tag),
    "hostile tags": ("H7", contents.hostile_tags),
    "closed after each answer": ("H8", faults.close_after),
}
SHORT = {"never ends", "gzip bomb", "reset in the body", "moved to another host"}


def tag(server: LlmServer, folder: Path) -> Ended:
    """Tag an archive of twenty posts."""
    db = folder / "posts.db"
    with Store.open(str(db)) as store:
        store.save_page(page(*(post(n, f"Post number{n} about a storm") for n in range(1, 21))))
    settings = to_model(server, folder) | {
        "TGTAGGER_LLM_API_KEY": KEY, "TGTAGGER_LLM_TIMEOUT": "1", "TGTAGGER_LLM_WAIT": "3",
    }  # fmt: skip
    return run("tag", "--json", "--max-time", "20s", env=settings, timeout=60)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The memory of a run that nothing disturbs, in KiB."""
    with LlmServer() as server:
        ended = tag(server, tmp_path_factory.mktemp("usual"))
    assert ended.code == 0, ended.errors
    return ended.peak


def statuses(db: Path) -> dict[str, int]:
    with closing(sqlite3.connect(db)) as raw:
        return dict(raw.execute("SELECT status, count(*) FROM posts GROUP BY 1").fetchall())


def check(ended: Ended, folder: Path, usual: int, effort: Effort) -> dict[str, int]:
    assert ended.code in {0, 3, 5, 75}
    assert "Traceback" not in ended.errors
    if ended.code in {3, 75}:
        assert '"stopped": {"class": "' in ended.output  # said in words, for programs
    assert_sound(folder / "posts.db")
    assert KEY not in ended.output + ended.errors
    assert KEY.encode() not in (folder / "posts.db").read_bytes()
    assert ended.peak <= 1.5 * usual
    effort.saw(
        rounds=1, max_seconds=round(ended.seconds, 1), max_memory=round(ended.peak / usual, 2)
    )
    found = statuses(folder / "posts.db")
    assert sum(found.values()) == POSTS
    return found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[pytest.mark.row(row), *([] if name in SHORT else [pytest.mark.slow])],
        )
        for name, (row, _) in FAULTS.items()
    ],
)
def test_a_server_that_never_does_better(
    name: str, tmp_path: Path, usual: int, effort: Effort
) -> None:
    _, made = FAULTS[name]
    with LlmServer() as server:
        server.rule = lambda _: made()
        ended = tag(server, tmp_path)
        requests = len(server.completions)
    found = check(ended, tmp_path, usual, effort)
    assert requests <= 3 * POSTS
    if FAULTS[name][0] == "H5":
        assert (ended.code, requests, found) == (3, 1, {"pending": POSTS})


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.row(row)) for name, (row, _) in FAULTS.items()]
)
def test_a_server_that_fails_at_one_post_in_five(
    name: str, tmp_path: Path, usual: int, effort: Effort
) -> None:
    row, made = FAULTS[name]
    if row == "H5":
        pytest.skip("a run ends at the first of these")
    with LlmServer() as server:
        server.rule = lambda seen: (
            made() if any(int(text.split()[1][6:]) % 5 == 0 for text in seen.texts) else None
        )
        ended = tag(server, tmp_path)
    found = check(ended, tmp_path, usual, effort)
    if ended.code in {0, 5}:
        assert found.get("tagged", 0) >= POSTS * 4 // 5
