"""Telegram, as `tgtagger doctor` sees it: who is signed in."""

from __future__ import annotations

from collections.abc import Iterator

from tgtagger import signals
from tgtagger.cli.doctor.findings import Finding, failure
from tgtagger.cli.parsing import access_of
from tgtagger.cli.targets import is_signed_in
from tgtagger.config import Settings
from tgtagger.errors import TgTaggerError, TryLater, system_error


def look(settings: Settings) -> Iterator[Finding]:
    try:
        if not is_signed_in(settings):
            yield Finding(
                "session", "ok",
                "nobody is signed in to Telegram: channels come from the web preview",
            )  # fmt: skip
            return
    except OSError as error:
        yield failure("session", system_error(error, f"{settings.data_dir} cannot be used"))
        return
    from tgtagger.sources.telegram import session

    try:
        access = access_of(settings)
        name = signals.run(session.who, access)
    except TgTaggerError as error:
        yield failure("session", error, "warning" if isinstance(error, TryLater) else "error")
        return
    yield Finding("session", "ok", f"signed in to Telegram as {name} (account {access.account})")
