"""Servers as they differ: what each refuses, what it does in silence, and in which words.

A kind judges one request that is sound in itself; it has no state, and knows no faults or limits.
Messages are those seen in the trackers of the projects, so that what a client reads out of them is
tested against the real wording.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from llm_server.answers import Response, error, json_response
from llm_server.posts import format_of, messages_of, nodes, schema_of, text_of
from llm_server.refusals import no_such_model, unsupported

REASONING = ("gpt-5", "o1", "o3", "o4")
OPENAI_PARAMETERS = frozenset(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens "
    "max_tokens messages metadata modalities model n parallel_tool_calls prediction "
    "presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention "
    "reasoning_effort response_format safety_identifier seed service_tier stop store stream "
    "stream_options temperature tool_choice tools top_logprobs top_p user verbosity "
    "web_search_options".split()
)


@dataclass(frozen=True)
class Asked:
    """A request to a kind of server, and what is known about it."""

    body: dict[str, Any]
    model: str
    prompt_tokens: int
    context: int | None  # the server's window


class Kind:
    """A server that takes text, json_object and json_schema, and only the models it lists."""

    roots: ClassVar[tuple[str, ...]] = ("/v1",)
    context: ClassVar[int | None] = None
    any_model: ClassVar[bool] = False
    cuts_start: ClassVar[bool] = False  # of a prompt beyond the context, in silence
    price: ClassVar[float | None] = None  # of a token

    def unknown_model(self, name: str) -> Response:
        return no_such_model(name)

    def wrong_key(self) -> Response:
        return error(401, "Incorrect API key provided: sk-****1234.", code="invalid_api_key")

    def too_long(self, asked: Asked) -> Response:
        message = (
            f"This model's maximum context length is {asked.context} tokens. "
            f"However, your messages resulted in {asked.prompt_tokens} tokens."
        )
        return error(400, message, param="messages", code="context_length_exceeded")

    def refuse(self, asked: Asked) -> Response | None:
        return None

    def content(self, asked: Asked, right: str) -> str | None:
        """What the model says in place of the right answer; None is prose without tags."""
        return right

    def entry(self, name: str, context: int | None) -> dict[str, Any]:
        """A model in GET /models."""
        return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "test"}

    def look_up(self, path: str, context: int | None) -> Response | None:
        """An answer to GET of anything but /models."""
        return None

    def no_route(self) -> Response:
        return error(404, "Invalid URL", code="unknown_url")


class OpenAI(Kind):
    """Strict about parameters, above all those of reasoning models."""

    def refuse(self, asked: Asked) -> Response | None:
        body = asked.body
        for name in sorted(body.keys() - OPENAI_PARAMETERS):
            return error(400, f"Unrecognized request argument supplied: {name}")
        if asked.model.startswith(REASONING):
            if body.get("max_tokens") is not None:
                return unsupported("max_tokens", hint=" Use 'max_completion_tokens' instead.")
            temperature = body.get("temperature")
            if temperature not in {None, 1}:
                message = (
                    f"Unsupported value: 'temperature' does not support {temperature} with this "
                    "model. Only the default (1) value is supported."
                )
                return error(400, message, param="temperature", code="unsupported_value")
        return _json_unsaid(asked) or _loose_schema(asked)


class OpenRouter(Kind):
    """Many providers behind one address: models named *-plain have none with json_schema."""

    price = 1e-7

    def unknown_model(self, name: str) -> Response:
        return json_response(
            400, {"error": {"message": f"{name} is not a valid model ID", "code": 400}}
        )

    def refuse(self, asked: Asked) -> Response | None:
        provider = asked.body.get("provider")
        required = isinstance(provider, dict) and provider.get("require_parameters")
        if required and _plain(asked):
            message = (
                "No endpoints found that can handle the requested parameters. To learn more about "
                "provider routing, visit: https://openrouter.ai/docs/provider-routing"
            )
            return json_response(404, {"error": {"message": message, "code": 404}})
        return None

    def content(self, asked: Asked, right: str) -> str | None:
        return f"```json\n{right}\n```" if _plain(asked) else right

    def entry(self, name: str, context: int | None) -> dict[str, Any]:
        parameters = ["max_tokens", "temperature", "response_format", "structured_outputs"]
        return {
            **super().entry(name, context),
            "context_length": context or 128_000,
            "pricing": {"prompt": "0.0000001", "completion": "0.0000001"},
            "supported_parameters": parameters[:2] if name.endswith("-plain") else parameters,
        }


class Ollama(Kind):
    """Cuts the start of a long prompt in silence; models named *-mlx ignore json_schema."""

    context = 4096
    cuts_start = True

    def unknown_model(self, name: str) -> Response:
        return error(404, f'model "{name}" not found, try pulling it first', "api_error")

    def content(self, asked: Asked, right: str) -> str | None:
        if not asked.model.endswith("-mlx"):
            return right
        return None if format_of(asked.body) == "json_schema" else f"```json\n{right}\n```"

    def no_route(self) -> Response:
        return Response(404, b"404 page not found", {"content-type": "text/plain"})


class LlamaCpp(Kind):
    """Answers with the model it has, whatever the name; says how large the context is."""

    roots = ("/v1", "")
    context = 4096
    any_model = True

    def wrong_key(self) -> Response:
        told = {"message": "Invalid API Key", "type": "authentication_error", "code": 401}
        return json_response(401, {"error": told})

    def too_long(self, asked: Asked) -> Response:
        told = {
            "code": 400,
            "message": "the request exceeds the available context size, try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": asked.prompt_tokens,
            "n_ctx": asked.context,
        }
        return json_response(400, {"error": told})

    def entry(self, name: str, context: int | None) -> dict[str, Any]:
        return {**super().entry(name, context), "meta": {"n_ctx_train": 32_768}}

    def look_up(self, path: str, context: int | None) -> Response | None:
        if path == "/health":
            return json_response(200, {"status": "ok"})
        if path == "/props":
            settings = {"n_ctx": context, "params": {"temperature": 0.8}}
            props = {"default_generation_settings": settings, "total_slots": 1}
            return json_response(200, {**props, "model_path": "model.gguf"})
        return None


class LMStudio(Kind):
    """Has no json_object, and says errors as a string."""

    any_model = True

    def refuse(self, asked: Asked) -> Response | None:
        if format_of(asked.body) in {"text", "json_schema"}:
            return None
        message = "'response_format.type' must be 'json_schema' or 'text'"
        return json_response(400, {"error": message})


class VLLM(Kind):
    """Refuses what its grammar backend lacks, without saying what that is."""

    context = 32_768

    def unknown_model(self, name: str) -> Response:
        return error(404, f"The model `{name}` does not exist.", "NotFoundError", code=404)

    def too_long(self, asked: Asked) -> Response:
        message = (
            f"This model's maximum context length is {asked.context} tokens. However, you "
            f"requested {asked.prompt_tokens} tokens in the messages. Please reduce the length."
        )
        return error(400, message, "BadRequestError", code=400)

    def refuse(self, asked: Asked) -> Response | None:
        if any("minItems" in node or "maxItems" in node for node in nodes(schema_of(asked.body))):
            message = "The provided JSON schema contains features not supported by xgrammar."
            return error(400, message, "BadRequestError", code=400)
        return None

    def entry(self, name: str, context: int | None) -> dict[str, Any]:
        return {**super().entry(name, context), "max_model_len": context, "root": name}


class LlamaCppPython(Kind):
    """Breaks on json_schema."""

    any_model = True

    def refuse(self, asked: Asked) -> Response | None:
        if format_of(asked.body) != "json_schema":
            return None
        message = "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type')}]"
        return error(500, message, "internal_server_error")


class DeepSeek(Kind):
    """Has json_object, which wants the word json in the prompt, and no json_schema."""

    def unknown_model(self, name: str) -> Response:
        return error(400, "Model Not Exist", code="invalid_request_error")

    def refuse(self, asked: Asked) -> Response | None:
        if format_of(asked.body) in {"text", "json_object"}:
            return _json_unsaid(asked)
        message = "This response_format type is unavailable now"
        return error(400, message, code="invalid_request_error")


class Plain(Kind):
    """Knows no response_format at all."""

    any_model = True

    def refuse(self, asked: Asked) -> Response | None:
        return None if format_of(asked.body) == "text" else unsupported("response_format")


KINDS: dict[str, Callable[[], Kind]] = {
    "openai": OpenAI,
    "openrouter": OpenRouter,
    "ollama": Ollama,
    "llamacpp": LlamaCpp,
    "lmstudio": LMStudio,
    "vllm": VLLM,
    "llama-cpp-python": LlamaCppPython,
    "deepseek": DeepSeek,
    "plain": Plain,
}


def _plain(asked: Asked) -> bool:
    return asked.model.endswith("-plain") and format_of(asked.body) == "json_schema"


def _json_unsaid(asked: Asked) -> Response | None:
    if format_of(asked.body) != "json_object":
        return None
    if any("json" in text_of(message).lower() for message in messages_of(asked.body)):
        return None
    message = (
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
        "'json_object'."
    )
    return error(400, message, param="messages")


def _loose_schema(asked: Asked) -> Response | None:
    """OpenAI's strict mode: every object is closed, and all it has is required."""
    schema = schema_of(asked.body)
    if schema is None or not asked.body["response_format"]["json_schema"].get("strict"):
        return None
    for node in nodes(schema):
        if node.get("type") != "object":
            continue
        closed = node.get("additionalProperties") is False
        whole = set(node.get("required", ())) == set(node.get("properties", ()))
        if not (closed and whole):
            wants = (
                "'required' to name every property" if closed else "'additionalProperties': false"
            )
            message = f"Invalid schema for response_format: in strict mode an object needs {wants}."
            return error(400, message, param="response_format")
    return None
