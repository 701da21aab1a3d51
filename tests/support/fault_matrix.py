"""The fault matrix: its rows, and the summary of what was tried and what held.

A test of a row has its mark: `@pytest.mark.row("K1")`. It runs short in `make test` and long in
`make torture`: `effort.rounds(6, long=200)` says how often, `effort.saw(...)` records figures. The
promise of each row stands in docs/reliability.md; test_docs checks that.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

ROWS: Final = {
    "K1": "killed in parse",
    "K2": "killed in tag, retry-failed, sync",
    "K3": "killed in a migration",
    "K4": "killed in an export, a backup, a rescue",
    "K5": "SIGTERM and SIGINT",
    "K6": "killed in login and logout",
    "K7": "killed while tags are put in order",
    "K8": "killed in work and serve, while jobs are done",
    "K9": "killed in a copy into another database",
    "D1": "disk full, file too large, quota",
    "D2": "reading or writing fails, once and for ever",
    "D3": "read-only file, folder, file system; no home",
    "D4": "too many open files; no folder for temporary files",
    "L1": "another program holds the database",
    "L2": "runs that overlap",
    "L3": "no transaction reads first and writes later",
    "L4": "a file system without WAL",
    "C1": "a damaged database",
    "C2": "a write-ahead log that is missing, or another's",
    "C3": "a newer schema",
    "C4": "the search index out of step",
    "P1": "power cut",
    "P2": "database copied in the middle of a run",
    "T1": "a wrong clock",
    "T2": "Telegram at its worst",
    "S1": "a server's connection that is lost",
    "S2": "a commit of which the answer is lost",
    "S3": "a server that restarts, stops, refuses",
    "S4": "transactions in each other's way",
    "S5": "a server whose disk is full",
    "S6": "workers and their server killed",
    "S7": "TLS",
    "H1": "no connection, or one that breaks",
    "H2": "answers that hang, drip, never end",
    "H3": "throttling",
    "H4": "errors of the server",
    "H5": "refusals; a redirect to another host",
    "H6": "answers that are no JSON",
    "H7": "answers that are no tags",
    "H8": "kept connections that are closed",
    "H9": "a post that always fails",
    "I1": "prompt injection",
    "I2": "control characters",
    "I3": "markup",
    "I4": "spreadsheet formulas",
    "I5": "HTML, Markdown, YAML",
    "I6": "file names and links",
    "I7": "values that no post should have",
    "I8": "exports cut off, or something else",
    "I9": "secrets and the modes of files",
}
"""The rows with their faults in a few words: the matrix of facts/speed.md, and three more."""


class Effort:
    """The rounds of a row's test, and the figures it saw."""

    def __init__(self, item: pytest.Item) -> None:
        self.is_long = bool(item.config.getoption("long"))
        self._item = item

    def rounds(self, short: int, *, long: int) -> int:
        """Return how often to try, and count it."""
        chosen = long if self.is_long else short
        self.saw(rounds=chosen)
        return chosen

    def saw(self, **figures: float | str) -> None:
        """Keep figures for the summary: numbers of one name add up, `max_*` keep the greatest."""
        for name, value in figures.items():
            self._item.user_properties.append((f"row:{name}", value))


@pytest.fixture
def effort(request: pytest.FixtureRequest) -> Effort:
    return Effort(request.node)


# ---- hooks of pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the loops at length: make torture")
    parser.addoption("--summary", metavar="FILE", help="write the rows' figures there as JSON")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(*names): the rows of the fault matrix it tries")
    if not hasattr(
        config, "workerinput"
    ):  # xdist's workers report to the process that makes the summary
        config.pluginmanager.register(Summary(config), "fault-matrix-summary")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = [name for mark in item.iter_markers("row") for name in mark.args]
        assert set(names) <= set(ROWS), f"{item.nodeid}: no such row"
        item.user_properties += [("row", name) for name in names]


@dataclass(slots=True)
class Tried:
    """The rounds and figures of a row."""

    tests: int = 0
    violations: int = 0
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)

    def take(self, report: pytest.TestReport) -> None:
        self.seconds += report.duration
        if report.failed:
            self.violations += 1
        if report.skipped and isinstance(report.longrepr, tuple):
            self.skipped.append(str(report.longrepr[2]).removeprefix("Skipped: "))
        if report.when == "call" and not report.skipped:
            self.tests += 1
        if report.when != "teardown":
            return
        for name, value in report.user_properties:  # complete only now
            label = name.removeprefix("row:")
            if label == name:
                continue
            known = self.figures.get(label)
            if known is None or isinstance(value, str) or isinstance(known, str):
                self.figures[label] = value
            elif label.startswith("max_"):
                self.figures[label] = max(known, value)
            else:
                self.figures[label] = known + value


class Summary:
    """Collects the reports of each row's tests from all workers; prints them at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._long = bool(config.getoption("long"))
        self._file = config.getoption("summary")
        self._rows: dict[str, Tried] = defaultdict(Tried)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == "row":
                self._rows[str(value)].take(report)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._file:
            with open(self._file, "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump({name: vars_of(row) for name, row in self._rows.items()}, file, indent=1)
        if not self._long or not self._rows:
            return
        write = terminalreporter.write_line
        terminalreporter.section("the fault matrix")
        write(f"{'row':<4}{'fault':<48}{'tests':>6}{'rounds':>8}{'violations':>12}{'seconds':>9}")
        for name in [name for name in ROWS if name in self._rows]:
            row = self._rows[name]
            rounds = row.figures.get("rounds", row.tests)
            write(
                f"{name:<4}{ROWS[name]:<48}{row.tests:>6}{rounds:>8}"
                f"{row.violations or 'none':>12}{row.seconds:>9.1f}"
            )
            seen = [f"{k} {shown(v)}" for k, v in row.figures.items() if k != "rounds"]
            if seen:
                write(f"{'':<4}{' · '.join(seen)}")
            for reason in sorted(set(row.skipped)):
                write(f"{'':<4}not tried: {reason}")
        missing = [name for name in ROWS if name not in self._rows]
        if missing:
            write(f"not in this run: {', '.join(missing)}")


def vars_of(row: Tried) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Tried.__slots__}


def shown(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
