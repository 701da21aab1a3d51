"""What Typer keeps to itself is reached for in one place, for the versions that it names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from typer import __version__

from tgtagger.cli import click

SRC = Path(click.__file__).parents[1]
PRIVATE = re.compile(r"typer\._|typer\.\w+\._|from typer\.\w+ import _|\bimport _click|core\._")


def test_no_other_module_reaches_into_typer() -> None:
    found = {path for path in SRC.rglob("*.py") if PRIVATE.search(path.read_text("utf-8"))}
    assert {path.relative_to(SRC).as_posix() for path in found} == {"cli/click.py"}


def test_the_version_is_one_that_it_was_written_for() -> None:
    project = tomllib.loads((SRC.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    (pin,) = [each for each in project["dependencies"] if each.startswith("typer")]
    assert pin == "typer>=0.26,<0.29"
    assert "Typer 0.26 to 0.28" in (click.__doc__ or "")
    assert (0, 26) <= tuple(map(int, __version__.split(".")[:2])) <= (0, 28)
