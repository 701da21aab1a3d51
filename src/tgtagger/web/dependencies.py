"""What a route may ask for by `Depends`: the settings, the archive, the time. Never a connection.

The archive is opened once for all requests; its methods open, act and close by themselves, each on
a connection of its own. Knows no route.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from tgtagger.config import Settings
from tgtagger.runs.archive import Archive
from tgtagger.store import Store

__all__ = ["Archive", "ArchiveDep", "SettingsDep", "StoreDep", "archive_of"]


def archive_of(request: Request) -> Archive:
    found: Archive = request.app.state.archive
    return found


# Coroutines: FastAPI gives a plain function a thread, which costs as much as a small query.


async def _archive(request: Request) -> Archive:
    return archive_of(request)


async def _store(request: Request) -> Store:
    archive = archive_of(request)
    if archive.is_open:
        return archive.store
    return await run_in_threadpool(lambda: archive.store)  # it may bring a schema up to date


async def _settings(request: Request) -> Settings:
    return archive_of(request).settings


ArchiveDep = Annotated[Archive, Depends(_archive)]
StoreDep = Annotated[Store, Depends(_store)]
SettingsDep = Annotated[Settings, Depends(_settings)]
