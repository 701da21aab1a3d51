"""Judge an HTTP response of a tagging server: answered, throttled, passing, stop, a bad post.

Pure: takes status, headers and body, returns a Verdict. Servers say the same thing in many ways
(billing by 429, errors inside HTTP 200, moderation by 403); only this module tells them apart.
Knows neither how a response came nor what follows from it; `client` maps exceptions.

The rules come from the servers' documentation and from their users' reports.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tgtagger.model.choices import FailureClass, StopClass
from tgtagger.taggers.llm.api.bodies import as_text, error_in, read_json
from tgtagger.taggers.llm.api.rate_limits import (
    NO_LIMITS,
    Limits,
    asked_wait,
    server_wait,
    time_there,
)

Kind = Literal["answered", "throttled", "passing", "stop", "bad_post", "parameter"]
"""answered: HTTP 200 with something to read · throttled: all requests wait, no post has failed ·
passing: the same request may do better · stop: no request of this run would do better ·
bad_post: these posts are not taken · parameter: the same without this parameter may be taken"""

LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """`failure` goes with passing, throttled and bad_post, `stop` with stop.

    `wait` is the seconds that the server asked for. `again`: a repetition may help. `reached`: the
    request got to the server. `comes_back`: waiting mends a stop.
    """

    kind: Kind
    message: str = ""
    failure: FailureClass | None = None
    stop: StopClass | None = None
    wait: float | None = None
    parameter: str | None = None
    again: bool = True
    reached: bool = True
    comes_back: bool = False


ANSWERED = Verdict("answered")


@dataclass(frozen=True, slots=True)
class Response:
    """The result of one request. `tree` is the body as JSON, None if it is not JSON."""

    verdict: Verdict
    tree: Any = None
    status: int | None = None
    limits: Limits = NO_LIMITS
    at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    seconds: float = 0.0
    date: str | None = None  # the server's clock, as it writes it


_PASSING = frozenset({408, 409, 425, 500, 502, 503, 504, *range(520, 525), 529})
_QUOTA = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "billing_hard_limit_reached",
        "billing_not_active",
    }
)
_DAILY = re.compile(
    r"free-models-per-day|free_tier_daily|per[ _-]?(?:day|week|month)|\b[RT]PD\b"
    r"|(?:daily|weekly|monthly) (?:\w+ ){0,2}(?:limit|quota|usage|allocation)"
    r"|ByDay\b|\bcalls ?/ ?(?:day|month)",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(r"request (?:is )?too large|must be reduced", re.IGNORECASE)
_LOADING = re.compile("loading model", re.IGNORECASE)
_NO_ROUTE = re.compile(
    r"invalid url|unexpected endpoint|(?:page|file) not found|cannot post|no route", re.IGNORECASE
)
_TOO_LONG = re.compile(
    r"context[_ ](?:length|size|window)|exceed_context_size|maximum context|too many tokens"
    r"|prompt is too long|input is too long|longer than the (?:model|context)"
    r"|token count .{0,20}exceeds|range of input length|maximum prompt length"
    r"|max_new_tokens. must be",
    re.IGNORECASE,
)
_MODERATED = re.compile(
    r"moderation|flagged|content[_ ](?:filter|policy)|safety (?:system|filter)"
    r"|responsible ?ai|prohibited[ _]content|inappropriate content|data_?inspection_?failed"
    r"|sensitive (?:content|words?|information)|\b(?:SAFETY|RECITATION|BLOCKLIST|SPII)\b"
    r"|violates (?:\w+ ){0,2}(?:guidelines|policy)|content exists risk|considered high risk"
    r"|SensitiveContent|content .{0,20}is sensitive|敏感",
    re.IGNORECASE,
)
# What ends a run, in the words of Gemini, Mistral, Anthropic, xAI, Groq, LM Studio, Ollama,
# DashScope, SiliconFlow, OpenAI, Fireworks, Together. They say it by 400, 403, 404, 412, 422.
_NO_MONEY = re.compile(
    r"credit balance|insufficient[_ ](?:\w+ )?(?:balance|credits?|funds)|arrear"
    r"|balance is (?:insufficient|too low|not enough|exhausted)|used all available credits"
    r"|not[ _]enough[ _]balance|(?:credits|points) (?:are |is )?(?:depleted|exhausted|expired)"
    r"|exceeded_current_quota|(?:don't|doesn't|do not|does not) have any credits|out of credits"
    r"|purchase (?:more )?credits|please recharge|(?:spend|spending) (?:limit|cap)\b"
    r"|past invoices|余额不足|欠费|insufficient points|budget has been exceeded",
    re.IGNORECASE,
)
_CREDIT = re.compile(
    _NO_MONEY.pattern + r"|usage limits?\b|insufficient_quota|quota[ _](?:exceeded|exhausted)"
    r"|billing[_ ](?:is )?(?:disabled|not[_ ](?:active|enabled)|hard)|billing to be enabled"
    r"|account is in good standing|FreeTierOnly|free (?:tier|quota) .{0,40}exhausted"
    r"|requires? (?:a |an )?(?:\w+ )?subscription|(?:have|need) an active subscription"
    r"|inactive subscription|ResourcePackExhausted|key limit exceeded|payment required|overdue",
    re.IGNORECASE,
)
_REGION = re.compile(
    r"(?:user )?location is not supported|not (?:yet )?(?:available|supported|served) in your "
    r"(?:country|region|location|territory)|(?:country|region|territory)[, ].{0,40}not supported"
    r"|unsupported_country|(?:from|in) your (?:country|region|location)\b",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model_?not_?(?:found|available|supported|exist|open|active)|\binvalid_?model|unknown_model"
    r"|model_decommissioned|model_terms_required|model_permission_blocked|Model\.AccessDenied"
    r"|AccessDenied\.Unpurchased|DeploymentNotFound"
    r"|model\b.{0,200}\b(?:does not exist|doesn't exist|not exist|not found|decommissioned"
    r"|identifier is invalid|only supports? stream|requires a newer version"
    r"|no longer (?:available|supported|accessible)|does not support (?:chat|generate)"
    r"|requires terms acceptance|(?:was|is|has been) (?:deprecated|retired|removed|disabled"
    r"|blocked)"
    r"|is not available|is not (?:loaded|active|open))"
    r"|(?:invalid|unknown|unrecognized|unexpected|unsupported) model\b|not a valid model"
    r"|no (?:such )?models? (?:is |are )?(?:loaded|found)|no such model|multiple models are loaded"
    r"|failed to load (?:the )?model|unable to (?:access|load) (?:\S+ )?model|model disabled"
    r"|does not support (?:chat|generate|text generation)\b"
    r"|access to (?:the |this )?model(?!.{0,30}verif)|no longer supported\b.{0,60}\bmodel"
    r"|enable_thinking must be|provide a chat template|LLM Provider NOT provided|模型不存在"
    r"|model is required|(?:provide|specify) an? (?:\w+ )?model"
    r"|model ['\"`]?[\w./:-]+['\"`]? is not supported(?! (?:with|for|in) )",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"api[_ -]?key.{0,60}\b(?:not valid|invalid|incorrect|expired|missing|required|blocked"
    r"|disabled|revoked|leaked|suspended|not found|not provided|not allowed)"
    r"|(?:invalid|incorrect|wrong|expired|missing|no|provide an?|provide your)[ _](?:valid )?"
    r"api[_ -]?key|invalid[_ ](?:token|authentication|credentials)|authentication[_ ](?:error|fail)"
    r"|unauthenticated|unauthorized|permission[_ ]?denied|permission_error"
    r"|(?:organi[sz]ation|account|project|team|consumer|user|workspace)\b.{0,80}\b(?:been |is "
    r"|was )(?:disabled|restricted|suspended|blocked|deactivated|banned|locked)"
    r"|(?:must be|not|be) verified|(?:identity|real[- ]?name|phone|email|organi[sz]ation) (?:\w+ )?"
    r"verification|verify your|(?:account|organization).{0,20}not active|has not been used in "
    r"project|not authorized|organization_restricted|real[- ]?name|request had invalid auth",
    re.IGNORECASE,
)
_PASSED = re.compile(
    r"\bcrash|exit code|\bunloaded\b|channel error|out of memory|overloaded|temporar(?:y|ily)"
    r"|try again|timed? ?out\b|currently loading|(?:internal|unexpected) (?:server )?error"
    r"|operation (?:was )?(?:canceled|cancelled|aborted)|connection (?:reset|refused|lost)",
    re.IGNORECASE,
)
_MISWRITTEN = re.compile(  # Groq: this answer broke the format, which it takes
    r"json_validate_failed|failed_generation|failed to (?:generate|validate) json"
    r"|does not match the expected schema",
    re.IGNORECASE,
)
_NO_SYSTEM = re.compile(
    r"(?:developer|system) (?:instruction|role|message|prompt)s?\b.{0,40}\b(?:not |un|isn't|no )"
    r"|(?:not|n't) support.{0,20}['\"`]?(?:system|developer)['\"`]?(?: (?:role|message|prompt"
    r"|instr)"
    r"|\b.{0,9}with this model)|only user and assistant roles|roles must alternate"
    r"|(?:unsupported|unknown|invalid|unexpected).{0,20} role\b.{0,9}\bsystem|messages\[0\]\.role",
    re.IGNORECASE,
)
_PLAIN_SCHEMA = re.compile(
    r"min_?items|max_?items|maxLength|xgrammar|features not supported"
    r"|(?:features?|keywords?) (?:are |is |that (?:are|is) )?not (?:permitted|supported)",
    re.IGNORECASE,
)
_FORMAT = re.compile(
    r"response_format|json_schema|json_object|guided|grammar|\bschema\b|structured output"
    r"|json mode|can handle the requested parameters",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"(?<![\w.])(reasoning_effort|temperature|max_completion_tokens|max_tokens)(?!\w)"
    r"|[\"'`](usage|provider)[\"'`]"  # common words: they name parameters only in quotes
)


def judge(
    status: int, headers: Mapping[str, str], body: bytes, *, now: float
) -> tuple[Verdict, Any]:
    """Return the verdict on an answer, and its body as JSON (None if it is not JSON).

    `headers` have lower-case names; `now` is our time in seconds since 1970.
    """
    tree = read_json(body)
    error = tree.get("error") if isinstance(tree, dict) else None
    if status == 200 and error is None:
        return ANSWERED, tree
    if status == 200 and isinstance(tree, dict) and tree.get("choices"):
        # OpenRouter marks a choice that broke off, see answers.read_answer.
        return ANSWERED, tree
    if status == 200:
        # OpenRouter sends HTTP 200 at the beginning, whatever its provider says later.
        status = _code_in(error) or 500
    return _judge_error(status, headers, tree, body, time_there(headers, now)), tree


def _judge_error(
    status: int, headers: Mapping[str, str], tree: Any, body: bytes, now: float
) -> Verdict:
    words = _Words(tree, body)
    said = f"HTTP {status}: {words.message}" if words.message else f"HTTP {status}"
    # Headers about limits come with every answer: they count only for an error about a limit.
    wait = server_wait(headers, tree, now) if status == 429 else asked_wait(headers, now)
    found = (
        _judge_throttling(status, headers, words, said, wait)
        or _judge_for_good(status, words, said)
        or _judge_passing(status, headers, words, said, wait)
    )
    if found is not None:
        return found
    if status in {400, 422}:
        return _judge_refusal(words, said)
    return Verdict("bad_post", said, "server")


def _judge_throttling(
    status: int, headers: Mapping[str, str], words: _Words, said: str, wait: float | None
) -> Verdict | None:
    """Tell too many requests apart from too little money: both come with status 429 or 402."""
    is_throttled = Verdict("throttled", said, "throttled", wait=wait)
    match status:
        case 429 if words.has(_NO_MONEY):
            return _stop("quota", said)
        case 402:
            return is_throttled if "retry-after" in headers else _stop("quota", said)
        case 429 if words.names & _QUOTA:
            return _stop("quota", said)
        case 429 if words.has(_TOO_LARGE):
            return Verdict("bad_post", said, "too_long")
        case 429 if words.has(_DAILY):
            return Verdict("stop", said, stop="quota", wait=wait, comes_back=True)
        case 429:
            return is_throttled
        case 503 if wait is not None or words.has(_LOADING):
            return is_throttled
    return None


def _judge_for_good(status: int, words: _Words, said: str) -> Verdict | None:
    """Judge an error that no repetition mends: a wrong key, model or address, or a refused post."""
    if status in {400, 401, 403, 404, 412, 422} and (stop := _stop_in(status, words)) is not None:
        return _stop(stop, said)
    match status:
        case 401:
            return _stop("key_rejected", said)
        case 403 if words.has(_MODERATED):
            return Verdict("bad_post", said, "refused")
        case 403:
            return _stop("key_rejected", said)
        case 404 if words.has(_FORMAT):
            return Verdict("parameter", said, parameter="response_format")
        case 404 | 410:
            return _stop("wrong_address" if words.are_of_no_api() else "unknown_model", said)
        case 413:
            return Verdict("bad_post", said, "too_long")
    return _stop("wrong_address", said) if status == 405 or 300 <= status < 400 else None


def _stop_in(status: int, words: _Words) -> StopClass | None:
    """Return what an error's words say about key, model and money, whatever its status is."""
    if words.names & _QUOTA or words.has(_CREDIT):
        return "quota"
    if status in {401, 404}:
        return None  # the status says it
    if words.has(_TOO_LONG) or words.has(_NO_SYSTEM) or words.has(_PARAMETER):
        return None
    if words.has(_REGION):
        return "key_rejected"
    if words.has(_MODEL) or (words.parameter == "model" and status != 422):
        return "unknown_model"
    if words.has(_KEY) and "moderation" not in words.names:
        return "key_rejected"
    return None


def _judge_passing(
    status: int, headers: Mapping[str, str], words: _Words, said: str, wait: float | None
) -> Verdict | None:
    if status in {400, 422, 500} and words.has(_NO_SYSTEM):  # a chat template says it by 500, too
        return Verdict("parameter", said, parameter="system")
    if status == 400 and words.has(_MISWRITTEN):
        return Verdict("passing", said, "server", wait=wait)
    if status == 400 and words.has(_PASSED) and not (words.has(_TOO_LONG) or words.has(_FORMAT)):
        return Verdict("passing", said, "server", wait=wait)
    if status in {500, 501} and words.has(_FORMAT):  # llama-cpp-python: an unknown format
        return Verdict("parameter", said, parameter="response_format")
    should_retry = headers.get("x-should-retry")
    if status in _PASSING or status >= 500 or should_retry == "true":
        return Verdict("passing", said, "server", wait=wait, again=should_retry != "false")
    return None


def _stop(kind: StopClass, said: str) -> Verdict:
    return Verdict("stop", said, stop=kind)


def _judge_refusal(words: _Words, said: str) -> Verdict:
    """Judge why a server refuses a request: its length, its words, or a parameter."""
    if words.has(_TOO_LONG):
        return Verdict("bad_post", said, "too_long")
    if words.has(_MODERATED):
        return Verdict("bad_post", said, "refused")
    # A message may also name another parameter to use instead: the first one is refused.
    named = _PARAMETER.fullmatch(words.parameter) or _PARAMETER.search(words.message)
    if named:
        return Verdict("parameter", said, parameter=named[1] or named[2])
    if words.has(_PLAIN_SCHEMA):
        return Verdict("parameter", said, parameter="bounds")
    if words.has(_FORMAT) or words.parameter.startswith("response_format"):
        return Verdict("parameter", said, parameter="response_format")
    # No name: with the first request the format may be refused, later it is the post.
    return Verdict("bad_post", said, "server")


_NAMES = ("type", "code", "status", "reason")


class _Words:
    """The words of an error body, whatever its shape."""

    def __init__(self, tree: Any, body: bytes) -> None:
        error = error_in(tree)
        self.names: set[str] = set()
        self.parameter = ""
        texts: list[str] = []
        if isinstance(error, str):
            texts.append(error)
            # xAI and SiliconFlow: a code beside the words
            beside = tree if isinstance(tree, dict) else {}
            self.names = {as_text(beside.get(name)) for name in ("type", "code")} - {""}
        if isinstance(error, dict):
            said = (error.get(name) for name in ("message", "detail", "error", "msg"))
            texts += [text for text in said if isinstance(text, str)]
            self.names = {as_text(error.get(name)) for name in _NAMES} - {""}
            self.parameter = as_text(error.get("param"))
            metadata = error.get("metadata")
            if isinstance(metadata, dict):
                self._read_metadata(metadata, texts)
            self._read_details(error, texts)
            self._read_reasons(error)
        self.is_json = tree is not None
        self.all = " ".join([*texts, *self.names])
        if not texts and self.is_json:
            self.all = body[:2000].decode(errors="replace")
        self.message = " ".join((texts[0] if texts else "").split())[:LONGEST_MESSAGE]

    def _read_metadata(self, metadata: dict[str, Any], texts: list[str]) -> None:
        if isinstance(metadata.get("raw"), str):
            texts.append(metadata["raw"])
        if source := as_text(metadata.get("limit_source")):
            self.names.add(source)
        if metadata.get("reasons"):
            self.names.add("moderation")

    def _read_details(self, error: dict[str, Any], texts: list[str]) -> None:
        """Read a list of details as FastAPI writes it, without the parts of the request in it."""
        message = error.get("message")
        details = (message if isinstance(message, dict) else error).get("detail")
        for detail in details if isinstance(details, list) else ():
            if not isinstance(detail, dict):
                continue
            if isinstance(detail.get("msg"), str):
                texts.append(detail["msg"])
            place = detail.get("loc")
            if isinstance(place, list) and len(place) > 1 and not self.parameter:
                self.parameter = as_text(place[1])

    def _read_reasons(self, error: dict[str, Any]) -> None:
        """Read Google's details: the reason, and the names of the quotas that are used up."""
        details = error.get("details")
        for detail in details if isinstance(details, list) else ():
            if not isinstance(detail, dict):
                continue
            self.names.add(as_text(detail.get("reason")))
            violations = detail.get("violations")
            for each in violations if isinstance(violations, list) else ():
                if isinstance(each, dict):
                    self.names.add(as_text(each.get("quotaId")))
        self.names.discard("")

    def has(self, pattern: re.Pattern[str]) -> bool:
        return bool(pattern.search(self.all))

    def are_of_no_api(self) -> bool:
        """Tell whether a 404 is about the address; otherwise it is about the model."""
        is_bare = self.message == "Not Found" and not self.names  # FastAPI, for an unknown path
        return not self.is_json or is_bare or self.has(_NO_ROUTE)


def _code_in(error: Any) -> int | None:
    if isinstance(error, str) and "unexpected endpoint" in error.lower():  # LM Studio
        return 404
    code = as_text(error.get("code")) if isinstance(error, dict) else ""
    if re.fullmatch("[45][0-9][0-9]", code):
        return int(code)
    return 429 if "rate_limit" in code or code in _QUOTA else None
