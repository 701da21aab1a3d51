"""Every fault of the tests' tagging server, its row, and its meaning for a run.

Each fault of `faults`, `refusals` and `contents` is here at least once (a test checks that). A
`Meaning` is the promise: how a run ends if the fault comes always, once, with one post only, or
with every fifth request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from llm_server import Fault, contents, faults, refusals

Mode = Literal["always", "once", "post", "fifth"]

Kind = Literal["passes", "unnamed", "throttles", "stops", "refused", "partly", "used"]
"""passes: another try may succeed · unnamed: a refusal of the format, or of the post ·
throttles: all requests wait · stops: the run ends with this request · refused: this post is not
taken · partly: some of the posts get tags · used: all do"""


@dataclass(frozen=True)
class Meaning:
    """`failure` is the class of a failed post, `stop` that of a stopped run, `code` the exit."""

    kind: Kind
    failure: str = ""
    stop: str = ""
    code: int = 0


PASSES = {name: Meaning("passes", name) for name in ("network", "timeout", "server", "bad_answer")}
UNNAMED = Meaning("unnamed", "server")
THROTTLES = Meaning("throttles", "throttled", "throttled", 75)
REFUSED = Meaning("refused", "refused")
TOO_LONG = Meaning("refused", "too_long")
PARTLY = Meaning("partly", "bad_answer")
USED = Meaning("used")


def stops(kind: str, code: int = 3) -> Meaning:
    return Meaning("stops", stop=kind, code=code)


@dataclass(frozen=True)
class Case:
    row: str
    maker: Callable[..., Fault]
    given: tuple[Any, ...]
    named: dict[str, Any]
    meaning: Meaning

    @property
    def fault(self) -> Fault:
        return self.maker(*self.given, **self.named)

    @property
    def name(self) -> str:
        given = [*map(repr, self.given), *(f"{k}={v!r}" for k, v in self.named.items())]
        return f"{self.maker.__name__}({', '.join(given)})"[:60]


def of(
    row: str, meaning: Meaning | str, maker: Callable[..., Fault], *given: Any, **named: Any
) -> Case:
    found = PASSES[meaning] if isinstance(meaning, str) else meaning
    return Case(row, maker, given, named, found)


AWAY = "http://127.0.0.1:{port}/v1/chat/completions"
"""Another server than the one that is asked; a test fills in the port."""

NO_TAGS: tuple[Any, ...] = (5, None, [1, None], {})
NO_COMPLETIONS: tuple[Any, ...] = (
    None, [], {}, "x", 5, {"choices": 5}, {"choices": [5]}, {"choices": [{}]},
    {"choices": [{"message": {"content": {"a": 1}}}]},
)  # fmt: skip

CASES = [
    # H1: the wire
    *(of("H1", "network", faults.reset, where) for where in ("before", "headers", "body")),
    *(of("H1", "network", faults.close, where) for where in ("before", "headers", "body")),
    of("H1", "network", faults.short_body),
    of("H1", "network", faults.bad_chunks),
    # H2: time and size
    of("H2", "timeout", faults.hang),
    of("H2", "timeout", faults.drip),
    of("H2", "timeout", faults.status, 100),  # "continue", and nothing after it
    of("H2", USED, faults.slow, 0.2),
    of("H2", "timeout", faults.slow, 30),
    of("H2", "bad_answer", faults.endless),
    of("H2", "bad_answer", faults.huge),
    of("H2", "bad_answer", faults.gzip_bomb),
    of("H2", "bad_answer", faults.raw, b'{"choices":[]}' + b" " * 900_000),
    # H3: throttling
    *(of("H3", THROTTLES, refusals.rate_limited, 1, form) for form in refusals.FORMS),
    of("H3", THROTTLES, refusals.rate_limited, 1, "seconds", code=503),
    of("H3", THROTTLES, refusals.rate_limited, 10**30),
    of("H3", THROTTLES, refusals.no_credits, 1),
    of("H3", THROTTLES, refusals.loading_model),
    of("H3", THROTTLES, faults.status, 429),
    of("H3", THROTTLES, refusals.error_in_200, 429, "slow down"),
    # H4: errors of the server
    *(of("H4", "server", faults.status, code)
      for code in (408, 409, 425, 500, 501, 502, 503, 504, 520, 529, 599)),
    of("H4", "server", refusals.openrouter_error, 502, "Provider returned error"),
    of("H4", "server", refusals.error_in_200),
    of("H4", "server", contents.finish, "error"),
    # H5: refusals, and a redirect to another host
    of("H5", stops("key_rejected"), faults.status, 401),
    of("H5", stops("key_rejected"), faults.status, 403),
    of("H5", stops("key_rejected"), refusals.wrong_key),
    of("H5", stops("key_rejected"), refusals.wrong_key, echo=True),
    of("H5", stops("quota"), faults.status, 402),
    of("H5", stops("quota"), refusals.no_credits),
    of("H5", stops("quota"), refusals.insufficient_quota),
    of("H5", stops("quota", 75), refusals.daily_free_limit),
    of("H5", stops("unknown_model"), faults.status, 404),
    of("H5", stops("unknown_model"), faults.status, 410),
    of("H5", stops("unknown_model"), refusals.unknown_model),
    of("H5", stops("wrong_address"), faults.status, 405),
    *(of("H5", stops("wrong_address"), faults.redirect, AWAY, code)
      for code in (301, 302, 303, 307, 308)),
    of("H5", stops("wrong_address"), faults.redirect, "file:///etc/passwd"),
    of("H5", stops("wrong_address"), faults.redirect, "/v1/chat/completions"),
    of("H5", REFUSED, refusals.moderation_403),
    of("H5", TOO_LONG, refusals.too_large),
    of("H5", TOO_LONG, refusals.context_length),
    of("H5", UNNAMED, refusals.unprocessable),
    *(of("H5", UNNAMED, faults.status, code) for code in (204, 206, 400, 415, 418, 422, 451)),
    *(of("H5", UNNAMED, refusals.refuses_parameter, name)
      for name in ("temperature", "response_format", "max_tokens", "seed")),
    # H6: no JSON, or not the right one
    of("H6", "bad_answer", faults.html),
    of("H6", "server", faults.html, 502),
    of("H6", "bad_answer", faults.cut_json),
    of("H6", "bad_answer", faults.deep_json),
    of("H6", "bad_answer", faults.event_stream),
    of("H6", "bad_answer", faults.cp1251),
    of("H6", USED, faults.bom_body),
    of("H6", "bad_answer", faults.empty_body),
    of("H6", "bad_answer", faults.raw, b"\x00\xff\xfe" * 100),
    *(of("H6", "bad_answer", faults.body_of, value) for value in NO_COMPLETIONS),
    of("H6", "bad_answer", contents.no_choices),
    # H7: no tags, or not the right ones
    *(of("H7", "bad_answer", contents.content, value) for value in (None, 5, [1])),
    of("H7", USED, contents.finish, "length"),
    of("H7", USED, contents.finish, "stop"),
    of("H7", REFUSED, contents.refusal),
    of("H7", REFUSED, contents.content_filter),
    of("H7", PARTLY, contents.too_long),
    of("H7", "bad_answer", contents.only_reasoning),
    of("H7", USED, contents.fenced),
    of("H7", USED, contents.chatty),
    of("H7", USED, contents.thinking),
    of("H7", USED, contents.bom),
    of("H7", "bad_answer", contents.prose),
    of("H7", "bad_answer", contents.empty),
    of("H7", "bad_answer", contents.unclosed_think),
    of("H7", PARTLY, contents.cut_content),
    *(of("H7", "bad_answer", contents.wrong_types, tags) for tags in NO_TAGS),
    of("H7", USED, contents.wrong_types, "a, b"),
    of("H7", PARTLY, contents.wrong_type_of, "p1"),
    of("H7", USED, contents.number_ids),
    of("H7", PARTLY, contents.missing),
    of("H7", PARTLY, contents.no_ids),
    of("H7", USED, contents.duplicates),
    of("H7", USED, contents.unknown_ids),
    of("H7", USED, contents.shuffled),
    of("H7", "bad_answer", contents.no_tags),
    of("H7", "bad_answer", contents.many_tags),
    of("H7", "bad_answer", contents.huge_tag),
    of("H7", "bad_answer", contents.hostile_tags),
    of("H7", USED, contents.tags_of, ["storm", "sea", "harbour"]),
    of("H7", USED, contents.bare_list),
    of("H7", PARTLY, contents.bare_tags),
    # H8: kept connections
    of("H8", USED, faults.close_after),
]  # fmt: skip
"""The faults by row; H9 is the mode `post` of all of them."""
