"""The connections that the channels of one run share: one a service, opened at its first use.

Knows no store and reads nothing.
"""

from __future__ import annotations

import contextlib
from typing import Any

from tgtagger.config import Settings
from tgtagger.pipeline import PostSource
from tgtagger.runs import targets
from tgtagger.runs.accounts import access_of
from tgtagger.runs.targets import Target
from tgtagger.sources.plan import ReadOptions


class Connections(contextlib.AsyncExitStack):
    """Opens the sources of channels. As a context, closes what it opened."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._telegram: Any = None
        self._preview: Any = None

    @property
    def reaches_telegram(self) -> bool:
        """Tell whether there is an open connection to Telegram."""
        return self._telegram is not None and self._telegram.is_connected

    async def preview(self, target: Target, wanted: ReadOptions) -> PostSource:
        """Return the web preview of a channel."""
        from tgtagger.sources.preview import Preview, PreviewChannel

        name = targets.preview_name(target)
        if self._preview is None:
            settings = self._settings
            client = Preview(settings.preview_url, wait_budget=settings.flood_budget)
            self._preview = await self.enter_async_context(client)
        return PreviewChannel(self._preview, name, wanted, known=target.known)

    async def telegram(self, target: Target, wanted: ReadOptions, *, groups: bool) -> PostSource:
        """Return a channel as a source at Telegram; also a group, if the options allow groups."""
        from tgtagger.sources.telegram.connection import Telegram
        from tgtagger.sources.telegram.source import TelegramChannel

        assert target.ref is not None  # the target is a channel, not a path
        if self._telegram is None:
            settings = self._settings
            client = Telegram(
                access_of(settings),
                flood_budget=settings.flood_budget,
                page_wait=settings.page_wait,
            )
            self._telegram = await self.enter_async_context(client)
        return TelegramChannel(
            self._telegram, target.ref, wanted, known=target.known, groups=groups
        )
