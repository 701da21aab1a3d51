"""What sources, taggers and the store tell while they work. Standard library only.

A source or a tagger calls the `Events` that it is given. A call returns at once and asks nothing.
Does not know who listens: `runs.events` has the calls of a whole run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from tgtagger.model.tagging import Wait

T = TypeVar("T")

OnSteps = Callable[[int, int], None]
"""Called while something long is done: how far it is, and how far it goes, in whatever it counts.

Whoever listens shows a share, and the time that is left.
"""

EVERY = 500
"""Items between two calls."""


def unheard(_done: int, _total: int) -> None:
    """Be called where nobody wants to know how far something is."""


def counted(items: Iterable[T], on_steps: OnSteps, total: int, *, done: int = 0) -> Iterator[T]:
    """Yield items, and tell how far they are; `done` were so before the first."""
    for number, item in enumerate(items, done + 1):
        yield item
        if number % EVERY == 0:
            on_steps(number, total)


class Events(Protocol):
    """The calls that a source or a tagger makes while it works."""

    def wait(self, wait: Wait) -> None:
        """Tell that nothing will happen for a while; called before the wait begins."""

    def warn(self, message: str) -> None:
        """Tell something that the user should know; the run goes on."""
