"""The rules of change: what a newly read post and a tagger's answer change in a stored post.

All changes of a status are decided here. A stored post is a mapping from column to value, as the
store reads and writes it. Pure: values in, values out. Knows no clock and no database.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from tgtagger.model.choices import LinkSource
from tgtagger.model.columns import COLUMNS
from tgtagger.model.tagging import (
    Outcome,
    PostForTagging,
    Provenance,
    Skipped,
    Tagged,
    TaggingError,
    TagUpdate,
)

SOURCE_RANK: Mapping[str, int] = {"preview": 1, "desktop": 2, "telegram": 3}
"""How well a source knows a post. A higher rank replaces the content of a lower one."""

CONTENT = tuple(column.name for column in COLUMNS if column.rule == "content")
"""Columns that belong together: a newer state replaces all of them, or none."""

FACTS = tuple(column.name for column in COLUMNS if column.rule == "fact")
"""Columns that are independent of each other: NULL never replaces a known value."""

RETRY_DELAYS = (
    dt.timedelta(minutes=5),
    dt.timedelta(hours=1),
    dt.timedelta(hours=6),
    dt.timedelta(hours=24),
)
"""How long after its first, second, … turn a post that failed for a passing reason is due again."""

LONGEST_DELAY = RETRY_DELAYS[-1]
"""A post whose due time is further ahead is due now: the clock was wrong when it was stored."""

MOST_LAPSES = 5
"""A post is given up when so many runs have died that had it: perhaps they died of it."""

PASSING = frozenset({"throttled", "timeout", "network", "server", "bad_answer"})
"""Failures after which a post is tried again; after any other only a person brings it back."""


UNTAGGED: Mapping[str, Any] = {
    "status": "pending", "attempts": 0, "failure": None, "error": None, "next_attempt_at": None,
    "tagged_at": None,
}  # fmt: skip
"""Columns of a post whose tagging was undone: as those of a new post."""


def merge_post(
    old: Mapping[str, Any], new: Mapping[str, Any], *, seen: bool = True, is_part: bool = False
) -> dict[str, Any]:
    """Return the columns of the stored post `old` that the newly read `new` changes.

    An equal or better source replaces the content; a poorer one, or an older state of the post
    (an old export read after a newer one), only fills in what is NULL. An export has no views, so
    the preview's views are added to it. `is_part`: `new` has a part of the content only, and does
    not replace a whole one of the same edit. A changed text makes the post pending again. A
    deleted post that is `seen` again is no longer deleted.
    """
    poorer = SOURCE_RANK[new["source"]] < SOURCE_RANK[old["source"]]
    # Only a file can be out of date: Telegram and its preview show a post as it is now.
    stale = new["source"] == "desktop" and _is_older(new["edited"], old["edited"])
    fills_only = poorer or stale
    # A part of the content replaces a whole one only if the post was edited since.
    is_part = is_part and old["problem"] is None and new["edited"] == old["edited"]
    changes: dict[str, Any] = {}
    if fills_only:
        changes |= {
            column: new[column]
            for column in FACTS
            if old[column] is None and new[column] is not None
        }
    else:
        if not is_part:
            changes |= {column: new[column] for column in CONTENT if new[column] != old[column]}
        changes |= {
            column: new[column]
            for column in (*FACTS, "source")
            if new[column] is not None and new[column] != old[column]
        }
    if old["source"] == "desktop" and new["source"] == "preview" and new["views"] is not None:
        changes |= {"views": new["views"]} if new["views"] != old["views"] else {}
    if old["deleted"] is not None and seen and not fills_only:
        changes["deleted"] = None
    if changes.get("text_hash") and old["status"] != "pending":
        changes |= {"status": "pending", "attempts": 0}
        changes |= dict.fromkeys(("failure", "error", "next_attempt_at"))
    return changes


def may_delete(page_source: str, post_source: str) -> bool:
    """Tell whether a post that is missing on a source's page counts as deleted.

    A poorer source does not show every post that a better one does.
    """
    return SOURCE_RANK[page_source] >= SOURCE_RANK[post_source]


def _is_older(new_edited: str | None, old_edited: str | None) -> bool:
    # ISO 8601 text in UTC sorts as time. A post is never un-edited.
    return old_edited is not None and (new_edited is None or new_edited < old_edited)


def update_after(
    post: PostForTagging,
    outcome: Outcome,
    provenance: Provenance,
    *,
    now: dt.datetime,
    max_attempts: int = 5,
    remember: bool = False,
) -> TagUpdate:
    """Return what the store is to write after a tagger's answer.

    `remember`: keep the answer for equal texts. A Skipped is always remembered: the post has no
    tag that says which vocabulary it was skipped by.
    """
    id_, text, claim = post.id, post.text_hash, post.claim
    match outcome:
        case Tagged(tags):
            key = answer_key(text, provenance) if remember else None
            return TagUpdate(
                id_,
                text,
                "tagged",
                provenance,
                tags,
                post.attempts + 1,
                answer_key=key,
                claim=claim,
            )
        case Skipped():
            key = None if provenance.source == "cache" else answer_key(text, provenance)
            return TagUpdate(
                id_, text, "skipped", provenance,
                attempts=post.attempts, answer_key=key, claim=claim,
            )  # fmt: skip
        case TaggingError(failure, message):
            attempts = post.attempts + 1
            due = None
            if failure in PASSING and attempts < max_attempts:
                due = now + RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1]
            return TagUpdate(
                id_, text, "failed", provenance, (), attempts, failure, message, due, claim=claim
            )


def given_up_after(lapses: int) -> TaggingError | None:
    """Return the outcome of a post that so many runs had when they died; None: it may go on."""
    if lapses < MOST_LAPSES:
        return None
    return TaggingError("crashed", f"{lapses} runs died while they worked at it")


HUMAN: LinkSource = "human"
"""The source of a tag that a person gave: no tagging replaces it, and no undo removes it."""

AGENT: LinkSource = "agent"
"""The source of a tag that an agent gave: no tagging replaces it, and a person's word beats it."""

LASTING = (HUMAN, AGENT)
"""The sources of tags that somebody asked for by name: those of taggers come and go."""


def replaces_tags(update: TagUpdate) -> bool:
    """Tell whether the update's tags replace those that machines gave to the post.

    After a failure they stay: the tags of an earlier run are better than none.
    """
    return update.status != "failed"


def given_links(
    update: TagUpdate, tags: Sequence[int | None], blocked: Container[int]
) -> list[tuple[int, int, LinkSource]]:
    """Return the links that a post gets of its suggested tags: (place, tag id, who gave it).

    `tags` are the ids of the suggested names (None: not a tag). `blocked` are the ids of tags that
    a person took off this post, or removed from the archive: no machine gives them again.
    """
    made = update.provenance.source
    return [
        (place, tag, "hashtag" if suggested.hashtag else made)
        for place, (tag, suggested) in enumerate(zip(tags, update.tags, strict=True))
        if tag is not None and tag not in blocked
    ]


def answer_key(text_hash: str, provenance: Provenance) -> str:
    """Return the key of an answer: equal for equal text, model, prompt and vocabulary.

    The text's hash comes last, so that SQL can append it to one prefix for many posts.
    """
    return answer_prefix(provenance) + text_hash


def answer_prefix(provenance: Provenance) -> str:
    """Return the prefix that the keys of all answers with this provenance share."""
    made_with = "\0".join(
        (provenance.model or "", provenance.prompt or "", provenance.vocabulary or "")
    )
    return blake2b(made_with.encode(errors="replace"), digest_size=8).hexdigest() + ":"
