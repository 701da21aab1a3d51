"""`make fuzz`: each surface for a while, guided by coverage where atheris is installed.

A surface runs in a process of its own, which a crash of a C library or a loop without end may take
down. Without atheris Hypothesis looks for inputs by itself. What is found is printed as an input
for the surface's list, so that the suite tries it from then on; the corpus stays in .fuzz/.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from random import Random

FOLDER = Path(".fuzz")
LONGEST = 20_000
"""Bytes of an input that libFuzzer makes."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description="Try readers with any input.")
    parser.add_argument("names", nargs="*", metavar="SURFACE", help="all of them, if none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each surface")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        look = look_guided if find_spec("atheris") else look_unguided
        return look(asked.names[0], asked.seconds)
    from fuzz.targets import TARGETS

    if not find_spec("atheris"):
        print("atheris is not installed: Hypothesis looks by itself, not guided by coverage")
    if unknown := [name for name in asked.names if name not in TARGETS]:
        parser.error(f"no surface is called {unknown[0]}; there are {', '.join(TARGETS)}")
    found = [name for name in asked.names or TARGETS if not is_sound(name, asked.seconds)]
    print(f"something was found: {', '.join(found)}" if found else "nothing was found")
    return 1 if found else 0


def is_sound(name: str, seconds: int) -> bool:
    """Try one surface in a process of its own; say what came of it."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    last = folder / "last"
    last.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", name, "--seconds", str(seconds), "--inside"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    took = time.monotonic() - begin
    output = done.stdout + done.stderr
    runs = re.findall(r"(?:number_of_executed_units:|executions:)\s*(\d+)", output)
    print(f"{name:<12}{runs[-1] if runs else '?':>10} executions{took:>7.0f} s", flush=True)
    if done.returncode == 0:
        return True
    print(output[-6000:])
    written = [Path(found) for found in re.findall(r"Test unit written to (\S+)", output)]
    for path in dict.fromkeys([*written, last]):
        if path.exists():
            print(f"found, for the inputs of {name}: {path.read_bytes()!r}")
    return False


def look_guided(name: str, seconds: int) -> int:
    import atheris

    with atheris.instrument_imports(include=["tgtagger"]):
        from fuzz.targets import TARGETS
    target = TARGETS[name]
    corpus = FOLDER / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for data in target.inputs:
        (corpus / hashlib.sha1(data).hexdigest()).write_bytes(data)  # as libFuzzer names them

    def change(data: bytes, most: int, seed: int) -> bytes:
        chance = Random(seed)
        if chance.random() < 0.3:
            return bytes(atheris.Mutate(data, most))
        return target.change(data, chance)[:most]

    options = {
        "max_total_time": seconds, "max_len": LONGEST, "timeout": 30, "rss_limit_mb": 2048,
        "artifact_prefix": f"{FOLDER / name}/", "print_final_stats": 1,
    }  # fmt: skip
    arguments = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup(["fuzz", *arguments, str(corpus)], target.run, custom_mutator=change)
    atheris.Fuzz()  # ends the process
    return 0


def look_unguided(name: str, seconds: int) -> int:
    from hypothesis import HealthCheck, given, settings

    from fuzz.targets import TARGETS

    target = TARGETS[name]
    ends, runs, last = time.monotonic() + seconds, 0, FOLDER / name / "last"

    @settings(
        max_examples=1000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(target.strategy())
    def look(data: bytes) -> None:
        nonlocal runs
        if time.monotonic() < ends:
            runs += 1
            last.write_bytes(data)  # a crash of the process tells nothing more
            target.run(data)

    try:
        while time.monotonic() < ends:
            look()
    finally:
        print(f"executions: {runs}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
