"""What is not needed is not loaded: each slow library only where its work is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from exports import chat, message, write

SLOW = {"telethon", "httpx", "selectolax", "sqlalchemy", "alembic", "segno", "pymorphy3"}


def loaded(*arguments: str, db: Path) -> set[str]:
    program = (
        "import sys\nfrom tgtagger.cli import app\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write(' '.join({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--db", str(db), *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return SLOW & set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--help"], set()),
        (["parse", "--help"], {"sqlalchemy"}),
        (["login", "--help"], {"sqlalchemy"}),
        (["export"], {"sqlalchemy"}),
        (["parse"], {"sqlalchemy"}),
        (["parse", "@newsroom", "--via", "telegram"], {"sqlalchemy", "telethon"}),
        (["parse", "not a name"], {"sqlalchemy"}),
        (["tag", "--help"], {"sqlalchemy"}),
        (["tag"], {"sqlalchemy"}),
        (["tag", "--tagger", "llm"], {"sqlalchemy"}),
        (["retry-failed"], {"sqlalchemy"}),
    ],
    ids=lambda value: " ".join(sorted(value)),
)
def test_only_what_is_needed(tmp_path: Path, arguments: list[str], expected: set[str]) -> None:
    db = tmp_path / "posts.db"
    export = write(tmp_path / "export", chat(message(1, "post")))
    assert loaded("parse", str(export), db=db) == {"sqlalchemy", "alembic"}
    assert loaded(*arguments, db=db) <= expected
