"""Replace what differs from run to run by names, so that two runs print the same."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path


class Normal:
    """Replaces what differs from run to run by names: `normal(text)` returns the new text."""

    def __init__(self, home: Path, ports: tuple[int, ...]) -> None:
        day = dt.datetime.now(dt.UTC).date()
        days = "|".join(str(day + dt.timedelta(n)) for n in range(-1, 4))
        clock = r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?"
        self._exchanged: list[tuple[re.Pattern[str], str]] = [
            (re.compile(pattern), name)
            for pattern, name in (
                (re.escape(str(home)), "<HOME>"),
                (rf"127\.0\.0\.1:(?:{'|'.join(map(str, ports))})\b", "127.0.0.1:<PORT>"),
                (rf"(?:{days})[T ]{clock}", "<TIME>"),
                (rf"\b(?:{days})\b", "<DAY>"),
                (r"\b\d+\.\d s\b", "<SECONDS> s"),
                (r'"(latency_ms|seconds)": [\d.e-]+', r'"\1": <NUMBER>'),
                (r"\b[\d\u202f]+\.\d MB\b", "<SIZE> MB"),
                (r'"bytes": \d+', '"bytes": <SIZE>'),
                (r"Python 3\.[\w.+]+, SQLite 3\.[\d.]+", "Python <VERSION>, SQLite <VERSION>"),
                (r'"schema": "\d{4}"', '"schema": "<SCHEMA>"'),
                (r"this one knows \d{4}\b", "this one knows <SCHEMA>"),
                (r'fence=(\\?)"(?!0000)[0-9a-f]{8}\\?"', r'fence=\1"<FENCE>\1"'),
            )
        ]

    def __call__(self, text: str) -> str:
        for pattern, name in self._exchanged:
            text = pattern.sub(name, text)
        return "\n\n".join(map(_without_ages, text.split("\n\n")))


_AGE = re.compile(r"just now|\d+ min ago")


def _without_ages(table: str) -> str:
    """Replace ages in a table by a name. Draw the table again, since ages set a column's width."""
    found = _AGE.search(table)
    if found is None:
        return table
    if "\x1b" in table or "─" in table:  # as drawn on a terminal
        return re.sub("─+", "─", re.sub(" +", " ", _AGE.sub("<AGO>", table)))
    start = found.start() - table.rfind("\n", 0, found.start()) - 1
    lines = table.split("\n")
    cells = [line[start:].split("  ")[0].rstrip() for line in lines]
    width = max(map(len, cells))
    return "\n".join(
        (line[:start] + _AGE.sub("<AGO>", cell).ljust(11) + line[start + width :]).rstrip()
        for line, cell in zip(lines, cells, strict=True)
    )
