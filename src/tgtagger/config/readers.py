"""How the text of a setting becomes its value. A ValueError says what the text must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one kind of value, and knows which of a file's types hold it."""

    read: Callable[[Any], Any]
    types: tuple[type, ...] = (str,)
    types_in_words: str = "text in quotes"
    repeated: bool = True  # in a complaint; False: it may hold a password, or be a key astray

    def text_of(self, value: Any) -> Any:
        """Return a value of the file as `read` wants it: numbers as text, too."""
        if type(value) not in self.types:  # exactly: True is an int, and no number of tags
            raise TypeError(self.types_in_words)
        try:
            return value if isinstance(value, list) else str(value)
        except ValueError:  # 0xFFF…, with more digits than Python writes
            raise TypeError(self.types_in_words) from None


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError("a path, and no path holds a NUL")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody
        raise ValueError("a path in a home folder that exists") from error


def _database(text: str) -> str:
    return text if "://" in text else str(_path(text))


def _web_address(text: str) -> str:
    if "@" in text:
        raise ValueError("an address without a name and password in it")
    if "?" in text or "#" in text:  # what is asked of the server is added at its end
        raise ValueError("an address that ends before any ? or #")
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # it may quote the text
        whole = False
    if not whole or " " in text or not text.isprintable():
        raise ValueError("an address that begins with https:// or http://")
    return text.rstrip("/")


PROXIES = ("socks5", "socks5h", "socks4", "http")


def _proxy(text: str) -> str:
    try:
        parts = urlsplit(text)
        whole = parts.scheme in PROXIES and parts.hostname and parts.port
    except ValueError:  # it may quote the address, and so the password in it
        whole = False
    if not whole:
        raise ValueError("socks5://host:port or http://host:port")
    return text


def _key(text: str) -> str:
    # It becomes a header: anything else would fail far from here, or begin a second header.
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("printable ASCII without spaces or line breaks")
    return text


def _names(given: str | list[Any]) -> tuple[str, ...]:
    wrong = ValueError("a name, or several separated by commas")
    if isinstance(given, list):
        wrong = ValueError("a list of names, each in quotes")
        if not all(isinstance(name, str) and name.strip() for name in given):
            raise wrong
    names = given if isinstance(given, list) else given.split(",")
    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not found or not all(name.isprintable() for name in found):
        raise wrong
    return found


TEXT = Reader(str)
PATH = Reader(_path)
DATABASE = Reader(_database)
WEB_ADDRESS = Reader(_web_address, repeated=False)
PROXY = Reader(_proxy, repeated=False)
KEY = Reader(_key, repeated=False)
NAMES = Reader(_names, (str, list), "text in quotes, or a list of such")


def whole(low: int, high: int) -> Reader:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return number

    return Reader(read, (int, str), "a whole number")


def seconds(low: int, high: int) -> Reader:
    def read(text: str) -> float:
        number = _float(text)
        if not low <= number <= high:
            raise ValueError(f"a number of seconds from {low} to {high}")
        return number

    return Reader(read, (int, float, str), "a number")


def _dollars(text: str) -> float:
    number = _float(text)
    if not 0 < number < float("inf"):
        raise ValueError("a sum in US dollars above 0, such as 0.50")
    return number


def _float(text: str) -> float:
    """Return NaN, which lies within no limits, for what is no number."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


DOLLARS = Reader(_dollars, (int, float, str), "a number")


def one_of(*choices: str) -> Reader:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError("one of: " + ", ".join(choices))
        return text

    return Reader(read)


def words(longest: int) -> Reader:
    def read(text: str) -> str:
        found = text.strip()
        if not found or len(found) > longest or not found.isprintable():
            raise ValueError(f"one line of 1 to {longest} letters")
        return found

    return Reader(read)
