"""Where nothing can run, one line says so: Windows, and a Python that lacks what was not built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tgtagger import __version__

OF_POSIX = ["fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "tty"]

PROGRAM = """
import sys
platform, lacking, *rest = sys.argv[1:]

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name in lacking.split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Lacking())
sys.platform = platform
sys.argv = ["tgtagger", *rest]
from tgtagger.__main__ import main
main()
"""


def call(
    *arguments: str, lacking: list[str], platform: str = sys.platform
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, platform, ",".join(lacking), *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [[], ["--help"], ["demo"], ["parse", "@durov"], ["-q", "tag"]]
)
def test_windows_is_refused_in_one_line(arguments: list[str]) -> None:
    done = call(*arguments, lacking=OF_POSIX, platform="win32")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: Windows is not supported")
    assert "WSL" in done.stderr
    assert done.stderr.isascii()  # whatever the console's code page


def test_the_version_is_said_on_windows() -> None:
    done = call("--version", lacking=OF_POSIX, platform="win32")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"tgtagger {__version__}\n", "")


@pytest.mark.parametrize(
    ("module", "command"),
    [("fcntl", "status"), ("sqlite3", "status"), ("_sqlite3", "tag")],
)
def test_a_python_that_lacks_a_part_is_refused(module: str, command: str, tmp_path: Path) -> None:
    done = call("--db", str(tmp_path / "posts.db"), command, lacking=[module])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: this Python was built without {module};")
    assert len(done.stderr.splitlines()) == 1


def test_a_module_that_is_not_pythons_is_a_bug(tmp_path: Path) -> None:
    done = call("--db", str(tmp_path / "posts.db"), "status", lacking=["tgtagger.store"])
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
