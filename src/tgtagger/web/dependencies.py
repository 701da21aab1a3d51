"""What a route may ask for by `Depends`: the settings, the archive, the time. Never a connection.

The archive is opened once for all requests; its methods open, act and close by themselves, each on
a connection of its own. Knows no route.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from tgtagger.config import Settings
from tgtagger.store import Store


@dataclass(slots=True)
class Archive:
    """The archive that a server shows, and its settings."""

    settings: Settings
    read_only: bool = False
    _store: Store | None = field(default=None)

    @property
    def store(self) -> Store:
        """The store, opened when it is first asked for."""
        if self._store is None:
            self._store = Store.open(self.settings.db)
        return self._store

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def archive_of(request: Request) -> Archive:
    found: Archive = request.app.state.archive
    return found


def store_of(request: Request) -> Store:
    return archive_of(request).store


def settings_of(request: Request) -> Settings:
    return archive_of(request).settings


ArchiveDep = Annotated[Archive, Depends(archive_of)]
StoreDep = Annotated[Store, Depends(store_of)]
SettingsDep = Annotated[Settings, Depends(settings_of)]
