"""A Telegram server on loopback, that the real Telethon signs in to and reads from.

`ServerThread` is the server, `world` what a test fills, `faults` what goes wrong, `log` what was
asked. Requests and answers are (de)serialised with the installed Telethon's own classes, so a new
layer costs nothing, and a wrong definition in Telethon would not be noticed. It accepts any API
id, and has no rights beyond private channels. `spoiled` makes answers that are none.
"""

from telegram_server import spoiled
from telegram_server.crypto import Password, RsaKey
from telegram_server.methods import Fail
from telegram_server.server import Fault, Server, ServerThread
from telegram_server.world import Account, Channel, World

__all__ = [
    "Account", "Channel", "Fail", "Fault", "Password", "RsaKey", "Server", "ServerThread", "World",
    "spoiled",
]  # fmt: skip
