"""`tgtagger login`: sign in to Telegram, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.options import AccountOption, JsonOption
from tgtagger.cli.prompts import SignInPrompts
from tgtagger.config import in_a_home
from tgtagger.errors import InputError
from tgtagger.runs import accounts, shapes
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

    screen = screen_of(ctx)
    if phone and qr:
        raise usage("--phone and --qr are two ways; choose one")
    if phone and sign_in.is_bot_token(phone):
        raise InputError("bot_refused")
    settings = invocation(ctx).settings(account=account, api_id=api_id, api_hash=api_hash)
    in_a_home(settings.data_dir)
    access = accounts.access_of(settings)
    name = accounts.who(access)
    words = f"signed in already, as {name}; to sign out: tgtagger logout"
    is_new = name is None
    if is_new:
        prompts = SignInPrompts(screen)
        access = _with_application(accounts.with_application(access), prompts)
        name = signals.run(sign_in.sign_in, access, prompts, phone=phone or None, qr=qr)
        words = f"signed in as {name}; the session is {access.session}"
    if not as_json:
        screen.line(words)
    if is_new:
        screen.say("next: tgtagger parse @channel")
    if as_json:
        screen.json(shapes.signed_in(access, name))
    return 0


def _with_application(access: Any, prompts: SignInPrompts) -> Any:
    """Return the access with its API id and hash; ask for those that are unknown."""
    if access.api_id is not None and access.api_hash:
        return access
    prompts.say("Telegram wants an API id and hash of your own: https://my.telegram.org")
    number = access.api_id or prompts.ask("API id (a number)")
    if not str(number).isdigit():
        raise usage("the API id is a number", "copy it from https://my.telegram.org")
    api_hash = access.api_hash or prompts.ask("API hash", hidden=True)
    if not api_hash:
        raise usage("the API hash is missing", "copy it from https://my.telegram.org")
    return replace(access, api_id=int(number), api_hash=api_hash)
