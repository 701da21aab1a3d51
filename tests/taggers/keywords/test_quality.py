"""The quality that a release must have, on posts labelled by hand (benchmarks/tags.py)."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("tags_benchmark", ROOT / "benchmarks/tags.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tags_benchmark"] = module
    spec.loader.exec_module(module)
    return module


def check(benchmark: Any, path: Path, least: float) -> None:
    gold = benchmark.read_gold(path)
    found = benchmark.report(gold, benchmark.tag_all(gold))
    assert found.f1 >= least
    assert found.junk <= 0.01
    assert found.in_range >= 0.95
    assert found.dictionary is None or found.dictionary >= 0.95


def test_english(benchmark: Any) -> None:
    check(benchmark, ROOT / "benchmarks/gold_en.jsonl", 0.75)


LANGUAGES = {"de": 0.85, "es": 0.85, "tr": 0.85, "ar": 0.75, "fa": 0.8, "hi": 0.8,
             "uk": 0.85, "zh": 0.8, "ja": 0.85}  # fmt: skip
EXTRAS = {"uk": "pymorphy3_dicts_uk", "zh": "jieba", "ja": "fugashi"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_languages(benchmark: Any, language: str) -> None:
    if language in EXTRAS:
        pytest.importorskip(EXTRAS[language])
    gold = benchmark.read_gold(ROOT / "benchmarks/gold_languages.jsonl")
    gold = [post for post in gold if post["lang"] == language]
    assert len(gold) == 13
    found = benchmark.report(gold, benchmark.tag_all(gold))
    assert found.f1 >= LANGUAGES[language]


def test_russian(benchmark: Any, real_data: Path) -> None:
    check(benchmark, real_data / "tags_gold/gold_ru.jsonl", 0.60)


def test_the_score_agrees_with_the_given_one(
    benchmark: Any, real_data: Path, tmp_path: Path
) -> None:
    gold_path = real_data / "tags_gold/gold_ru.jsonl"
    gold = benchmark.read_gold(gold_path)
    tags = benchmark.tag_all(gold)
    predicted = tmp_path / "predicted.jsonl"
    predicted.write_text(
        "\n".join(
            json.dumps({"id": post["id"], "tags": found})
            for post, found in zip(gold, tags, strict=True)
        )
    )
    done = subprocess.run(
        [sys.executable, real_data / "tags_gold/score.py", gold_path, predicted, "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    given = json.loads(done.stdout)
    ours = benchmark.report(gold, tags)
    assert given["F1"] == pytest.approx(ours.f1, abs=0.002)
    assert given["nominative%"] == pytest.approx(100 * ours.dictionary, abs=0.1)
    assert given["junk%"] == pytest.approx(100 * ours.junk, abs=0.1)


def test_a_concept_is_hit_once(benchmark: Any) -> None:
    gold = {"core": [["solar power", "sun"]], "ok": [["energy"]]}
    score = benchmark.score(gold, ["Solar Power", "sun", "energies", "noise"], 5)
    assert (score.precision, score.recall) == (0.5, 1.0)
