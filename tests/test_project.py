"""What is said of the project in several places is the same in all of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import tgtagger

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
HOOKS: list[dict[str, Any]] = [
    hook
    for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repo["hooks"]
]


def test_the_workflow_tries_the_pythons_and_systems_that_the_package_names() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())["jobs"]
    matrix = jobs["check"]["strategy"]["matrix"]
    named = re.findall(r":: (3\.\d+)\b", "\n".join(PROJECT["classifiers"]))
    assert matrix["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"
    systems = {name.rpartition(":: ")[2] for name in PROJECT["classifiers"] if "System ::" in name}
    assert {"ubuntu-latest": "Linux", "macos-latest": "MacOS"}.keys() == {*matrix["system"]}
    assert {"Linux", "MacOS"} <= systems


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_targets_of_the_makefile(workflow: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    called = re.findall(r"run: make (\w+)", workflow.read_text())
    assert called
    assert set(called) <= targets


def test_the_changelog_has_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, second, *_ = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert first == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(tgtagger.__version__)}\] - \d{{4}}-\d\d-\d\d", second)
    for name in re.findall(r"^## \[(.+?)\]", text, re.MULTILINE):
        assert f"\n[{name}]: https://" in text


def test_the_repository_has_one_address() -> None:
    address = PROJECT["urls"]["Source"]
    assert all(url.startswith(address) for url in PROJECT["urls"].values())
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        for found in re.findall(r"https://github\.com/[\w.-]+/tgtagger", text):
            assert found == address, path.name


@pytest.mark.parametrize("name", ["bot.session", "a/b.session-journal", "x.db", "x.db-wal", ".env"])
def test_a_hook_keeps_private_files_out(name: str) -> None:
    (hook,) = [hook for hook in HOOKS if hook["language"] == "fail"]
    assert re.search(hook["files"], name)


def test_the_hooks_are_programs_of_the_environment() -> None:
    for hook in HOOKS:
        assert hook["language"] == "fail" or hook["entry"].startswith(".venv/bin/")
