"""What to do about each kind of failure, for a person in a browser and for a program of the API.

`messages` says what happened; this says what to do next, without a command. Knows no sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tgtagger.errors import StoreError, TgTaggerError, TryLater
from tgtagger.messages.store import SENTENCES as OF_STORE

_SYNTAX = 'search for words, "a phrase", begin* or -unwanted; letters and digits are searched'
_OPERATORS = 'such as (storm OR flood) NOT "red flag"; in quotation marks it is a word'
_DATES = "write 2026-01-31, 2026-01-31T12:00, 2026-01, 2026, today, yesterday, 12h, 7d, 3mo or 1y"
_CHANNEL = "give @name, a t.me link or -100…"
_POST = "write 1006503122-531, @name-531 or a number"
_HISTORY = "see the history of tags"
LATER = "try again in a while"
AT_DATABASE = "look at the database on the machine that serves it"


def _near(see: str) -> Callable[..., str]:
    def hint(*, near: Sequence[str], **_: Any) -> str:
        return f"did you mean {' or '.join(near)}?" if near else f"see {see}"

    return hint


def _one_of(*, known: Sequence[str], **_: Any) -> str:
    return f"there are: {', '.join(known)}"


def _parameter(*, near: Sequence[str], known: Sequence[str], **_: Any) -> str:
    if near:
        return f"did you mean {near[0]}?"
    return f"there are: {', '.join(known)}" if known else "there are none here"


def _filter(*, near: str | None, known: Sequence[str], words: str, **_: Any) -> str:
    meant = f"did you mean {near}:?" if near else f"there are: {', '.join(known)}"
    return f'{meant} To search for the words, put them in quotation marks: "{words}"'


def _listed(words: str, name: str) -> Callable[..., str]:
    def hint(**data: Any) -> str:
        found = [str(each) for each in data[name]]
        return f"{words}: {', '.join(found[:10]) or 'none'}{', …' * (len(found) > 10)}"

    return hint


HINTS: Mapping[str, str | Callable[..., str]] = {
    # ---- names
    "channel_unknown": _near("the list of channels"),
    "channel_ambiguous": _listed("name it by its id", "ids"),
    "channel_partly_named": "name one by more of its title, or by its @name",
    "channel_not_read": "read it first",
    "channel_ref_empty": _CHANNEL,
    "channel_ref_foreign": _CHANNEL,
    "channel_ref_invalid": _CHANNEL,
    "post_unknown": "read the channel first, or look at the number",
    "post_number_unknown": _POST,
    "post_ref_invalid": _POST,
    "post_ambiguous": _listed("name it with its channel", "names"),
    "tag_unknown": _near("the list of tags"),
    "merge_target_unknown": _near("the list of tags; to make it, rename one of the others"),
    "run_unknown": _HISTORY,
    "change_undone": _HISTORY,
    "change_depended_on": _listed("undo the later ones first, the last one at the beginning",
                                  "later"),
    "undo_name_taken": "give the tag {tag} another name first",
    "nothing_to_undo": _HISTORY,
    # ---- looking for posts
    "parameter_unknown": _parameter,
    "parameter_repeated": "give it once",
    "cursor_wrong": "leave it out, to begin with the newest",
    "cursor_of_another_search": "keep the filters of the page that gave it, or leave it out",
    "query_quote_open": _SYNTAX,
    "query_parenthesis_open": _OPERATORS,
    "query_operator_alone": _OPERATORS,
    "query_too_deep": "write it with fewer, or as several searches",
    "text_not_unicode": "write it again, in whole characters",
    "query_without_words": _SYNTAX,
    "relevance_without_words": _SYNTAX,
    "filter_unknown": _filter,
    "filter_empty": "write a name right after the colon",
    "filter_value_unknown": _one_of,
    "status_unknown": _one_of,
    "failure_class_unknown": _one_of,
    "date_wrong": _DATES,
    "date_ambiguous": "write {number}min or {number}mo",
    "period_empty": "swap the two",
    # ---- jobs
    "account_unknown": _one_of,
    "job_field_unknown": _one_of,
    "job_too_wide": "give channels, posts, since or limit",
    "job_unknown": "see the list of jobs",
    "duration_wrong": "write 90s, 10m, 2h or 1d",
    # ---- changing tags
    "tag_invalid": (
        "a tag has a letter, at most {words} words and {letters} characters, and no brackets, "
        "commas, links or @names"
    ),
    "tag_exists": "merge {name} into {into}",
    "alias_of_another_tag": "merge {name} into {into}",
    "alias_unknown": _listed("its aliases", "aliases"),
    "no_post_chosen": "choose some posts first",
    "post_without_tag": _listed("its tags", "tags"),
    # ---- of the web face itself
    "request_invalid": "see /api/v1/openapi.json for what is taken",
    "request_refused": "see /api/v1/openapi.json for what is taken",
    "path_unknown": "see /api/v1/openapi.json for what there is",
    "method_not_allowed": "the header Allow names what is taken here",
    "host_unknown": "open it as localhost, or start it with this name allowed",
    "token_missing": "send it as Authorization: Bearer TOKEN, or open the link of the start",
    "other_site": "ask from a page of this server; a program sends no cookie and no Origin",
    "read_only": "start it without read-only",
    "body_too_large": "send less, or in several requests",
    "body_too_slow": "send it at once",
    "too_many_requests": LATER,
    "bug": "please report it, with what the log says",
}  # fmt: skip


def hint_of(error: TgTaggerError) -> str | None:
    """Return what to do about a failure; None: nothing is known."""
    hint = HINTS.get(error.kind)
    if callable(hint):
        return hint(**error.data)
    if hint is not None:
        return hint.format_map(error.data)
    if isinstance(error, TryLater):
        return LATER
    is_of_store = isinstance(error, StoreError) or error.kind in OF_STORE
    return AT_DATABASE if is_of_store else None
