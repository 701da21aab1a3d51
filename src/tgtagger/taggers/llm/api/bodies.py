"""Read the body of an answer as JSON, and find the error in it, wherever a server puts that.

Pure. Does not know what an error means.
"""

from __future__ import annotations

from typing import Any

import orjson


def read_json(body: bytes) -> Any:
    """Return a body as JSON, None for other text; skip a byte order mark."""
    try:
        return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return None


def error_in(tree: Any) -> Any:
    """Return the value of the error in a body: Gemini puts it into a list."""
    if isinstance(tree, list) and tree:
        tree = tree[0]
    return tree.get("error", tree) if isinstance(tree, dict) else tree


def as_text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else ""
