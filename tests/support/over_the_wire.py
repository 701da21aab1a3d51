"""A signed-in account, and a channel read over the wire into a store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from support.answers import PHONE, Answers, Read
from support.events import RecordedEvents
from telegram_server import ServerThread
from tgtagger import pipeline
from tgtagger.model.posts import PageStored
from tgtagger.model.refs import read_channel
from tgtagger.sources.plan import ReadOptions
from tgtagger.sources.telegram import session, sign_in
from tgtagger.sources.telegram.connection import Telegram
from tgtagger.sources.telegram.source import TelegramChannel
from tgtagger.store import Store


def access_to(telegram: ServerThread, folder: Path) -> session.Access:
    """Return the access to a server, with its session in a folder."""
    key = folder / "key.pem"
    key.write_text(telegram.key.pem)
    return session.Access(
        folder / "data", "default", 1, "hash", f"127.0.0.1:{telegram.port}", 2, key
    )


def signed_in_at(telegram: ServerThread, folder: Path) -> session.Access:
    """Sign in, for tests that share a server."""
    telegram.world.account(PHONE)
    made = access_to(telegram, folder)
    asyncio.run(sign_in.sign_in(made, Answers("12345"), phone=PHONE, qr=False))
    telegram.log.clear()
    telegram.connected = 0
    return made


@pytest.fixture
def access(telegram: ServerThread, tmp_path: Path) -> session.Access:
    return access_to(telegram, tmp_path)


@pytest.fixture
async def signed_in(telegram: ServerThread, access: session.Access) -> session.Access:
    telegram.world.account(PHONE)
    await sign_in.sign_in(access, Answers("12345"), phone=PHONE, qr=False)
    telegram.log.clear()
    return access


@pytest.fixture
def events() -> RecordedEvents:
    """Return the events that `read` recorded."""
    return RecordedEvents()


@pytest.fixture
def read(signed_in: session.Access, store: Store, events: RecordedEvents) -> Read:
    """Read a channel as `parse` does; return what the pipeline yielded."""

    async def reading(
        source: str,
        read_options: ReadOptions | None = None,
        *,
        groups: bool = False,
        **options: Any,
    ) -> list[PageStored]:
        ref = read_channel(source)
        name = getattr(ref, "name", None) or getattr(ref, "id", None)
        known = store.channels.find(name) if name is not None else None
        options.setdefault("sleep", _no_sleep)
        async with Telegram(signed_in, page_wait=0, **options) as connection:
            channel = TelegramChannel(
                connection, ref, read_options or ReadOptions(), known=known, groups=groups
            )
            return [step async for step in pipeline.parse(channel, store, events)]

    return reading


async def _no_sleep(_seconds: float) -> None:
    return None
