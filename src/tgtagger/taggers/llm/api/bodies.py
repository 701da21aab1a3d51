"""The body of an answer as JSON, and the error in it, wherever a server puts that.

Pure. Knows not what an error means.
"""

from __future__ import annotations

from typing import Any

import orjson


def read_json(body: bytes) -> Any:
    """Return a body as JSON, None where it is none; a byte order mark is no harm."""
    try:
        return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return None


def error_in(tree: Any) -> Any:
    """Return what stands for the error in a body: Gemini puts it into a list."""
    if isinstance(tree, list) and tree:
        tree = tree[0]
    return tree.get("error", tree) if isinstance(tree, dict) else tree


def as_text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else ""
