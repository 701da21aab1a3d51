"""A person who signs in: prompts that are answered from a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable

from tgtagger.errors import ActionNeeded, InputError
from tgtagger.model.posts import PageStored

PHONE = "99966123"

API_HASH = "0123456789abcdef0123456789abcdef"
"""Of the form that Telegram gives."""

Read = Callable[..., Awaitable[list[PageStored]]]


class Answers:
    """Prompts that are answered from a list; what was asked is kept."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.urls: list[str] = []
        self.code_of_country = ""
        self.on_qr: Callable[[], None] = lambda: None

    def _next(self, question: str) -> str:
        self.asked.append(question)
        if not self.answers:
            raise ActionNeeded("nobody_to_answer", question=question)
        return self.answers.pop(0)

    def server(self, address: str) -> None:
        self.asked.append(address)

    def phone(self, problem: InputError | None) -> str:
        return self._next(f"phone again: {problem.kind}" if problem else "phone")

    def country(self) -> str:
        return self.code_of_country

    def code(self, *, again: bool) -> str:
        return self._next("code again" if again else "code")

    def password(self, hint: str | None, *, again: bool) -> str:
        return self._next("password again" if again else "password")

    def show_qr(self, url: str, expires: dt.datetime) -> None:
        self.urls.append(url)
        self.on_qr()
