"""`tgtagger doctor` in front of a tagging server, as a user calls it: settings, a server, words."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import format_datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from llm_server import Fault, LlmServer, Response, Turn, contents, faults, refusals
from support import tagging
from tgtagger.cli import app
from tgtagger.store import Store
from tgtagger.taggers.llm.api.capabilities import Capabilities

KEY = "sk-test-0123456789"


@dataclass(frozen=True)
class Doctor:
    """What it said, line by line, and the exit code."""

    result: Result

    @property
    def code(self) -> int:
        return self.result.exit_code

    def of(self, check: str) -> list[tuple[str, str, str]]:
        found = json.loads(self.result.stdout)
        return [
            (item["level"], item["message"], item["hint"] or "")
            for item in found
            if item["check"] == check
        ]


Ask = Callable[..., Doctor]


@pytest.fixture
def ask(db: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    def call(url: str, model: str = "test-model", **more: str) -> Doctor:
        variables = {"URL": url, "MODEL": model, "API_KEY": KEY, **more}
        for name, value in variables.items():
            monkeypatch.setenv(f"TGTAGGER_LLM_{name}", value)
        result = CliRunner().invoke(app, ["--db", str(db), "doctor", "--json"])
        assert KEY not in result.output
        assert {item["level"] for item in json.loads(result.stdout)} <= {"ok", "warning", "error"}
        return Doctor(result)

    return call


def test_a_server_that_is_well(ask: Ask, db: Path) -> None:
    with LlmServer("ollama", ["qwen3:4b", "qwen3:8b"], key=KEY) as server:
        told = ask(server.url, "qwen3:4b", PROVIDER="ollama")
    assert told.code == 0
    assert told.of("tagger") == [("ok", f"posts are tagged by qwen3:4b at {server.url}", "")]
    assert told.of("server") == [("ok", "the server lists 2 models: qwen3:4b, qwen3:8b", "")]
    ((level, words, _),) = told.of("model")
    assert (level, words.startswith("qwen3:4b answers in ")) == ("ok", True)
    assert told.of("format") == [("ok", "qwen3:4b takes a JSON schema", "")]
    ((level, words, hint),) = told.of("context")
    assert (level, "not known" in words) == ("ok", True)
    assert "OLLAMA_CONTEXT_LENGTH" in hint
    russian, english = told.of("example")
    assert russian[0] == english[0] == "ok"
    assert russian[1].endswith(": костроме, после, ремонта")
    assert english[1].endswith(": national, library, wales")
    assert [level for level, _, _ in told.of("clock")] == ["ok"]  # the server tells no time
    assert not db.exists()
    assert len(server.completions) == 1


def test_it_is_shown_as_lines_too(ask: Ask, db: Path) -> None:
    with LlmServer() as server:
        ask(server.url)
        shown = CliRunner().invoke(app, ["--db", str(db), "doctor"]).stdout
    assert "ok       test-model takes a JSON schema\n" in shown
    assert ": national, library, wales\n" in shown


def test_a_key_that_is_rejected_is_code_3(ask: Ask) -> None:
    with LlmServer("openai", ["gpt-5-nano"]) as server:
        server.rule = lambda _: refusals.wrong_key(echo=True)
        told = ask(server.url, "gpt-5-nano", PROVIDER="openai")
    assert told.code == 3
    listed, (level, words, hint) = told.of("server")
    assert (listed[0], level) == ("ok", "error")
    assert "rejects the key" in words
    assert "TGTAGGER_LLM_API_KEY" in hint
    assert not told.of("model") + told.of("example")


def test_a_server_that_is_off_is_code_75(ask: Ask) -> None:
    with LlmServer() as server:
        pass
    told = ask(server.url, "a,b")
    assert told.code == 75
    assert told.of("tagger")[0][1] == f"posts are tagged by a, then b at {server.url}"
    ((level, words, hint),) = told.of("server")
    assert (level, words.startswith(f"{server.url} does not answer")) == ("error", True)
    assert "TGTAGGER_LLM_URL" in hint


def test_a_server_that_asks_to_wait_is_no_error(ask: Ask) -> None:
    with LlmServer() as server:
        server.rule = lambda _: refusals.rate_limited(3600)
        told = ask(server.url)
    assert told.code == 0
    assert told.of("server")[-1][0] == "warning"
    assert "3600 s" in told.of("server")[-1][1]


def test_a_model_that_is_not_there_and_those_with_names_like_it(ask: Ask) -> None:
    with LlmServer("ollama", ["qwen3:4b", "llama3.2:3b", "\x1b[31mqwen3:14\x07"]) as server:
        told = ask(server.url, "qwen3:14b")
        assert told.code == 3
        ((level, words, hint),) = told.of("model")
        assert (level, "has no model qwen3:14b" in words) == ("error", True)
        assert "did you mean" in hint
        assert "qwen3:4b" in hint
        assert "llama" not in hint
        assert "\x1b" not in told.result.output + hint
        assert "did you mean" not in ask(server.url, "whatever").of("model")[0][2]


def test_a_model_that_is_listed_and_not_to_be_had(ask: Ask) -> None:
    with LlmServer() as server:
        server.rule = lambda _: refusals.unknown_model()
        told = ask(server.url)
        assert (told.code, told.of("model")[0][0]) == (3, "error")
        assert "that the key may use it" in told.of("model")[0][2]
        server.lookups = [faults.status(404)]
        assert "TGTAGGER_LLM_URL" in ask(server.url).of("model")[0][2]


def test_a_server_that_lists_no_models_and_a_model_it_does_not_list(ask: Ask) -> None:
    with LlmServer("vllm") as server:
        server.lookups = [faults.status(404)]
        told = ask(server.url)
        assert told.of("server") == [("ok", "the server answers; it does not list its models", "")]
        assert told.of("format")[0][1] == (
            "test-model takes a JSON schema (without the number of tags)"
        )
    with LlmServer("llamacpp", ["model.gguf"]) as server:
        told = ask(server.url)
        assert told.code == 0
        assert told.of("model")[0][1].endswith("but the server does not list it")


def test_a_model_that_thinks_aloud_and_takes_no_temperature(ask: Ask) -> None:
    with LlmServer() as server:
        server.script = [refusals.refuses_parameter("temperature"), contents.only_reasoning()]
        told = ask(server.url)
    words = told.of("format")[0][1]
    assert "requests leave out temperature" in words
    assert "2 times as long as usual" in words


def test_a_page_in_place_of_an_answer_and_a_context_of_nothing(ask: Ask) -> None:
    with LlmServer() as server:
        server.rule = lambda _: faults.html()
        server.lookups = [faults.html(), faults.html()]
        told = ask(server.url)
        assert told.code == 3
        assert "TGTAGGER_LLM_URL" in told.of("model")[0][2]
        server.rule = lambda _: refusals.context_length(256)
        told = ask(server.url)
        assert told.code == 3
        assert "--ctx-size" in told.of("model")[0][2]


def test_an_address_without_v1(ask: Ask) -> None:
    with LlmServer() as server:
        told = ask(server.root)
    assert told.code == 3
    ((level, words, hint),) = told.of("server")
    assert (level, "is not the address" in words, "up to /v1" in hint) == ("error", True, True)


def test_a_model_that_gives_no_tags(ask: Ask) -> None:
    with LlmServer() as server:
        server.rule = lambda _: contents.wrong_types()
        told = ask(server.url)
        assert told.code == 3
        assert told.of("model")[0][:2] == (
            "error", "test-model gives no tags: the answer has no usable tags",
        )  # fmt: skip
        server.rule = lambda _: refusals.openrouter_error(400, "bad \x1b[31m\x9b")
        told = ask(server.url)
        assert told.of("model")[0][1].endswith(r"bad \x1b[31m\x9b")
        server.rule = lambda _: contents.refusal()
        told = ask(server.url)
        assert (told.code, told.of("model")[0][0]) == (0, "warning")
        server.rule = lambda _: contents.missing("p2")
        told = ask(server.url)
        assert (told.code, [level for level, *_ in told.of("example")]) == (0, ["ok", "warning"])


@pytest.mark.parametrize(
    ("context", "level", "hint"),
    [(4096, "ok", ""), (1500, "warning", "set TGTAGGER_LLM_BATCH="), (950, "warning", "give it")],
)
def test_a_context_that_is_too_short(ask: Ask, context: int, level: str, hint: str) -> None:
    with LlmServer("llamacpp", context=context) as server:
        told = ask(server.url)
    assert told.code == 0
    ((found, words, said),) = told.of("context")
    assert found == level
    assert f"{context} tokens;" in words.replace("\u202f", "")
    assert said.startswith(hint)


def test_what_a_server_takes_is_remembered_in_an_archive(ask: Ask, db: Path) -> None:
    with Store.open(str(db)) as store:
        tagging.fill(store, 1)
    with LlmServer("plain") as server:
        told = ask(server.url)
    assert told.of("format") == [("ok", "test-model takes plain text only", "")]
    with Store.open_to_read(str(db)) as store:
        kept = store.answers.capabilities(server.url)
    assert Capabilities.from_json(kept["test-model"]) == Capabilities("text", proven=True)


def test_nothing_is_written_into_a_damaged_archive(ask: Ask, db: Path) -> None:
    with Store.open(str(db)) as store:
        tagging.fill(store, 1)
    with sqlite3.connect(db) as raw:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("DELETE FROM channels")
    raw.close()
    with LlmServer() as server:
        told = ask(server.url)
    assert told.code == 6
    assert told.of("example")
    with Store.open_to_read(str(db)) as store:
        assert store.answers.capabilities(server.url) == {}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"MODEL": ""}, "no language model is set"),
        ({"PROMPT": "/nowhere/prompt.txt"}, "prompt.txt cannot be read"),
    ],
)
def test_settings_that_are_not_whole(ask: Ask, more: dict[str, str], words: str) -> None:
    told = ask("http://127.0.0.1:9/v1", **more)
    assert told.code == 2
    ((level, said, _),) = told.of("tagger")
    assert (level, words in said) == ("error", True)
    assert told.of("reader")  # the rest is looked at all the same
    assert not told.of("server")


def test_an_address_that_is_none(ask: Ask) -> None:
    told = ask("http://tags..example/v1")
    assert told.code == 2
    assert "is not an address" in told.of("server")[-1][1]


@pytest.mark.parametrize("tagger", ["llm", "keywords"])
def test_a_vocabulary_that_cannot_be_read(
    ask: Ask, tagger: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TGTAGGER_TAGGER", tagger)
    monkeypatch.setenv("TGTAGGER_VOCABULARY", str(tmp_path / "tags.txt"))
    told = ask("http://127.0.0.1:9/v1")
    assert told.code == 2
    assert "tags.txt cannot be read" in told.of("tagger")[0][1]


def test_with_the_embedded_tagger_no_server_is_asked(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TGTAGGER_TAGGER", "keywords")
    with LlmServer() as server:
        told = ask(server.url)
    assert told.code == 0
    assert "embedded tagger: no key, no network" in told.of("tagger")[0][1]
    assert server.connections == 0


def test_posts_and_a_key_in_the_open(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # so that nobody looks for the name
    told = ask("http://tags.example/v1")
    assert told.code == 75
    (level, words, hint), _ = told.of("server")
    assert (level, "the key and the posts" in words, hint) == ("warning", True, "use https://")


@pytest.mark.parametrize(
    ("hours", "level", "words"),
    [(0, "ok", "agrees"), (3, "warning", "3 hours behind"), (-1, "warning", "60 minutes ahead")],
)
def test_a_clock_that_is_wrong(ask: Ask, hours: int, level: str, words: str) -> None:
    then = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours, seconds=20)

    def answer(turn: Turn) -> Response:
        date = format_datetime(then, usegmt=True)
        return replace(turn.complete(turn.right()), headers={"date": date})

    with LlmServer() as server:
        server.rule = lambda _: Fault("dated", answer)
        told = ask(server.url)
    assert told.code == 0
    _, (found, said, _) = told.of("clock")  # the first is about what is stored
    assert (found, words in said) == (level, True)
