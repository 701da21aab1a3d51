"""What commands of tgtagger load: in one new process, one after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

_PROGRAM = """
import json, sys
from tgtagger.cli import app
told = []
for arguments in json.loads(sys.argv.pop()):
    try:
        app(arguments)
    except SystemExit:
        pass
    told.append(sorted(sys.modules))
sys.stderr.write("\\n" + json.dumps(told))
"""


def loaded_by(*commands: Sequence[str]) -> list[set[str]]:
    """Return the modules that are loaded after each command; what one loads, the next ones have."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(commands)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [set(names) for names in json.loads(done.stderr.splitlines()[-1])]


def libraries(modules: set[str]) -> set[str]:
    """Return the names of the packages that modules belong to."""
    return {name.partition(".")[0] for name in modules}
