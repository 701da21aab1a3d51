"""The sentences of errors in reading: Telegram, its web preview, exports.

`what` names what was asked for: a channel's `@name` or number, None for an invitation, or
"Telegram" if it was no channel.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

_Asked = str | int | None

_WHY_UNREADABLE = {
    "CHANNEL_PRIVATE": "it is private, or this account was removed from it",
    "CHANNEL_INVALID": "this account does not know it",
    "CHANNEL_PUBLIC_GROUP_NA": "it is not available any more",
    "CHAT_ADMIN_REQUIRED": "only its admins may read it",
    "CHAT_FORBIDDEN": "this account may not read it",
    "USER_BANNED_IN_CHANNEL": "this account is banned from it",
    "USERNAME_NOT_OCCUPIED": "no channel has this name",
    "USERNAME_INVALID": "no channel can have this name",
    "INVITE_HASH_EXPIRED": "the invitation has expired",
    "INVITE_HASH_INVALID": "the invitation is not valid",
    "INVITE_HASH_EMPTY": "the invitation is not valid",
    "PEER_ID_INVALID": "this account does not know it",
}
"""What Telegram's refusals of a channel mean."""


def _name(what: _Asked) -> str:
    if what is None:
        return "the invitation"
    return f"channel {what}" if isinstance(what, int) else what


def _before(what: _Asked) -> str:
    return "" if what == "Telegram" else f"{_name(what)}: "


def _of(sentence: str) -> Callable[..., str]:
    """Return a sentence that begins with what was asked for."""

    def write(*, what: _Asked, **data: object) -> str:
        return sentence.format(name=_name(what), before=_before(what), **data)

    return write


def _until(sentence: str) -> Callable[..., str]:
    """Return a sentence that ends with a moment in this machine's time zone."""

    def write(*, what: _Asked, until: dt.datetime) -> str:
        return f"{_name(what)}: {sentence} {until.astimezone():%Y-%m-%d %H:%M:%S}"

    return write


def _channel_unreadable(*, what: _Asked, reason: str) -> str:
    return f"{_name(what)} cannot be read: {_WHY_UNREADABLE[reason]}"


def _export_cut_off(*, path: object, after: int | None) -> str:
    where = "in the middle" if after is None else f"after message {after}"
    return f"{path} is cut off or damaged {where}; what came before is kept"


SENTENCES: Mapping[str, str | Callable[..., str]] = {
    # ---- a channel
    "username_reassigned": "@{name} belongs to another channel now (id {number}); "
    "the database has it as {title} (id {known_id})",
    "person_not_channel": _of("{name} is a person or a bot, not a channel"),
    "group_not_channel": _of("{name} is a group, not a channel"),
    "channel_not_visible": _of("{name} cannot be read: this account may not see it"),
    "chat_not_visible": "this account may not see the channel",
    "channel_unreadable": _channel_unreadable,
    "channel_not_found": _of("{name} cannot be read: no channel has this name"),
    "channel_unknown_to_account": "this account knows no channel {number}",
    "invitation_not_joined": "this account has not joined the channel of this invitation",
    # ---- Telegram
    "telegram_asks_to_wait": _of("{before}Telegram asks to wait {seconds} s"),
    "telegram_flood": _of("{before}Telegram asks to wait ({error})"),
    "telegram_closed_until": _until("Telegram asks to wait until"),
    "telegram_unreachable": lambda *, reason, **_: (
        "Telegram cannot be reached, or has trouble" + (f" ({reason})" if reason else "")
    ),
    "telegram_given_up": _of(
        "{name}: not read, because Telegram cannot be reached, or has trouble"
    ),
    "telegram_refuses": _of("{before}Telegram answers {error} ({code})"),
    "telegram_refuses_clock": "Telegram refuses messages from this clock",
    "telegram_answer_unreadable": _of(
        "{before}Telegram sent data that is too new for this version"
    ),
    "telegram_answer_wrong": _of("{before}Telegram sent an unexpected answer"),
    "telegram_server_invalid": "TGTAGGER_TELEGRAM_SERVER must be host:port",
    "telegram_key_invalid": "{path} is not an RSA public key",
    # ---- an account and its session
    "account_name_invalid": "{account!r} cannot be the name of an account",
    "account_frozen": "Telegram has frozen this account",
    "not_signed_in": "nobody is signed in to Telegram (account {account})",
    "api_id_refused": "Telegram does not accept this API id and hash",
    "api_id_unknown": "Telegram's API id and hash are not known",
    "api_id_unreadable": "{path} cannot be read",
    "session_ended": "this account is signed out: Telegram no longer knows the session",
    "session_duplicated": "Telegram ended this session: it was used from two places at once",
    "session_in_other_data_center": "this account is in another data centre of Telegram than its "
    "session",
    "session_of_other_server": "the session of account {account} belongs to another server than "
    "{server}",
    "session_unusable": "the session file cannot be used",
    "session_busy": "another program uses the session file",
    "session_disk_full": "there is no space left to write the session file",
    "session_io_error": "reading or writing the session file failed",
    "session_not_opened": "the session file cannot be opened",
    "session_read_only": "the session file cannot be written to",
    "session_not_written": "{path} cannot be written: {reason}",
    "sessions_folder_not_made": "{path} cannot be created: {reason}",
    "sessions_folder_unwritable": "{path} cannot be written to: {reason}",
    # ---- signing in
    "bot_refused": "this is a bot: bots cannot read a channel's history",
    "phone_number_invalid": "this is not a phone number",
    "phone_number_unknown": "Telegram knows no account with this phone number",
    "phone_number_refused": "Telegram refuses this phone number ({error})",
    "login_code_expired": "the code has expired",
    "login_code_wrong": "the code was wrong three times",
    "cloud_password_wrong": "the password was wrong three times",
    "cloud_password_needed": "this account needs its cloud password",
    "qr_code_not_scanned": "the QR code was not scanned",
    # ---- the web preview
    "preview_closed_until": _until("the web preview asks to wait until"),
    "preview_unreachable": _of(
        "{name}: the web preview cannot be reached, or has trouble ({detail})"
    ),
    "preview_answer_wrong": _of("{name}: the web preview sent an unexpected answer"),
    "preview_answers_status": _of("{name}: the web preview answers HTTP {status}"),
    "preview_foreign": _of("{name}: another page answers in place of the web preview"),
    "preview_turned_off": _of("{name} has no web preview: its owner, or Telegram, turned it off"),
    "preview_of_group": _of("{name} is a group: groups have no web preview"),
    "preview_without_number": _of("{name}: the web preview does not show the channel's number"),
    "preview_address_invalid": _of("{name}: {url!r} is not a valid address"),
    "preview_proxy_invalid": "the proxy of the environment cannot be used for the web preview",
    # ---- exports
    "export_missing": "{path} does not exist",
    "export_denied": "{path} cannot be read: permission denied",
    "export_disk_failed": "{path} cannot be read: {reason}",
    "export_unreadable": "{path} cannot be read: {reason}",
    "export_not_a_file": "{path} is neither a file nor a folder",
    "export_result_missing": "there is no result.json in {path}",
    "export_is_html": "{path} is an export as HTML, and only JSON can be read",
    "export_is_utf16": "{path} is UTF-16; Telegram Desktop writes UTF-8",
    "export_empty": "{path} is empty",
    "export_not_json": "{path} is not JSON",
    "export_foreign_json": "{path} is JSON, but not an export of Telegram Desktop",
    "export_cut_off_early": "{path} is not JSON, or is cut off before its first message",
    "export_cut_off": _export_cut_off,
    "export_without_channels": "{path} holds no channel",
    "export_of_group": "{path} is the export of a group, not of a channel",
    "export_of_conversation": "{path} is the export of a private conversation; tgtagger keeps "
    "channels",
}
