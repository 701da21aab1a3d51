"""What is not needed is not loaded: each slow library only where its work is done."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.exports import chat, message, write

SLOW = {
    "psycopg", "telethon", "httpx", "selectolax", "sqlalchemy", "alembic", "segno", "pymorphy3",
    "pymorphy3_dicts_uk", "jieba", "fugashi", "ipadic",
}  # fmt: skip


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


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of one post, made by a first run; what that one loads is looked at, too."""
    folder = tmp_path_factory.mktemp("first")
    export = write(folder / "export", chat(message(1, "post")))
    db = folder / "posts.db"
    assert loaded("parse", str(export), db=db) == {"sqlalchemy", "alembic"}
    return db


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
def test_only_what_is_needed(
    archive: Path, tmp_path: Path, arguments: list[str], expected: set[str]
) -> None:
    db = Path(shutil.copy(archive, tmp_path))
    assert loaded(*arguments, db=db) <= expected


def test_help_loads_no_settings_and_no_store() -> None:
    program = (
        "import sys\nfrom tgtagger.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write(' '.join(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded_modules = set(done.stderr.split())
    assert not loaded_modules & {"tgtagger.config", "tgtagger.store", "tgtagger.model.posts"}


def test_a_language_without_spaces_loads_its_own_library_alone(
    archive: Path, tmp_path: Path
) -> None:
    pytest.importorskip("fugashi")
    texts = "Дождь в Москве", "Rain in London", "東京で地震がありました"
    export = write(tmp_path / "export", chat(*(message(n, t) for n, t in enumerate(texts, 1))))
    db = Path(shutil.copy(archive, tmp_path))
    loaded("parse", str(export), db=db)
    of_languages = {"pymorphy3_dicts_uk", "jieba", "fugashi", "ipadic"}
    assert loaded("tag", db=db) & of_languages == {"fugashi", "ipadic"}
