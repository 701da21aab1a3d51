"""The hints for errors of naming, finding and editing what is in the archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tgtagger.system.terminal_text import shell_word

_SYNTAX = 'use words, "a phrase", begin* or -unwanted; only letters and digits are searched'
_OPERATORS = 'write it like this: (storm OR flood) NOT "red flag"; in quotation marks it is a word'


def _did_you_mean(near: Sequence[str], listing: str) -> str:
    return f"did you mean {' or '.join(near)}?" if near else f"see: {listing}"


def _channel_unknown(*, near: Sequence[str], **_: Any) -> str:
    return _did_you_mean(near, "tgtagger channels")


def _tag_unknown(*, near: Sequence[str], **_: Any) -> str:
    return _did_you_mean(near, "tgtagger tags")


def _merge_target_unknown(*, name: str, near: Sequence[str], first: str) -> str:
    command = f"tgtagger tags rename {shell_word(first)} {shell_word(name)}"
    hint = _did_you_mean(near, "tgtagger tags").removesuffix("?")
    return f"{hint}; to make it, first: {command}"


def _channel_ambiguous(*, ids: Sequence[int], **_: Any) -> str:
    return f"use its id: {', '.join(map(str, ids))}"


def _run_unknown(*, tagging_runs: Sequence[int], **_: Any) -> str:
    known = ", ".join(map(str, tagging_runs))
    last = f"the last runs that gave tags: {known}" if known else "no run has given tags"
    return f"{last}; see: tgtagger tags history"


def _change_depended_on(*, later: Sequence[int], **_: Any) -> str:
    return f"first undo the later changes: tgtagger tags undo {later[-1]}"


def _undo_name_taken(*, tag: str, **_: Any) -> str:
    return f"first give that tag another name: tgtagger tags rename {shell_word(tag)} NEW"


def _how_to_merge(*, name: str, into: str, **_: Any) -> str:
    words = f"tgtagger tags merge {shell_word(name)} --into {shell_word(into)}"
    return f"to merge the two: {words}"


def _alias_unknown(*, aliases: Sequence[str], **_: Any) -> str:
    return f"its aliases: {', '.join(aliases) or 'none'}"


def _post_without_tag(*, tags: Sequence[str], **_: Any) -> str:
    return f"its tags: {', '.join(tags) or 'none'}"


def _post_ambiguous(*, names: Sequence[str], **_: Any) -> str:
    return f"name it with its channel: {', '.join(names[:10])}{', …' * (len(names) > 10)}"


HINTS: Mapping[str, str | Callable[..., str | None]] = {
    # ---- names
    "channel_partly_named": "write more of the title, or the @name",
    "channel_ambiguous": _channel_ambiguous,
    "channel_not_read": (
        "read it: tgtagger parse {source}; or forget it: tgtagger channels remove {source}"
    ),
    "channel_unknown": _channel_unknown,
    "post_unknown": "first read the channel: tgtagger parse {channel}",
    "post_number_unknown": "write @channel/123, 1006503122/123 or a t.me link",
    "post_ambiguous": _post_ambiguous,
    "tag_unknown": _tag_unknown,
    "merge_target_unknown": _merge_target_unknown,
    "run_unknown": _run_unknown,
    "change_swept": "TGTAGGER_KEEP_RUNS says how long; see: tgtagger tags history",
    "change_undone": "see: tgtagger tags history",
    "change_depended_on": _change_depended_on,
    "undo_name_taken": _undo_name_taken,
    "nothing_to_undo": "see: tgtagger tags history",
    # ---- searching
    "query_quote_open": _SYNTAX,
    "query_parenthesis_open": _OPERATORS,
    "query_operator_alone": _OPERATORS,
    "query_too_deep": "use fewer parentheses, or search several times",
    "query_without_words": _SYNTAX,
    "relevance_without_words": "add a word to the query, or leave out --sort relevance",
    "text_not_unicode": "type it again, or set the terminal to UTF-8",
    "cursor_wrong": "leave it out, to begin with the newest post",
    "no_post_chosen": "choose some posts first",
    "cursor_of_another_search": "keep the filters of the page that gave it, or leave it out",
    # ---- editing
    "tag_invalid": (
        "a tag has a letter, at most {words} words and {letters} characters, and no brackets, "
        "commas, links or @names"
    ),
    "tag_exists": _how_to_merge,
    "alias_of_another_tag": _how_to_merge,
    "alias_unknown": _alias_unknown,
    "post_without_tag": _post_without_tag,
}
