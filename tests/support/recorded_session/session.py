"""The session: run a command in the session's home, and print its outputs."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from support.pseudo_terminal import terminal
from support.recorded_session.exports import write_exports
from support.recorded_session.normalising import Normal
from support.recorded_session.servers import ModelServer, PreviewServer

PATIENCE = 120
"""Seconds that one command may take, on a busy machine."""

Stream = Literal["stdout", "stderr"]

FOREIGN = {"TZ", "_TGTAGGER_COMPLETE", "COMP_WORDS", "COMP_CWORD"}
"""Variables that are not settings of tgtagger."""


@dataclass
class Session:
    """A person who types commands in a home; prints the outputs."""

    program: Path
    home: Path
    model: ModelServer
    preview: PreviewServer
    typed: int = 0
    work: Path = field(init=False)

    def __post_init__(self) -> None:
        self.work = self.home / "work"
        self.work.mkdir()
        write_exports(self.work)
        self.normal = Normal(self.home, (self.model.port, self.preview.port))

    def new_home(self) -> None:
        """Begin again in an empty home; the files in the work folder stay."""
        for name in (".local", ".config", ".cache"):
            shutil.rmtree(self.home / name, ignore_errors=True)

    @property
    def db(self) -> Path:
        return self.home / ".local/share/tgtagger/tgtagger.db"

    def type(self, line: str, **settings: str) -> None:
        """Run `tgtagger LINE` with these settings; print the command and its outputs."""
        self._type(line, settings)

    def answer(self, line: str, answers: str) -> None:
        """Do the same with answers piped in."""
        self._type(line, {}, stdin=answers)

    def watch(self, stream: Stream, line: str, **settings: str) -> None:
        """Do the same with a terminal as one of the outputs, on which more is drawn or said."""
        self._type(line, settings, watched=stream)

    def _type(
        self,
        line: str,
        settings: Mapping[str, str],
        *,
        stdin: str = "",
        watched: Stream | None = None,
    ) -> None:
        variables = {
            name if name in FOREIGN else f"TGTAGGER_{name}": value
            for name, value in settings.items()
        }
        command = [str(self.program), *shlex.split(line)]
        code, outputs = self._run(command, self._environ() | variables, stdin.encode(), watched)
        self.typed += 1
        words = [*(f"{name}={shlex.quote(value)}" for name, value in variables.items()), "tgtagger"]
        where = f"   [{watched} is a terminal]" if watched else ""
        where += f"   [typed into it: {stdin!r}]" if stdin else ""
        print(f"$ {self.normal(' '.join([*words, line]).strip())}{where}")
        print(f"exit code {code}")
        for name, output in outputs.items():
            self._print(name, self.normal(output.decode(errors="backslashreplace")))
        print()

    def _run(
        self, command: list[str], environ: dict[str, str], stdin: bytes, watched: Stream | None
    ) -> tuple[int, dict[Stream, bytes]]:
        with terminal() as (descriptor, shown):
            if watched:
                # A terminal that can move its cursor shows a live line, another one each time. A
                # terminal that cannot shows only the words about a run.
                environ["TERM"] = "dumb" if watched == "stderr" else "xterm"
            done = subprocess.run(
                command,
                input=stdin,
                stdout=descriptor if watched == "stdout" else subprocess.PIPE,
                stderr=descriptor if watched == "stderr" else subprocess.PIPE,
                cwd=self.work,
                env=environ,
                timeout=PATIENCE,
                check=False,
            )
        outputs: dict[Stream, bytes] = {"stdout": done.stdout, "stderr": done.stderr}
        if watched:
            outputs[watched] = b"".join(shown)
        return done.returncode, outputs

    def with_model(self, line: str, *script: int | str, **settings: str) -> None:
        """Do the same with a model; `script` is the faults of its first answers."""
        self.model.script = list(script)
        asked = len(self.model.asked)
        self._type(line, self.model.settings | settings)
        print(f"the model was asked: {', '.join(self.model.asked[asked:]) or 'nothing'}\n")

    def with_preview(self, line: str) -> None:
        """Do the same with the web preview."""
        self.preview.asked.clear()
        self._type(line, {"PREVIEW_URL": self.preview.url})
        print(f"the preview was asked: {', '.join(self.preview.asked) or 'nothing'}\n")

    def show_file(self, name: str) -> None:
        """Print a file's content."""
        text = (self.home / name).read_bytes().decode(errors="backslashreplace")
        self._print(f"file {name}", self.normal(text))
        print()

    def show_folder(self, name: str) -> None:
        """Print the files in a folder, each with a digest of its content."""
        lines = []
        folder = self.work / name
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                text = self.normal(path.read_bytes().decode(errors="backslashreplace"))
                digest = hashlib.sha256(text.encode()).hexdigest()
                lines.append(f"{digest}  {path.relative_to(folder)}\n")
        self._print(f"folder {name}", "".join(lines))
        print()

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "TZ": "UTC",
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
            "NO_COLOR": "1",
            # If a command ever asks the real network, the request fails.
            "HTTPS_PROXY": "http://127.0.0.1:9",
        }

    @staticmethod
    def _print(name: str, text: str) -> None:
        if text:
            print(f"-- {name}")
            seen = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
            print(seen, end="" if seen.endswith("\n") else "\n(no end of line)\n")


_CONTROL = re.compile(r"[^\n\t -\U0010ffff]|\x7f")
