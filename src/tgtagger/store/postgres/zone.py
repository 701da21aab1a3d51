"""The zone of this machine's clock, as PostgreSQL wants it: a day is the user's own.

The server may stand elsewhere. Knows no query.
"""

from __future__ import annotations

import os
import time
import zoneinfo
from pathlib import Path


def local_zone() -> str:
    """Return the SQL of this machine's zone: its name, or what it is off from UTC just now."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        _, _, name = os.path.realpath(Path("/etc/localtime")).partition("zoneinfo/")
    try:
        return f"'{zoneinfo.ZoneInfo(name).key}'"
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f"INTERVAL '{time.strftime('%z')}'"
