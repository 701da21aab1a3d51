"""What the tools answer: the shape of each answer, from which its schema is made, and its size.

An answer begins with its notice of the marks, and ends with the coverage: what the archive has not
read, so that an absence proves nothing. Knows no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tgtagger.mcp.marks import weight
from tgtagger.model.choices import FailureClass, JobKind, JobState, LinkSource, PostStatus

MOST = 50
"""Hits of an answer."""
LARGEST = 32_000
"""Bytes of an answer, with both forms of it: the JSON, and the same as text for older clients."""
_FRAME = 500
"""Bytes of what stands around the answer in a message."""


Item = TypeVar("Item", bound=BaseModel)


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Answer(Shape):
    notice: str = Field(description="Which parts of this answer are data that strangers wrote.")


class Coverage(Shape):
    """What the archive has of the channels that were asked for, and what it has not."""

    says: str = Field(description="The same in words.")
    newest_post: str | None
    last_read: str | None = Field(
        description="When the channel that was read longest ago was read."
    )
    unread_messages: int = Field(description="Known, and not read yet.")
    channels_not_read: int = Field(description="Added, and never read.")
    posts_without_tags: int = Field(description="Not tagged yet, or failed: no tag finds them.")


class Page(Answer):
    next_cursor: str | None = Field(
        description="Give it as `cursor`, with the same filters, for what follows. Null: no more."
    )
    coverage: Coverage


Marked = Annotated[str, Field(description="Data between the marks of the notice.")]
PostName = Annotated[str, Field(description="Its name for the tools and for the resource.")]


class Hit(Shape):
    post: PostName
    url: str | None
    date: str | None
    channel: str = Field(description="@username, or the number of one without.")
    text: Marked
    is_cut: bool = Field(description="get_posts has the whole text.")
    tags: list[str]
    media: list[str] = Field(description="Kinds: photo, video, document …")


class Found(Page):
    posts: list[Hit]
    total: int = Field(description="Posts that match, counted up to 1000.")
    similar_words: list[str] = Field(
        description="If nothing matches: words of the archive that are spelled alike."
    )


class Listed(Page):
    posts: list[Hit] = Field(description="The newest first.")
    newer_cursor: str | None = Field(
        description="Give it as `cursor` for newer posts. Null: there are none, or none were asked."
    )


class Origin(Shape):
    tag: str
    source: LinkSource
    by: str | None = Field(description="The model, if one gave it.")


class Media(Shape):
    kind: str
    about: Marked


class Post(Shape):
    post: PostName
    url: str | None
    date: str | None
    edited: str | None
    deleted: str | None = Field(description="When it was found to be gone from Telegram.")
    channel: str
    channel_title: Marked
    author: Marked | None
    text: Marked
    text_begins_at: int = Field(description="The letter with which this part of the text begins.")
    text_goes_on: bool = Field(description="`next_cursor` has the rest.")
    tags: list[Origin]
    status: PostStatus
    media: list[Media]
    forward_of: Marked | None
    reply_to: str | None = Field(description="The post that it replies to.")
    views: int | None
    forwards: int | None


class Posts(Answer):
    posts: list[Post]
    next_cursor: str | None = Field(description="Give it with the same names for the rest.")


class Tag(Shape):
    tag: str
    posts: int
    aliases: list[str]


class Tags(Page):
    tags: list[Tag] = Field(description="The most used first.")


class Channel(Shape):
    channel: str = Field(description="How the tools name it.")
    title: Marked
    kind: Literal["channel", "supergroup", "group"]
    posts: int
    newest_post: str | None
    last_read: str | None
    unread_messages: int
    posts_without_tags: int
    paused: bool


class Channels(Page):
    channels: list[Channel]
    not_read: list[str] = Field(description="Added, and never read; at most 20.")


class Bucket(Shape):
    begins: str = Field(description="The day, or the Monday of the week; UTC.")
    posts: int


class Related(Shape):
    tag: str
    posts: int


class Rising(Shape):
    tag: str
    last_30_days: int
    the_30_days_before: int


class Stats(Page):
    tag: str | None
    by: Literal["day", "week"]
    posts: int = Field(description="In the whole period.")
    buckets: list[Bucket] = Field(description="The latest first; those without posts are left out.")
    related: list[Related] = Field(description="Tags that its newest posts have, too.")
    rising: list[Rising] = Field(description="Without a tag: what more posts are about lately.")


class Failure(Shape):
    kind: FailureClass | str
    posts: int
    next_due: str | None


class Run(Shape):
    number: int
    command: str
    started_at: str
    ended_at: str | None
    exit_code: int | None


class Job(Shape):
    job: int
    kind: JobKind
    state: JobState
    done: int | None
    total: int | None
    error: str | None = Field(description="The kind of what ended it.")


class Status(Answer):
    posts: dict[PostStatus, int]
    channels: int
    tags: int
    failures: list[Failure]
    due: int = Field(description="Failed posts that may be tried again now.")
    last_runs: list[Run]
    jobs: list[Job] = Field(description="The last runs that somebody asked for.")
    has_worker: bool = Field(description="Whether somebody does the jobs.")
    may_write: bool = Field(description="Whether the tools that change something are there.")
    coverage: Coverage


class Tagged(Answer):
    post: PostName
    tags: list[str] = Field(description="The post's tags now.")
    done: list[str] = Field(description="Tags that were given, or taken off.")
    unchanged: list[str] = Field(description="It was so before.")
    refused: list[str] = Field(description="A person has decided otherwise, and that stands.")
    other_forms: dict[str, str] = Field(
        description="New tags, each with a tag in use of which it is another form."
    )
    change: int | None = Field(
        description="The number of this session in the history of tags: a person undoes it by that."
    )


class Asked(Answer):
    job: Job = Field(description="What a worker does now or next; archive_status tells how.")
    has_worker: bool


# ---- size


def room(answer: Answer) -> int:
    """Return the bytes that an answer has for more."""
    return LARGEST - _FRAME - weight(answer.model_dump_json())


def size(item: BaseModel) -> int:
    """Return the bytes that an item takes in an answer."""
    return weight(item.model_dump_json()) + 2  # the commas


def fitted(
    answer: Page, items: Sequence[Item], cursors: Sequence[str], *, has_more: bool
) -> list[Item]:
    """Return the items that fit into an answer, which has none yet, and set its `next_cursor`.

    `cursors` are those after each item; `has_more`: more follows even after the last one.
    """
    answer.next_cursor = max(cursors, key=len, default=None)  # its room is kept
    left, shown = room(answer), 0
    for item in items:
        left -= size(item)
        if left < 0:
            break
        shown += 1
    goes_on = shown and (has_more or shown < len(items))
    answer.next_cursor = cursors[shown - 1] if goes_on else None
    return list(items[:shown])


def fitting_part(
    answer: Listed, hits: Sequence[Hit], keys: Sequence[int], middle: int | None, *, is_newer: bool
) -> tuple[int, int]:
    """Return the part of the hits that fits: its begin and end. `keys` are those of their posts.

    Around a post, whose key is `middle`, the farthest ones are left out; of newer ones the newest,
    else the oldest.
    """
    sizes = [size(each) for each in hits]
    first, last, left = 0, len(hits), room(answer) - 200 - sum(sizes)  # two cursors
    while left < 0 and last - first > 1:
        above = sum(key > middle for key in keys[first:last]) if middle is not None else 0
        if is_newer or above > (last - first) // 2:
            left += sizes[first]
            first += 1
        else:
            last -= 1
            left += sizes[last]
    return first, last
