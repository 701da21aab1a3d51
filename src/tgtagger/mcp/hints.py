"""What an agent can do about each kind of failure, and what it has to tell its person.

`messages` says what happened. A hint holds no word of the archive: names that may be meant are
data, and stand apart (`failures`). Knows no sentence.
"""

from __future__ import annotations

from collections.abc import Mapping

from tgtagger.errors import StoreError, TgTaggerError, TryLater
from tgtagger.messages.store import SENTENCES as OF_STORE

_SYNTAX = (
    'search for words, "a phrase", begin* or -unwanted; OR, NOT and parentheses join them; filters '
    "are parameters, or tag: channel: since: until: has: is: in the query"
)
_DATES = "write 2026-01-31, 2026-01-31T12:00, 2026-01, 2026, today, yesterday, 12h, 7d, 3mo or 1y"
_CHANNEL = "list_channels has the channels; name one by @username or number"
_POST = "name a post as an answer names it, such as 1006503122-531, or by its t.me link"
_CURSOR = "give the cursor with the very filters of the call that gave it, or leave it out"
_TAG = "list_tags has the tags"
_ALLOW = (
    "tell the person: writing is allowed by starting `tgtagger mcp --allow-write`, and for agents "
    "over HTTP `tgtagger serve --allow-write`"
)
_SIGN_IN = "tell the person to run tgtagger login, or tgtagger doctor"
LATER = "try again in a minute"
AT_DATABASE = "tell the person to run: tgtagger doctor"

HINTS: Mapping[str, str] = {
    # ---- names
    "channel_unknown": _CHANNEL,
    "channel_ambiguous": _CHANNEL,
    "channel_partly_named": _CHANNEL,
    "channel_not_read": "it was added, and nothing of it is read yet; sync_channel reads it",
    "channel_unfollowed": "tell the person: tgtagger channels resume lets it be read again",
    "channel_ref_empty": _CHANNEL,
    "channel_ref_foreign": _CHANNEL,
    "channel_ref_invalid": _CHANNEL,
    "post_unknown": _POST,
    "post_number_unknown": _POST,
    "post_ref_invalid": _POST,
    "post_ambiguous": _POST,
    "tag_unknown": _TAG,
    "no_tags_yet": "no post has a tag yet; search for words instead",
    "no_post_chosen": _POST,
    # ---- looking for posts
    "parameter_unknown": "the tool's input schema has its parameters",
    "request_invalid": "the tool's input schema has its parameters",
    "tool_unknown": "list the tools of this server",
    "resource_unknown": "a post is tgtagger://posts/1006503122-531, the tags tgtagger://vocabulary",
    "posts_of_several": "give one of them; what lies between two posts: before, and since",
    "cursor_wrong": _CURSOR,
    "cursor_of_another_search": _CURSOR,
    "query_quote_open": _SYNTAX,
    "query_parenthesis_open": _SYNTAX,
    "query_operator_alone": _SYNTAX,
    "query_too_deep": _SYNTAX,
    "text_not_unicode": "write it again, in whole characters",
    "query_without_words": _SYNTAX,
    "relevance_without_words": "sort by date, or search for words",
    "filter_unknown": _SYNTAX,
    "filter_empty": _SYNTAX,
    "filter_value_unknown": _SYNTAX,
    "status_unknown": "pending, tagged, skipped or failed",
    "date_wrong": _DATES,
    "date_ambiguous": _DATES,
    "period_empty": "swap the two",
    # ---- writing
    "agents_only_read": _ALLOW,
    "agent_cap_missing": (
        "tell the person: a cap is set by `tgtagger mcp --allow-write --max-cost USD`, or by "
        "TGTAGGER_MAX_COST"
    ),
    "agent_cap_reached": "wait until the jobs have ended, or tell the person that the cap is used",
    "tag_invalid": (
        "a tag has a letter, at most 4 words and 40 letters, and no brackets, commas, links or "
        "@names"
    ),
    # ---- the archive
    "no_database": "tell the person: there is no archive yet; tgtagger parse makes one",
    "not_signed_in": _SIGN_IN,
    "bug": "tell the person: the log of the server says where it is",
}


def hint_of(error: TgTaggerError) -> str | None:
    """Return what to do about a failure; None: nothing is known."""
    hint = HINTS.get(error.kind)
    if hint is not None:
        return hint
    if isinstance(error, TryLater):
        return LATER
    return AT_DATABASE if isinstance(error, StoreError) or error.kind in OF_STORE else None
