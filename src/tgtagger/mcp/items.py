"""The items of answers: a hit, a post, a channel, a job, made of the archive's nouns.

What strangers wrote goes through the marks of the answer. Knows no tool and no store.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from tgtagger.mcp import answers
from tgtagger.mcp.marks import Marks, beginning, plain, weight
from tgtagger.model.channels import ChannelState
from tgtagger.model.counts import DayCount
from tgtagger.model.jobs import Job
from tgtagger.model.posts import Channel, Media
from tgtagger.model.refs import Invited, post_name, read_channel
from tgtagger.model.stored import FoundPost, PostDetails
from tgtagger.model.stored import Post as StoredPost
from tgtagger.model.tagging import PostId
from tgtagger.model.tags import ListedTag
from tgtagger.model.times import iso
from tgtagger.system.terminal_text import clean

SNIPPET = 300
"""Letters of a hit's text."""
HEAVIEST = 17_000
"""Bytes of a text in an answer: a whole post of Telegram's, 4,096 letters, fits."""
HEAVIEST_ITEM = 26_000
"""Bytes of a post with all that belongs to it: a text gives way to many long names."""
HEAVIEST_TAGS = 4_000
_SHOWN_TAGS, _SHOWN_MEDIA = 20, 5  # of one post
_SHOWN_ALIASES = 10


def hit_of(found: FoundPost, marks: Marks, *, is_whole: bool = False) -> answers.Hit:
    post = found.post
    shown = "".join(f"**{part}**" if is_match else part for part, is_match in found.snippet)
    item = answers.Hit(
        post=post_name(post.id),
        url=post.url and plain(post.url),
        date=moment(post.date),
        channel=channel_name(post.channel),
        text=marks.text(shown[:SNIPPET]),
        is_cut=len(shown) > SNIPPET or len(post.text) > len(shown),
        tags=_shown_tags(post.tags),
        media=[each.type for each in post.media[:_SHOWN_MEDIA]],
    )
    if is_whole:
        whole = _whole_text(post)
        end = beginning(whole, _left_for_text(item))
        item = item.model_copy(update={"text": marks.text(whole[:end]), "is_cut": end < len(whole)})
    return item


def _left_for_text(item: answers.Hit | answers.Post) -> int:
    """Return the bytes that the text of an item may take."""
    return min(HEAVIEST, HEAVIEST_ITEM - answers.size(item))


def _shown_tags(names: Sequence[str]) -> list[str]:
    """Return the first tags of a post, of very long ones only a few."""
    shown, left = [], HEAVIEST_TAGS
    for name in map(plain, names[:_SHOWN_TAGS]):
        left -= weight(name)
        if left < 0:
            break
        shown.append(name)
    return shown


def _whole_text(post: StoredPost) -> str:
    """Return a post's text, clean; of a post without one, what its poll or link says."""
    return clean(post.text or "\n".join(word for item in post.media for word in item.words))


def post_of(details: PostDetails, marks: Marks, offset: int) -> tuple[answers.Post, int]:
    """Return a post from a letter of its text on, and the letter where the text was cut."""
    post = details.post
    text = _whole_text(post)
    shown = _shown_tags([each.name for each in details.links])
    forward = post.forward and (post.forward.channel or post.forward_url or "somebody")
    reply = post.reply_to and post_name(PostId(post.id.channel_id, post.reply_to))
    item = answers.Post(
        post=post_name(post.id),
        url=post.url and plain(post.url),
        date=moment(post.date),
        edited=moment(post.edited),
        deleted=moment(post.deleted),
        channel=channel_name(post.channel),
        channel_title=marks.name(post.channel.title),
        author=marks.name(post.author) if post.author else None,
        text="",
        text_begins_at=offset,
        text_goes_on=False,
        tags=[
            answers.Origin(tag=name, source=each.source, by=each.model and plain(each.model))
            for name, each in zip(shown, details.links, strict=False)
        ],
        status=post.status,
        media=[
            answers.Media(kind=each.type, about=marks.name(_about(each)))
            for each in post.media[:_SHOWN_MEDIA]
        ],
        forward_of=marks.name(forward) if forward else None,
        reply_to=reply or None,
        views=post.views,
        forwards=post.forwards,
    )
    end = offset + beginning(text[offset:], _left_for_text(item))
    update = {"text": marks.text(text[offset:end]), "text_goes_on": end < len(text)}
    return item.model_copy(update=update), end


def _about(media: Media) -> str:
    return " · ".join(filter(None, (media.file_name, media.url, *media.words)))


def moment(at: dt.datetime | None) -> str | None:
    return None if at is None else iso(at)


def channel_name(channel: Channel) -> str:
    return f"@{plain(channel.username)}" if channel.username else channel_number(channel.id)


def channel_number(channel: int) -> str:
    return f"-100{channel}" if channel > 0 else str(channel)


def added_name(source: str) -> str:
    """Return the name of a channel that was added; an invitation is a secret, and stays here."""
    return "an invitation" if isinstance(read_channel(source), Invited) else plain(source)


def channel_of(state: ChannelState, marks: Marks) -> answers.Channel:
    return answers.Channel(
        channel=channel_name(state.channel),
        title=marks.name(state.channel.title),
        kind=state.channel.kind,
        posts=state.posts,
        newest_post=moment(state.newest),
        last_read=moment(state.parsed_at),
        unread_messages=state.unread,
        posts_without_tags=state.pending + state.failed,
        paused=state.paused or state.unfollowed,
    )


def coverage_of(channels: Sequence[ChannelState], added: int) -> answers.Coverage:
    """Return what the archive has of channels, besides those that were only added."""
    newest = max((each.newest for each in channels if each.newest), default=None)
    read = min((each.parsed_at for each in channels if each.parsed_at), default=None)
    unread = sum(each.unread for each in channels)
    untagged = sum(each.pending + each.failed for each in channels)
    until = f"stored up to {iso(newest)}" if newest else "nothing is stored"
    gaps = [
        f"messages not read yet: {unread}" if unread else "",
        f"channels added and never read: {added}" if added else "",
        f"posts without tags, which no tag finds: {untagged}" if untagged else "",
    ]
    told = "; ".join(filter(None, (until, *gaps)))
    return answers.Coverage(
        says=f"{told}. What is not found may still have been posted.",
        newest_post=moment(newest),
        last_read=moment(read),
        unread_messages=unread,
        channels_not_read=added,
        posts_without_tags=untagged,
    )


def tag_of(tag: ListedTag) -> answers.Tag:
    aliases = [plain(alias) for alias in tag.aliases[:_SHOWN_ALIASES]]
    return answers.Tag(tag=plain(tag.name), posts=tag.posts, aliases=aliases)


def buckets_of(days: Sequence[DayCount], by: str) -> list[tuple[dt.date, int]]:
    """Return the counts of the days, or of their weeks, the latest first."""
    counts: Counter[dt.date] = Counter()
    for each in days:
        begin = each.day - dt.timedelta(days=each.day.weekday() if by == "week" else 0)
        counts[begin] += each.posts
    return sorted(counts.items(), reverse=True)


def job_of(asked: Job) -> answers.Job:
    """Return a job as an answer tells it."""
    return answers.Job(
        job=asked.id,
        kind=asked.kind,
        state=asked.state,
        done=asked.progress.done,
        total=asked.progress.total,
        error=None if asked.end is None else asked.end.failure,
    )
