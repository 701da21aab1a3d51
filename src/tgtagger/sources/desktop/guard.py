"""Read an export's bytes without those that would crash ijson. Knows JSON; knows no export.

- A nesting that would take gigabytes: ijson keeps the path of its place for every level, so that
  memory grows with the square of the depth. The file ends before it.
- A lone surrogate, which is not a letter: some of them stop the compiled part of ijson. It is read
  as U+FFFD.
- A whole number of more digits than Python converts: it ends the compiled part of ijson, and the
  process, with a segmentation fault. It is read as another number that is too large for any use.

All of this is rare, so each stretch of the file is searched as little as possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import InvalidOperation
from typing import IO

import ijson

BUFFER = 1 << 18

DEEPEST = 2000
"""Levels of nesting that are read; Desktop writes ten."""

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_PAIRS_IN_PAIRS = 12
"""Levels: Desktop's own nesting, and some more."""

_MANY_DIGITS = re.compile(rb"[0-9]{1000,}")  # Python converts 4300
_TOO_LARGE = b"9" * 30
_STEP = 250
_MAY_BE_MANY = re.compile(rb"[0-9]{3}")  # in every 250th byte
_MARK = re.compile(rb'\\(?:.|\Z)|"', re.DOTALL)

_HIGH = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")
_UNFINISHED = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?|" + _HIGH.pattern)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\(?:u(?P<pair>[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class TooDeep(Exception):
    """The file is nested deeper than any export is."""


UNREADABLE = (ijson.JSONError, TooDeep, UnicodeDecodeError, InvalidOperation)
"""The errors of reading a damaged file: ijson leaves letters and exponents to Python."""


class Guarded:
    """Reads a file for ijson, from where it stands to its end; `before` stands before that."""

    def __init__(self, file: IO[bytes], *, before: bytes = b"", looks_deep: bool = True) -> None:
        self._file = file
        self._before = self._left = before
        self._start = file.tell()
        self._looks_deep = looks_deep
        self._ends = False
        self._rest = b""  # an escape that began in the last stretch
        self._quotes = _Quotes()
        self._brackets = b""  # the open ones

    def read(self, size: int) -> bytes:
        if self._ends:
            raise TooDeep
        data, is_end = b"", False
        if size:  # ijson first reads nothing, to see what kind of file it is
            data, self._left = self._left, b""
        while not data and not is_end:  # bytes left out or held back are not the end
            data = self._file.read(size)
            is_end = not data
            if _MAY_BE_MANY.search(data[::_STEP]) and _MANY_DIGITS.search(data):
                data = self._without_giants(data)
            if self._rest or data.find(b"\\", -12) >= 0:
                data = self._take_whole_escapes(data, is_last=is_end)
        if _SURROGATE.search(data):
            data = _ESCAPE.sub(_without_half, data)
        return self._before_the_deep(data, size) if self._looks_deep else data

    # ---- nesting

    def _before_the_deep(self, data: bytes, size: int) -> bytes:
        """Return a stretch of the file, or its part before a nesting that is too deep.

        Pairs of brackets are removed. If many are left, of this stretch and those before, the real
        depth is computed once, since brackets may stand in a text.
        """
        self._brackets = _without_pairs(self._brackets + data.translate(None, _NO_BRACKETS))
        if len(self._brackets) > DEEPEST:
            self._looks_deep = False
            if self._is_deep():
                self._ends = True
                run = re.search(rb"(?:[\[{]\s*){100}", data)
                return data[: run.start()] if run and run.start() else self.read(size)
        return data

    def _is_deep(self) -> bool:
        here = self._file.tell()
        self._file.seek(self._start)
        depth = 0
        try:
            file = Guarded(self._file, before=self._before, looks_deep=False)
            for event, _ in ijson.basic_parse(file, buf_size=BUFFER):
                if event in {"start_map", "start_array"}:
                    depth += 1
                    if depth > DEEPEST:
                        return True
                elif event in {"end_map", "end_array"}:
                    depth -= 1
        except UNREADABLE:
            return False  # the reader will tell that
        finally:
            self._file.seek(here)
        return False

    # ---- escapes

    def _take_whole_escapes(self, data: bytes, *, is_last: bool) -> bytes:
        """Return a stretch up to an escape, or a pair of escapes, that may go on in the next."""
        data = self._rest + data
        cut = len(data)
        for start in (cut - 6, *range(cut - 5, cut)):
            if not is_last and _UNFINISHED.fullmatch(data, start) and _is_escape(data, start):
                is_second = _HIGH.fullmatch(data, start - 6, start) and _is_escape(data, start - 6)
                cut = start - 6 if is_second else start
                break
        self._rest = data[cut:]
        return data[:cut]

    # ---- numbers

    def _without_giants(self, data: bytes) -> bytes:
        """Shorten the numbers of a thousand digits in a stretch; keep those in a text."""
        here = self._file.tell()
        at = here - len(data)
        self._file.seek(self._start + self._quotes.seen)
        while (left := at - self._file.tell()) > 0:
            self._quotes.pass_over(self._file.read(min(left, BUFFER)))
        self._file.seek(here)
        return self._quotes.shorten_numbers(data)


class _Quotes:
    """Finds the texts in a file of JSON."""

    def __init__(self) -> None:
        self.seen = 0  # bytes
        self._is_inside = False
        self._is_escaped = False  # about the next byte
        self._giant_end = -1  # the end of a shortened number that may go on

    def pass_over(self, data: bytes) -> None:
        for _ in self._pieces(data):
            pass

    def shorten_numbers(self, data: bytes) -> bytes:
        goes_on = self.seen == self._giant_end
        shortened: list[bytes] = []
        for piece, is_text in self._pieces(data):
            if is_text:
                shortened.append(piece)
                continue
            end = 0
            for found in _MANY_DIGITS.finditer(piece):
                is_rest = goes_on and not shortened and found.start() == 0
                shortened += [piece[end : found.start()], b"" if is_rest else _TOO_LARGE]
                end = found.end()
                if end == len(piece):
                    self._giant_end = self.seen
            shortened.append(piece[end:])
        return b"".join(shortened)

    def _pieces(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield the pieces of the next stretch, each with whether it is text."""
        self.seen += len(data)
        at = 0
        first, self._is_escaped = int(self._is_escaped), False
        for found in _MARK.finditer(data, first):
            if found[0] == b'"':
                yield data[at : found.start()], self._is_inside
                at, self._is_inside = found.start(), not self._is_inside
            elif found[0] == b"\\":
                self._is_escaped = True
        yield data[at:], self._is_inside


def _without_pairs(brackets: bytes) -> bytes:
    for _ in range(_PAIRS_IN_PAIRS):
        if len(brackets) <= DEEPEST:
            break
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return brackets


def _is_escape(data: bytes, at: int) -> bool:
    """Tell whether a backslash begins an escape: no backslash before it escapes it."""
    before = data[:at]
    return at >= 0 and (at - len(before.rstrip(b"\\"))) % 2 == 0


def _without_half(found: re.Match[bytes]) -> bytes:
    return found[0] if found["half"] is None else b"\\ufffd"
