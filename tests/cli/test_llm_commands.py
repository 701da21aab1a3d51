"""`tag`, `retry-failed` and `sync` by a language model, as a user types them: over real sockets."""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from llm_server import LlmServer, contents, faults, refusals
from support.exports import chat, message, write
from tgtagger import config
from tgtagger.cli import app
from tgtagger.store import Store

KEY = "sk-test-0123456789abcdef"
POSTS = chat(
    *(message(n, f"Post number{n} about a storm over the harbour") for n in range(1, 26)),
    message(26, "🔥"),
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LlmServer]:
    with LlmServer() as made:
        monkeypatch.setenv("TGTAGGER_LLM_URL", made.url)
        monkeypatch.setenv("TGTAGGER_LLM_MODEL", "test-model")
        monkeypatch.setenv("TGTAGGER_LLM_API_KEY", KEY)
        monkeypatch.setenv("TGTAGGER_RETRY_BASE", "0.01")
        yield made


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "posts.db"


@pytest.fixture
def run(db: Path, tmp_path: Path, server: LlmServer) -> Any:
    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["--db", str(db), *arguments])
        assert KEY not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    assert call("parse", str(write(tmp_path / "export", POSTS))).exit_code == 0
    return call


def told(result: Result) -> Any:
    return json.loads(result.stdout)


def poison(server: LlmServer, fault: Any) -> None:
    server.rule = lambda seen: fault if any("number7 " in text for text in seen.texts) else None


def test_tag_sums_up(run: Any, server: LlmServer, db: Path) -> None:
    summary = told(run("tag", "--json"))
    assert {name: summary[name] for name in (
        "tagged", "skipped", "failed", "pending", "requests", "retries", "cost_usd", "by_class",
        "stopped", "tagger", "model",
    )} == {
        "tagged": 25, "skipped": 1, "failed": 0, "pending": 0, "requests": 3, "retries": 0,
        "cost_usd": None, "by_class": {}, "stopped": None, "tagger": "llm", "model": "test-model",
    }  # fmt: skip
    assert summary["prompt_tokens"] > 1000
    assert (server.connections, server.paid_twice()) == (1, {})
    assert all(seen.headers["authorization"] == f"Bearer {KEY}" for seen in server.completions)
    assert KEY.encode() not in db.read_bytes()


def test_silence_is_success(run: Any) -> None:
    result = run("-q", "tag")
    assert (result.exit_code, result.output) == (0, "")


def test_one_line_sums_up_where_there_is_no_terminal(run: Any) -> None:
    result = run("tag")
    (line,) = result.output.splitlines()
    assert line.startswith("tagged 25 posts with test-model, skipped 1 post")
    assert "3 requests" in line


@pytest.mark.parametrize(
    ("provider", "hint"),
    [("ollama", "ollama serve"), ("lmstudio", "lms server start"), ("llamacpp", "llama-server"),
     ("vllm", "vllm serve"), ("", "ollama serve")],
)  # fmt: skip
def test_a_server_of_this_machine_that_is_not_there_ends_the_run_at_once(
    run: Any, monkeypatch: pytest.MonkeyPatch, provider: str, hint: str
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("TGTAGGER_LLM_URL", f"http://localhost:{port}/v1")
    if provider:
        monkeypatch.setenv("TGTAGGER_LLM_PROVIDER", provider)
    started = time.monotonic()
    result = run("tag", "--json")
    assert time.monotonic() - started < 5
    summary = json.loads(result.stdout)
    assert (result.exit_code, summary["stopped"]["class"]) == (75, "provider_down")
    assert f"http://localhost:{port}/v1 does not answer" in summary["stopped"]["message"]
    assert hint in summary["stopped"]["hint"]
    assert (summary["failed"], summary["skipped"], summary["pending"]) == (0, 1, 25)


def test_a_dry_run_sends_nothing_and_tells_all(run: Any, server: LlmServer, tmp_path: Path) -> None:
    plan = told(run("tag", "--dry-run", "--json"))
    assert (plan["posts"], plan["requests"], plan["skipped"]) == (26, 3, 1)
    assert (plan["cost_usd"], plan["seconds"]) == (None, None)
    assert not server.requests
    prices = tmp_path / "prices.toml"
    prices.write_text('["test-model"]\ninput = 1.0\noutput = 2.0\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TGTAGGER_LLM_PRICES", str(prices))
        patch.setenv("TGTAGGER_LLM_RPM", "2")
        plan = told(run("tag", "--dry-run", "--json"))
        assert plan["cost_usd"] == pytest.approx(
            (plan["prompt_tokens"] + 2 * plan["completion_tokens"]) / 1e6
        )
        assert plan["seconds"] == 90
        words = run("tag", "--dry-run").stdout
    for part in ("26 posts", "requests  3", "about 2 min", "USD"):
        assert part in words
    assert not server.requests
    run("tag")
    real = told(run("tag", "--dry-run", "--force", "--json"))
    assert real["seconds"] is not None  # it has answered by now


def test_a_dry_run_comes_close(run: Any) -> None:
    plan = told(run("tag", "--dry-run", "--json"))
    summary = told(run("tag", "--json"))
    assert plan["requests"] == summary["requests"]
    assert 0.8 < plan["prompt_tokens"] / summary["prompt_tokens"] < 1.5


@pytest.mark.parametrize(
    ("fault", "code", "kind"),
    [
        (refusals.wrong_key(echo=True), 3, "key_rejected"),
        (refusals.insufficient_quota(), 3, "quota"),
        (refusals.unknown_model("x"), 3, "unknown_model"),
        (faults.redirect("https://elsewhere.example/", 301), 3, "wrong_address"),
        (refusals.rate_limited(86400), 75, "throttled"),
        (faults.status(500), 75, "provider_down"),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_run_that_is_stopped_says_so_once(
    run: Any, server: LlmServer, fault: Any, code: int, kind: str
) -> None:
    server.rule = lambda _: fault
    result = run("tag", "--json")
    summary = told(result)
    assert (result.exit_code, summary["stopped"]["class"]) == (code, kind)
    assert (summary["tagged"], summary["pending"]) == (0, 25)
    assert summary["requests"] <= 10
    words = run("tag")
    assert words.exit_code == code
    assert words.stderr.count("stopped:") == 1
    assert words.stderr.count("hint:") == 1
    assert "Traceback" not in words.stderr
    assert told(run("status", "--json"))["runs"][0]["summary"]["stopped"]["class"] == kind


def test_failed_posts_are_counted_listed_and_retried(run: Any, server: LlmServer) -> None:
    poison(server, contents.refusal())
    result = run("tag")
    assert result.exit_code == 5
    assert "failed: 1 post (1 refused)" in result.stderr
    (failure,) = told(run("status", "--json"))["failures"]
    assert (failure["class"], failure["count"], failure["next_due"]) == ("refused", 1, None)
    assert "--force" in failure["hint"]
    # Nothing is due: only --force takes it.
    assert told(run("retry-failed", "--json"))["tagged"] == 0
    plan = told(run("retry-failed", "--force", "--dry-run", "--json"))
    assert (plan["posts"], plan["requests"]) == (1, 1)
    assert told(run("retry-failed", "--force", "--class", "server", "--json"))["requests"] == 0
    again = run("retry-failed", "--force")
    assert again.exit_code == 5
    assert "refused" in again.stdout
    assert "set another model" in again.stdout
    server.rule = None
    assert told(run("retry-failed", "--force", "--json"))["tagged"] == 1
    record = told(run("show", "1006503122/7", "--json"))
    assert [item["class"] for item in record["attempts"]][-2:] == ["refused", None]
    assert record["attempts"][-1]["prompt_tokens"] > 0


def test_retry_refuses_a_class_that_is_none(run: Any) -> None:
    result = run("retry-failed", "--class", "bad")
    assert result.exit_code == 2
    assert "bad_answer" in result.stderr


def test_what_is_due_is_retried_by_itself(run: Any, server: LlmServer, db: Path) -> None:
    poison(server, faults.status(500))
    assert run("tag").exit_code == 5
    server.rule = None
    assert told(run("retry-failed", "--json"))["requests"] == 0  # in five minutes
    _make_due(db)
    assert told(run("retry-failed", "--json"))["tagged"] == 1


def _make_due(db: Path) -> None:
    raw = sqlite3.connect(db)
    raw.execute("UPDATE posts SET next_attempt_at = '2020-01-01T00:00:00Z' WHERE status = 'failed'")
    raw.commit()
    raw.close()


def test_a_turn_too_many_needs_force(
    run: Any, server: LlmServer, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(server, faults.status(500))
    run("tag")
    _make_due(db)
    monkeypatch.setenv("TGTAGGER_MAX_ATTEMPTS", "1")
    assert told(run("retry-failed", "--json"))["requests"] == 0
    server.rule = None
    assert told(run("retry-failed", "--force", "--json"))["tagged"] == 1


def test_show_prompt_sends_nothing(run: Any, server: LlmServer) -> None:
    shown = run("tag", "--show-prompt")
    assert shown.exit_code == 0
    assert "3 to 7 tags" in shown.stdout
    prompt = told(run("tag", "--show-prompt", "--json"))
    roles = [item["role"] for item in prompt["messages"]]
    assert roles == ["system", *["user", "assistant"] * 2, "user"]
    assert not server.requests
    run("tag")
    assert server.completions[0].body["messages"][0] == prompt["messages"][0]


def test_a_prompt_of_ones_own(
    run: Any, server: LlmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("tag")
    rules = tmp_path / "rules.txt"
    rules.write_text("Only {maximum} tags, in {language}, about weather.")
    monkeypatch.setenv("TGTAGGER_LLM_PROMPT", str(rules))
    plan = told(run("tag", "--stale", "--dry-run", "--json"))
    assert (plan["posts"], plan["skipped"]) == (26, 1)
    assert told(run("tag", "--stale", "--json"))["tagged"] == 25
    system = server.completions[-1].body["messages"][0]["content"]
    assert system.startswith("Only 7 tags, in the language of the post, about weather.")
    assert "Answer with one JSON object" in system  # the frame stays
    assert told(run("tag", "--stale", "--json"))["tagged"] == 0
    monkeypatch.setenv("TGTAGGER_LLM_PROMPT", str(tmp_path / "none"))
    missing = run("tag", "--stale")
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)


def test_a_closed_vocabulary(run: Any, server: LlmServer, tmp_path: Path) -> None:
    words = tmp_path / "tags.txt"
    words.write_text("# mode: closed\nstorm | gale | strong wind\nharbour | port\n#weather\n")
    server.tags = lambda _: ["Storms", "PORT", "made up"]
    assert run("tag", "--vocabulary", str(words)).exit_code == 0
    assert {tag["name"] for tag in told(run("tags", "--json"))} <= {"storm", "harbour", "weather"}
    words.write_text("")
    empty = run("tag", "--vocabulary", str(words), "--force", "--yes")
    assert empty.exit_code == 2
    assert str(words) in empty.stderr


def test_a_model_of_the_command_line_and_its_fallback(run: Any, server: LlmServer) -> None:
    server.models = ["b"]
    result = run("tag", "--model", "a,b", "--json")
    assert told(result)["tagged"] == 25
    assert "there is no model a" in result.stderr
    assert [item["model"] for item in told(result)["models"]] == ["a", "b"]


def test_caps_of_the_command_line(run: Any, server: LlmServer, tmp_path: Path) -> None:
    server.kind = "openrouter"
    capped = run("tag", "--max-cost", "0.0000001", "--json")
    assert (capped.exit_code, told(capped)["stopped"]["class"]) == (2, "cost_cap")
    late = run("tag", "--max-time", "1s", "--json")
    assert late.exit_code in (0, 75)
    for option, value in (("--max-cost", "-1"), ("--max-time", "soon"), ("--concurrency", "129")):
        assert run("tag", option, value).exit_code == 2


def test_what_is_missing_is_said_before_anything_is_sent(
    run: Any, server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TGTAGGER_LLM_MODEL")
    result = run("tag")
    assert (result.exit_code, "TGTAGGER_LLM_MODEL" in result.stderr) == (2, True)
    monkeypatch.delenv("TGTAGGER_LLM_URL")
    monkeypatch.setenv("TGTAGGER_TAGGER", "llm")
    assert run("tag").exit_code == 2
    assert not server.requests


def test_without_a_provider_nothing_is_sent(
    run: Any, server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TGTAGGER_LLM_URL")
    monkeypatch.delenv("TGTAGGER_LLM_MODEL")
    assert told(run("tag", "--json"))["tagger"] == "keywords"
    assert told(run("sync", "--json"))["tag"]["tagger"] == "keywords"
    assert not server.requests


def test_the_embedded_tagger_keeps_to_a_vocabulary_too(run: Any, tmp_path: Path) -> None:
    words = tmp_path / "tags.txt"
    words.write_text("# mode: closed\nharbor | harbour\n")
    assert run("tag", "--tagger", "keywords", "--vocabulary", str(words)).exit_code == 0
    assert [tag["name"] for tag in told(run("tags", "--json"))] == ["harbor"]


def test_what_was_learned_of_a_server_is_remembered(run: Any, server: LlmServer, db: Path) -> None:
    server.rule = lambda seen: (
        refusals.refuses_parameter("temperature") if "temperature" in seen.body else None
    )
    assert told(run("tag", "--json"))["requests"] == 4
    assert told(run("tag", "--force", "--yes", "--json"))["requests"] == 3
    with Store.open_to_read(str(db)) as store:
        assert "temperature" in store.answers.capabilities(server.url)["test-model"]


def test_a_second_run_leaves_at_once(run: Any, db: Path) -> None:
    with Store.open(str(db)) as store, store.lock("tag"):
        for command in ("tag", "retry-failed", "sync"):
            result = run(command)
            assert (result.exit_code, result.stderr.count("another tag run")) == (75, 1)


# ---- sync


def test_sync_does_all_three(run: Any, server: LlmServer, db: Path) -> None:
    poison(server, faults.status(500))
    run("tag")
    _make_due(db)
    server.rule = None
    result = run("sync", "--json")
    summary = told(result)
    assert list(summary) == ["parse", "tag", "retry"]
    # The channel of an export has no public name: nothing is read, and all is well.
    assert (result.exit_code, "login" in result.stderr) == (0, True)
    assert (summary["tag"]["requests"], summary["retry"]["tagged"]) == (0, 1)
    (latest, *_) = told(run("status", "--json"))["runs"]
    assert (latest["command"], latest["exit_code"]) == ("sync", 0)


def test_sync_asks_for_fresh_posts_before_poison(run: Any, server: LlmServer, db: Path) -> None:
    poison(server, faults.status(500))
    run("tag", "--post", "1006503122/7")
    _make_due(db)
    server.requests.clear()
    summary = told(run("sync", "--json"))
    assert (summary["tag"]["tagged"], summary["retry"]["failed"]) == (24, 1)
    asked = [any("number7 " in text for text in seen.texts) for seen in server.completions]
    assert asked == [False] * 3 + [True] * 3


def test_what_stops_new_posts_stops_old_ones_too(run: Any, server: LlmServer) -> None:
    server.rule = lambda _: refusals.wrong_key()
    result = run("sync", "--json")
    summary = told(result)
    assert (summary["tag"]["stopped"]["class"], summary["retry"]) == ("key_rejected", None)
    assert result.exit_code == 3
    assert len(server.completions) == 1


def test_sync_without_a_channel_says_what_to_do(server: LlmServer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--db", str(tmp_path / "new.db"), "sync"])
    assert result.exit_code == 2
    assert "tgtagger parse @CHANNEL" in result.stderr


def test_the_time_of_a_sync_bounds_its_reading(
    run: Any, server: LlmServer, monkeypatch: pytest.MonkeyPatch, db: Path
) -> None:
    from tgtagger.model.posts import Channel

    with Store.open(str(db)) as store:
        store.channels.save(Channel(77, "Public", "publicname"))
    # Nothing listens there: reading would say so, had it begun.
    monkeypatch.setenv("TGTAGGER_PREVIEW_URL", "http://127.0.0.1:9/s")
    result = run("sync", "--max-time", "0s", "--json")
    summary = told(result)
    assert result.exit_code == 75
    assert {item["error"] for item in summary["parse"]["channels"]} == {
        "the time limit was reached"
    }
    assert summary["tag"]["stopped"]["class"] == "time_cap"
    assert not server.requests


@pytest.fixture
def no_server(run: Any, server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("URL", "MODEL", "API_KEY"):
        monkeypatch.delenv(f"TGTAGGER_LLM_{name}")
    return run


@pytest.mark.parametrize("command", ["tag", "sync"])
@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("qwen3:4b", "tgtagger tag --provider ollama --model qwen3:4b "),
        ("openai/gpt-5-nano", "tgtagger tag --provider openrouter --model openai/gpt-5-nano "),
        ("gpt-5-nano,other", "tgtagger tag --provider openai --model gpt-5-nano "),
    ],
)
def test_a_model_without_a_server_is_no_wish_for_the_embedded_tagger(
    no_server: Any, command: str, model: str, line: str
) -> None:
    result = no_server(command, "--model", model)
    assert (result.exit_code, result.stdout) == (2, "")
    assert line in result.stderr
    assert told(no_server("status", "--json"))["posts"]["pending"] == 26


def test_a_model_of_the_environment_is_no_wish_for_the_embedded_tagger_either(
    no_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TGTAGGER_LLM_MODEL", "qwen3:4b")
    for command in (["tag"], ["retry-failed"], ["sync"], ["tag", "--dry-run"]):
        assert no_server(*command).exit_code == 2
    assert no_server("tag", "--tagger", "keywords", "--limit", "1").exit_code == 0
    assert no_server("status").exit_code == 0  # what does not tag has nothing to ask


@pytest.mark.parametrize(
    "options",
    [
        ["--concurrency", "2"],
        ["--max-cost", "1"],
        ["--tagger", "keywords", "--model", "qwen3:4b"],
        ["--tagger", "keywords", "--provider", "ollama"],
    ],
)
def test_an_option_that_the_embedded_tagger_cannot_honour_is_refused(
    no_server: Any, options: list[str]
) -> None:
    for command in ("tag", "sync"):
        result = no_server(command, *options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"{options[-2]} needs a language model" in result.stderr


def test_a_provider_stands_beside_the_model(run: Any, server: LlmServer) -> None:
    result = run("tag", "--provider", "ollama", "--dry-run")  # another server's models are not its
    assert result.exit_code == 2
    assert "no language model is set" in result.stderr
    summary = told(run("tag", "--provider", "ollama", "--model", "a", "--dry-run", "--json"))
    assert (summary["tagger"], summary["model"]) == ("llm", "a")
    assert "--provider" in run("tag", "--provider", "nobody").stderr
    assert not server.completions


def test_the_help_names_every_provider(run: Any) -> None:
    shown = run("tag", "--help").output
    assert all(name in shown for name in config.PROVIDERS)


@pytest.mark.parametrize("other", [["--post", "@news/2"], ["--dry-run"], ["--force"]])
def test_a_shown_prompt_takes_no_posts(run: Any, other: list[str]) -> None:
    result = run("tag", "--show-prompt", *other)
    assert result.exit_code == 2
    assert "--show-prompt works alone" in result.stderr
