"""Read the URL of an archive on a server. Knows no table."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from tgtagger.errors import InputError

_DRIVERS = {"postgresql", "postgresql+psycopg", "postgres"}


def read_url(location: str) -> URL:
    """Return the URL. Raises InputError for one that cannot be read, and for other drivers."""
    try:
        url = make_url(location)
    except (sa.exc.ArgumentError, ValueError):
        raise InputError("database_url_unreadable") from None  # the cause may hold a password
    if url.drivername not in _DRIVERS:
        raise InputError("database_driver_unsupported", name=url.drivername)
    return url.set(drivername="postgresql")


def shown(url: URL) -> str:
    """Return the URL as people are shown it: without password and options."""
    return URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database
    ).render_as_string()
