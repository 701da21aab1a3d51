"""The words that some values are chosen from: statuses, sources, failures.

Apart from the nouns, so that the command line starts without them.
"""

from __future__ import annotations

from typing import Literal

PostStatus = Literal["pending", "tagged", "skipped", "failed"]
"""pending: never tried, or its text changed · skipped: nothing to tag · failed: see its class"""

LinkSource = Literal["human", "hashtag", "llm", "keywords", "cache", "agent"]
"""Who put a tag on a post; agent: an assistant, on behalf of a person."""

TagChangeKind = Literal[
    "rename", "merge", "alias", "unalias", "remove", "add", "drop", "undo", "agent",
]  # fmt: skip
"""What a person did to tags; unalias: took an alias away; undo: took back another change.

agent: what an agent did to the tags of posts, all of one session.
"""

FailureClass = Literal[
    "throttled", "timeout", "network", "server", "bad_answer", "refused", "too_long", "crashed"
]
"""Why a request for a post failed, or why the post cannot be tagged.

crashed: again and again the run died that had the post
"""

StopClass = Literal[
    "throttled", "key_rejected", "quota", "unknown_model", "wrong_address", "provider_down",
    "cost_cap", "time_cap",
]  # fmt: skip
"""Why a tagging run stopped early; the posts that are left stay as they were."""

SourceName = Literal["telegram", "preview", "desktop"]
"""Where a post was read from."""

Via = Literal["auto", "telegram", "preview"]
"""Which source reads a channel; auto: Telegram if an account is signed in, else the web preview."""

JobKind = Literal["parse", "tag", "retry", "sync"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
"""queued: waits for a worker · done: to its end, though some posts may have failed"""

ChannelKind = Literal["channel", "supergroup", "group"]
"""`group` is Telegram's basic group; its id is kept negative, as Telegram marks it."""

MediaType = Literal[
    "photo", "video", "round", "voice", "audio", "animation", "sticker", "document",
    "poll", "todo", "geo", "contact", "webpage", "other",
]  # fmt: skip

CopyStage = Literal["copy", "index", "compare"]
"""What a copy of an archive into another database is at."""
