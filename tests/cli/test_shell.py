"""The shell of the command line: its help, its exit codes, what it says when something fails."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from tgtagger import errors
from tgtagger.cli import COMMANDS, app
from tgtagger.cli.context import Invocation, invocation

NAMES = [name for group in COMMANDS.values() for name in group]


def run(*args: str) -> Result:
    return CliRunner().invoke(app, args, prog_name="tgtagger", env={"COLUMNS": "80"})


@pytest.fixture
def status_is(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[typer.Context], Any]], None]:
    """Let the command `status` do something else."""

    def put(does: Callable[[typer.Context], Any]) -> None:
        def command(ctx: typer.Context) -> Any:
            return does(ctx)

        command.__annotations__ = {"ctx": typer.Context}
        module = ModuleType("tgtagger.cli.status")
        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "tgtagger.cli.status", module)

    return put


# ---- help


def test_the_help_lists_the_commands_in_their_groups() -> None:
    bare, asked = run(), run("--help")
    assert (bare.exit_code, asked.exit_code) == (0, 0)
    assert bare.stdout == asked.stdout
    assert bare.stderr == ""
    groups = re.findall(r"^(Set up|Collect|Look)\n((?:  .+\n)+)", asked.stdout, re.MULTILINE)
    assert {title: re.findall(r"^  (\S+)", rows, re.MULTILINE) for title, rows in groups} == {
        "Set up": ["login", "logout", "config", "doctor", "copy", "demo"],
        "Collect": ["parse", "tag", "retry-failed", "sync"],
        "Look": ["search", "show", "export", "tags", "channels", "status"],
    }
    assert "Examples" in asked.stdout


def test_the_help_is_aligned_and_within_80_columns_and_plain() -> None:
    lines = run("--help").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)
    rows = [line for line in lines if re.match(rf"  ({'|'.join(NAMES)})\s", line)]
    assert len({re.match(r"  \S+\s+", row).end() for row in rows}) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: tgtagger {name} ")
    assert result.stderr == ""
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert "--db" in result.stdout


@pytest.mark.parametrize("args", [["--version"], ["--version", "status"], ["-q", "--version"]])
def test_the_version_is_said_wherever_it_is_asked(args: list[str]) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (0, "tgtagger 0.1.0\n")


# ---- mistakes on the command line


@pytest.mark.parametrize(
    ("args", "says", "hints"),
    [
        (["serach"], "no command 'serach'", "did you mean search?"),
        (["statsu"], "no command 'statsu'", "did you mean status or tags?"),
        (["undo"], "no command 'undo'", "tgtagger tags undo"),
        (["status", "--jsno"], "--jsno", "did you mean --json?"),
        (["--dbb", "x"], "--dbb", "did you mean --db?"),
        (["show"], "POST", "see tgtagger show --help"),
        (["status", "extra"], "extra", "see tgtagger status --help"),
        (["search", "--limit", "0"], "--limit", "see tgtagger search --help"),
        (["search", "--since", "5m"], "'5m' may be minutes or months", "write 5min or 5mo"),
        (["search", "--since", "soon"], "'soon' is not a date", "see tgtagger search --help"),
        (["config", "inti"], "inti", "see tgtagger config --help"),
        (["--db"], "--db", "see tgtagger --help"),
    ],
)
def test_a_mistake_is_said_with_what_to_do(args: list[str], says: str, hints: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert says in error
    assert hint.startswith("hint: ")
    assert hints in hint


def test_a_mistake_does_not_steer_the_terminal() -> None:
    for args in (
        ["\x1b[31m"],
        ["--\x1b[31m"],
        ["status", "\x1b]52;"],
        ["search", "--since", "\x9b"],
    ):
        result = run(*args)
        assert result.exit_code == 2
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.stderr)


# ---- endings


@pytest.mark.parametrize("code", [None, 0, 5, 75])
def test_what_a_command_returns_is_the_exit_code(
    status_is: Callable[..., None], code: int | None
) -> None:
    status_is(lambda _: code)
    result = run("status")
    assert (result.exit_code, result.stderr) == (code or 0, "")


@pytest.mark.parametrize(
    "failure",
    [
        errors.InputError,
        errors.ActionNeeded,
        errors.SourceError,
        errors.StoreError,
        errors.TryLater,
    ],
)
def test_a_failure_is_said_once_with_its_code(
    status_is: Callable[..., None], failure: type[errors.TgTaggerError]
) -> None:
    def fail(_: typer.Context) -> None:
        typer.echo("some data")
        raise failure("usage", sentence="the \x1b[31mcat\nis gone", advice="look under the sofa")

    status_is(fail)
    result = run("status")
    assert result.exit_code == failure.exit_code
    assert result.stdout == "some data\n"
    assert result.stderr == "error: the \\x1b[31mcat\\nis gone\nhint: look under the sofa\n"


def test_how_a_failure_came_about_is_said_on_request(status_is: Callable[..., None]) -> None:
    def fail(_: typer.Context) -> None:
        secret = "hunter" + "2"
        try:
            int("the cause")
        except ValueError as error:
            raise errors.StoreError(
                "usage", sentence=f"it failed after {len(secret)}", advice=None
            ) from error

    status_is(fail)
    for args in (["-vv", "status"], ["status", "-vv"]):
        said = run(*args).stderr
        assert "ValueError: invalid literal" in said
        assert said.endswith("\nerror: it failed after 7\n")
        assert "hunter2" not in said
    assert run("-v", "status").stderr == "error: it failed after 7\n"


def test_a_bug_is_not_hidden(status_is: Callable[..., None]) -> None:
    def fail(_: typer.Context) -> None:
        raise KeyError("bug")

    status_is(fail)
    result = run("status")
    assert result.exit_code == 1
    assert isinstance(result.exception, KeyError)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (KeyboardInterrupt(), 130),
        (typer.Abort(), 130),
        (EOFError(), 130),
        (BrokenPipeError(32, "Broken pipe"), 0),
        (SystemExit(4), 4),
        (typer.Exit(3), 3),
    ],
)
def test_other_endings(status_is: Callable[..., None], raised: BaseException, code: int) -> None:
    def end(_: typer.Context) -> None:
        raise raised

    status_is(end)
    result = run("status")
    assert result.exit_code == code
    assert result.stderr.strip() == ""


def test_a_disk_that_is_full_is_said(status_is: Callable[..., None]) -> None:
    def end(_: typer.Context) -> None:
        raise OSError(28, "No space left on device")

    status_is(end)
    result = run("status")
    assert result.exit_code == 6
    assert result.stderr == "error: the output cannot be written: No space left on device\n"


# ---- global options


@pytest.mark.parametrize(
    "args",
    [
        ["--db", "x.db", "-q", "-v", "--no-color", "status"],
        ["status", "--db", "x.db", "-q", "-v", "--no-color"],
        ["--db", "y.db", "-q", "status", "--db=x.db", "-v", "--no-color"],
    ],
)
def test_global_options_work_before_and_after_the_name(
    status_is: Callable[..., None], args: list[str]
) -> None:
    seen: list[Invocation] = []
    status_is(lambda ctx: seen.append(invocation(ctx)))
    assert run(*args).exit_code == 0
    (called,) = seen
    assert (called.flags["db"], called.quiet, called.verbosity, called.no_color) == (
        "x.db", True, 1, True,
    )  # fmt: skip


def test_settings_come_with_the_flags(status_is: Callable[..., None]) -> None:
    seen: list[str] = []
    status_is(lambda ctx: seen.append(invocation(ctx).settings().db))
    run("--db", "x.db", "status")
    assert seen == ["x.db"]


# ---- config


def test_config_shows_values_and_where_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TGTAGGER_TAGS_MAX", "9")
    shown = {row["name"]: row for row in json.loads(run("config", "--db", "x.db", "--json").stdout)}
    assert (shown["db"]["value"], shown["db"]["from"]) == ("x.db", "flag")
    assert (shown["tags_max"]["value"], shown["tags_max"]["from"]) == (9, "environment")
    table = run("config").stdout
    assert re.search(r"^tags_max +9 +environment$", table, re.MULTILINE)
    assert all(name in table for name in shown)


def test_config_init_writes_a_private_file_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    args = ["--config", str(path), "config", "init"]
    first = run(*args)
    assert (first.exit_code, first.stdout) == (0, f"{path}\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.write_text("mine")
    assert run(*args).exit_code == 2
    assert path.read_text() == "mine"
    path.chmod(0o644)
    assert run(*args, "--force").exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "tags_min" in path.read_text()
    assert run("--config", str(path), "config").exit_code == 0


def test_config_path_needs_no_file(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert run("config", "path", "--config", str(path)).stdout == f"{path}\n"
    (tmp_path / "bad.toml").write_text("bad")
    assert run("--config", str(tmp_path / "bad.toml"), "config", "path").exit_code == 0
    assert run("--config", str(tmp_path / "bad.toml"), "config").exit_code == 2


def test_config_init_where_nothing_can_be_written() -> None:
    result = run("--config", "/proc/nowhere/config.toml", "config", "init")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
