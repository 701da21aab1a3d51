"""Tagging servers: the providers that have a name, and how near a server is."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Provider:
    """A named provider: its address, the variable with its users' key, a model to begin with."""

    url: str
    key_variable: str | None
    model_hint: str


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        "openrouter": Provider(
            "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openai/gpt-5-nano"
        ),
        "openai": Provider("https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-5-nano"),
        "ollama": Provider(
            "http://127.0.0.1:11434/v1", None, "qwen3:4b (ollama list shows what you have)"
        ),
        "lmstudio": Provider(
            "http://127.0.0.1:1234/v1", None, "qwen/qwen3-4b (lms ls shows what you have)"
        ),
        "llamacpp": Provider(
            "http://127.0.0.1:8080/v1", None, "default (llama-server has the one it began with)"
        ),
        "vllm": Provider(
            "http://127.0.0.1:8000/v1", None, "Qwen/Qwen3-4B (the name that vllm serve was given)"
        ),
    }
)


def is_loopback(url: str) -> bool:
    """Tell whether the address says that the server is on this machine."""
    host = _host(url)
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def is_private(url: str) -> bool:
    """Tell whether the address says that the server is here or nearby. Looks up no name."""
    host = _host(url)
    address = _address(host)
    if address is None:
        return is_loopback(url) or bool(host and "." not in host) or host.endswith(_NEARBY)
    return not address.is_global


_NEARBY = (".local", ".lan", ".internal", ".home.arpa")


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
