"""The files that a site's search page loads: posts, and an index of the words in them.

A phone can neither hold nor fetch the posts of a large archive. So an index says which files a word
is in; it has a file for each two letters that words begin with. The index knows the first six
letters of a word, and the file, but not the place in it: the page reads those files, the newest
first, and searches them. Each month has its own files of posts, so old ones never change.

The words are sorted on the disk, in runs that are merged: memory does not grow with posts.
`search.js` reads all this, and cuts words by the same rules. It knows the stems of Russian and
English words (Snowball's own, in `snowball.js`): a word and its forms begin alike, so this index
names the files of them all, and has no stems. Knows no store.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import re
import tempfile
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from typing import IO, Any

from tgtagger.export.folder import MARK, Folder

POSTS = 100
"""Posts in a file."""

_LETTERS = 6
_SHARD = 2
_MARKS = "".join(
    letter for letter in map(chr, range(0x300, 0xFE00)) if unicodedata.category(letter)[0] == "M"
)
_WORD = re.compile(rf"[\w{_MARKS}]{{2,}}")
_ACCENTED = re.compile("[\u00c0-\u02af\u1e00-\u1eff]")
_IN_MEMORY = 400_000  # places of words; then a run goes to the disk

Row = list[Any]
"""A post: its channel's folder, its page there, its id, when, its words, its tags."""


def write(folder: Folder, batches: Iterable[tuple[str, list[Row]]], names: dict[str, str]) -> None:
    """Write the search's files: `batches` are named files of posts, the newest first."""
    with contextlib.ExitStack() as opened:
        index = _Index(folder, opened)
        written: list[str] = []
        for name, rows in batches:
            folder.write(f"search/{name}.js", _call("tgtaggerPosts", rows))
            for row in rows:
                index.add(" ".join([row[4], *row[5]]), len(written))
            written.append(name)
        written.reverse()  # the numbers of older files stay when a new one comes
        folder.write("search/contents.js", _call("tgtaggerContents", [names, written]))
        for shard, words in itertools.groupby(index.words(), lambda item: item[0][:_SHARD]):
            places = {word: _steps(len(written) - 1 - at for at in found) for word, found in words}
            name = "-".join(f"{ord(letter):x}" for letter in shard)
            folder.write(f"search/words/{name}.js", _call("tgtaggerWords", places))


class _Index:
    """The beginnings of words, and the numbers of the files that hold them."""

    def __init__(self, folder: Folder, opened: contextlib.ExitStack) -> None:
        self._folder = folder
        self._opened = opened
        self._runs: list[IO[str]] = []
        self._places: dict[str, array[int]] = {}
        self._count = 0

    def add(self, text: str, file: int) -> None:
        for word in {word[:_LETTERS] for word in _WORD.findall(plain(text))}:
            places = self._places.setdefault(word, array("I"))
            if not places or places[-1] != file:
                places.append(file)
                self._count += 1
        if self._count > _IN_MEMORY:
            self._write_run()

    def words(self) -> Iterator[tuple[str, list[int]]]:
        """Yield all words in order, each with its files in the order they came."""
        self._write_run()
        runs = [_read(run) for run in self._runs]
        for word, found in itertools.groupby(heapq.merge(*runs, key=_first), _first):
            places = itertools.chain.from_iterable(places for _, places in found)
            yield word, [at for at, _ in itertools.groupby(places)]

    def _write_run(self) -> None:
        with self._folder.failures():  # the place of the site has room for it
            run = self._opened.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", dir=self._folder.path)  # noqa: SIM115 -- as the search is written
            )
            for word in sorted(self._places):
                run.write(f"{word} {' '.join(map(str, self._places[word]))}\n")
            run.seek(0)
        self._runs.append(run)
        self._places.clear()
        self._count = 0


def plain(text: str) -> str:
    """Return the form of a text that the search compares."""
    return _ACCENTED.sub(_bare, text).lower().replace("ё", "е")


def _bare(found: re.Match[str]) -> str:
    letter = unicodedata.normalize("NFD", found[0])[0]
    return letter if letter.isascii() else found[0]


def script(value: object) -> str:
    """Return a value as JavaScript that can end neither its script nor its line."""
    text = json.dumps(value, ensure_ascii=False, default=list, separators=(",", ":"))
    return _SPECIAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_SPECIAL = re.compile("[<>&\u2028\u2029]")


def _call(function: str, value: object) -> str:
    return f"/* {MARK} */\nwindow.{function}({script(value)});\n"


def _read(run: IO[str]) -> Iterator[tuple[str, list[int]]]:
    for line in run:
        word, *places = line.split(" ")
        yield word, [int(at) for at in places]


def _first(item: tuple[str, list[int]]) -> str:
    return item[0]


def _steps(places: Iterable[int]) -> list[int]:
    """Return rising numbers as the first one, then the differences."""
    ordered = sorted(places)
    return [after - before for before, after in itertools.pairwise([0, *ordered])]
