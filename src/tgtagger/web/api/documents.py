"""What the API gives, for its description: each shape with an example. Nothing is checked by it.

The shapes themselves are made by `runs.shapes` and `store.records`; tests hold these models against
what the routes give.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from tgtagger.model.choices import (
    FailureClass,
    JobKind,
    JobState,
    LinkSource,
    MediaType,
    PostStatus,
    SourceName,
    TagChangeKind,
)

Responses = dict[int | str, dict[str, Any]]

PROBLEM = "application/problem+json"
RSS = {"application/rss+xml": {"schema": {"type": "string"}}}


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


def describe(app: FastAPI) -> None:
    """Make the description tell what FastAPI cannot: the kind of a problem, a token that may be."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            for operation in (each for item in made()["paths"].values() for each in item.values()):
                for answer in operation["responses"].values():
                    content = answer.get("content", {})
                    if PROBLEM in content and len(content) > 1:
                        (kind,) = content.keys() - {PROBLEM}  # the route's, where its shape is
                        content[PROBLEM] = content.pop(kind)
                if "security" in operation:
                    operation["security"].insert(0, {})  # or none, where no token is asked for
        return made()

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI says


def gives(model: type[BaseModel], status: int = 200, words: str = "Done") -> Responses:
    """Return the description of what a route gives."""
    return {status: {"model": model, "description": words}}


class Problem(BaseModel):
    """A failure (RFC 9457). `kind` is for programs, `detail` says it in English."""

    type: str = Field(examples=["urn:tgtagger:tag_unknown"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no tag 'polotics'"])
    kind: str = Field(examples=["tag_unknown"])
    hint: str | None = Field(description="What to do.", examples=["did you mean politics?"])
    candidates: list[str] | None = Field(
        default=None, description="What an ambiguous name may mean.", examples=[["5-3", "7-3"]]
    )


PROBLEMS: Responses = {
    "4XX": {
        "model": Problem,
        "description": "The request is wrong, or names what is not there",
        "content": {PROBLEM: {}},
    },
    "503": {
        "model": Problem,
        "description": "The database cannot be used now",
        "content": {PROBLEM: {}},
    },
}

_CHANNEL = {"id": 1006503122, "username": "durov", "title": "Du Rove's Channel"}
_NEXT = Field(description="The cursor of the next page; null at the end.", examples=[None])
_NUMBER = Field(
    description="The change's number, for an undo; null if nothing changed.", examples=[12]
)


class PostChannel(Shape):
    id: int
    username: str | None
    title: str


class Media(Shape):
    type: MediaType
    file_name: str | None = None
    mime_type: str | None = None
    size: int | None = None
    duration: float | None = None
    width: int | None = None
    height: int | None = None
    question: str | None = None
    options: list[str] | None = None
    url: str | None = None
    title: str | None = None
    description: str | None = None


class Forward(Shape):
    channel: str | None
    id: int | None
    url: str | None
    channel_id: int | None


class Record(Shape):
    """A post, as an export has it (docs/records.md), and what to call it here."""

    channel: PostChannel = Field(examples=[_CHANNEL])
    id: int = Field(description="Its message number in the channel.", examples=[531])
    ids: list[int] = Field(description="Of all messages of an album.", examples=[[531, 532]])
    url: str | None = Field(examples=["https://t.me/durov/531"])
    date: dt.datetime | None = Field(examples=["2026-07-16T09:30:00Z"])
    edited: dt.datetime | None = Field(examples=[None])
    deleted: dt.datetime | None = Field(examples=[None])
    text: str = Field(examples=["A storm is coming."])
    markdown: str = Field(examples=["A **storm** is coming."])
    tags: list[str] = Field(examples=[["weather"]])
    status: PostStatus = Field(examples=["tagged"])
    views: int | None = Field(examples=[1200000])
    forwards: int | None = Field(examples=[5400])
    reactions: dict[str, int] | None = Field(examples=[{"👍": 12}])
    media: list[Media] = Field(examples=[[{"type": "photo", "width": 1280, "height": 720}]])
    forward: Forward | None = Field(examples=[None])
    reply_to: int | None = Field(examples=[None])
    author: str | None = Field(examples=[None])
    source: SourceName = Field(examples=["telegram"])
    name: str = Field(description="Its name in addresses.", examples=["1006503122-531"])
    key: int = Field(description="Its number in the archive.", examples=[1871190543695807])


class Found(Record):
    snippet: str = Field(
        description="Where the words stand, in double asterisks; else the beginning.",
        examples=["A **storm** is coming."],
    )


class PostPage(Shape):
    posts: list[Found]
    next: str | None = Field(
        description="The cursor of the next page, for `after`; null at the end.",
        examples=["AAaltJQAAhNCzCqhmAk"],
    )


class Link(Shape):
    """A tag on a post, and where it came from."""

    tag: str = Field(examples=["weather"])
    source: LinkSource = Field(examples=["llm"])
    model: str | None = Field(examples=["a-model"])
    run: int | None = Field(examples=[7])
    added_at: dt.datetime


class Attempt(Shape):
    """A request for a post's tags."""

    at: dt.datetime
    model: str | None
    class_: str | None = Field(alias="class", examples=["server"])
    http_status: int | None
    latency_ms: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    cost_usd: float | None
    sent_letters: int | None
    error: str | None


class Post(Record):
    links: list[Link]
    attempts: list[Attempt]
    problem: str | None = Field(description="Why it could not be read whole.", examples=[None])


class PostTags(Shape):
    tags: list[str] = Field(description="The post's tags now.", examples=[["weather", "sea"]])
    number: int | None = _NUMBER


class Tag(Shape):
    name: str = Field(examples=["weather"])
    posts: int = Field(examples=[120])
    sources: list[LinkSource] = Field(examples=[["human", "llm"]])
    aliases: list[str] = Field(examples=[["forecast"]])
    last_used: dt.datetime | None
    added_at: dt.datetime


class TagPage(Shape):
    tags: list[Tag]
    next: str | None = _NEXT


class TagChange(Shape):
    name: str = Field(description="The tag, by its name now.", examples=["ИИ"])
    aliases: list[str] = Field(examples=[["AI"]])
    posts: int = Field(description="Posts that show another tag or name.", examples=[17])
    number: int | None = _NUMBER
    dry_run: bool


class TagChanges(Shape):
    tags: list[TagChange]


class Change(Shape):
    number: int = Field(examples=[12])
    at: dt.datetime
    by: Literal["person", "agent", "run"]
    what: TagChangeKind | str = Field(description="Or a run's command.", examples=["merge"])
    names: list[str] = Field(description="Tags, or the run's tagger.", examples=[["AI", "ИИ"]])
    posts: int = Field(examples=[17])
    undone_at: dt.datetime | None = Field(examples=[None])
    undoes: int | None = Field(description="Of an undo: the change's number.", examples=[None])


class ChangePage(Shape):
    changes: list[Change]
    next: str | None = _NEXT


class TakenBack(Shape):
    number: int = Field(examples=[12])
    run: int | None = Field(description="If it was a run.", examples=[None])
    by: Literal["person", "agent", "run"]
    what: TagChangeKind | str = Field(examples=["merge"])
    names: list[str] = Field(examples=[["AI", "ИИ"]])
    undoes: int | None = Field(description="If it was an undo: of what.", examples=[None])
    posts: int = Field(examples=[17])
    links: int = Field(description="Tags on posts that went or came.", examples=[17])
    tags: int = Field(description="Tags that went or came.", examples=[1])
    kept: int = Field(description="Posts tagged anew since, left as they are.", examples=[0])
    pending: int = Field(description="Posts to be tagged again.", examples=[0])
    undo: int | None = Field(description="The number that takes the undo back.", examples=[13])
    dry_run: bool


class Suggestion(Shape):
    names: list[str] = Field(examples=[["forecasts"]])
    into: str = Field(examples=["forecast"])
    likeness: str = Field(description="Why.", examples=["forms of one word"])
    posts: int = Field(examples=[40])
    doubtful: bool


class Suggestions(Shape):
    suggestions: list[Suggestion]
    next: None


class Apart(Shape):
    names: list[str] = Field(examples=[["AI"]])
    other: str = Field(examples=["ИИ"])


class Channel(Shape):
    id: int = Field(examples=[1006503122])
    username: str | None = Field(examples=["durov"])
    title: str = Field(examples=["Du Rove's Channel"])
    kind: Literal["channel", "supergroup", "group"]
    posts: int = Field(examples=[400])
    pending: int = Field(examples=[3])
    failed: int = Field(examples=[0])
    newest: dt.datetime | None
    parsed_at: dt.datetime | None
    unread: int = Field(description="Messages that are not read yet.", examples=[0])
    paused: bool
    removed: bool
    keep_days: int | None = Field(
        description="For how many days posts are kept; null: for ever.", examples=[None]
    )


class ChannelPage(Shape):
    channels: list[Channel]
    added: list[str] = Field(description="Added, and not read yet.", examples=[["@news"]])
    next: str | None = _NEXT


class Added(Shape):
    added: list[str] = Field(description="Those that were not followed.", examples=[["@durov"]])


class Titles(Shape):
    titles: list[str] = Field(examples=[["Du Rove's Channel"]])


class Failure(Shape):
    class_: FailureClass = Field(alias="class", examples=["server"])
    count: int
    last_error: str | None
    next_due: dt.datetime | None


class Spent(Shape):
    day: dt.date
    model: str
    posts: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None


class Run(Shape):
    id: int = Field(examples=[7])
    command: str = Field(examples=["tag"])
    started_at: dt.datetime
    ended_at: dt.datetime | None
    exit_code: int | None = Field(examples=[0])
    summary: dict[str, Any] | None = Field(description="What the command prints with --json.")


class RunPage(Shape):
    runs: list[Run]
    next: str | None = _NEXT


class Database(Shape):
    url: str
    schema_: str = Field(alias="schema")
    bytes: int


class Status(Shape):
    posts: dict[PostStatus, int]
    failures: list[Failure]
    channels: list[Channel]
    due: int
    added: list[str]
    spent: list[Spent]
    tags: int
    rejected: int
    runs: list[Run]
    database: Database


class Health(Shape):
    status: Literal["ok"]
    name: Literal["tgtagger"]
    version: str


class JobProgress(Shape):
    done: int | None = Field(description="Posts so far.", examples=[120])
    total: int | None = Field(description="Of how many, where that is known.", examples=[400])
    what: str | None = Field(description="The channel, or `tagging`.", examples=["tagging"])
    waits: str | None = Field(description="Why it waits now.", examples=[None])
    waits_until: dt.datetime | None = Field(examples=[None])


class JobError(Shape):
    kind: str = Field(examples=["key_rejected"])
    message: str | None = Field(examples=["the server rejected the key"])
    hint: str | None = Field(examples=["check the key"])


class Job(Shape):
    """A run that was asked for."""

    id: int = Field(examples=[7])
    kind: JobKind
    params: dict[str, Any] = Field(
        description="What it shall do.", examples=[{"limit": 50, "force": True}]
    )
    state: JobState = Field(examples=["running"])
    asked_at: dt.datetime
    started_at: dt.datetime | None = Field(description="When it was first taken.")
    ended_at: dt.datetime | None
    cancelled_at: dt.datetime | None = Field(description="When somebody asked for its end.")
    tries: int = Field(description="How often a worker took it.", examples=[1])
    progress: JobProgress
    run: int | None = Field(description="The last of its runs.", examples=[12])
    exit_code: int | None = Field(description="0 all done, 5 some posts failed.", examples=[None])
    error: JobError | None = Field(description="What ended it.", examples=[None])
    summary: dict[str, Any] | None = Field(description="What the run did.", examples=[None])


class JobPage(Shape):
    jobs: list[Job]
    next: str | None = _NEXT
    worker: bool = Field(description="Whether there is a worker to do them.")


class Retrying(Shape):
    status: Literal["queued"]
    message: str
    job_id: int = Field(examples=[7])


class Regenerated(Shape):
    """`queued` at once; with `wait` the post's status, with its tags."""

    status: Literal["queued", "tagged", "skipped"]
    post_id: int | str = Field(examples=[5])
    job_id: int = Field(examples=[8])
    tags: list[str] | None = Field(default=None, examples=[["weather"]])


class TaggingProblem(Problem):
    error: Literal["tagging_failed"]
    message: str
    post_id: int | str = Field(examples=[5])
    job_id: int = Field(examples=[8])
    retry_available: bool
