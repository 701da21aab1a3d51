"""What sources and taggers tell while they work. Standard library only.

A source or a tagger calls the `Events` that it is given. A call returns at once and asks nothing.
Does not know who listens: `runs.events` has the calls of a whole run.
"""

from __future__ import annotations

from typing import Protocol

from tgtagger.model.tagging import Wait


class Events(Protocol):
    """The calls that a source or a tagger makes while it works."""

    def wait(self, wait: Wait) -> None:
        """Tell that nothing will happen for a while; called before the wait begins."""

    def warn(self, message: str) -> None:
        """Tell something that the user should know; the run goes on."""
