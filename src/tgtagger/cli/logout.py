"""`tgtagger logout`: end the session at Telegram and delete its file."""

from __future__ import annotations

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.options import AccountOption
from tgtagger.runs.accounts import access_of
from tgtagger.system import signals

EPILOG = """Examples:
  tgtagger logout
  tgtagger logout --account work

Exit codes:
   0  signed out
   3  nobody was signed in
  75  another run uses the session"""


def command(ctx: typer.Context, account: AccountOption = "") -> int:
    """Sign out of Telegram and delete the session file."""
    from tgtagger.sources.telegram import sign_in

    screen = screen_of(ctx)
    access = access_of(invocation(ctx).settings(account=account))
    told = signals.run(sign_in.sign_out, access)
    if told:
        screen.say(f"signed out; {access.session} is deleted")
    else:
        screen.warn(
            f"{access.session} is deleted, but Telegram did not answer: end the session in "
            "Telegram, Settings, Devices"
        )
    return 0
