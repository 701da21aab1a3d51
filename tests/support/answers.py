"""A person who signs in: prompts that are answered from a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable

from tgtagger.model.posts import PageStored

PHONE = "99966123"

Read = Callable[..., Awaitable[list[PageStored]]]


class Answers:
    """Prompts that are answered from a list; what was asked is kept."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.urls: list[str] = []
        self.on_qr: Callable[[], None] = lambda: None

    def _next(self, question: str) -> str:
        self.asked.append(question)
        return self.answers.pop(0)

    def server(self, address: str) -> None:
        self.asked.append(address)

    def phone(self) -> str:
        return self._next("phone")

    def code(self, *, again: bool) -> str:
        return self._next("code again" if again else "code")

    def password(self, hint: str | None, *, again: bool) -> str:
        return self._next("password again" if again else "password")

    def show_qr(self, url: str, expires: dt.datetime) -> None:
        self.urls.append(url)
        self.on_qr()
