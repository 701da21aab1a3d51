"""Draw for people: tables, posts, progress. On a terminal with rich, elsewhere as plain lines.

All text from outside becomes terminal-safe text (`terminal_text.clean`, `flat`): rich keeps control
characters, and runs markup in plain strings. rich is imported only to draw on a terminal.
Takes plain values; knows no store and decides nothing.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tgtagger.cli.streams import tell
from tgtagger.cli.wording import (
    beginning,
    cells,
    duration,
    folded,
    lines_of,
    local_time,
    number,
    one_line,
    wrap,
)
from tgtagger.system.terminal_text import clean, flat, in_json

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 88
"""Columns at most, since longer lines are hard to read."""

MOST_DRAWN = 500
"""Rows of a table that rich lays out: thousands would take seconds."""

NARROW = 60
"""Columns below which the live line has no bar."""

AFTER = 1.0
"""Seconds after which what takes long is shown: what is quicker would only flicker."""

LEAST_WIDTH = 20
"""Columns that a text keeps on a narrow terminal; a shorter text stays on one line."""

LONGEST_WORD = 40
"""Columns of a word that a table keeps whole; an address may be longer."""

LONGEST_CELL = 300
"""Letters of a table's cell: a single long one would make every row as wide."""


class Screen:
    """Writes results to stdout, and words about them to stderr."""

    def __init__(self, *, quiet: bool = False, verbosity: int = 0, no_color: bool = False) -> None:
        self.quiet = quiet
        self.verbosity = verbosity
        self.no_color = no_color or bool(os.environ.get("NO_COLOR"))
        self.is_terminal = sys.stdout.isatty()
        self.talks = sys.stderr.isatty() and not quiet

    # ---- results

    def write(self, line: str = "") -> None:
        """Write a line as it is."""
        sys.stdout.write(line + "\n")

    def json(self, value: object) -> None:
        """Write the one JSON object of a command."""
        self.records([json.dumps(value, ensure_ascii=False)])

    def records(self, lines: Iterable[str]) -> None:
        """Write lines of JSON."""
        for line in lines:
            self.write(in_json(line))

    def heading(self, text: str) -> None:
        self.line(text, "bold")

    def line(self, text: str, style: str = "") -> None:
        self._print(flat(text), style)

    def text(self, text: str) -> None:
        """Write a text with its lines."""
        self._print(clean(text), "")

    def shares(self, parts: Sequence[tuple[str, int, str]]) -> None:
        """Draw the shares of counts as one bar, in their styles, with the numbers below."""
        kept = [(name, count, style) for name, count, style in parts if count]
        words = ", ".join(f"{number(count)} {name}" for name, count, _ in kept) or "none yet"
        if not self.is_terminal or not kept:
            self.write(f"posts: {words}")
            return
        from rich.text import Text

        total = sum(count for _, count, _ in kept)
        width = min(WIDTH, self._columns()) - 2
        bar, legends = Text("  "), [Text("")]
        for at, (name, count, style) in enumerate(kept):
            long = max(1, round(width * count / total))
            bar.append("━" * min(long, width - len(bar) + 2 - (len(kept) - 1 - at)), style)
            if legends[-1].cell_len + len(f"  ● {count} {name}") > width:
                legends.append(Text(""))
            legends[-1].append("  ● ", style).append(f"{number(count)} {name} ")
        for line in (bar, *legends):
            line.rstrip()
            self._console().print(line)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Draw rows under their headings; columns of numbers stand to the right."""
        shown = [[flat(cell, LONGEST_CELL) for cell in row] for row in rows]
        right = [all(_is_number(row[at]) for row in shown) for at in range(len(columns))]
        if not self.is_terminal or len(shown) > MOST_DRAWN:
            self._plain_table(columns, shown, right)
            return
        widths = _widths(columns, shown, self._columns())
        if widths is None:
            self._list(columns, shown)
            return
        self._drawn_table(columns, shown, widths, right)

    def _drawn_table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[int],
        right: Sequence[bool],
    ) -> None:
        from rich.text import Text

        for line in _lines_of_row(columns, widths, right):
            self._console().print(Text(line, style="bold"), soft_wrap=True)
        self.write("─" * (sum(widths) + 2 * (len(widths) - 1)))
        for row in rows:
            for line in _lines_of_row(row, widths, right):
                self.write(line)

    def _plain_table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]
    ) -> None:
        widths = [max(map(cells, column)) for column in zip(columns, *rows, strict=True)]
        if self.is_terminal:  # a table needs whole lines, so the widest column shrinks
            widest = widths.index(max(widths))
            rest = sum(widths) - widths[widest] + 2 * (len(widths) - 1)
            widths[widest] = min(widths[widest], max(LEAST_WIDTH, self._columns() - rest))
        for row in (columns, *rows):
            cut = map(_cut, row, widths) if self.is_terminal else row
            self.write(_line_of_row([*cut], widths, right))

    def _list(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Draw rows one below the other: the terminal is too narrow for a table."""
        from rich.text import Text

        console, width = self._console(), self._columns()
        for row, (first, *others) in enumerate(rows):
            if row:
                console.print()
            head = f"{columns[0]} {first}" if _is_number(first) else first
            for line in lines_of(head, width):
                console.print(Text(line, style="bold"))
            for name, cell in zip(columns[1:], others, strict=True):
                if not cell:
                    continue
                label, indent = Text(f"  {name}: ", style="dim"), len(name) + 4
                if width - indent < min(_longest_word([cell]), width - 4):
                    console.print(
                        Text(f"  {name}:", style="dim")
                    )  # a long word has the next line for itself
                    label, indent = Text("    "), 4
                for at, line in enumerate(lines_of(cell, width - indent)):
                    begin = Text(" " * indent) if at else label
                    console.print(begin.append(line, style="not dim"))

    def post(
        self,
        *,
        channel: str,
        date: dt.datetime | None,
        link: str | None,
        text: Sequence[tuple[str, bool]],
        tags: Sequence[str],
        notes: Sequence[str] = (),
        lines: int = 6,
    ) -> None:
        """Draw a post: where and when, the text (each part with whether it matches), the tags."""
        heads = [one_line(part, 200) for part in (channel, local_time(date), link) if part]
        width = min(WIDTH, self._columns())
        parts = [(clean(part), hit) for part, hit in beginning(text, 4 * width * lines)]
        body = wrap(parts, width - 2, lines)
        foot = "  ".join(f"#{flat(tag).replace(' ', '_')}" for tag in tags)
        if not self.is_terminal:
            self.write(" · ".join(heads))
            for line in body:
                self.write("  " + "".join(part for part, _ in line))
            for note in (*map(flat, notes), foot):
                if note:
                    self.write("  " + note)
            self.write()
            return
        from rich.text import Text

        console = self._console()
        for part in _packed(heads, width):
            console.print(Text(part, style="bold cyan"), overflow="fold")
        for line in body:
            drawn = Text("  ")
            for part, hit in line:
                drawn.append(part, style="bold yellow" if hit else "")
            console.print(drawn)
        for note in notes:
            console.print(Text("  " + flat(note), style="dim"))
        if foot:
            for line_ in lines_of(foot, width - 2):
                console.print(Text("  " + line_, style="green"))
        console.print()

    @contextlib.contextmanager
    def paged(self) -> Iterator[None]:
        """On a terminal, collect the output; show it in a pager if it is longer than a screen."""
        if not (self.is_terminal and sys.stdin.isatty()):
            yield
            return
        drawn = _Drawn(sys.stdout.fileno())
        with contextlib.redirect_stdout(drawn):
            yield
        text = drawn.getvalue()
        if text.count("\n") < shutil.get_terminal_size().lines:
            sys.stdout.write(text)
        else:
            import pydoc

            os.environ.setdefault("LESS", "-R")  # shows colours; no other controls are left
            pydoc.pager(text)

    # ---- words about them

    def say(self, text: str) -> None:
        """Say something on stderr, if that is a terminal and `-q` is not given."""
        if self.talks:
            self.warn(text)

    def sum_up(self, text: str) -> None:
        """Say the one line of what a command did on stderr, terminal or not, without `-q`."""
        if not self.quiet:
            self.warn(text)

    def detail(self, text: str) -> None:
        """Say something on stderr, with `-v` only."""
        if self.verbosity:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Say a warning on stderr, terminal or not."""
        tell(flat(text))

    @contextlib.contextmanager
    def progress(
        self, words: str, *, tells: bool = False, is_sure: bool = True, after: float = AFTER
    ) -> Iterator[Live]:
        """Show what takes longer than a second, as one live line; yield the `Live` to update it.

        `tells`: where no terminal shows that line, say once what takes long. A timer does both,
        since a single statement of the database may take minutes. If it is not sure that anything
        is done, its first step is waited for.
        """
        live = Live(self, one_line(words), tells=tells, is_begun=is_sure)
        timer = threading.Timer(after, live.show)
        timer.daemon = True
        if self.talks or (tells and not self.quiet):
            with contextlib.suppress(RuntimeError):  # the system has no thread left
                timer.start()
        try:
            yield live
        finally:
            timer.cancel()
            live.close()

    def live_line(self) -> Any:
        """Return rich's live line on stderr, not shown yet."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = self._console(stderr=True)
        bar = (BarColumn(bar_width=20), TimeElapsedColumn()) if console.width >= NARROW else ()
        return Progress(
            TextColumn("{task.description}", markup=False, table_column=_cropped()),
            *bar[:1],
            TextColumn("{task.fields[count]}", markup=False, table_column=_cropped()),
            *bar[1:],
            _wait_column(),
            console=console,
            transient=True,
        )

    # ---- how

    def _print(self, text: str, style: str) -> None:
        if not self.is_terminal:
            self.write(text)
            return
        from rich.text import Text

        # A command or a path that is wider is wrapped by the terminal: it can be copied.
        for line in folded(text, self._columns()) if "\n" not in text else [text]:
            self._console().print(Text(line, style=style), soft_wrap=True)

    def _console(self, *, stderr: bool = False, width: int | None = None) -> Console:
        from rich.console import Console

        if width is None:
            width = min(self._columns(), WIDTH)
            if stderr and width < WIDTH:
                width = None  # rich asks the terminal of stderr, which may be another
        return Console(
            stderr=stderr, no_color=self.no_color, highlight=False, width=width, markup=False,
            emoji=False,
        )  # fmt: skip

    @staticmethod
    def _columns() -> int:
        try:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError):
            columns = 0  # the default of a terminal whose size is not set
        return max(columns, 20) if columns else 80


class _Drawn(io.StringIO):
    """Collects what is drawn for a terminal."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor


class Live:
    """The one live line of what takes long; without a terminal, it tells only waits.

    `tells`: there it says once what takes long, too. Another thread may call `show`.
    """

    def __init__(
        self, screen: Screen, words: str = "", *, tells: bool = False, is_begun: bool = True
    ) -> None:
        self._screen, self._words, self._tells = screen, words, tells
        self._lock = threading.RLock()
        self._bar: Any = None
        self._is_begun, self._is_due, self._is_over = is_begun, False, False
        self._started = time.monotonic()
        self._count = ""
        self._fields: dict[str, Any] = {"count": "", "until": 0.0, "reason": ""}
        self._share: float | None = None

    def show(self) -> None:
        """Begin to show the line, or say what takes long."""
        with self._lock:
            self._is_due = not self._is_begun
            if self._is_over or self._is_due or self._bar is not None:
                return
            if self._screen.talks:
                self._bar = self._screen.live_line()
                self._bar.add_task(self._words, **self._progress)
                self._bar.start()
            elif self._tells and not self._screen.quiet:
                parts = [f"{_percent(self._share)} done", *self._time_left(after=0)]
                said = ", ".join(parts) if self._share else "this may take long"
                self._screen.warn(f"{self._words}: {said}")
                self._tells = False  # once

    def close(self) -> None:
        """Take the line away."""
        with self._lock:
            self._is_over = True
            if self._bar is not None:
                self._bar.stop()

    def steps(self, done: int, total: int) -> None:
        """Show how far something is: an `OnSteps`, in whatever it counts."""
        self._share = min(done / total, 1.0) if total else 0.0
        self._is_begun = True
        if self._is_due:
            self.show()
        self._show([_percent(self._share), *self._time_left(after=3)])

    def update(
        self, count: int, share: float | None, left: str = "", *, total: int | None = None
    ) -> None:
        """Show the count (of a total), the share (0 to 1, None: unknown), and the time left.

        `left` says in other words what is left, or what it cost so far.
        """
        self._count = number(count)
        seconds = time.monotonic() - self._started
        parts = [self._count if total is None else f"{self._count} of {number(total)}"]
        if seconds > 1:
            parts.append(f"{number(round(count / seconds))}/s")
        self._share = share
        parts += self._time_left(after=3)
        if left:
            parts.append(left)
        self._show(parts)

    def wait(self, seconds: float, reason: str) -> None:
        """Show a wait in seconds and its reason; the line counts down."""
        self.show()
        with self._lock:
            if self._bar is None:
                if not self._screen.quiet:
                    self._screen.warn(f"{reason}: the run continues in {seconds:.0f} s")
                return
            until = time.monotonic() + seconds
            self._fields |= {"count": self._count, "until": until, "reason": one_line(reason)}
            self._draw()

    def _time_left(self, *, after: float) -> list[str]:
        seconds, share = time.monotonic() - self._started, self._share
        if not share or share >= 1 or seconds < after:
            return []
        return [f"{duration(seconds * (1 - share) / share)} left"]

    def _show(self, parts: Sequence[str]) -> None:
        with self._lock:
            self._fields |= {"count": " · ".join(parts), "until": 0.0}
            self._draw()

    @property
    def _progress(self) -> dict[str, Any]:
        total = None if self._share is None else 1.0
        return {**self._fields, "total": total, "completed": self._share or 0.0}

    def _draw(self) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], **self._progress)


def _percent(share: float | None) -> str:
    return f"{int(100 * (share or 0))} %"


def _cropped() -> Any:
    """Return how a part of the live line is kept on one line."""
    from rich.table import Column

    return Column(no_wrap=True, overflow="ellipsis")


def _wait_column() -> Any:
    """Return a column that counts a wait down; rich draws it several times a second."""
    from rich.progress import ProgressColumn
    from rich.text import Text

    class WaitColumn(ProgressColumn):
        def render(self, task: Any) -> Text:
            left = task.fields["until"] - time.monotonic()
            return Text(f"{left:.0f} s: {task.fields['reason']}" if left > 0 else "", "yellow")

    return WaitColumn(table_column=_cropped())


def _widths(
    columns: Sequence[str], rows: Sequence[Sequence[str]], available: int
) -> list[int] | None:
    """Return how wide each column is; None: the terminal is too narrow for a table.

    Numbers, dates and short words keep their whole width; texts share what is left, as long as no
    word of theirs has to be broken.
    """
    by_column = list(zip(columns, *rows, strict=True))
    whole = [max(map(cells, column)) for column in by_column]
    room = available - 2 * (len(columns) - 1)
    if sum(whole) <= room:
        return whole
    least = [
        width if width < LEAST_WIDTH else min(width, max(LEAST_WIDTH, _longest_word(column)))
        for width, column in zip(whole, by_column, strict=True)
    ]
    left = room - sum(least)
    if left < 0:
        return None
    wanted = [most - width for most, width in zip(whole, least, strict=True)]
    total = sum(wanted)
    return [width + left * more // total for width, more in zip(least, wanted, strict=True)]


def _packed(parts: Sequence[str], width: int) -> Iterator[str]:
    """Yield the parts, as many on a line as fit."""
    line = ""
    for part in parts:
        longer = f"{line} · {part}" if line else part
        if line and cells(longer) > width:
            yield line
            longer = part
        line = longer
    yield line


def _longest_word(column: Sequence[str]) -> int:
    """Return how wide the longest word of a column is; a very long one may be broken.

    Chinese and Japanese have no blanks: their text is broken anywhere.
    """
    words = (cells(word) for cell in column for word in re.split(_BREAKS, cell))
    return min(max(words, default=0), LONGEST_WORD)


_BREAKS = re.compile(r"[\s\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]+")


def _lines_of_row(
    row: Sequence[str], widths: Sequence[int], right: Sequence[bool]
) -> Iterator[str]:
    """Yield the lines of a row; a cell that is too wide is broken at its blanks."""
    broken = [list(lines_of(cell, width)) for cell, width in zip(row, widths, strict=True)]
    for at in range(max(1, *map(len, broken))):
        yield _line_of_row(
            [lines[at] if at < len(lines) else "" for lines in broken], widths, right
        )


def _line_of_row(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = []
    for cell, width, to_right in zip(row, widths, right, strict=True):
        space = " " * (width - cells(cell))
        parts.append(space + cell if to_right else cell + space)
    return "  ".join(parts).rstrip()


def _cut(text: str, width: int) -> str:
    if cells(text) <= width:
        return text
    while cells(text) >= width:
        text = text[:-1]
    return text + "…"


_NUMBER = re.compile(r"[\d\u202f.,%-]*|\?")


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None
