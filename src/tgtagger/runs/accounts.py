"""The account that is signed in to Telegram with these settings, and its application.

Knows no face, and puts no question to a person.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tgtagger.config import Settings
from tgtagger.errors import ActionNeeded, InputError
from tgtagger.system import signals

if TYPE_CHECKING:
    from tgtagger.sources.telegram.session import Access


def access_of(settings: Settings) -> Access:
    """Return how to reach Telegram with these settings."""
    from tgtagger.sources.telegram.session import Access

    return Access(
        data_dir=settings.data_dir,
        account=settings.account,
        api_id=settings.api_id,
        api_hash=settings.api_hash,
        server=settings.telegram_server,
        dc=settings.telegram_dc,
        public_key=settings.telegram_key,
        proxy=settings.proxy,
    )


def is_signed_in(settings: Settings) -> bool:
    """Tell whether there is a session, without loading Telethon."""
    return (settings.data_dir / "sessions" / f"{settings.account}.session").is_file()


def find_account(settings: Settings, text: str) -> str:
    """Return the account of a number (1 is `default`) or a name. Raises InputError."""
    sessions = (settings.data_dir / "sessions").glob("[!.]*.session")
    others = {path.stem for path in sessions} | {settings.account}
    known = ("default", *sorted(others - {"default"}))
    if text.isdecimal() and 1 <= int(text) <= len(known):
        return known[int(text) - 1]
    if text not in known:
        raise InputError("account_unknown", name=text, known=known)
    return text


def who(access: Access) -> str | None:
    """Return the name of the signed-in account; None without a session, or if it has ended."""
    from tgtagger.sources.telegram import session

    if not access.session.is_file():
        return None
    try:
        return signals.run(session.who, access)
    except ActionNeeded:
        return None


def with_application(access: Access) -> Access:
    """Fill in the API id and hash where the settings have none.

    Those of the account's last sign-in, else of another account's: they are the person's own.
    """
    if access.api_id is not None and access.api_hash:
        return access
    for path in (access.application, *sorted(access.folder.glob("[!.]*.json"))):
        try:
            kept = json.loads(path.read_bytes())
            return replace(access, api_id=int(kept["api_id"]), api_hash=str(kept["api_hash"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return access
