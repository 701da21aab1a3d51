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
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import IO, Any

from tgtagger.export.folder import MARK, Folder
from tgtagger.export.memory import number_of

POSTS = 100
"""Posts in a file."""

_LETTERS = 6
_SHARD = 2
_WORDS = "search/words"
_CONTENTS = "search/contents.js"
_COUNT = 0xFFFFF
_SHARDS = 1
"""What a shard is made of: the list of contents says that for all of them."""
_MARKS = "".join(
    letter for letter in map(chr, range(0x300, 0xFE00)) if unicodedata.category(letter)[0] == "M"
)
_WORD = re.compile(rf"[\w{_MARKS}]{{2,}}")
_ACCENTED = re.compile("[\u00c0-\u02af\u1e00-\u1eff]")
_IN_MEMORY = 400_000  # places of words; then a run goes to the disk

Row = list[Any]
"""A post: its channel's folder, its page there, its id, when, its words, its tags."""


def write(
    folder: Folder,
    rows_of: Callable[[str], list[Row]],
    names: dict[str, str],
    parts: Mapping[str, int],
) -> None:
    """Write the search's files, those that are not as they were.

    `parts` are named files of posts, the newest first, and what each is made of; `rows_of` gives
    the posts of one.
    """
    files = [*parts][::-1]  # the numbers of older files stay when a new one comes
    contents = _call("tgtaggerContents", [names, files])
    whole = number_of(names, [*parts.items()])
    before = _files_before(folder)
    if (
        before is not None
        and folder.has(_CONTENTS, _with_count(whole, before[1]))
        and all(folder.has(_file(name), made) for name, made in parts.items())
    ):
        _keep_shards(folder)
        return
    known = before[0] if before is not None else []
    stale = [at for at, name in enumerate(files) if not folder.has(_file(name), parts[name])]
    if (
        known
        and files[: len(known)] == known
        and all(folder.is_as_left(_file(files[at])) for at in stale if at < len(known))
    ):
        edits = _Edits(folder)
        for at in stale:
            name = files[at]
            old = _words_of(_read_call(folder.read(_file(name)))) if at < len(known) else set()
            rows = rows_of(name)
            folder.write(_file(name), _call("tgtaggerPosts", rows), parts[name])
            edits.add(at, old, _words_of(rows))
        written = edits.write()
        count = len(written) + _keep_shards(folder, written)
    else:
        count = _write_all(folder, rows_of, parts)
    folder.write(_CONTENTS, contents, _with_count(whole, count))


def _with_count(whole: int, count: int) -> int:
    """Return what a list of contents is made of: the lowest bits say how many shards there are."""
    return whole & ~_COUNT | count if count <= _COUNT else 0


def _file(name: str) -> str:
    return f"search/{name}.js"


def _shard(words: str) -> str:
    return f"{_WORDS}/{'-'.join(f'{ord(letter):x}' for letter in words)}.js"


def _files_before(folder: Folder) -> tuple[list[str], int] | None:
    """Return the files of posts of the last export, and how many shards it has.

    None: not all is as it was left.
    """
    made = folder.is_as_left(_CONTENTS)
    names = (f"{_WORDS}/{name}" for name in folder.names_in(_WORDS))
    count = sum(bool(folder.is_as_left(name)) for name in names)
    if not made or made & _COUNT != count:
        return None
    _, files = _read_call(folder.read(_CONTENTS))
    return files, count


def _keep_shards(folder: Folder, besides: Collection[str] = ()) -> int:
    """Let all shards stay that are as they were left, besides these; return how many."""
    names = (f"{_WORDS}/{name}" for name in folder.names_in(_WORDS))
    return sum(folder.has(name, _SHARDS) for name in names if name not in besides)


def _write_all(
    folder: Folder, rows_of: Callable[[str], list[Row]], parts: Mapping[str, int]
) -> int:
    """Write all files, and the whole index; return how many shards it has."""
    with contextlib.ExitStack() as opened:
        index = _Index(folder, opened)
        for at, (name, made) in enumerate(parts.items()):
            rows = rows_of(name)
            folder.write(_file(name), _call("tgtaggerPosts", rows), made)
            for row in rows:
                index.add(_text_of(row), at)
        last, count = len(parts) - 1, 0
        for shard, words in itertools.groupby(index.words(), lambda item: item[0][:_SHARD]):
            places = {word: _steps(last - at for at in found) for word, found in words}
            folder.write(_shard(shard), _call("tgtaggerWords", places), _SHARDS)
            count += 1
        return count


class _Edits:
    """Changes of an index: words that files have now, or no longer have."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._files: defaultdict[str, dict[str, dict[int, bool]]] = defaultdict(dict)

    def add(self, file: int, before: set[str], after: set[str]) -> None:
        for word in before ^ after:
            found = self._files[word[:_SHARD]].setdefault(word, {})
            found[file] = word in after

    def write(self) -> set[str]:
        """Write the shards that change; one that has no word any more goes. Return the others."""
        written = set()
        for shard, words in self._files.items():
            name = _shard(shard)
            known = _read_call(self._folder.read(name)) if self._folder.is_as_left(name) else {}
            for word, changes in words.items():
                places = set(itertools.accumulate(known.get(word, ())))
                places = places.union(changes) - {at for at, has in changes.items() if not has}
                known[word] = _steps(places)
            left = {word: known[word] for word in sorted(known) if known[word]}
            if left:
                self._folder.write(name, _call("tgtaggerWords", left), _SHARDS)
                written.add(name)
            else:
                self._folder.remove(name)
        return written


def _text_of(row: Row) -> str:
    return " ".join([row[4], *row[5]])


def _words_of(rows: Iterable[Row]) -> set[str]:
    """Return the beginnings of the words of posts."""
    return {word for row in rows for word in _beginnings(_text_of(row))}


def _beginnings(text: str) -> set[str]:
    return {word[:_LETTERS] for word in _WORD.findall(plain(text))}


def _read_call(data: bytes) -> Any:
    """Return the value that a file of ours hands over."""
    text = data.decode()
    return json.loads(text[text.index("(", text.index("\n")) + 1 : text.rindex(")")])


class _Index:
    """The beginnings of words, and the numbers of the files that hold them."""

    def __init__(self, folder: Folder, opened: contextlib.ExitStack) -> None:
        self._folder = folder
        self._opened = opened
        self._runs: list[IO[str]] = []
        self._places: dict[str, array[int]] = {}
        self._count = 0

    def add(self, text: str, file: int) -> None:
        for word in _beginnings(text):
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
