"""Find the chats in a `result.json` and stream their records, whatever the file's size.

ijson reads the file, so that memory does not grow with it; `stretches` reads most messages of a
single chat, faster. A first pass notes the chats' names and ids; for a single chat it ends where
the messages begin. Before spring 2021 Desktop wrote shifted ids, which only the messages give away:
their `from_id`, and a missing `date_unixtime`. Knows no other field of a message.
"""

from __future__ import annotations

import errno
import itertools
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeGuard

import ijson

from tgtagger.errors import InputError, TgTaggerError, system_error
from tgtagger.model.posts import IdRange
from tgtagger.sources.desktop import stretches
from tgtagger.sources.desktop.guard import BUFFER, UNREADABLE, Guarded

CHANNELS = {"public_channel", "private_channel"}
GROUPS = {"public_supergroup", "private_supergroup", "private_group"}
OTHERS = {
    "saved_messages", "replies", "verification_codes", "personal_chat", "bot_chat",
}  # fmt: skip

_SHIFT = 2 << 32
"""Added to the ids of channels and groups by Telegram Desktop before spring 2021."""

SHIFTED = IdRange(_SHIFT + 1, _SHIFT + (1 << 32) - 1)
"""Ids that may be shifted: the channels of that time had ids of 32 bits."""

_SCALARS = {"string", "number", "boolean", "null"}
_ENDINGS = {"end_map", "end_array", "map_key"}


@dataclass(slots=True)
class Chat:
    """A chat, read from its header. `messages` is counted only for an account's chats."""

    name: str | None = None
    kind: str | None = None
    id: Any = None
    messages: int = 0
    is_named: bool = False  # its name was read; it may be null


@dataclass(slots=True)
class Contents:
    """The contents of a file: its chats by the place of their messages, in order."""

    chats: dict[str, list[Chat]] = field(default_factory=dict)
    account: bool = False
    broken: bool = False  # an account's file ends in the middle; the chats before are noted


@dataclass(slots=True)
class _Age:
    """What the messages tell of the Desktop that wrote them; `is_old` is None until they do."""

    is_old: bool | None = None
    is_dated: bool = False  # a message has its date as a number

    def note(self, key: str, value: Any) -> None:
        if key == "date_unixtime":
            self.is_dated = True
        elif key in {"from_id", "actor_id"}:
            if type(value) is int:
                self.is_old = True
            elif isinstance(value, str) and self.is_dated:
                self.is_old = False

    def tells_old(self) -> bool:
        """Tell whether it was a Desktop that shifted ids."""
        return not self.is_dated if self.is_old is None else self.is_old

    def original(self, number: Any) -> Any:
        """Return the id of a chat without the old Desktop's shift."""
        return number - _SHIFT if self.tells_old() and _may_be_shifted(number) else number


def original_id(number: int, records: Iterable[Any]) -> int | None:
    """Return a stored chat's own id, told by the raw records of its messages.

    None: it is not certain, since there are none, or they come from an old Desktop and a new one.
    """
    told = set()
    for record in records:
        age = _Age()
        for key, value in record.items() if isinstance(record, dict) else ():
            age.note(key, value)
        told.add(age.tells_old())
        if len(told) == 2:
            break
    if not _may_be_shifted(abs(number)) or told == {False}:
        return number
    shift = _SHIFT if number > 0 else -_SHIFT  # a basic group's id is stored below zero
    return number - shift if told == {True} else None


def _may_be_shifted(number: Any) -> bool:
    return is_id(number) and SHIFTED.low <= number <= SHIFTED.high


class CutOff(Exception):
    """The file ends, or turns into garbage, in the middle."""


def find_file(path: Path) -> Path:
    """Return the `result.json` that a path names: the file itself, or the export's folder.

    Raises InputError if it is missing or cannot be read.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _find_in_folder(path)
        if not stat.S_ISREG(mode):
            raise InputError("export_not_a_file", path=path)
        with path.open("rb") as file:
            _check_beginning(path, file.read(4096))
    except FileNotFoundError as error:
        raise InputError("export_missing", path=path) from error
    except PermissionError as error:
        raise InputError("export_denied", path=path) from error
    except OSError as error:
        raise _unreadable(error, path) from error
    return path


def _unreadable(error: OSError, path: Path) -> TgTaggerError:
    """Return the error for an unreadable export. A failing disk counts as an input error."""
    if error.errno == errno.EIO:
        return InputError("export_disk_failed", path=path, reason=error.strerror)
    return system_error(error, "export_unreadable", path=path)


def _find_in_folder(folder: Path) -> Path:
    inside = folder / "result.json"
    if inside.exists():
        return find_file(inside)
    if any(folder.glob("messages*.html")):
        raise InputError("export_is_html", path=folder)
    raise InputError("export_result_missing", path=folder)


def _check_beginning(path: Path, head: bytes) -> None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("export_is_utf16", path=path)
    words = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not words:
        raise InputError("export_empty", path=path)
    if words.startswith(b"["):
        raise InputError("export_foreign_json", path=path)
    if not words.startswith(b"{"):
        raise InputError("export_not_json", path=path)


@contextmanager
def open_export(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for one reading from its start, past a byte order mark."""
    try:
        with path.open("rb") as file:
            if file.read(3) != b"\xef\xbb\xbf":
                file.seek(0)
            yield file
    except OSError as error:
        raise _unreadable(error, path) from error


def read_contents(file: IO[bytes], path: Path) -> Contents:
    """Return the chats of a file; for a file that is cut off, those before the cut.

    Raises InputError for JSON that is not an export.
    """
    contents = Contents()
    single, age = Chat(), _Age()
    try:
        _scan(ijson.parse(Guarded(file), buf_size=BUFFER), contents, single, age)
    except UNREADABLE:
        if not contents.chats:
            raise InputError("export_cut_off_early", path=path) from None  # it quotes the file
        contents.broken = contents.account
    if _SINGLE in contents.chats and not _is_chat(single):
        del contents.chats[_SINGLE]
    if not contents.chats and not contents.account:
        raise InputError("export_foreign_json", path=path)
    for chat in itertools.chain.from_iterable(contents.chats.values()):
        chat.id = age.original(chat.id)
    return contents


_SINGLE = "messages.item"
_LISTS = ("chats", "left_chats")


_FIELD = "messages.item."


def _scan(
    events: Iterable[tuple[str, str, Any]], contents: Contents, single: Chat, age: _Age
) -> None:
    items = {f"{name}.list.item" for name in _LISTS}
    chat, here, counting = single, "", "no place"
    for prefix, event, value in events:
        if prefix == counting:
            if event not in _ENDINGS:
                chat.messages += 1
        elif event in _SCALARS:
            told = prefix.startswith(here) and _note(chat, prefix[len(here) :], value, age)
            if told and _is_known(single):
                return  # the chat's own messages have told what was left to know
        elif event == "start_map" and prefix in items:
            contents.account = True
            chat, here, counting = Chat(), f"{prefix}.", f"{prefix}.messages.item"
            contents.chats.setdefault(counting, []).append(chat)
        elif event == "start_map" and prefix in _LISTS:
            contents.account = True
        elif event == "start_array" and prefix == "messages":
            contents.chats[_SINGLE] = [single]
            if _is_known(single) and not _may_be_shifted(single.id):
                return  # the usual order: the first pass can end here


def _is_known(chat: Chat) -> bool:
    return chat.kind is not None and chat.id is not None and chat.is_named


def _note(chat: Chat, key: str, value: Any, age: _Age) -> bool:
    """Note a value; tell whether it is the one that tells the export's age."""
    if key.startswith(_FIELD):
        if age.is_old is None:
            age.note(key.removeprefix(_FIELD), value)
            return age.is_old is not None
        return False
    if key == "name":
        chat.name, chat.is_named = value if isinstance(value, str) else None, True
    elif key == "type":
        chat.kind = value if isinstance(value, str) else None
    elif key == "id":
        chat.id = value
    return False


def _is_chat(chat: Chat) -> bool:
    return chat.kind in CHANNELS | GROUPS | OTHERS and is_id(chat.id)


def is_id(value: object) -> TypeGuard[int]:
    """Tell whether a value is an id that the database can hold (True is not 1)."""
    return type(value) is int and 0 < value < 2**63


def read_records(file: IO[bytes], place: str) -> Iterator[Any]:
    """Yield the unconverted messages at a place of the file. Raises CutOff at a broken end."""
    before = b""
    if place == _SINGLE:
        before = yield from stretches.read(file)
    try:
        # Without use_float: with it an integer beyond 64 bits would end the file.
        rest = ijson.items(Guarded(file, before=before), place, buf_size=BUFFER)
        yield from itertools.islice(rest, int(bool(before)), None)
    except UNREADABLE as error:
        raise CutOff(type(error).__name__) from None  # it quotes the file


def parser_backend() -> str:
    """Return which part of ijson reads exports: the compiled ones are many times faster."""
    return str(ijson.backend)
