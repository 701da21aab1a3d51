"""Run several commands of tgtagger in one process: the start takes most of a short command's time.

As a program it takes a list of command lines as JSON and prints, for each, its exit code and its
outputs. `breaking.run_many` calls it, with the faults that a test makes for the process.
"""

from __future__ import annotations

import io
import json
import resource
import sys


def call(arguments: list[str]) -> tuple[int, str, str]:
    from tgtagger.cli import app

    before = sys.stdout, sys.stderr
    texts = [io.BytesIO(), io.BytesIO()]
    streams = [io.TextIOWrapper(text, encoding="utf-8", write_through=True) for text in texts]
    sys.stdout, sys.stderr = streams
    code = 1
    try:
        app(arguments, prog_name="tgtagger")
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0
    except BaseException:  # noqa: BLE001 -- a bug: shown as Python shows it
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout, sys.stderr = before
    out, err = (text.getvalue().decode(errors="replace") for text in texts)
    return code, out, err


if __name__ == "__main__":
    done = [call(arguments) for arguments in json.load(sys.stdin)]
    # A limit of a file's size (prlimit --fsize=N:) is for the commands, not for this report.
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    json.dump(done, sys.stdout)
