"""What a post is called in one line, and what hangs on it in words. Plain text, for any format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tgtagger.views import Post

WIDTH = 90


def line_of(text: str, width: int = WIDTH) -> str:
    """Return the first line of a text that says something, cut at a word."""
    line = next((" ".join(part.split()) for part in text.split("\n") if part.strip()), "")
    if len(line) <= width:
        return line or "…"
    cut = line[:width].rsplit(" ", 1)[0] if " " in line[:width] else line[: width - 1]
    return cut.rstrip(" ,.;:—–-") + "…"


def caption(post: Post, width: int = WIDTH) -> str:
    """Return a post's first line, or what it shows where it says nothing."""
    words = (post.text, *(word for item in post.media for word in item.words))
    said = next((text for text in words if text.strip()), "")
    return line_of(said or ", ".join(kinds(post)) or "", width)


def kinds(post: Post) -> list[str]:
    """Return what hangs on a post: `photo`, `2 × video`."""
    counts = Counter(item.type for item in post.media)
    return [f"{count} × {kind}" if count > 1 else str(kind) for kind, count in counts.items()]


def notes(post: Post) -> Iterator[str]:
    """Yield the facts about a post that a reader wants below it, a line each."""
    for item in post.media:
        words = [word for word in (item.file_name, *item.words, item.url) if word]
        yield ": ".join([item.type, " · ".join(words)]) if words else item.type
    if post.forward:
        yield f"forwarded from {post.forward.channel or 'somebody'}"
    if post.reply_to:
        yield f"answers message {post.reply_to}"
    if post.author:
        yield f"by {post.author}"
    if post.deleted:
        yield "deleted since"
