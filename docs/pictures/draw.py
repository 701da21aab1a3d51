"""Draw the pictures of the docs: the demo in a terminal, its posts as a web site, and in `serve`.

usage: python docs/pictures/draw.py

The terminal is drawn by rich, from what the command prints on a pseudo-terminal. The site
and the pages of `serve` by Chromium without a window, where it is installed (apt install chromium);
else those pictures stay.
"""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
PROGRAM = str(Path(sys.executable).with_name("tgtagger"))
COLUMNS = 88
LINES = 51
"""Of what is printed: up to the first post that is found."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = f"{folder}/demo.db"
        environment = {
            "PATH": os.environ["PATH"], "HOME": folder, "TZ": "UTC", "TERM": "xterm-256color",
            "COLUMNS": str(COLUMNS), "LANG": "C.UTF-8",
        }  # fmt: skip
        printed = on_a_terminal([PROGRAM, "demo", "--db", database], environment)
        draw_terminal("\n".join(printed.splitlines()[:LINES]), HERE / "terminal.svg")
        subprocess.run(
            [PROGRAM, "--db", database, "export", "--format", "html", "-o", f"{folder}/site"],
            env=environment, check=True,
        )  # fmt: skip
        draw_page((Path(folder) / "site/index.html").as_uri(), HERE / "site.png", "900,1000")
        subprocess.run(
            [PROGRAM, "--db", database, "tags", "add", "1990000002/7", "наука", "астрономия"],
            env=environment, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        draw_serve(database, environment)


def on_a_terminal(command: list[str], environment: dict[str, str]) -> str:
    """Run a command on a pseudo-terminal; return what it printed."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, environment)
    import fcntl
    import struct
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    printed = b""
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not part:
            break
        printed += part
    os.waitpid(pid, 0)
    return printed.decode().replace("\r\n", "\n")


def draw_terminal(printed: str, path: Path) -> None:
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(printed))
        console.save_svg(str(path), title="tgtagger demo", unique_id="tgtagger")


def draw_serve(database: str, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [PROGRAM, "--db", database, "serve", "--port", "0", "--no-worker"],
        env=environment, stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stderr is not None
        address = next(line.split()[1] for line in server.stderr if line.startswith("open "))
        draw_page(address, HERE / "serve.png", "1240,820")
        server.terminate()


def draw_page(address: str, path: Path, size: str) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.stderr.write(f"{path.name} is not drawn anew: Chromium is not installed\n")
        return
    subprocess.run(
        [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--window-size={size}", "--virtual-time-budget=3000", f"--screenshot={path}", address],
        stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
