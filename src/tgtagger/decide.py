"""The rules of change: what a newly read post does to the stored one, and a tagger's answer.

Pure: values in, values out, no clock, no database. The only home of status changes. Stored posts
are handled as mappings from column to value, the form in which the store reads and writes them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from tgtagger.model.columns import COLUMNS
from tgtagger.model.tagging import (
    LinkSource,
    Outcome,
    PostForTagging,
    Provenance,
    Skipped,
    Tagged,
    TaggingError,
    TagUpdate,
)

SOURCE_RANK: Mapping[str, int] = {"preview": 1, "desktop": 2, "telegram": 3}
"""Which source knows a post better. A better one replaces what a poorer one told."""

CONTENT = tuple(column.name for column in COLUMNS if column.rule == "content")
"""Columns that only make sense together: replaced all at once, or not at all."""

FACTS = tuple(column.name for column in COLUMNS if column.rule == "fact")
"""Columns that stand for themselves: a known value is never replaced by an unknown one."""

RETRY_DELAYS = (
    dt.timedelta(minutes=5),
    dt.timedelta(hours=1),
    dt.timedelta(hours=6),
    dt.timedelta(hours=24),
)
"""When a post that failed for a passing reason is due again, by how many turns it has had."""

LONGEST_DELAY = RETRY_DELAYS[-1]
"""A post whose due time is further ahead is due: the clock was wrong when it was written down."""

PASSING = frozenset({"throttled", "timeout", "network", "server", "bad_answer"})
"""Failures that another try may mend; the others wait for `retry-failed --force`."""


UNTAGGED: Mapping[str, Any] = {
    "status": "pending", "attempts": 0, "failure": None, "error": None, "next_attempt_at": None,
    "tagged_at": None,
}  # fmt: skip
"""Columns of a post whose tagging was taken back: as if it had just come."""


def merge_post(
    old: Mapping[str, Any], new: Mapping[str, Any], *, seen: bool = True, is_part: bool = False
) -> dict[str, Any]:
    """Return the columns of the stored post `old` that the newly read `new` changes.

    An equal or better source replaces the content; a poorer one, or an older state of the post
    (an old export read after a newer one), only fills in what is not known. An export knows no
    views, so the preview's stand beside it. A text that changed sends the post back to be tagged. A
    deleted post that is `seen` again is no longer deleted.
    """
    poorer = SOURCE_RANK[new["source"]] < SOURCE_RANK[old["source"]]
    # Only a file can be out of date: Telegram and its preview show a post as it is now.
    stale = new["source"] == "desktop" and _is_older(new["edited"], old["edited"])
    fills_only = poorer or stale
    # A part of the content replaces no whole one; only a newer state is worth it.
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
    """Tell whether a source that does not show a post (any more) is to be believed.

    A poorer one does not show all that a better one does.
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
    """Return what a tagger's answer makes of a post; `remember` it for equal texts.

    That there was nothing to tag is always remembered: no tag says which list of tags it was by.
    """
    id_, text = post.id, post.text_hash
    match outcome:
        case Tagged(tags):
            key = answer_key(text, provenance) if remember else None
            return TagUpdate(
                id_, text, "tagged", provenance, tags, post.attempts + 1, answer_key=key
            )
        case Skipped():
            key = None if provenance.source == "cache" else answer_key(text, provenance)
            return TagUpdate(
                id_, text, "skipped", provenance, attempts=post.attempts, answer_key=key
            )
        case TaggingError(failure, message):
            attempts = post.attempts + 1
            due = None
            if failure in PASSING and attempts < max_attempts:
                due = now + RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1]
            return TagUpdate(id_, text, "failed", provenance, (), attempts, failure, message, due)


HUMAN: LinkSource = "human"
"""Who gave a tag that stands whatever a machine does: no tagging replaces it, no undo takes it."""


def replaces_tags(update: TagUpdate) -> bool:
    """Tell whether a post's tags of machines make room for the update's.

    After a failure they stay: the tags of an earlier run are better than none.
    """
    return update.status != "failed"


def given_links(
    update: TagUpdate, tags: Sequence[int | None], blocked: Container[int]
) -> list[tuple[int, int, LinkSource]]:
    """Return what a post gets of its suggested tags: (place, tag, who gave it).

    `tags` are what the names stand for (None: no tag). `blocked` are those that a person took off
    this post, or from the archive: no machine puts them back, under none of their names.
    """
    made = update.provenance.source
    return [
        (place, tag, "hashtag" if suggested.hashtag else made)
        for place, (tag, suggested) in enumerate(zip(tags, update.tags, strict=True))
        if tag is not None and tag not in blocked
    ]


def answer_key(text_hash: str, provenance: Provenance) -> str:
    """Return what an answer is remembered by: equal text, model, prompt and vocabulary.

    The text's hash comes last, so that the database can complete the beginning for many posts.
    """
    return answer_prefix(provenance) + text_hash


def answer_prefix(provenance: Provenance) -> str:
    """Return the beginning of the keys of all that was answered with this provenance."""
    made_with = "\0".join(
        (provenance.model or "", provenance.prompt or "", provenance.vocabulary or "")
    )
    return blake2b(made_with.encode(errors="replace"), digest_size=8).hexdigest() + ":"
