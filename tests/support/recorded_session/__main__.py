"""`python -m support.recorded_session PATH-OF-TGTAGGER` (see the package)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from support.recorded_session.chapters import CHAPTERS
from support.recorded_session.servers import ModelServer, PreviewServer
from support.recorded_session.session import Session

HOME_LENGTH = 60
"""Letters of the home's path: its length sets the width of a table."""


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m support.recorded_session PATH-OF-TGTAGGER", file=sys.stderr)
        return 2
    program = Path(sys.argv[1]).absolute()
    # The program may print bytes that are not text: they are shown by their numbers.
    sys.stdout = open(  # noqa: SIM115
        sys.stdout.fileno(), "w", encoding="utf-8", errors="backslashreplace", closefd=False
    )
    with tempfile.TemporaryDirectory(prefix="session-") as folder:
        root = Path(folder).resolve()
        home = root / ("h" * max(1, HOME_LENGTH - len(str(root)) - 1))
        home.mkdir(mode=0o700)
        with ModelServer() as model, PreviewServer() as preview:
            session = Session(program, home, model, preview)
            for chapter in CHAPTERS:
                print(f"\n{'=' * 20} {chapter.__name__.replace('_', ' ')}\n")
                chapter(session)
    print(f"{session.typed} commands")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
