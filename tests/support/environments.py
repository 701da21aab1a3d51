"""Settings that point a process of tgtagger to the tests' own servers, and away from all others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from llm_server import LlmServer
from support.answers import API_HASH, PHONE, Answers
from telegram_server import ServerThread
from tgtagger.sources.telegram import session
from tgtagger.sources.telegram import sign_in as signing_in


def at_home(folder: Path) -> dict[str, str]:
    """Return settings that use only loopback, and keep all files in a folder."""
    return {
        "TGTAGGER_DATA_DIR": str(folder / "data"),
        "TGTAGGER_DB": str(folder / "posts.db"),
        # If a test forgets the server, the real preview must get no request.
        "TGTAGGER_PREVIEW_URL": "http://127.0.0.1:9/s",
    }


def to_telegram(server: ServerThread, folder: Path) -> dict[str, str]:
    key = folder / "key.pem"
    key.write_text(server.key.pem)
    return at_home(folder) | {
        "TGTAGGER_TELEGRAM_SERVER": f"127.0.0.1:{server.port}",
        "TGTAGGER_TELEGRAM_DC": "2",
        "TGTAGGER_TELEGRAM_KEY": str(key),
        "TGTAGGER_TELEGRAM_PAGE_WAIT": "0",
    }


def access_to(server: ServerThread, folder: Path) -> session.Access:
    """Return the access for a sign-in in this process."""
    key = folder / "key.pem"
    key.write_text(server.key.pem)
    address = f"127.0.0.1:{server.port}"
    return session.Access(folder / "data", "default", 1, API_HASH, address, 2, key)


def sign_in(server: ServerThread, folder: Path) -> dict[str, str]:
    """Sign in within this process; return the settings for later processes."""
    server.world.account(PHONE)
    access = access_to(server, folder)
    asyncio.run(signing_in.sign_in(access, Answers("12345"), phone=PHONE, qr=False))
    server.log.clear()
    return to_telegram(server, folder)


def to_model(server: LlmServer, folder: Path) -> dict[str, str]:
    return at_home(folder) | {
        "TGTAGGER_LLM_URL": server.url,
        "TGTAGGER_LLM_MODEL": "test-model",
        "TGTAGGER_RETRY_BASE": "0.01",
        "TGTAGGER_LLM_BATCH": "1",
        "TGTAGGER_LLM_CONCURRENCY": "4",
    }
