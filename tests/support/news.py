"""Commands as a user types them, and an archive with tags that their tests talk about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from support.exports import chat, message, service, write
from tgtagger.cli import app

NEWS = chat(
    service(1, "create_channel"),
    message(2, "Учёные из Томска нашли новую комету #астрономия"),
    message(3, "Хорошие новости для Иркутска: открыли планетарий"),
    message(4, "=1+1 Rotterdam opens a wind-powered terminal\x1b[31m"),
    message(5, "", photo="p.jpg", width=1, height=2),
)


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def call(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--db", str(tmp_path / "posts.db"), *arguments])

    return call


@pytest.fixture
def archive(run: Any, tmp_path: Path) -> Any:
    assert run("parse", str(write(tmp_path / "export", NEWS))).exit_code == 0
    assert run("tag").exit_code == 0
    return run


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]
