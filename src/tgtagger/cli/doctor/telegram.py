"""The checks of Telegram in `tgtagger doctor`: the signed-in account, or the web preview."""

from __future__ import annotations

from collections.abc import Iterator

from tgtagger.cli.context import UPGRADING
from tgtagger.cli.doctor.findings import Shown, failure
from tgtagger.config import Settings
from tgtagger.errors import TgTaggerError, TryLater, system_error
from tgtagger.runs.accounts import access_of, is_signed_in
from tgtagger.runs.findings import Finding
from tgtagger.store import Store
from tgtagger.system import signals


def look(settings: Settings, progress: Shown) -> Iterator[Finding]:
    try:
        if not is_signed_in(settings):
            yield Finding(
                "session", "ok",
                "nobody is signed in to Telegram: channels come from the web preview",
            )  # fmt: skip
            yield from _preview(settings, progress)
            return
    except OSError as error:
        yield failure("session", system_error(error, "folder_unusable", path=settings.data_dir))
        return
    from tgtagger.sources.telegram import session

    try:
        access = access_of(settings)
        name = signals.run(session.who, access)
    except TgTaggerError as error:
        yield failure("session", error, "warning" if isinstance(error, TryLater) else "error")
        return
    yield Finding("session", "ok", f"signed in to Telegram as {name} (account {access.account})")


def _preview(settings: Settings, progress: Shown) -> Iterator[Finding]:
    """Ask for the web preview, if a channel of the archive is read from it."""
    try:
        with (
            progress(UPGRADING, is_sure=False) as live,
            Store.open_up_to_date(settings.db, on_upgrade=live.steps) as store,
        ):
            if not store.channels.followed_sources() and not store.progress.is_read_by("preview"):
                return
    except TgTaggerError:
        return  # the check of the database tells its errors
    from tgtagger.sources import preview

    url = settings.preview_url
    try:
        wrong = signals.run(preview.look, url)
    except TgTaggerError as error:
        yield failure("preview", error)
        return
    if wrong is None:
        yield Finding("preview", "ok", f"the web preview answers at {url}")
        return
    yield Finding(
        "preview", "warning", f"the web preview cannot be read at {url}: {wrong}",
        "check the connection; if Telegram is blocked, set a proxy: HTTPS_PROXY; "
        "or sign in through TGTAGGER_PROXY: tgtagger login",
    )  # fmt: skip
