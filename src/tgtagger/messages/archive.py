"""The sentences of errors in what a person names, looks for and decides in the archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping

SENTENCES: Mapping[str, str | Callable[..., str]] = {
    # ---- what is named
    "channel_partly_named": lambda *, name, titles, **_: (
        f"{len(titles)} channels have {name!r} in their title: {', '.join(titles[:10])}"
    ),
    "channel_ambiguous": "several channels are called {name!r}",
    "channel_not_read": "{source} was added, but not read yet",
    "channel_unfollowed": "{channel} is read no longer: a person removed it",
    "channel_unknown": "no channel {name!r} in the database",
    "post_unknown": "no post {number} of {channel} in the database",
    "post_number_unknown": "no post has the number {number}",
    "post_ambiguous": lambda *, number, names, **_: (
        f"{len(names)} channels have a post with the number {number}"
    ),
    "tag_unknown": "no tag {name!r}",
    "merge_target_unknown": "no tag {name!r}",
    "run_unknown": "there is no tagging run and no change of tags with the number {run}",
    "change_swept": "change {change} is too old to be undone: its record is no longer kept",
    "change_undone": "change {change} is undone already",
    "change_depended_on": lambda *, change, later: (
        f"change {change} cannot be undone: later changes depend on it: "
        f"{', '.join(map(str, later[:10]))}{' and more' * (len(later) > 10)}"
    ),
    "undo_name_taken": (
        "change {change} cannot be undone: the name {name!r} now belongs to the tag {tag!r}"
    ),
    "nothing_to_undo": "there is no change of tags to undo",
    # ---- what is looked for
    "query_quote_open": "a quotation mark in the query is not closed",
    "query_parenthesis_open": "a parenthesis in the query is not closed",
    "query_operator_alone": "a word is missing beside {operator} in the query",
    "query_too_deep": "the query has more than {most} levels of parentheses",
    "query_without_words": "the query has no word to search for",
    "relevance_without_words": "sorting by relevance needs a word to search for",
    "text_not_unicode": "a given text holds bytes that are not UTF-8, or half a character",
    "parameter_unknown": "there is no parameter {name!r} here",
    "parameter_repeated": "the parameter {name!r} is given more than once",
    "cursor_wrong": "no page goes on from {cursor!r}",
    "cursor_of_another_search": "this page goes on from one that looked for something else",
    # ---- what is decided
    "tag_invalid": "{name!r} cannot be a tag",
    "tag_exists": "the tag {tag!r} exists already",
    "alias_of_another_tag": "the tag {tag!r} has the name {name!r} already",
    "alias_unknown": "{name!r} is not an alias of {tag!r}",
    "no_post_chosen": "no post is chosen",
    "post_without_tag": "the post has no tag {name!r}",
}
