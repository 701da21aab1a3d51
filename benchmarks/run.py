"""Run every benchmark and print its ratios: `make bench`.

Figures and their machine stand in docs/performance.md.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = (
    "startup.py",
    "tags.py",
    "fragmentation.py",
    "speed_tags.py",
    "store.py",
    "postgres.py",
    "archive.py",
    "export.py",
    "telegram.py",
    "llm.py",
    "serve.py",
    "agents.py",
    "growth.py",
    "size.py",
)


def main() -> None:
    for name in BENCHMARKS:
        print(f"== {name}", flush=True)
        subprocess.run([sys.executable, str(HERE / name)], check=True)


if __name__ == "__main__":
    main()
