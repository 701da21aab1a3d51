"""What is not needed is not loaded: each slow library only where its work is done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.exports import chat, message, write
from support.loading import libraries, loaded_by

SLOW = {
    "psycopg", "telethon", "httpx", "selectolax", "sqlalchemy", "alembic", "segno", "pymorphy3",
    "pymorphy3_dicts_uk", "jieba", "fugashi", "ipadic",
}  # fmt: skip


def loaded(*commands: tuple[str, ...]) -> list[set[str]]:
    """Return the slow libraries that are loaded after each of these commands."""
    return [SLOW & libraries(modules) for modules in loaded_by(*commands)]


NEED: tuple[tuple[str, set[str]], ...] = (
    ("--help", set()),
    ("parse --help", set()),
    ("login --help", set()),
    ("tag --help", set()),
    ("search post", set()),
    ("search (post|tag:x)since:3d --json", set()),
    ("show 1006503122/1", set()),
    ("status", set()),
    ("channels --json", set()),
    ("tags", set()),
    ("export", set()),
    ("parse", {"sqlalchemy"}),
    ("parse notaname!", {"sqlalchemy"}),
    ("tag", {"sqlalchemy"}),
    ("tag --tagger llm", {"sqlalchemy"}),
    ("retry-failed", {"sqlalchemy"}),
    ("parse @newsroom --via telegram", {"sqlalchemy", "telethon"}),
)
"""What may be loaded after each command, in one process: of each no less than of the one before."""


def test_only_what_is_needed(tmp_path: Path, db: Path) -> None:
    export = write(tmp_path / "export", chat(message(1, "post")))
    first = ("--db", str(db), "parse", str(export))
    assert loaded(first) == [{"sqlalchemy", "alembic"}]
    copies = [shutil.copy(db, tmp_path / f"{number}.db") for number in range(len(NEED))]
    commands = [
        ("--db", str(copy), *command.split(" "))
        for copy, (command, _) in zip(copies, NEED, strict=True)
    ]
    for (command, expected), found in zip(NEED, loaded(*commands), strict=True):
        assert found <= expected, command


def test_the_tab_key_loads_nothing_slow(tmp_path: Path, db: Path) -> None:
    export = write(tmp_path / "export", chat(message(1, "post")))
    assert loaded(("--db", str(db), "parse", str(export)))
    asks = {
        "_TGTAGGER_COMPLETE": "complete_bash", "COMP_CWORD": "5",
        "COMP_WORDS": f"tgtagger\n--db\n{db}\nsearch\n--channel\n1",
    }  # fmt: skip
    program = (
        "import sys\nfrom tgtagger.cli import app\n"
        "try:\n    app(prog_name='tgtagger')\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write(' '.join(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, env=os.environ | asks,
    )  # fmt: skip
    assert "1006503122" in done.stdout
    assert not SLOW & set(done.stderr.split())


def test_help_loads_no_settings_and_no_store() -> None:
    (modules,) = loaded_by(["--help"])
    assert not modules & {"tgtagger.config", "tgtagger.store", "tgtagger.model.posts"}


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        ("search post", {"jobs", "state", "integrity", "database", "copies", "surroundings"}),
        ("show 1006503122/1", {"jobs", "state", "integrity", "database", "copies", "surroundings"}),
        ("status", {"integrity", "database", "copies", "surroundings"}),
    ],
)
def test_a_command_loads_the_nouns_and_the_parts_that_it_uses(
    tmp_path: Path, db: Path, command: str, unneeded: set[str]
) -> None:
    export = write(tmp_path / "export", chat(message(1, "post")))
    assert loaded(("--db", str(db), "parse", str(export)))
    (modules,) = loaded_by(("--db", str(db), *command.split()))
    assert f"tgtagger.store.{'status' if command == 'status' else 'records'}" in modules
    assert not modules & {f"tgtagger.model.{name}" for name in unneeded}
    parts = {"posts", "queue", "curation", "undo", "jobs", "statistics", "surroundings", "agents"}
    assert not modules & {f"tgtagger.store.{name}" for name in parts}


def test_a_language_without_spaces_loads_its_own_library_alone(tmp_path: Path, db: Path) -> None:
    pytest.importorskip("fugashi")
    texts = "Дождь в Москве", "Rain in London", "東京で地震がありました"
    export = write(tmp_path / "export", chat(*(message(n, t) for n, t in enumerate(texts, 1))))
    *_, found = loaded(("--db", str(db), "parse", str(export)), ("--db", str(db), "tag"))
    of_languages = {"pymorphy3_dicts_uk", "jieba", "fugashi", "ipadic"}
    assert found & of_languages == {"fugashi", "ipadic"}
