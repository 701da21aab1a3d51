"""Turn the text of a setting into its value. A WrongValue says what the text must be.

Knows neither the table of settings nor where a text came from.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class WrongValue(ValueError):
    """A text is not a value; `wanted` is the kind of the value it must be (messages.settings)."""

    def __init__(self, wanted: str, **bounds: object) -> None:
        super().__init__(wanted)
        self.wanted = wanted
        self.bounds = bounds


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one kind of value; `types` are the TOML types that hold it."""

    read: Callable[[Any], Any]
    types: tuple[type, ...] = (str,)
    types_wanted: str = "text_in_quotes"
    repeated: bool = True  # in an error; False: it may hold a password, or a key in the wrong place

    def text_of(self, value: Any) -> Any:
        """Return a value of the file as the text that `read` takes."""
        if (
            type(value) not in self.types
        ):  # exactly: True is an int in Python, and not a number here
            raise WrongValue(self.types_wanted)
        try:
            return value if isinstance(value, list) else str(value)
        except ValueError:  # 0xFFF…, with more digits than Python converts
            raise WrongValue(self.types_wanted) from None


def _path(text: str) -> Path:
    if "\0" in text:
        raise WrongValue("path_without_nul")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody
        raise WrongValue("path_in_a_home") from error


def _shelves(text: str) -> str | Path:
    word = text.strip().casefold()
    return word if word in {"on", "off"} else _path(text)


def _database(text: str) -> str:
    return text if "://" in text else str(_path(text))


def _web_address(text: str) -> str:
    if "@" in text:
        raise WrongValue("address_without_password")
    if "?" in text or "#" in text:  # a request's path is added at its end
        raise WrongValue("address_without_query")
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # it may quote the text
        whole = False
    if not whole or " " in text or not text.isprintable():
        raise WrongValue("web_address")
    return text.rstrip("/")


PROXIES = ("socks5", "socks5h", "socks4", "http")


def _proxy(text: str) -> str:
    try:
        parts = urlsplit(text)
        whole = parts.scheme in PROXIES and parts.hostname and parts.port
    except ValueError:  # it may quote the address, and so the password in it
        whole = False
    if not whole:
        raise WrongValue("proxy")
    return text


def _key(text: str) -> str:
    # It becomes a header: another letter would fail far from here, or begin a second header.
    if not text.isascii() or not text.isprintable() or " " in text:
        raise WrongValue("header")
    return text


def _names(given: str | list[Any]) -> tuple[str, ...]:
    wrong = WrongValue("names")
    if isinstance(given, list):
        wrong = WrongValue("list_of_names")
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
SHELVES = Reader(_shelves)
WEB_ADDRESS = Reader(_web_address, repeated=False)
PROXY = Reader(_proxy, repeated=False)
KEY = Reader(_key, repeated=False)
NAMES = Reader(_names, (str, list), "text_or_list")


def whole(low: int, high: int) -> Reader:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise WrongValue("whole_number", low=low, high=high)
        return number

    return Reader(read, (int, str), "whole_number_in_file")


def seconds(low: int, high: int) -> Reader:
    def read(text: str) -> float:
        number = _float(text)
        if not low <= number <= high:
            raise WrongValue("seconds", low=low, high=high)
        return number

    return Reader(read, (int, float, str), "number_in_file")


_DAYS = {"d": 1, "w": 7, "mo": 30, "y": 365}
_PERIOD = re.compile(r"([1-9]\d{0,3})(d|w|mo|y)")


def _period(text: str) -> str:
    plain = text.strip().lower()
    if _PERIOD.fullmatch(plain) is None:
        raise WrongValue("period")
    return plain


def days_of(period: str) -> dt.timedelta:
    """Return how long a period is that PERIOD has read; a month has 30 days, a year 365."""
    found = _PERIOD.fullmatch(period)
    assert found is not None  # PERIOD has read it
    return dt.timedelta(days=int(found[1]) * _DAYS[found[2]])


def _dollars(text: str) -> float:
    number = _float(text)
    if not 0 < number < float("inf"):
        raise WrongValue("dollars")
    return number


def _float(text: str) -> float:
    """Return the number; NaN for any other text, since no limits include NaN."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


PERIOD = Reader(_period)
DOLLARS = Reader(_dollars, (int, float, str), "number_in_file")


def one_of(*choices: str) -> Reader:
    def read(text: str) -> str:
        if text not in choices:
            raise WrongValue("one_of", choices=choices)
        return text

    return Reader(read)


def words(longest: int) -> Reader:
    def read(text: str) -> str:
        found = text.strip()
        if not found or len(found) > longest or not found.isprintable():
            raise WrongValue("line", longest=longest)
        return found

    return Reader(read)
