"""Read the URL of an archive on a server. Knows no table."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from tgtagger.errors import InputError

_DRIVERS = {"postgresql", "postgresql+psycopg", "postgres"}

_WHERE = {"host", "port", "service"}
"""The options of a URL that say where the server is, as the folder of its socket."""


def read_url(location: str) -> URL:
    """Return the URL. Raises InputError for one that cannot be read, and for other drivers."""
    try:
        url = make_url(location)
    except (sa.exc.ArgumentError, ValueError):
        raise InputError("database_url_unreadable") from None  # the cause may hold a password
    if url.drivername.lower() not in _DRIVERS:  # the scheme of a URL has no case (RFC 3986, 3.1)
        raise InputError("database_driver_unsupported", name=url.drivername)
    return url.set(drivername="postgresql")


def shown(url: URL) -> str:
    """Return the URL as people are shown it: without password, and with where it leads alone."""
    where = {name: value for name, value in url.query.items() if name in _WHERE}
    return URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, where
    ).render_as_string()
