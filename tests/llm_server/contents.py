"""Whole answers whose content is not what was asked for: each a fault of the model.

What still gives tags to posts says so (`tagged`), and is counted as paid by the server.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

from llm_server.answers import Response, Turn, dumped
from llm_server.faults import Fault, body_of

Items = list[dict[str, Any]]


def content(text: Any) -> Fault:
    """This content, a string or anything else: null, a number, a list."""
    return Fault("content", lambda turn: turn.complete(text))


def finish(reason: str, text: str | None = None) -> Fault:
    """This finish_reason; the content is the right one, or the text."""

    def answer(turn: Turn) -> Response:
        failed = {"error": {"code": 502, "message": "Provider disconnected"}}
        return turn.complete(
            turn.right() if text is None else text,
            finish=reason,
            choice=failed if reason == "error" else None,
        )

    return Fault(f"finish {reason}", answer)


def refusal(text: str = "I cannot help with that.") -> Fault:
    """OpenAI's refusal: no content, the reason in message.refusal."""
    return Fault("refusal", lambda turn: turn.complete(None, message={"refusal": text}))


def content_filter() -> Fault:
    """An empty content and finish_reason content_filter."""
    return finish("content_filter", "")


def too_long(items: int = 1) -> Fault:
    """finish_reason length: cut within the item after these."""

    def answer(turn: Turn) -> Response:
        whole = dumped({"posts": turn.items[:items]})
        after = dumped(turn.items[items]) if len(turn.items) > items else '{"id": "p'
        cut = whole.removesuffix("]}") + (", " if turn.items[:items] else "")
        return turn.complete(
            cut + after[: len(after) // 2], finish="length", tagged=turn.ids()[:items]
        )

    return Fault("too_long", answer)


def only_reasoning() -> Fault:
    """A reasoning model that spent all its tokens on thinking."""
    thought = {"reasoning_content": "The user wants tags. Let me think about p1 first."}
    return Fault("only_reasoning", lambda turn: turn.complete("", finish="length", message=thought))


def no_choices() -> Fault:
    """A completion whose list of choices is empty."""
    return body_of({"object": "chat.completion", "choices": []})


# ---- the right answer, in a wrapping


def wrapped(name: str, wrap: Callable[[str], str]) -> Fault:
    return Fault(name, lambda turn: turn.complete(wrap(turn.right()), tagged=turn.ids()))


def fenced() -> Fault:
    """In a fence of Markdown."""
    return wrapped("fenced", lambda text: f"```json\n{text}\n```")


def chatty() -> Fault:
    """Between two sentences, the first of which has braces too."""
    return wrapped("chatty", lambda text: f"Sure {{here}} it is:\n\n{text}\n\nI hope this helps!")


def thinking() -> Fault:
    """After a <think> block that holds JSON of its own."""
    thought = '<think>Maybe {"posts": [{"id": "p1", "tags": ["wrong"]}]}? No.</think>\n'
    return wrapped("thinking", lambda text: thought + text)


def bom() -> Fault:
    """After a byte order mark, as a character of the content."""
    return wrapped("bom", lambda text: "\ufeff" + text)


# ---- no tags to be had


def prose() -> Fault:
    """Words, no JSON."""
    return content("The posts are about the weather, mostly. Shall I go on?")


def empty() -> Fault:
    """An empty string."""
    return content("")


def unclosed_think() -> Fault:
    """A <think> that never ends."""
    return content('<think>Let me see. {"posts": [')


def cut_content() -> Fault:
    """The right content up to its middle, with finish_reason stop."""
    return Fault("cut_content", lambda turn: turn.complete(turn.right()[: len(turn.right()) // 2]))


# ---- JSON that is not the right one


def items(name: str, change: Callable[[Items], Any], tagged: Callable[[Items], Items]) -> Fault:
    """`{"posts": change(the right items)}`; `tagged` gives the items that keep their tags."""

    def answer(turn: Turn) -> Response:
        kept = [str(item["id"]) for item in tagged(turn.items)]
        return turn.complete(dumped({"posts": change(copy.deepcopy(turn.items))}), tagged=kept)

    return Fault(name, answer)


def _all(of: Items) -> Items:
    return of


def _none(_: Items) -> Items:
    return []


def wrong_types(tags: Any = 5) -> Fault:
    """This for the tags of every post: 5, null, "a, b", [1, null], {"a": 1}."""
    return items("wrong_types", lambda of: [{**item, "tags": tags} for item in of], _none)


def wrong_type_of(id_: str, tags: Any = 5) -> Fault:
    """As `wrong_types`, of one post only."""
    return items(
        "wrong_type_of",
        lambda of: [{**item, "tags": tags} if item["id"] == id_ else item for item in of],
        lambda of: [item for item in of if item["id"] != id_],
    )


def number_ids() -> Fault:
    """The ids as numbers, without their p."""
    return items(
        "number_ids",
        lambda of: [{**item, "id": int(str(item["id"]).lstrip("p"))} for item in of],
        _none,
    )


def missing(*ids: str) -> Fault:
    """The right answer without these posts (p1 when none are named)."""
    gone = ids or ("p1",)

    def kept(of: Items) -> Items:
        return [item for item in of if item["id"] not in gone]

    return items("missing", kept, kept)


def no_ids() -> Fault:
    """The right tags in the right order, with no id at all."""
    return items("no_ids", lambda of: [{"tags": item["tags"]} for item in of], _none)


def duplicates() -> Fault:
    """Every post twice, the second time with other tags."""
    return items("duplicates", lambda of: of + [{**item, "tags": ["other"]} for item in of], _all)


def unknown_ids() -> Fault:
    """The right answer, and tags for posts that nobody sent."""
    foreign = [{"id": id_, "tags": ["foreign"]} for id_ in ("p0", "p999", "posts", "")]
    return items("unknown_ids", lambda of: foreign + of, _all)


def shuffled() -> Fault:
    """The right answer, the last post first."""
    return items("shuffled", lambda of: of[::-1], _all)


def no_tags() -> Fault:
    """An empty list of tags for every post."""
    return wrong_types([])


def many_tags(count: int = 10_000) -> Fault:
    """So many tags for every post."""
    return wrong_types([f"tag {number}" for number in range(count)])


def huge_tag(size: int = 1024 * 1024) -> Fault:
    """A tag of a megabyte for every post."""
    return wrong_types(["a" * size])


def tags_of(tags: Iterable[Any]) -> Fault:
    """These tags for every post."""
    given = list(tags)
    return items("tags_of", lambda of: [{**item, "tags": given} for item in of], _all)


def hostile_tags() -> Fault:
    """Tags with terminal escapes, NUL, bidi, a lone surrogate, a formula, markup, a path."""
    return tags_of([
        "\x1b[31mred\x1b[0m", "\x1b]52;c;ZXZpbA==\x07", "nul\0here", "\u202egnp.exe",
        "zero\u200bwidth", "\ud83d", "=cmd|' /C calc'!A0", "[bold]markup[/bold]",
        "../../etc/passwd", "two\nlines", "<script>alert(1)</script>",
    ])  # fmt: skip


def bare_list() -> Fault:
    """The list of posts without the object around it."""
    return Fault("bare_list", lambda turn: turn.complete(dumped(turn.items)))


def bare_tags() -> Fault:
    """`{"tags": [...]}` of the first post, which a request of one post may get."""

    def answer(turn: Turn) -> Response:
        first = turn.items[:1]
        tags = first[0]["tags"] if first else []
        return turn.complete(dumped({"tags": tags}), tagged=turn.ids()[:1])

    return Fault("bare_tags", answer)
