"""The documents keep step with the program."""

from __future__ import annotations

import html
import re
import shlex
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from support.terminal import in_pipes, on_terminal
from tgtagger import cli, config
from tgtagger.errors import TgTaggerError
from tgtagger.export import FORMATS, Format

ROOT = Path(__file__).parents[1]
DOCS = "\n".join(
    path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
)
LATE = {"--db", "--config", "-q", "--quiet", "-v", "--verbose", "--no-color", "--version", "-h",
        "--help"}  # fmt: skip
COMMANDS = [name for group in cli.COMMANDS.values() for name in group]


def command(name: str) -> typer.core.TyperCommand:
    root = typer.main.get_command(cli.app)
    found = root.get_command(typer.Context(root), name)  # type: ignore[attr-defined]
    assert found is not None, name
    return found  # type: ignore[no-any-return]


def _is_hidden(parameter: object) -> bool:
    return getattr(parameter, "hidden", False)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    assert f"`{name}" in DOCS or f"tgtagger {name}" in DOCS
    settings = (ROOT / "docs/settings.md").read_text()
    found = command(name)
    below: dict[str, typer.core.TyperCommand] = getattr(found, "commands", {})
    for each in (found, *below.values()):
        for parameter in each.params:
            for option in parameter.opts:
                if option.startswith("--") and option not in LATE and not _is_hidden(parameter):
                    assert f"`{option}" in settings, f"{name} {option}"
    for sub in below:
        assert re.search(rf"`(?:{name} )?{sub}`", settings), f"{name} {sub}"


@pytest.mark.parametrize("setting", config.SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_documented(setting: config.Setting) -> None:
    assert f"`{setting.variable}`" in DOCS
    if setting.key:
        assert f"`{setting.key}`" in DOCS


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_every_format_is_documented(form: Format) -> None:
    text = (ROOT / "docs/exports.md").read_text(encoding="utf-8")
    made = "a folder" if form.is_folder else "a file"
    assert re.search(rf"^\| `{form.name}` \| {made}", text, re.MULTILINE)
    assert callable(form.write)


def test_no_variable_is_documented_that_is_not() -> None:
    known = {setting.variable for setting in config.SETTINGS}
    assert set(re.findall(r"TGTAGGER_[A-Z_]+", DOCS)) <= known


@pytest.mark.parametrize("setting", config.SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_has_one_row_with_its_default(setting: config.Setting) -> None:
    rows = (ROOT / "docs/settings.md").read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in rows if re.match(rf"\|[^|]*`{setting.variable}`", line)]
    if setting.default:
        shown = f"{setting.default:g}" if isinstance(setting.default, float) else setting.default
        assert re.search(rf"[; `]{re.escape(str(shown))}(?!\w)", row), row


@pytest.mark.parametrize("name", config.PROVIDERS)
def test_every_provider_is_documented(name: str) -> None:
    found = config.PROVIDERS[name]
    key = f"`{found.key_variable}`" if found.key_variable else "none"
    text = (ROOT / "docs/providers.md").read_text(encoding="utf-8")
    assert f"| `{name}` | `{found.url}` | {key} |" in text
    assert f"TGTAGGER_LLM_PROVIDER={name}" in text


def test_every_exit_code_is_documented() -> None:
    def below(kind: type[TgTaggerError]) -> set[int]:
        return {kind.exit_code}.union(*map(below, kind.__subclasses__()))

    known = {0, 5, 130, 143} | below(TgTaggerError)  # 5: some posts failed, which is no error
    for name in ("settings.md", "cron.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        table = text.split("## Exit codes", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
        listed = re.findall(r"^\| (\d+(?:, \d+)*) \|", table, re.MULTILINE)
        assert {int(code) for row in listed for code in row.split(", ")} == known, name


def test_the_index_names_every_page() -> None:
    named = set(re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs/README.md").read_text()))
    assert named == {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}


PAGES = [ROOT / "README.md", ROOT / "README.ru.md", *sorted((ROOT / "docs").glob("*.md"))]
"""What they show in blocks of their own is run by `test_examples.py`."""


def calls() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        text = re.sub(r"(?ms)^```.*?^```$", "", path.read_text(encoding="utf-8"))
        for call in re.findall(r"`tgtagger ([^`]+)`", text):
            yield path.relative_to(ROOT).as_posix(), " ".join(call.split())
    for name in COMMANDS:
        found = command(name)
        for each in (found, *getattr(found, "commands", {}).values()):
            for call in re.findall(
                r"(?m)^  (?:[*/\d ]+ )?tgtagger (.+?)(?:  .*)?$", each.epilog or ""
            ):
                yield f"{name} --help", call


def helps(name: str) -> Iterator[list[str]]:
    """Yield a command and those below it, as words to be typed."""
    yield [name]
    yield from ([name, below] for below in getattr(command(name), "commands", {}))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name: str) -> None:
    for words in helps(name):
        shown = in_pipes(*words, "--help").output
        assert f"  tgtagger {' '.join(words)}" in shown.partition("\nExamples\n")[2]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in ([], *(each for name in COMMANDS for each in helps(name))):
        shown = in_pipes(*words, "--help").output
        for line in shown.splitlines():
            is_whole = line.startswith("  tgtagger ")  # a command, to be copied
            assert len(line) <= min(columns, 80) or (is_whole and columns < 80), line
            assert line == line.rstrip()
        assert not re.search(r"[a-z]\.\.\.$", shown, re.MULTILINE)  # cut short
        assert not re.search(r"x[<>]=|<=x|[{}]", shown)


def test_every_call_that_is_named_exists() -> None:
    named = sorted(set(calls()))
    assert len(named) > 100
    for place, example in named:
        assert_exists(place, example)


def assert_exists(place: str, example: str) -> None:
    words = shlex.split(example.split("|", maxsplit=1)[0])
    if words[0] in {"--install-completion", "--show-completion"}:
        return
    while words[0].startswith("-"):  # options before the command's name
        assert words[0] in LATE, f"{place}: {example}"
        words = words[2 if words[0] in {"--db", "--config"} else 1 :]
    found = command(words[0])
    options = {option for parameter in found.params for option in parameter.opts}
    below: dict[str, typer.core.TyperCommand] = getattr(found, "commands", {})
    if len(words) > 1 and words[1] in below:
        options = {option for parameter in below[words[1]].params for option in parameter.opts}
    elif below:
        assert len(words) == 1 or words[1].startswith("-"), f"{place}: {example}"
    for word in words[1:]:
        name = word.partition("=")[0]
        if re.fullmatch(r"--[a-z-]+|-[a-z]", name):
            assert name in options | LATE, f"{place}: {name} in {example}"


def test_the_picture_of_the_terminal_is_what_demo_prints() -> None:
    drawn = (ROOT / "docs/pictures/terminal.svg").read_text(encoding="utf-8")
    words = "".join(html.unescape("".join(re.findall(r"<text[^>]*>([^<]*)", drawn))).split())
    with pytest.MonkeyPatch.context() as here:
        here.setenv("TZ", "UTC")
        time.tzset()
        printed = re.sub(r"\x1b\[[\d;]*m", "", on_terminal("demo", columns=88).output)
    time.tzset()
    shown = words.removeprefix("tgtaggerdemo")
    assert len(shown) > 1000
    assert "".join(printed.split()).startswith(shown), "draw it anew: make pictures"


def test_the_russian_readme_has_the_same_commands() -> None:
    def shown(name: str) -> list[list[str]]:
        text = (ROOT / name).read_text(encoding="utf-8")
        lines = [shlex.split(line, comments=True) for line in re.findall(r"(?m)^\$ (.+)$", text)]
        return [
            line[:1] + [word for word in line if word.startswith("-") or word in COMMANDS]
            for line in lines
        ]

    assert shown("README.ru.md") == shown("README.md")


def test_the_map_names_the_modules_there_are() -> None:
    source = ROOT / "src/tgtagger"
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+)`", text.partition("## The packages")[2].split("\n## ")[0]))
    inside = {path.stem for path in source.rglob("*.py")} | {p.name for p in source.rglob("*/")}
    assert named <= inside
    packages = {path.parent.name for path in source.rglob("*/__init__.py")} - {"tgtagger"}
    modules = {path.stem for path in source.rglob("[a-z]*.py")}
    assert modules | packages <= named


def test_every_dependency_earns_its_sentence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=;\[ ]", item)[0] for item in project["dependencies"]}
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^- \*\*([\w.-]+)\*\* \w+", text, flags=re.MULTILINE)) == names


def test_links_between_the_documents_lead_somewhere() -> None:
    def anchors(page: Path) -> set[str]:
        headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
        return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}

    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        assert "<<<<<<<" not in text, path.name
        for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", text):
            page = path.parent / target if target else path
            assert page.exists(), f"{path.name}: {target}"
            assert not anchor or anchor in anchors(page), f"{path.name}: {target}#{anchor}"


def test_pages_that_the_program_names_exist() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    assert all((ROOT / page).exists() for page in re.findall(r"docs/[\w-]+\.md", sources))


def test_the_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    texts = DOCS + (ROOT / "CONTRIBUTING.md").read_text()
    assert set(re.findall(r"`?make ([a-z]+)", texts)) <= targets


def test_the_schema_is_documented() -> None:
    from tgtagger.store.values import COLUMNS

    text = (ROOT / "docs/schema.md").read_text()
    assert all(f"`{table}`" in text for table in COLUMNS)


def test_every_row_of_the_fault_matrix_has_its_promise_and_its_tests() -> None:
    from support.fault_matrix import ROWS

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
