"""Open the archive that a command is about; an upgrade of it says that it takes long.

Imported by commands alone: it loads the store.
"""

from __future__ import annotations

import typer

from tgtagger.cli.context import UPGRADING, invocation, screen_of
from tgtagger.store import Store


def open_to_read(ctx: typer.Context) -> Store:
    with screen_of(ctx).progress(UPGRADING, tells=True, is_sure=False) as live:
        return Store.open_up_to_date(invocation(ctx).settings().db, on_upgrade=live.steps)


def open_to_change(ctx: typer.Context) -> Store:
    """Open an existing archive to change it. A new one would have nothing to change."""
    with screen_of(ctx).progress(UPGRADING, tells=True, is_sure=False) as live:
        return Store.open(invocation(ctx).settings().db, create=False, on_upgrade=live.steps)
