"""`tgtagger login`: sign in to Telegram, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.options import AccountOption, JsonOption
from tgtagger.cli.prompts import SignInPrompts
from tgtagger.config import in_a_home
from tgtagger.errors import ActionNeeded, InputError, TgTaggerError
from tgtagger.runs import accounts, shapes
from tgtagger.system import signals

EPILOG = """Examples:
  tgtagger login                    asks what it needs to know
  tgtagger login --qr               shows a QR code for your phone
  tgtagger login --account work     signs in a second account

You get the API id and hash at https://my.telegram.org (API development
tools). tgtagger stores them with the session in the data folder and uses
them for your next account, too. After a wrong answer it asks again, up to
three times. You can pipe the answers in, one per line.

Keep the session file secret: it gives full access to your account.

Exit codes:
   0  signed in
   2  a wrong phone number, a bot, or wrong settings
   3  three wrong answers, or no terminal to ask
  75  Telegram cannot be reached, or asks to wait"""


WHERE = "copy it from https://my.telegram.org"
HASH_WRONG = "the API hash has 32 characters: digits, and letters from a to f"


def command(
    ctx: typer.Context,
    account: AccountOption = "",
    phone: Annotated[
        str,
        typer.Option(
            "--phone",
            metavar="NUMBER",
            help="Your phone number, with the country code.",
            show_default=False,
        ),
    ] = "",
    *,
    qr: Annotated[
        bool, typer.Option("--qr", help="Show a QR code to scan with your phone.")
    ] = False,
    api_id: Annotated[
        str,
        typer.Option(
            "--api-id", metavar="N", help="API id from my.telegram.org.", show_default=False
        ),
    ] = "",
    api_hash: Annotated[
        str,
        typer.Option(
            "--api-hash", metavar="H", help="API hash from my.telegram.org.", show_default=False
        ),
    ] = "",
    as_json: JsonOption = False,
) -> int:
    """Sign in to Telegram. Only you can read the session file."""
    from tgtagger.sources.telegram import sign_in

    screen = screen_of(ctx)
    if phone and qr:
        raise usage("--phone and --qr exclude each other", "use one of them")
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
        access, name = _sign_in(accounts.with_application(access), prompts, phone, qr=qr)
        words = f"signed in as {name}; the session file is {access.session}"
    if not as_json:
        screen.line(words)
    if is_new:
        screen.say("next: tgtagger parse @channel")
    if as_json:
        screen.json(shapes.signed_in(access, name))
    return 0


def _sign_in(access: Any, prompts: SignInPrompts, phone: str, *, qr: bool) -> tuple[Any, str]:
    """Return the access and the account's name; ask again for an API id that Telegram refuses."""
    from tgtagger.sources.telegram import sign_in

    problem: TgTaggerError | None = None
    for _ in range(sign_in.TRIES):
        whole = _with_application(access, prompts, problem)
        try:
            return whole, signals.run(sign_in.sign_in, whole, prompts, phone=phone or None, qr=qr)
        except ActionNeeded as error:
            if error.kind != "api_id_refused":
                raise
            problem = error
            access = replace(access, api_id=None, api_hash=None)
    assert problem is not None
    raise problem


def _with_application(access: Any, prompts: SignInPrompts, problem: TgTaggerError | None) -> Any:
    """Return the access with its API id and hash; ask for those that are unknown, or refused."""
    from tgtagger.sources.telegram.sign_in import is_application_hash

    if access.api_id is None or not access.api_hash:
        prompts.say("Telegram needs your own API id and hash: https://my.telegram.org")
    number = str(access.api_id or "") or _asked(
        prompts, "API id (a number)", _is_number, "the API id is a number", problem
    )
    api_hash = access.api_hash or _asked(
        prompts, "API hash", is_application_hash, HASH_WRONG, problem, hidden=True
    )
    if not is_application_hash(api_hash):
        raise usage(HASH_WRONG, WHERE)
    return replace(access, api_id=int(number), api_hash=api_hash.lower())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text[:11]) < 1 << 31


def _asked(
    prompts: SignInPrompts,
    question: str,
    is_right: Callable[[str], bool],
    wrong: str,
    problem: TgTaggerError | None,
    *,
    hidden: bool = False,
) -> str:
    """Return an answer of the right form; ask three times. `problem`: why we ask at all."""
    if problem is not None and question.startswith("API id"):
        prompts.wrong(problem)
    for _ in range(3):
        try:
            answer = prompts.ask(question, hidden=hidden)
        except ActionNeeded:  # nobody is here to answer
            if problem is not None:
                raise problem from None
            raise
        if is_right(answer):
            return answer
        problem = usage(wrong, WHERE)
        prompts.wrong(problem)
    assert problem is not None
    raise problem
