"""Which answer to which request: the server without its sockets.

Knows the order of things: a script first, then key, limit and loading, then the rule, then what
this kind of server refuses, then the right answer. Reads no clock but the two it is given.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from llm_server.answers import Response, Seen, Turn, dumped, error, json_response
from llm_server.faults import Fault
from llm_server.kinds import KINDS, Asked
from llm_server.limit import Limit
from llm_server.posts import (
    Post,
    allowed_tags,
    last_user_text,
    posts_in,
    prompt_tokens,
    schema_of,
    text_of,
    tokens_of,
    wants_bare_tags,
    words_as_tags,
)
from llm_server.refusals import LOADING
from llm_server.wire import arrives_whole, status_arrives

PROSE = "These posts are about several things. Would you like me to suggest tags?"
CACHED_FROM = 1024  # tokens of a system message, from which on a repetition is cached


@dataclass
class Brain:
    """What a test sets, what it reads afterwards, and `respond`."""

    kind: str = "openai"
    models: list[str | dict[str, Any]] = field(default_factory=lambda: ["test-model"])
    key: str | None = None  # None: any key will do, and none
    latency: float | Callable[[Seen], float] = 0.0  # seconds before every answer
    tags: Callable[[str], list[str]] = words_as_tags
    limit: Limit | None = None
    loading: int = 0  # so many requests are answered "Loading model"
    context: int | None = None  # the window in tokens; None: the kind's own
    # Faults of completions: the script one a request (None: none), then whatever the rule says.
    script: list[Fault | None] = field(default_factory=list)
    rule: Callable[[Seen], Fault | None] | None = None
    # Faults of GETs, one a request.
    lookups: list[Fault | None] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time

    requests: list[Seen] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)  # text -> whole answers with its tags
    busy: int = 0  # requests under way
    busiest: int = 0

    def __post_init__(self) -> None:
        self._kind = KINDS[self.kind]()
        self._prefixes: set[str] = set()
        if self.context is None:
            self.context = self._kind.context

    # ---- for those who carry the answers

    def respond(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        connection: int = 0,
    ) -> Response:
        """The answer to a request, which is logged; whoever sends it says so by `sent`."""
        seen, sound = self._read(method, path, headers, body, connection)
        response, fault = self._answer(seen, sound=sound)
        latency = self.latency(seen) if callable(self.latency) else self.latency
        status = response.status if status_arrives(response.wire) else 0
        self.requests.append(replace(seen, status=status, fault=fault))
        return replace(response, delay=response.delay + latency)

    def sent(self, response: Response) -> None:
        """Count the posts that this answer tags, if it reaches the client whole."""
        if response.tagged and response.status == 200 and arrives_whole(response.wire):
            self.answered.update(response.tagged)

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            yield
        finally:
            self.busy -= 1

    # ---- for tests

    @property
    def completions(self) -> list[Seen]:
        """The requests for completions, without the GETs."""
        return [seen for seen in self.requests if seen.method == "POST"]

    @property
    def statuses(self) -> list[int]:
        """The statuses of the completions."""
        return [seen.status for seen in self.completions]

    def paid_twice(self) -> dict[str, int]:
        """The posts that were answered more than once, and how often."""
        return {text: times for text, times in self.answered.items() if times > 1}

    # ---- at work

    def _read(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, connection: int
    ) -> tuple[Seen, bool]:
        try:
            read = json.loads(body) if body else {}
        except (ValueError, RecursionError):
            read = None
        said = read if isinstance(read, dict) else {}
        seen = Seen(
            at=self.clock(),
            method=method,
            path=path.partition("?")[0],
            headers={name.lower(): value for name, value in headers.items()},
            body=said,
            posts=posts_in(last_user_text(said)),
            connection=connection,
        )
        return seen, isinstance(read, dict) and (method != "POST" or bool(said.get("messages")))

    def _answer(self, seen: Seen, *, sound: bool) -> tuple[Response, str]:
        place = self._place(seen.path)
        if seen.method == "POST" and place == "/chat/completions":
            return self._complete(seen, sound=sound)
        if seen.method == "GET":
            fault = self.lookups.pop(0) if self.lookups else None
            usual = self._gate(seen) or self._look_up(place)
            if fault is not None:
                return self._spoil(seen, usual, fault), fault.name
            return usual, ""
        return self._kind.no_route(), ""

    def _place(self, path: str) -> str:
        """The path below the API's root."""
        for root in self._kind.roots:
            if path.startswith(f"{root}/"):
                return path.removeprefix(root)
        return f"/..{path}"

    def _complete(self, seen: Seen, *, sound: bool) -> tuple[Response, str]:
        scripted = bool(self.script)
        fault = self.script.pop(0) if scripted else None
        now = self.clock()
        passes = self.limit is None or self.limit.take(now)
        if fault is None:
            closed = self._gate(seen)
            if closed is None and not passes and self.limit is not None:
                closed = self.limit.refusal(now)
            if closed is not None:
                return closed, ""
            if not scripted and self.rule is not None:
                fault = self.rule(seen)
        if fault is None:
            response, name = self._judge(seen, sound=sound), ""
        else:
            usual = Response() if fault.answer else self._judge(seen, sound=sound)
            response, name = self._spoil(seen, usual, fault), fault.name
        if self.limit is not None and self.limit.headers:
            told = {**self.limit.told(now), **response.headers}
            response = replace(response, headers=told)
        return response, name

    def _gate(self, seen: Seen) -> Response | None:
        """What is asked before anything is read."""
        if self.key is not None and seen.headers.get("authorization") != f"Bearer {self.key}":
            return self._kind.wrong_key()
        if self.loading > 0:
            self.loading -= 1
            return LOADING
        return None

    def _spoil(self, seen: Seen, usual: Response, fault: Fault) -> Response:
        response = fault.answer(self._turn(seen, seen.posts)) if fault.answer else usual
        return replace(response, wire=fault.wire, delay=response.delay + fault.delay)

    def _look_up(self, place: str) -> Response:
        if place == "/models":
            entries = []
            for model in self.models:
                extra = model if isinstance(model, dict) else {"id": model}
                entries.append({**self._kind.entry(str(extra["id"]), self.context), **extra})
            return json_response(200, {"object": "list", "data": entries})
        place = place.removeprefix("/..")  # what is beside the API: /props
        return self._kind.look_up(place, self.context) or self._kind.no_route()

    def _judge(self, seen: Seen, *, sound: bool) -> Response:
        """The answer when nothing goes wrong on purpose."""
        if not sound:
            return error(400, "We could not parse the JSON body of your request.")
        names = {str(each["id"]) if isinstance(each, dict) else each for each in self.models}
        if not self._kind.any_model and seen.model not in names:
            return self._kind.unknown_model(seen.model)
        asked = Asked(seen.body, seen.model, prompt_tokens(seen.body), self.context)
        posts = seen.posts
        if self.context is not None and asked.prompt_tokens > self.context:
            if not self._kind.cuts_start:
                return self._kind.too_long(asked)
            left = last_user_text(seen.body).encode("utf-8", "replace")[-4 * self.context :]
            posts = posts_in(left.decode("utf-8", "ignore"))
        refused = self._kind.refuse(asked)
        if refused is not None:
            return refused
        turn = self._turn(seen, posts)
        bare = wants_bare_tags(schema_of(seen.body)) and len(turn.items) == 1
        right = dumped({"tags": turn.items[0]["tags"]}) if bare else turn.right()
        content = self._kind.content(asked, right)
        if content is None:
            return turn.complete(PROSE)
        return self._within_max_tokens(turn, content)

    def _within_max_tokens(self, turn: Turn, content: str) -> Response:
        body = turn.seen.body
        most = body.get("max_completion_tokens") or body.get("max_tokens")
        if isinstance(most, int) and tokens_of(content) > most:
            cut = content.encode("utf-8", "replace")[: 4 * most].decode("utf-8", "ignore")
            return turn.complete(cut, finish="length")
        return turn.complete(content, tagged=turn.ids())

    def _turn(self, seen: Seen, posts: tuple[Post, ...]) -> Turn:
        allowed = allowed_tags(schema_of(seen.body))
        items = []
        for post in posts:
            tags = self.tags(post.text)
            if allowed is not None:  # a grammar lets nothing else through
                tags = [tag for tag in tags if tag in allowed] or allowed[:3]
            items.append({"id": post.id, "tags": tags})
        cached = self._cached(seen)
        return Turn(seen, items, lambda content: self._usage(seen, content, cached), self.wall())

    def _cached(self, seen: Seen) -> int:
        """The tokens of a long system message that came before."""
        messages = seen.body.get("messages")
        first = text_of(messages[0]) if isinstance(messages, list) and messages else ""
        if tokens_of(first) < CACHED_FROM:
            return 0
        known = first in self._prefixes
        self._prefixes.add(first)
        return tokens_of(first) // 128 * 128 if known else 0

    def _usage(self, seen: Seen, content: str, cached: int) -> dict[str, Any]:
        prompt = prompt_tokens(seen.body)
        if self._kind.cuts_start and self.context is not None:
            prompt = min(prompt, self.context)
        answer = tokens_of(content)
        usage: dict[str, Any] = {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        if self._kind.price is not None:
            usage["cost"] = (prompt + answer) * self._kind.price
        return usage
