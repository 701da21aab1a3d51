"""Make one post of the messages of an album: the captions, and all the media. Pure.

Knows neither which messages belong together nor the records of any source.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tgtagger.model.posts import PostData, RawRecord


def join(posts: Sequence[PostData], raw: RawRecord | None) -> PostData:
    """Return one post for an album's messages, which are passed as posts by rising id.

    A counter is the highest of all members, since Telegram counts each one separately. A fact of
    one member is a fact of the album. Several captions stand one after the other. `raw` is the
    raw record of all members.
    """
    first = posts[0]
    if len(posts) == 1:
        return first
    told = [post for post in posts if post.text] or [first]
    caption = told[0]
    entities = list(caption.entities)
    text = caption.text
    for more in told[1:]:
        text += "\n\n"
        shift = len(text.encode("utf-16-le", "surrogatepass")) // 2
        entities += [replace(entity, offset=entity.offset + shift) for entity in more.entities]
        text += more.text
    markdown = caption.markdown
    if len(told) > 1 and any(post.markdown is not None for post in told):
        markdown = "\n\n".join(
            post.text if post.markdown is None else post.markdown for post in told
        )
    return replace(
        caption,
        ids=tuple(number for post in posts for number in post.ids),
        date=first.date,
        text=text,
        markdown=markdown,
        entities=tuple(entities),
        media=tuple(itertools.chain.from_iterable(post.media for post in posts)),
        edited=max((post.edited for post in posts if post.edited), default=None),
        views=_highest(post.views for post in posts),
        forwards=_highest(post.forwards for post in posts),
        replies=_highest(post.replies for post in posts),
        reactions=next((post.reactions for post in posts if post.reactions is not None), None),
        forward=next((post.forward for post in posts if post.forward), None),
        reply=next((post.reply for post in posts if post.reply), None),
        author=next((post.author for post in posts if post.author), None),
        problem=next((post.problem for post in posts if post.problem), None),
        raw=raw,
    )


def _highest(counts: Iterable[int | None]) -> int | None:
    return max((count for count in counts if count is not None), default=None)
