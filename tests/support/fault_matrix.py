"""The fault matrix: its rows, and the summary of what was tried and what held.

A test of a row has its mark: `@pytest.mark.row("K1")`. It runs short in `make test` and long in
`make torture`: `effort.rounds(6, long=200)` says how often, `effort.saw(...)` records figures. The
promise of each row stands in docs/reliability.md; test_docs checks that.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
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
    parser.addoption("--shards", metavar="FILE", help="write the shards of `make torture` there")
    parser.addoption("--shard", metavar="NAME", help="run the tests of one shard only")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(*names): the rows of the fault matrix it tries")
    if not hasattr(
        config, "workerinput"
    ):  # xdist's workers report to the process that makes the summary
        config.pluginmanager.register(Summary(config), "fault-matrix-summary")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        names = rows_of(item)
        assert set(names) <= set(ROWS), f"{item.nodeid}: no such row"
        item.user_properties += [("row", name) for name in names]
    shard = config.getoption("shard")
    if shard:
        left_out = [item for item in items if shard_of(item) != shard]
        items[:] = [item for item in items if shard_of(item) == shard]
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    file = session.config.getoption("shards")
    if file:
        shards: dict[str, Shard] = {}
        for item in session.items:
            known = shards.setdefault(shard_of(item), Shard())
            known.rows |= set(rows_of(item))
            known.files.add(str(item.path))
        plan = {name: [sorted(one.rows), sorted(one.files)] for name, one in shards.items()}
        Path(file).write_text(json.dumps(plan), encoding="utf-8")


def rows_of(item: pytest.Item) -> list[str]:
    """Return the rows that a test tries."""
    return [name for mark in item.iter_markers("row") for name in mark.args]


def shard_of(item: pytest.Item) -> str:
    """Return the shard of `make torture` that a test is in: its first row's, of its file."""
    return f"{next(iter(rows_of(item)), 'slow')}-{item.path.stem.removeprefix('test_')}"


@dataclass(slots=True)
class Shard:
    """The rows that a shard tries, and the files of its tests."""

    rows: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


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
            if name.startswith("row:"):
                self.add(name.removeprefix("row:"), value)

    def add(self, label: str, value: Any) -> None:
        """Add a figure: numbers add up, `max_*` keep the greatest, of words the last ones stay."""
        known = self.figures.get(label)
        if known is None or isinstance(value, str) or isinstance(known, str):
            self.figures[label] = value
        elif label.startswith("max_"):
            self.figures[label] = max(known, value)
        else:
            self.figures[label] = known + value

    def join(self, other: Tried) -> None:
        """Add what another run tried of the same row."""
        self.tests += other.tests
        self.violations += other.violations
        self.skipped += other.skipped
        self.seconds += other.seconds
        for label, value in other.figures.items():
            self.add(label, value)

    @property
    def rounds(self) -> int:
        """How often it was tried: of most tests once each."""
        return int(self.figures.get("rounds", self.tests))

    @property
    def seen(self) -> str:
        """The other figures in words."""
        return " · ".join(f"{k} {shown(v)}" for k, v in self.figures.items() if k != "rounds")


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
            write(
                f"{name:<4}{ROWS[name]:<48}{row.tests:>6}{row.rounds:>8}"
                f"{row.violations or 'none':>12}{row.seconds:>9.1f}"
            )
            if row.seen:
                write(f"{'':<4}{row.seen}")
            for reason in sorted(set(row.skipped)):
                write(f"{'':<4}not tried: {reason}")
        missing = [name for name in ROWS if name not in self._rows]
        if missing:
            write(f"not in this run: {', '.join(missing)}")


def vars_of(row: Tried) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Tried.__slots__}


def shown(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
