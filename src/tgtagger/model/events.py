"""What a run tells while it works. Standard library only.

Sources and taggers get an `Events` and call it; who follows a run implements it. A call returns at
once, and nothing is asked.
"""

from __future__ import annotations

from typing import Protocol

from tgtagger.model.tagging import Wait


class Events(Protocol):
    """The calls that a source or a tagger makes while it works."""

    def wait(self, wait: Wait) -> None:
        """Nothing will happen for a while; told before the wait begins."""

    def warn(self, message: str) -> None:
        """Something the user should know, and the run goes on."""
