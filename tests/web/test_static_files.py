"""What the pages bring: one script of others, unchanged, and nothing from elsewhere."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

STATIC = files("tgtagger.web") / "static"


def test_htmx_is_the_file_that_its_note_names() -> None:
    digest = hashlib.sha256((STATIC / "htmx.min.js").read_bytes()).hexdigest()
    assert digest in (STATIC / "HTMX.md").read_text("utf-8")


def test_our_files_name_no_other_machine() -> None:
    """The content policy would stop it; a page should not try."""
    templates = files("tgtagger.web") / "templates"
    ours = [path for path in (*STATIC.iterdir(), *templates.iterdir()) if path.is_file()]
    assert len(ours) > 3
    for path in ours:
        if path.name not in {"htmx.min.js", "HTMX.md"}:
            text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", text), path.name
