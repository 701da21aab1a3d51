"""The archive's own words as people read them, and the keys of the pages with what they do.

English; a template says `t(WORDS[post.status])`. Knows no page.
"""

from __future__ import annotations

from typing import NamedTuple

from tgtagger.web.language import Texts

WORDS: Texts = {
    # a post's status
    "pending": "pending",
    "tagged": "tagged",
    "skipped": "skipped",
    "failed": "failed",
    # where a post was read
    "telegram": "Telegram",
    "preview": "the web preview",
    "desktop": "an export",
    # where a tag came from
    "human": "you",
    "hashtag": "the author's hashtag",
    "llm": "a model",
    "keywords": "the embedded tagger",
    "cache": "copied from an equal text",
    "agent": "an agent",
    # media
    "photo": "photo",
    "video": "video",
    "round": "round video",
    "voice": "voice message",
    "audio": "audio",
    "animation": "animation",
    "sticker": "sticker",
    "document": "file",
    "poll": "poll",
    "todo": "to-do list",
    "geo": "place",
    "contact": "contact",
    "webpage": "link",
    "other": "something else",
}

REASONS: Texts = {
    "throttled": "The server asked to wait",
    "timeout": "The server took too long",
    "network": "The server could not be reached",
    "server": "The server had a fault",
    "bad_answer": "The answer could not be read",
    "refused": "The provider refused the text",
    "too_long": "The text is too long for the model",
    "crashed": "The run died, again and again",
}
"""Why posts failed, by the class of the failure."""


FIELDS: Texts = {
    "names": "tags",
    "into": "the tag that remains",
    "old": "the tag",
    "new": "the new name",
    "tag": "tag",
    "source": "the channel",
    "limit": "posts at most",
    "query": "the query",
    "token": "the token",
    "page": "the page",
}
"""The fields of forms and addresses that a person fills in."""

PAUSES: Texts = {
    "telegram_down": "Telegram cannot be reached, or has trouble",
    "telegram": "Telegram asks to wait",
    "preview": "the web preview asks to wait",
    "preview_down": "the web preview has trouble",
}
"""Why a run that reads waits, in the words of the sources; one that tags has the REASONS."""


class Key(NamedTuple):
    """What to press, one after the other; the action of static/app.js; where `go` goes."""

    keys: str
    act: str
    href: str = ""


KEYS = (
    Key("/", "search"),
    Key("j", "next"),
    Key("k", "previous"),
    Key("o", "open"),
    Key("t", "tag"),
    Key("d", "drop"),
    Key("x", "choose"),
    Key("T", "tagChosen"),
    Key("r", "again"),
    Key("u", "undo"),
    Key("g p", "go", "/"),
    Key("g t", "go", "/tags"),
    Key("g c", "go", "/channels"),
    Key("g f", "go", "/failures"),
    Key("g r", "go", "/runs"),
    Key("g j", "go", "/jobs"),
    Key("g s", "go", "/statistics"),
    Key("?", "keys"),
)
"""The keys: keys.html shows them, and app.js does what is shown."""

KEY_WORDS: Texts = {
    "search": "search",
    "next": "next post",
    "previous": "previous post",
    "open": "open the post",
    "tag": "add a tag",
    "drop": "to the tags, to take one off",
    "choose": "choose the post",
    "tagChosen": "tags of the chosen posts",
    "again": "tag again, or try again",
    "undo": "undo what was just done",
    "keys": "these keys",
    "/": "posts",
    "/tags": "tags",
    "/channels": "channels",
    "/failures": "failures",
    "/runs": "runs",
    "/jobs": "jobs",
    "/statistics": "statistics",
}
"""What each key does, by its action or by where it goes."""
