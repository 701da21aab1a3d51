"""Anything in any order: publish, edit, parse, parse again, tag, crash between any two commits.

A channel that a test fills stands for the world; the archive must agree with what was parsed of
it. Invariants after every step: no post lost, none twice, a tagged text stays tagged until it
changes, a person's tag stands, the index agrees with the posts, the file is sound.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import tempfile
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Engine, event

from support import on_server
from support.events import RecordedEvents
from support.make import CHANNEL, minute, post
from support.sql import location
from tgtagger import pipeline
from tgtagger.model.choices import SourceName
from tgtagger.model.events import Events
from tgtagger.model.posts import Page, PostData, PostFilter
from tgtagger.model.tagging import (
    Answered,
    Attempt,
    Estimate,
    Outcome,
    PostForTagging,
    Provenance,
    Skipped,
    Spending,
    SuggestedTag,
    Tagged,
    TaggingError,
)
from tgtagger.store import Store


class Crash(BaseException):
    """The process dies here."""


class World:
    """A channel as it is, and a source that reads it in pages."""

    name: SourceName = "desktop"
    channel_id = None

    def __init__(self) -> None:
        self.posts: dict[int, PostData] = {}

    async def pages(self, _memory: object, _events: object) -> AsyncGenerator[Page]:
        numbers = sorted(self.posts)
        for at in range(0, len(numbers), 3):
            chosen = tuple(self.posts[number] for number in numbers[at : at + 3])
            yield Page(CHANNEL, "desktop", chosen)


class FirstWord:
    """Tags a post with its first word; one that begins with «bad» fails. Notes what it is asked."""

    provenances = (Provenance("llm", "first word", "a prompt"),)
    paid = True  # every answer is written at once: as many commits as there can be

    def __init__(self) -> None:
        self.asked: list[str] = []

    spending = Spending()

    def estimate(self, posts: Iterable[PostForTagging], *, mean_seconds: float | None) -> Estimate:
        return Estimate()

    async def tag(
        self, posts: Iterable[PostForTagging], events: Events
    ) -> AsyncGenerator[tuple[Answered, ...]]:
        for item in posts:
            self.asked.append(item.text)
            word = item.text.split()[0] if item.text.split() else ""
            outcome: Outcome = Tagged((SuggestedTag(word),)) if word else Skipped("no words")
            if word == "bad":
                outcome = TaggingError("server", "it would not")
            attempt = Attempt(dt.datetime.now(dt.UTC), "first word")
            yield (Answered(item, self.provenances[0], outcome, attempt),)


WORDS = st.sampled_from(["", "tree", "sea salt", "новости дня", "bad luck", "🌊", "tree house"])


class Archive(RuleBasedStateMachine):
    """What is in the archive, against what was read of the world."""

    def __init__(self) -> None:
        super().__init__()
        self.held = contextlib.ExitStack()
        self.path = self.place()
        self.store = Store.open(self.path)
        self.world = World()
        self.edits = 0
        self.parsed: dict[int, str] = {}  # whole parses: what must be there
        self.may_be: dict[int, set[str]] = {}  # what an interrupted parse may have brought
        self.human: set[int] = set()
        self.bought: set[str] = set()  # texts whose tags were stored
        self.bought_before: frozenset[str] = frozenset()  # by finished runs
        self.crash_at: int | None = None

    def teardown(self) -> None:
        self.store.close()
        self.held.close()

    def place(self) -> str:
        """Return where the archive is to be."""
        folder = self.held.enter_context(tempfile.TemporaryDirectory())
        return str(Path(folder) / "posts.db")

    # ---- what happens in the world

    @rule(number=st.integers(1, 12), text=WORDS)
    def publish(self, number: int, text: str) -> None:
        if number not in self.world.posts:
            self.world.posts[number] = post(number, text)

    @precondition(lambda self: self.world.posts)
    @rule(data=st.data(), text=WORDS)
    def edit(self, data: st.DataObject, text: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.world.posts)))
        self.edits += 1
        self.world.posts[number] = post(number, text, edited=minute(1000 + self.edits))

    # ---- what a user does

    @rule(crash=st.none() | st.integers(0, 6))
    def parse(self, crash: int | None) -> None:
        for number, item in self.world.posts.items():
            self.may_be.setdefault(number, set()).add(item.text)
        if self._run(self._parse(), crash):
            self.parsed |= {number: item.text for number, item in self.world.posts.items()}
            self.may_be = {number: {text} for number, text in self.parsed.items()}

    async def _parse(self) -> None:
        async for _ in pipeline.parse(self.world, self.store, RecordedEvents()):
            pass

    @rule(crash=st.none() | st.integers(0, 12), force=st.booleans())
    def tag(self, crash: int | None, force: bool) -> None:  # noqa: FBT001
        wanted = PostFilter(statuses=() if force else ("pending",))
        with self.store.lock("tag", shared=True):  # as a run does: it frees what the dead had
            pass
        finished = self._run(self._tag(wanted), crash)
        if finished:
            assert self.store.queue.count(PostFilter(statuses=("pending",))) == 0

    async def _tag(self, wanted: PostFilter) -> None:
        run = self.store.runs.start("tag", FirstWord.provenances[0])
        tagger = FirstWord()
        rules = pipeline.TagRules(fresh=not wanted.statuses)
        async for result in pipeline.tag(self.store, tagger, wanted, run, RecordedEvents(), rules):
            if isinstance(result.outcome, Tagged) and not result.copied:
                self.bought.add(tagger.asked[-1])
        self.store.runs.end(run, 0)
        # What was answered and is on the disk is never paid for again, unless a user wants to.
        assert rules.fresh or not self.bought_before & set(tagger.asked)
        assert len(tagger.asked) == len(set(tagger.asked))
        self.bought_before = frozenset(self.bought)

    @rule(at=st.integers(0, 11))
    def tag_by_hand(self, at: int) -> None:
        # What is drawn may not hang on what was stored: a run's commits are a matter of time.
        if self.parsed:
            number = sorted(self.parsed)[at % len(self.parsed)]
            self.store.curation.add(f"news/{number}", ["mine"])
            self.human.add(number)

    def _run(self, work: object, crash: int | None) -> bool:
        """Do it, or die before the n-th commit, as SIGKILL would. True: it was finished."""
        left = crash

        def before_commit(_: object) -> None:
            nonlocal left
            if left is not None:
                if left == 0:
                    raise Crash
                left -= 1

        event.listen(Engine, "commit", before_commit)
        try:
            asyncio.run(work)  # type: ignore[arg-type]
        except Crash:
            is_finished = False
        else:
            is_finished = True
        finally:
            event.remove(Engine, "commit", before_commit)
        if not is_finished:
            self.store.close()
            self.store = Store.open(self.path)
        return is_finished

    # ---- what must hold, always

    @invariant()
    def no_post_is_lost_and_none_is_twice(self) -> None:
        found = list(self.store.records.posts(PostFilter()))
        numbers = [item.id.message_id for item in found]
        assert numbers == sorted(set(numbers), reverse=True)
        assert set(self.parsed) <= set(numbers) <= set(self.may_be)
        for item in found:
            assert item.text in self.may_be[item.id.message_id]

    @invariant()
    def tags_belong_to_the_text_they_were_made_of(self) -> None:
        for item in self.store.records.posts(PostFilter(statuses=("tagged",))):
            assert set(item.tags) - {"mine"} <= {item.text.split()[0], "tree", "sea", "новости"}
        for item in self.store.records.posts(PostFilter(statuses=("skipped",))):
            assert item.text == ""
        for item in self.store.records.posts(PostFilter(statuses=("failed",))):
            assert item.text == "bad luck"

    @invariant()
    def what_a_person_tagged_stands(self) -> None:
        for item in self.store.records.posts(PostFilter()):
            assert ("mine" in item.tags) == (item.id.message_id in self.human)

    @invariant()
    def the_file_is_sound(self) -> None:
        found = self.store.integrity.check()
        assert (found.damage, found.altered, self.store.integrity.check_index()) == ((), 0, True)

    @invariant()
    def each_tag_is_counted(self) -> None:
        assert self.store.integrity.check_uses()


class OnServer(Archive):
    """The same on a server."""

    server: ClassVar[on_server.Archive]

    def place(self) -> str:
        return location(self.held.enter_context(self.server.empty()))


def _settings(share: int) -> settings:
    return settings(
        max_examples=settings().max_examples // share, stateful_step_count=25, deadline=None,
        suppress_health_check=settings.get_profile("tgtagger").suppress_health_check,
    )  # fmt: skip


TestArchive = Archive.TestCase
TestArchive.settings = _settings(5)


@pytest.fixture(scope="class")
def _on_server(archive_on_server: on_server.Archive) -> None:
    OnServer.server = archive_on_server


@pytest.mark.usefixtures("_on_server")
class TestOnServer(OnServer.TestCase):  # type: ignore[misc, valid-type]
    settings = _settings(10)
