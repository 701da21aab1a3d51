"""The tools that change something: tags of posts in an agent's name, and runs that are asked for.

They are there only where a person has allowed them. Nothing here deletes posts, merges tags,
exports, or touches settings and sessions. All that one program writes without a long pause is one
session: a person undoes it as a whole. A run that may cost money wants a cap, which all runs of
this server share. Knows no transport.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field

from tgtagger.errors import InputError
from tgtagger.mcp import answers
from tgtagger.mcp.answers import MOST
from tgtagger.mcp.items import job_of
from tgtagger.mcp.marks import Marks, plain
from tgtagger.mcp.reading import PostRef, Tag
from tgtagger.model.changes import AgentChange
from tgtagger.model.choices import JobKind
from tgtagger.model.jobs import Job
from tgtagger.model.refs import post_name
from tgtagger.runs import jobs
from tgtagger.runs.archive import Archive
from tgtagger.store import Store

PAUSE = 30 * 60.0
"""Seconds without writing after which a new session begins: a server may run for weeks."""

GivenTags = Annotated[list[Tag], Field(min_length=1, max_length=20)]


@dataclass(slots=True)
class Session:
    """What one program writes: the number of its change, and when it wrote last."""

    wrote_at: float
    change: int | None = None


@dataclass(slots=True)
class Cap:
    """What the runs of this server may cost, and those that it asked for."""

    usd: float
    spent: float = 0.0
    open: dict[int, float] = field(default_factory=dict)  # job → the cap that it got

    def left(self, store: Store) -> float:
        """Return what a further run may cost. Raises InputError if that is nothing."""
        for number, most in [*self.open.items()]:
            cost = _cost(store, number, most)
            if cost is not None:
                self.spent += cost
                del self.open[number]
        spent = self.spent + sum(self.open.values())
        if spent >= self.usd:
            raise InputError("agent_cap_reached", spent=spent, cap=self.usd)
        return self.usd - spent


def _cost(store: Store, number: int, most: float) -> float | None:
    """Return what a job has cost; None: it is open. One that is swept may have cost all."""
    try:
        return None if store.jobs.find(number).is_open else store.jobs.spent(number)
    except InputError:
        return most


def _program(context: Context) -> str:
    """Return the name of the program that asks; empty: it does not tell."""
    client = context.session.client_params
    return "" if client is None else client.client_info.name[:MOST]


@dataclass(slots=True)
class Writing:
    """The tools that change an archive. `start_worker` is called when a job is asked for."""

    archive: Archive
    start_worker: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    _sessions: dict[str, Session] = field(default_factory=dict)
    _cap: Cap | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tag_post(self, post: PostRef, tags: GivenTags, context: Context) -> answers.Tagged:
        """Give a post tags in an agent's name, when the person asked for that.

        What a person took off the post, or removed from the archive, is refused. New tags are made.
        The tags stay when the post is tagged again. The whole session can be undone.
        """
        forms = dict(self.archive.store.tags.forms_of_new(tags))
        with self._lock:
            session = self.session(_program(context))
            change = self.archive.store.agents.give(post, tags, session.change)
            self._wrote(session, change)
        return self._tagged(post, change, forms)

    def untag_post(self, post: PostRef, tags: GivenTags, context: Context) -> answers.Tagged:
        """Take tags off a post, when the person asked for that; a person's own tags are refused.

        A tag that a machine gave may come back when the post is tagged again. The whole session
        can be undone.
        """
        with self._lock:
            session = self.session(_program(context))
            change = self.archive.store.agents.take(post, tags, session.change)
            self._wrote(session, change)
        return self._tagged(post, change, {})

    def retry_failed(
        self,
        channels: Annotated[list[Tag], Field(max_length=MOST)] = [],  # noqa: B006
        limit: Annotated[int, Field(ge=1, le=10_000, description="At most so many posts.")] = 100,
        *,
        force: Annotated[bool, Field(description="Those that are not due, too.")] = False,
    ) -> answers.Asked:
        """Ask for a run that tags failed posts again. It may cost money, up to the person's cap."""
        given = {"channels": channels, "limit": limit, "force": force}
        return self._asked(self._ask_to_tag("retry", "retry_failed", given))

    def sync_channel(
        self,
        channel: Annotated[str, Field(max_length=200, description="@username or number.")],
        limit: Annotated[
            int, Field(ge=1, le=10_000, description="Read at most so many posts.")
        ] = 1000,
        *,
        tag: Annotated[bool, Field(description="Tag what is pending in it, too.")] = False,
    ) -> answers.Asked:
        """Ask for a run that reads a channel's new posts. Tagging them may cost money, if asked.

        Only a person adds a channel to the archive.
        """
        store, settings = self.archive.store, self.archive.settings
        given = {"sources": [store.channels.followed_source(channel)], "limit": limit}
        if tag:
            return self._asked(self._ask_to_tag("sync", "sync_channel", given))
        return self._asked(jobs.ask(store, settings, "parse", given))

    # ---- parts

    def session(self, program: str) -> Session:
        """Return the session of a program, a new one after a long pause."""
        now = self.clock()
        for name in [name for name, each in self._sessions.items() if now - each.wrote_at > PAUSE]:
            del self._sessions[name]
        return self._sessions.setdefault(program, Session(now))

    def _wrote(self, session: Session, change: AgentChange) -> None:
        session.change, session.wrote_at = change.number, self.clock()
        self.archive.forget()

    def _tagged(self, post: str, change: AgentChange, forms: dict[str, str]) -> answers.Tagged:
        (found,) = self.archive.store.records.identify([post])
        return answers.Tagged(
            notice=Marks().notice,
            post=post_name(found),
            tags=[plain(name) for name in change.tags[:MOST]],
            done=[plain(name) for name in change.done],
            unchanged=[plain(name) for name in change.unchanged],
            refused=[plain(name) for name in change.refused],
            other_forms={plain(name): plain(known) for name, known in forms.items()},
            change=change.number,
        )

    def _ask_to_tag(self, kind: JobKind, tool: str, given: dict[str, Any]) -> Job:
        """Ask for a run that tags. Raises InputError if nobody said how much it may cost."""
        store, settings = self.archive.store, self.archive.settings
        if settings.tagger != "llm":
            return jobs.ask(store, settings, kind, given)
        if settings.max_cost is None:
            raise InputError("agent_cap_missing", tool=tool)
        with self._lock:
            if self._cap is None:
                self._cap = Cap(settings.max_cost)
            left = self._cap.left(store)
            asked = jobs.ask(store, settings, kind, given | {"max_cost": left})
            self._cap.open[asked.id] = left
        return asked

    def _asked(self, found: Job) -> answers.Asked:
        self.start_worker()
        return answers.Asked(
            notice=Marks().notice,
            job=job_of(found),
            has_worker=jobs.has_worker(self.archive.store),
        )
