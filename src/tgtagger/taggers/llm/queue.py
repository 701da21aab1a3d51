"""The posts of a run: which go together in a request, which wait for another request, and when.

A group is bounded by a number of posts and by tokens. A post that failed in a group is asked again
in smaller groups, and at last alone, so that a bad post fails by itself. A turn of a post is up to
three requests to a model: in its group, in half of it, alone. Then the next model has its turn;
after the last model the post is given up. It has failed, or is held while nothing succeeds, since
the server may be the reason.

Pure; the caller passes the time. Knows no server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tgtagger.model.choices import FailureClass
from tgtagger.model.tagging import Attempt, PostForTagging
from tgtagger.taggers.llm.api.answers import ModelAnswer
from tgtagger.taggers.llm.api.capabilities import Capabilities
from tgtagger.taggers.llm.api.responses import Response
from tgtagger.taggers.llm.prompt import count_tokens, cut, has_words
from tgtagger.taggers.llm.rate_limiter import Ticket

REQUESTS = 3
"""Requests that a post gets in a turn, from one model: in its group, in half of it, alone."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The most that one request holds. Tokens are counted by `prompt.count_tokens`."""

    posts: int = 10
    tokens: int = 8000  # of all posts of a request
    post_tokens: int = 3000  # of one post; a longer one is cut


CLOUD = Sizes()
LOCAL = Sizes(tokens=2000, post_tokens=1500)
"""The sizes for a model on this machine: its context is short, and reading takes long."""


@dataclass(frozen=True, slots=True)
class Text:
    """The part of a post that is sent. `cut_at` is its number of letters if the post was cut."""

    text: str
    tokens: int
    cut_at: int | None = None


def text_of(post: PostForTagging, sizes: Sizes, *, share: int = 1) -> Text:
    """Return the part of a post that is sent; `share` 2: half of the usual part."""
    most = max(sizes.post_tokens // share, 50)
    tokens = count_tokens(post.text)
    if tokens <= most:
        return Text(post.text, tokens)
    sent = cut(post.text, most)
    return Text(sent, count_tokens(sent), len(sent) if len(sent) < len(post.text) else None)


MOST_WORDLESS = 200
"""Posts without words that are set aside at a time: they are stored before the next ones."""


class Groups:
    """Takes posts from an iterator, one group at a time; sets aside those without words.

    `sizes` may change between two groups. `are_over`: the iterator has ended. `tokens`: of the last
    group.
    """

    def __init__(self, posts: Iterable[PostForTagging], sizes: Sizes) -> None:
        self._posts: Iterator[PostForTagging] = iter(posts)
        self._next: PostForTagging | None = None
        self.sizes = sizes
        self.are_over = False
        self.tokens = 0

    def take(self) -> tuple[tuple[PostForTagging, ...], list[PostForTagging]]:
        """Return the next group, and the posts without words that came before its end.

        The group is empty if there is none, or if only posts without words came so far.
        """
        group: list[PostForTagging] = []
        wordless: list[PostForTagging] = []
        tokens = 0
        while len(group) < self.sizes.posts and len(wordless) < MOST_WORDLESS:
            post = self._next or next(self._posts, None)
            self._next = None
            if post is None:
                break
            if not has_words(post.text):
                wordless.append(post)
                continue
            size = count_tokens(post.text)
            if size > self.sizes.post_tokens:
                size = text_of(post, self.sizes).tokens
            if group and tokens + size > self.sizes.tokens:
                self._next = post
                break
            group.append(post)
            tokens += size
        self.are_over = not group and not wordless
        self.tokens = tokens
        return tuple(group), wordless


def smaller(group: tuple[PostForTagging, ...], tries: int) -> list[tuple[PostForTagging, ...]]:
    """Return the smaller groups that a group is split into after so many tries."""
    size = 1 if tries >= REQUESTS - 1 else max(1, (len(group) + 1) // 2)
    return [group[at : at + size] for at in range(0, len(group), size)]


# ---- what waits


@dataclass(frozen=True, slots=True)
class Job:
    """Posts that go together in a request. `tries` counts the requests of this turn so far."""

    posts: tuple[PostForTagging, ...]
    model: int = 0
    tries: int = 0
    not_before: float = 0.0
    share: int = 1  # of a post, of its usual part: 2 is half of it
    again: bool = False  # it was sent before


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Posts whose turn is over. `reached`: a request reached the server."""

    job: Job
    failure: FailureClass
    message: str
    reached: bool = True


class Jobs:
    """The posts to ask again, in order; `held` are given up, but have not failed yet."""

    def __init__(self, models: int) -> None:
        self._models = models
        self._waiting: deque[Job] = deque()
        self.held: list[GivenUp] = []
        self.model = 0  # the model that is asked first from now on
        self._missing: set[int] = set()  # missing models

    def take(self, now: float) -> Job | None:
        """Return the first job that is due."""
        for at, job in enumerate(self._waiting):
            if job.not_before <= now:
                del self._waiting[at]
                # A model that has gone down meanwhile gets no more requests.
                return job if job.model >= self.model else replace(job, model=self.model, tries=0)
        return None

    def due(self) -> float | None:
        """Return the time when the next job is due; None without one."""
        return min((job.not_before for job in self._waiting), default=None)

    def put_back(self, job: Job) -> None:
        """Ask the same again, before all others: the posts were not the reason."""
        self._waiting.appendleft(job)

    def put_off(self, job: Job) -> None:
        """Ask later, after the jobs that wait already."""
        self._waiting.append(job)

    def ask_again(self, job: Job, *, due: float, together: bool) -> bool:
        """Ask again, in smaller groups unless `together`; return False if the turn is over."""
        tries = job.tries + 1
        if tries >= REQUESTS:
            return False
        for posts in [job.posts] if together else smaller(job.posts, tries):
            self._waiting.append(replace(job, posts=posts, tries=tries, not_before=due, again=True))
        return True

    def bisect(self, job: Job) -> bool:
        """Ask in smaller groups to find the bad post; return False if it is alone already."""
        if len(job.posts) == 1:
            return False
        tries = min(job.tries + 1, REQUESTS - 1)
        for posts in smaller(job.posts, tries):
            self._waiting.appendleft(replace(job, posts=posts, tries=tries, again=True))
        return True

    def pass_on(self, job: Job) -> bool:
        """Let the next model have its turn; return False if there is none."""
        model = self._after(job.model)
        if model is None:
            return False
        self._waiting.append(Job(job.posts, model, again=True))
        return True

    def miss(self, model: int) -> bool:
        """Note that a model is missing; tell whether that is new."""
        is_news = model not in self._missing
        self._missing.add(model)
        return is_news

    def _after(self, model: int) -> int | None:
        later = (each for each in range(model + 1, self._models) if each not in self._missing)
        return next(later, None)

    def use_next_model(self) -> bool:
        """Ask the next model from now on, also about held posts; return False if there is none."""
        model = self._after(self.model)
        if model is None:
            return False
        self.model = model
        self._waiting.extend(Job(held.job.posts, self.model, again=True) for held in self.held)
        self.held.clear()
        return True


# ---- requests in flight


@dataclass(frozen=True, slots=True, eq=False)
class RequestInFlight:
    """The facts that are needed when a request ends. `estimate`: its possible cost, US dollars."""

    job: Job
    model: str
    body: bytes
    texts: tuple[Text, ...]
    tokens: int
    capabilities: Capabilities
    ticket: Ticket
    estimate: float

    @property
    def plain(self) -> list[str]:
        return [text.text for text in self.texts]

    def attempts(
        self, response: Response, answer: ModelAnswer, cost: float | None
    ) -> list[Attempt]:
        """Return an attempt for each post; tokens and cost are divided by length."""
        weights = [text.tokens for text in self.texts]
        usage = answer.usage
        prompt = share_out(usage.prompt_tokens, weights)
        completion = share_out(usage.completion_tokens, [1] * len(weights))
        cached = share_out(usage.cached_tokens, weights)
        return [
            Attempt(
                at=response.at,
                model=self.model,
                http_status=response.status,
                latency_ms=round(response.seconds * 1000),
                prompt_tokens=prompt[at],
                completion_tokens=completion[at],
                cached_tokens=cached[at],
                cost_usd=None if cost is None else cost * weights[at] / sum(weights),
                sent_letters=text.cut_at,
            )
            for at, text in enumerate(self.texts)
        ]


def share_out(whole: int | None, weights: Sequence[int]) -> list[int | None]:
    """Return a whole number divided by weight; the parts add up to it."""
    if whole is None:
        return [None] * len(weights)
    parts: list[int | None] = []
    all_weights, passed, given = sum(weights) or 1, 0, 0
    for weight in weights:
        passed += weight
        upto = whole * passed // all_weights
        parts.append(upto - given)
        given = upto
    return parts
