"""The private parts of Telethon that tgtagger uses. Checked with Telethon 1.45.0.

Each function names the parts it relies on. A newer Telethon may change them without notice: then
read these functions beside its source, run the tests of sources/telegram and of the matrix, and
raise `CHECKED_WITH`. No other module uses a private name of Telethon, or a module of it that its
documentation does not name (tests/sources/telegram/test_telethon_internals.py).
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, Literal

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.tl.types import BadMsgNotification

CHECKED_WITH = "1.45.0"

LONGEST_PAUSE = 5.0
"""Seconds at most before a message that the server refused is sent again."""


def answer_slowly(client: TelegramClient) -> None:
    """Pause before a message that the server refuses for its number or time is sent again.

    Telethon sends it at once after each refusal: thousands of times a second. Relies on the
    client's `_sender` (MTProtoSender), on its table `_handlers` by constructor, and on its
    coroutine `_handle_bad_notification`; there is no other way to see a refusal.
    """
    sender = client._sender  # noqa: SLF001
    refused = itertools.count()

    async def pause(message: Any) -> None:
        await asyncio.sleep(min(0.05 * 2.0 ** next(refused), LONGEST_PAUSE))
        await sender._handle_bad_notification(message)  # noqa: SLF001

    sender._handlers[BadMsgNotification.CONSTRUCTOR_ID] = pause  # noqa: SLF001


def trust_key(pem: str) -> None:
    """Accept a server that has this RSA key, for the rest of the process. Raises ValueError.

    Relies on `telethon.crypto.rsa.add_key`, which adds to a table of its module.
    """
    rsa.add_key(pem, old=False)


def is_answer_to(request: Any, answer: Any) -> bool:
    """Tell whether an answer has the type that the request promises.

    Telethon does not check it. Relies on `SUBCLASS_OF_ID`, which its generator writes into each
    class of requests and objects.
    """
    return bool(getattr(answer, "SUBCLASS_OF_ID", None) == request.SUBCLASS_OF_ID)


def url_of_code(code: Any) -> str | None:
    """Return the address that a QR code shows; None once the code was scanned.

    If a code is scanned while it is renewed, the answer is the sign-in. Relies on `QRLogin.url`
    reading a token that this answer lacks.
    """
    try:
        url: str = code.url
    except AttributeError:
        return None
    return url


def meaning_of(error: ValueError) -> Literal["gave_up", "another_data_center"] | None:
    """Return the meaning of a ValueError of Telethon; None for any other one.

    After its tries Telethon raises a bare ValueError. Relies on the words of two: "Request was
    unsuccessful … time(s)" in `UserMethods._call`, "Failed to get DC" in
    `TelegramBaseClient._get_dc`.
    """
    words = str(error)
    if "unsuccessful" in words:
        return "gave_up"
    return "another_data_center" if "Failed to get DC" in words else None


def lost_connection() -> ConnectionError | None:
    """Return the error that a CancelledError stands for; None if this task itself is cancelled.

    Relies on `MTProtoSender._disconnect`: when it gives up a connection and knows no error, it
    cancels the requests that wait on it. Call this while the CancelledError is handled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        return None
    return ConnectionError("the connection was lost")
