"""The hints for errors of reading: Telegram, its web preview, exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_LOGIN = "run: tgtagger login"
_LOGIN_AGAIN = "run tgtagger login again"
_LATER = "run it again later; cron does so by itself"
_TELEGRAM = (
    "check the connection; if Telegram is blocked, set a proxy: TGTAGGER_PROXY "
    "(see docs/blocked.md); what was read is kept"
)
_NOTHING_LOST = "try again later; nothing is lost"
_GROUPS = "add --groups to keep groups, too"
_APPLICATION = "get them at https://my.telegram.org, then run: tgtagger login"
_SIGN_IN_TO_READ = "sign in to read it: tgtagger login"
_DATA_DIR = "check the space and permissions of data_dir; to see it: tgtagger config"
_EXPORT = (
    "in Telegram Desktop: channel → ⋮ → Export chat history → Format: Machine-readable JSON; "
    "then give its folder"
)


def _not_signed_in(*, account: str) -> str:
    who = "" if account == "default" else f" --account {account}"
    return f"run: tgtagger login{who}"


def _export_without_channels(*, groups: int, **_: object) -> str:
    return "add --groups to keep its groups" if groups else "export again, with channels"


HINTS: Mapping[str, str | Callable[..., str | None]] = {
    # ---- a channel
    "username_reassigned": "the stored posts are unchanged; to read the new channel: "
    "tgtagger parse -100{number}",
    "group_not_channel": _GROUPS,
    "channel_not_found": "check the spelling",
    "channel_unknown_to_account": "give its @name or a t.me link, or join it in Telegram",
    "invitation_not_joined": "first join it in Telegram; tgtagger never joins a channel",
    # ---- Telegram
    "telegram_asks_to_wait": _LATER,
    "telegram_flood": _LATER,
    "telegram_closed_until": _LATER,
    "telegram_unreachable": _TELEGRAM,
    "telegram_given_up": _TELEGRAM,
    "telegram_refuses_clock": "set the clock of this machine",
    "telegram_answer_unreadable": "update tgtagger, then run it again: nothing is lost",
    "telegram_answer_wrong": _NOTHING_LOST,
    "telegram_key_invalid": "set TGTAGGER_TELEGRAM_KEY to a PEM file (BEGIN RSA PUBLIC KEY)",
    # ---- an account and its session
    "account_name_invalid": "use letters and digits",
    "account_frozen": "open Telegram: it says why",
    "not_signed_in": _not_signed_in,
    "api_id_refused": _APPLICATION,
    "api_id_unknown": _APPLICATION,
    "api_id_unreadable": _LOGIN,
    "session_ended": _LOGIN,
    "session_duplicated": _LOGIN,
    "session_in_other_data_center": _LOGIN,
    "session_of_other_server": "sign in there under another name: tgtagger login --account NAME",
    "session_unusable": _LOGIN,
    "session_busy": "try again",
    "session_disk_full": _DATA_DIR,
    "session_io_error": _DATA_DIR,
    "session_not_opened": _DATA_DIR,
    "session_read_only": _DATA_DIR,
    "sessions_folder_not_made": "set TGTAGGER_DATA_DIR",
    # ---- signing in
    "bot_refused": "sign in with your own account, by phone or --qr",
    "phone_number_invalid": "give it with its country code: +44 7700 900123",
    "login_code_expired": _LOGIN_AGAIN,
    "login_code_wrong": _LOGIN_AGAIN,
    "cloud_password_wrong": _LOGIN_AGAIN,
    "cloud_password_needed": _LOGIN,
    "qr_code_not_scanned": "run tgtagger login --qr again",
    # ---- the web preview
    "preview_closed_until": _LATER,
    "preview_unreachable": (
        "check the connection; if t.me is blocked, set a proxy: HTTPS_PROXY (see docs/blocked.md); "
        "what was read is kept"
    ),
    "preview_answer_wrong": _NOTHING_LOST,
    "preview_foreign": "if this network has a sign-in page, sign in there; then try again",
    "preview_turned_off": _SIGN_IN_TO_READ,
    "preview_of_group": "sign in and add --groups to keep groups, too",
    "preview_without_number": _SIGN_IN_TO_READ,
    "preview_proxy_invalid": (
        "set HTTPS_PROXY to an HTTP proxy, or add the preview's host to NO_PROXY"
    ),
    # ---- exports
    "export_missing": _EXPORT,
    "export_denied": "check its permissions",
    "export_disk_failed": "check its disk",
    "export_unreadable": _EXPORT,
    "export_not_a_file": _EXPORT,
    "export_result_missing": _EXPORT,
    "export_is_html": _EXPORT,
    "export_is_utf16": _EXPORT,
    "export_empty": _EXPORT,
    "export_not_json": _EXPORT,
    "export_foreign_json": _EXPORT,
    "export_cut_off_early": _EXPORT,
    "export_cut_off": "export again, then parse it again; no post is stored twice",
    "export_without_channels": _export_without_channels,
    "export_of_group": _GROUPS,
    "export_of_conversation": "export a channel",
}
