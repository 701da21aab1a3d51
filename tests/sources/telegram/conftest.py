"""A signed-in account, and a channel read over the wire into a store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from telegram_server import ServerThread
from tgtagger import pipeline
from tgtagger.sources.names import read_channel
from tgtagger.sources.reading import Wish
from tgtagger.sources.telegram import session
from tgtagger.sources.telegram.source import Telegram, TelegramChannel
from tgtagger.store import Store
from tgtagger.types import PageStored, Wait

PHONE = "99966123"


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

    def phone(self) -> str:
        return self._next("phone")

    def code(self, *, again: bool) -> str:
        return self._next("code again" if again else "code")

    def password(self, hint: str | None, *, again: bool) -> str:
        return self._next("password again" if again else "password")

    def show_qr(self, url: str, expires: dt.datetime) -> None:
        self.urls.append(url)
        self.on_qr()

    def say(self, text: str) -> None:
        self.asked.append(text)


@pytest.fixture
def access(telegram: ServerThread, tmp_path: Path) -> session.Access:
    key = tmp_path / "key.pem"
    key.write_text(telegram.key.pem)
    return session.Access(
        tmp_path / "data", "default", 1, "hash", f"127.0.0.1:{telegram.port}", 2, key
    )


@pytest.fixture
async def signed_in(telegram: ServerThread, access: session.Access) -> session.Access:
    telegram.world.account(PHONE)
    await session.sign_in(access, Answers("12345"), phone=PHONE, qr=False)
    telegram.log.clear()
    return access


Read = Callable[..., Awaitable[list[PageStored | Wait]]]


@pytest.fixture
def read(signed_in: session.Access, store: Store) -> Read:
    """Read a channel as `parse` does; return what the pipeline yielded."""

    async def reading(
        source: str, wish: Wish | None = None, *, groups: bool = False, **options: Any
    ) -> list[PageStored | Wait]:
        ref = read_channel(source)
        name = getattr(ref, "name", None) or getattr(ref, "id", None)
        known = store.channel(name) if name is not None else None
        options.setdefault("sleep", _no_sleep)
        found: list[PageStored | Wait] = []
        async with Telegram(signed_in, page_wait=0, **options) as connection:
            channel = TelegramChannel(connection, ref, wish or Wish(), known=known, groups=groups)
            async for step in pipeline.parse(channel, store):
                found.append(step)
        return found

    return reading


async def _no_sleep(_seconds: float) -> None:
    return None
