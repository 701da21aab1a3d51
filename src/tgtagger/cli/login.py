"""`tgtagger login`: sign in to Telegram, once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated, Any

import typer

from tgtagger.cli import context
from tgtagger.cli.options import AccountOption, JsonOption, invocation
from tgtagger.cli.parsing import access_of
from tgtagger.cli.prompts import Asking
from tgtagger.config import in_a_home
from tgtagger.errors import ActionNeeded, InputError
from tgtagger.system import signals

EPILOG = """Examples:
  tgtagger login                    asks for what it needs
  tgtagger login --qr               by scanning a code with your phone
  tgtagger login --account work     a second account

The API id and hash come from https://my.telegram.org (API development tools);
they and the session are kept in the data folder, for you only. Whoever has the
session file is you. Answers may be piped in, one a line.

Exit codes:
  0 signed in · 2 a wrong phone number, a bot, settings
  3 code or password wrong three times, or nobody to ask
  75 Telegram cannot be reached, or asks to wait"""


def command(
    ctx: typer.Context,
    account: AccountOption = "",
    phone: Annotated[
        str,
        typer.Option(
            "--phone", metavar="NUMBER", help="With its country code.", show_default=False
        ),
    ] = "",
    *,
    qr: Annotated[bool, typer.Option("--qr", help="Show a code to scan instead.")] = False,
    api_id: Annotated[
        str,
        typer.Option("--api-id", metavar="N", help="From my.telegram.org.", show_default=False),
    ] = "",
    api_hash: Annotated[
        str,
        typer.Option("--api-hash", metavar="H", help="From my.telegram.org.", show_default=False),
    ] = "",
    as_json: JsonOption = False,
) -> int:
    """Sign in to Telegram; the session is kept for you only."""
    from tgtagger.sources.telegram import sign_in

    screen = context.screen_of(ctx)
    if phone and qr:
        raise InputError("--phone and --qr are two ways; choose one")
    if phone and sign_in.is_bot_token(phone):
        raise InputError("bot_refused")
    settings = invocation(ctx).settings(account=account, api_id=api_id, api_hash=api_hash)
    in_a_home(settings.data_dir)
    access, asking = access_of(settings), Asking(screen)
    already = _signed_in(access)
    if already is None:
        access = _with_application(access, asking)
        name = signals.run(sign_in.sign_in, access, asking, phone=phone or None, qr=qr)
        if not as_json:
            screen.line(f"signed in as {name}; the session is {access.session}")
        screen.say("next: tgtagger parse @channel")
    else:
        name = already
        if not as_json:
            screen.line(f"signed in already, as {name}; to sign out: tgtagger logout")
    if as_json:
        screen.json({"account": access.account, "name": name, "session": str(access.session)})
    return 0


def _signed_in(access: Any) -> str | None:
    from tgtagger.sources.telegram import session

    if not access.session.is_file():
        return None
    try:
        return signals.run(session.who, access)
    except ActionNeeded:
        return None  # it has ended: sign in anew


def _with_application(access: Any, asking: Asking) -> Any:
    """Fill in the API id and hash: as set, as kept from the last time, or as answered."""
    if access.api_id is not None and access.api_hash:
        return access
    try:
        kept = json.loads(access.application.read_bytes())
        return replace(access, api_id=int(kept["api_id"]), api_hash=str(kept["api_hash"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    asking.say("Telegram wants an API id and hash of your own: https://my.telegram.org")
    number = access.api_id or asking.ask("API id (a number)")
    if not str(number).isdigit():
        raise InputError("the API id is a number", hint="copy it from https://my.telegram.org")
    api_hash = access.api_hash or asking.ask("API hash", hidden=True)
    if not api_hash:
        raise InputError("the API hash is missing", hint="copy it from https://my.telegram.org")
    return replace(access, api_id=int(number), api_hash=api_hash)
