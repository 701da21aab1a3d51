"""Errors as the providers word them: limits, money, keys, models, parameters.

Knows the bodies and headers of OpenAI, OpenRouter and llama.cpp; no server is needed for them, they
are faults for a script.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Literal

from llm_server.answers import Response, Turn, error, json_response
from llm_server.faults import Fault, always

Form = Literal[
    "seconds", "float", "date", "past", "none", "junk", "negative", "nan", "infinite", "empty",
    "day", "ms", "requests", "tokens", "epoch", "epoch-ms", "text",
]  # fmt: skip
DAY = 86_400


def go_duration(seconds: float) -> str:
    """As Go writes it: 12ms, 1.5s, 6m0s, 1h2m3.5s."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{shown}"
    return f"{minutes}m{shown}" if minutes else shown


def _left(what: str, other: str, seconds: float) -> dict[str, str]:
    return {
        f"x-ratelimit-remaining-{what}": "0",
        f"x-ratelimit-reset-{what}": go_duration(seconds),
        f"x-ratelimit-remaining-{other}": "100",
        f"x-ratelimit-reset-{other}": "12ms",
    }


FORMS: dict[Form, Callable[[float, float], dict[str, str]]] = {
    # how the seconds to wait are said, given the time of day
    "seconds": lambda wait, _: {"retry-after": f"{wait:.0f}"},
    "float": lambda wait, _: {"retry-after": f"{wait:.3f}"},
    "date": lambda wait, wall: {"retry-after": formatdate(wall + wait, usegmt=True)},
    "past": lambda wait, wall: {"retry-after": formatdate(wall - wait, usegmt=True)},
    "none": lambda _wait, _: {},
    "junk": lambda _wait, _: {"retry-after": "soon"},
    "negative": lambda wait, _: {"retry-after": f"-{wait:.0f}"},
    "nan": lambda _wait, _: {"retry-after": "nan"},
    "infinite": lambda _wait, _: {"retry-after": "inf"},
    "empty": lambda _wait, _: {"retry-after": ""},
    "day": lambda _wait, _: {"retry-after": str(DAY)},
    "ms": lambda wait, _: {"retry-after-ms": f"{wait * 1000:.0f}"},
    "requests": lambda wait, _: _left("requests", "tokens", wait),
    "tokens": lambda wait, _: _left("tokens", "requests", wait),
    "epoch": lambda wait, wall: {"x-ratelimit-reset": f"{wall + wait:.0f}"},
    "epoch-ms": lambda wait, wall: {"x-ratelimit-reset": f"{(wall + wait) * 1000:.0f}"},
    "text": lambda _wait, _: {},
}


def rate_limited(
    seconds: float = 1.0,
    form: Form = "seconds",
    *,
    code: int = 429,
    headers: Mapping[str, str] | None = None,
) -> Fault:
    """429 with the wait in one of the `FORMS`; code=503 or 529 says the same of overload."""

    def answer(turn: Turn) -> Response:
        hint = f" Please try again in {seconds:g}s." if form == "text" else ""
        return error(
            code,
            f"Rate limit reached for {turn.seen.model} on requests per min (RPM).{hint}",
            "requests",
            code="rate_limit_exceeded",
            headers={**FORMS[form](seconds, turn.wall), **(headers or {})},
        )

    return Fault(f"rate_limited {form}", answer)


def insufficient_quota(code: str = "insufficient_quota") -> Fault:
    """429 that no waiting helps: the money is gone; other codes: a spend limit's."""
    message = "You exceeded your current quota, please check your plan and billing details."
    return always(code, error(429, message, "insufficient_quota", code=code))


def daily_free_limit() -> Fault:
    """OpenRouter's 429 when the free requests of the day are used up."""
    metadata = {
        "limit_source": "openrouter_free_tier_daily",
        "headers": {"X-RateLimit-Limit": "50"},
    }
    return openrouter_error(429, "Rate limit exceeded: free-models-per-day", metadata)


def no_credits(retry_after: float | None = None) -> Fault:
    """OpenRouter's 402: no credits; with Retry-After only until requests under way are paid."""
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return openrouter_error(402, "Insufficient credits. Add more credits.", headers=headers)


def wrong_key(*, echo: bool = False) -> Fault:
    """401; with echo the message repeats the whole Authorization header, as a bad server might."""

    def answer(turn: Turn) -> Response:
        told = turn.seen.headers.get("authorization", "") if echo else "sk-****1234"
        message = f"Incorrect API key provided: {told}."
        return error(401, message, code="invalid_api_key")

    return Fault("wrong_key", answer)


def unknown_model(name: str | None = None) -> Fault:
    """404: there is no such model, or no right to use it."""
    return Fault("unknown_model", lambda turn: no_such_model(name or turn.seen.model))


def no_such_model(name: str) -> Response:
    message = f"The model `{name}` does not exist or you do not have access to it."
    return error(404, message, code="model_not_found")


def moderation_403() -> Fault:
    """OpenRouter's 403 on one post: the input was flagged; it repeats the input."""

    def answer(turn: Turn) -> Response:
        metadata = {
            "reasons": ["violence"],
            "flagged_input": "".join(turn.seen.texts)[:100],
            "provider_name": "OpenAI",
            "model_slug": turn.seen.model,
        }
        told = {
            "code": 403,
            "message": "Your input was flagged by moderation",
            "metadata": metadata,
        }
        return json_response(403, {"error": told})

    return Fault("moderation_403", answer)


def openrouter_error(
    code: int,
    message: str,
    metadata: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    as_200: bool = False,
) -> Fault:
    """An error in OpenRouter's form, with the code as a number."""
    told = {"code": code, "message": message, "metadata": dict(metadata or {})}
    response = json_response(200 if as_200 else code, {"error": told}, headers)
    return always(f"openrouter {code}", response)


def error_in_200(code: int = 502, message: str = "Provider returned error") -> Fault:
    """HTTP 200, and an error for a body."""
    return openrouter_error(code, message, as_200=True)


def context_length(limit: int = 8192, asked: int = 9000) -> Fault:
    """OpenAI's 400 for a prompt that is too long."""
    message = (
        f"This model's maximum context length is {limit} tokens. "
        f"However, your messages resulted in {asked} tokens."
    )
    told = error(400, message, param="messages", code="context_length_exceeded")
    return always("context_length", told)


def too_large() -> Fault:
    """413, as a proxy says it: in HTML."""
    page = b"<html><head><title>413 Request Entity Too Large</title></head></html>"
    return always("too_large", Response(413, page, {"content-type": "text/html"}))


def unprocessable(field: str = "messages") -> Fault:
    """422 in FastAPI's form: a list of details, no `error`."""
    detail = [{"type": "value_error", "loc": ["body", field], "msg": "Input should be valid"}]
    return always("unprocessable", json_response(422, {"detail": detail}))


def refuses_parameter(name: str, code: int = 400) -> Fault:
    """400 that names a parameter: response_format, temperature, max_tokens, seed."""
    return always(f"refuses {name}", unsupported(name, code))


def unsupported(name: str, status: int = 400, hint: str = "") -> Response:
    message = f"Unsupported parameter: '{name}' is not supported with this model.{hint}"
    return error(status, message, param=name, code="unsupported_parameter")


def loading_model() -> Fault:
    """llama.cpp's 503 while it loads; `server.loading = 3` says it three times."""
    return always("loading", LOADING)


LOADING = json_response(
    503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
)
