"""Do a transaction again that was broken off: the server restarted, or others were in the way.

The error says that nothing of it is stored, so the same function is called again, with growing
pauses: a few times in any case, and then as long as the patience lasts. Whoever waited in vain
leaves the next ones no patience, so that a run ends soon if its server is gone. Knows no database.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from tgtagger.errors import Interrupted

_log = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 5
"""How often a transaction is tried in any case."""

_PAUSE, _LONGEST = 0.02, 2.0


class Again:
    """Calls functions again, each of which is one transaction, for so many seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._waited_in_vain = False

    def __call__(self, transaction: Callable[[], T]) -> T:
        """Call until the database does it. Raises Interrupted when the patience is over."""
        until = time.monotonic() + self._patience
        tries, pause = 1, _PAUSE
        while True:
            try:
                done = transaction()
            except Interrupted as error:
                is_over = tries >= TRIES and time.monotonic() + pause > until
                if is_over or self._waited_in_vain:
                    self._waited_in_vain = True
                    raise
                _log.info("%s: it is tried again", error)
            else:
                self._waited_in_vain = False
                return done
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 -- so that two part
            tries, pause = tries + 1, min(2 * pause, _LONGEST)
