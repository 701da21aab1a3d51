"""The documents keep step with the program."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer

from tgtagger import cli, config

ROOT = Path(__file__).parents[1]
DOCS = "\n".join(
    path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
)
COMMANDS = [name for group in cli.COMMANDS.values() for name in group]


def command(name: str) -> typer.core.TyperCommand:
    root = typer.main.get_command(cli.app)
    found = root.get_command(typer.Context(root), name)  # type: ignore[attr-defined]
    assert found is not None
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    assert f"`{name}" in DOCS or f"tgtagger {name}" in DOCS
    settings = (ROOT / "docs/settings.md").read_text()
    for parameter in command(name).params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert f"`{option}" in settings, f"{name} {option}"


@pytest.mark.parametrize("setting", config.SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_documented(setting: config.Setting) -> None:
    assert f"`{setting.variable}`" in DOCS
    if setting.key:
        assert f"`{setting.key}`" in DOCS


def test_no_variable_is_documented_that_is_not() -> None:
    known = {setting.variable for setting in config.SETTINGS}
    assert set(re.findall(r"TGTAGGER_[A-Z_]+", DOCS)) <= known


def test_the_commands_in_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    used = re.findall(r"^\$ tgtagger ([\w-]+)(.*)$", text, flags=re.MULTILINE)
    assert used
    for name, rest in used:
        options = {option for parameter in command(name).params for option in parameter.opts}
        for option in re.findall(r"(?<=\s)--?[a-z-]+", rest.split("#")[0].split("'")[-1]):
            assert option in options, f"{name} {option}"


def test_every_dependency_earns_its_sentence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=;\[ ]", item)[0] for item in project["dependencies"]}
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^- \*\*([\w.-]+)\*\* \w+", text, flags=re.MULTILINE)) == names


def test_links_between_the_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+\.md)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    texts = DOCS + (ROOT / "CONTRIBUTING.md").read_text()
    assert set(re.findall(r"`?make ([a-z]+)", texts)) <= targets


def test_the_schema_is_documented() -> None:
    from tgtagger.store._schema import metadata

    text = (ROOT / "docs/schema.md").read_text()
    assert all(f"`{table}`" in text for table in metadata.tables)


def test_every_row_of_the_fault_matrix_has_its_promise_and_its_tests() -> None:
    from fault_matrix import ROWS

    promised = set()
    text = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    for cell in re.findall(r"^\| ([A-Z]\d(?:, [A-Z]\d)*) \|", text, re.MULTILINE):
        promised |= set(cell.split(", "))
    assert promised == set(ROWS)
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    tried = {
        name for marks in re.findall(r"\.row\(([^)]*)\)", sources)
        for name in re.findall(r'"([A-Z]\d)"', marks)
    }  # fmt: skip
    assert tried | {row for row in ROWS if f'"{row}", lambda' in sources} == set(ROWS)
