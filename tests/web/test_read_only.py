"""A server that only shows the archive offers nothing that it would refuse."""

from __future__ import annotations

import re

import pytest

from support.make import fail_all, page, post, tag
from support.routes import routes_in
from support.visitor import Visitor
from tgtagger.store import Store
from tgtagger.web import pages

PAGES = sorted(
    path for method, path in routes_in(pages.include_in) if method == "GET" and "{" not in path
)
MORE = [
    "/tags?view=table", "/tags/tag?name=sea", "/failures?shown=server", "/runs?all=true",
    "/posts/1006503122-1",
]  # fmt: skip


@pytest.mark.parametrize("path", [*PAGES, *MORE])
def test_no_page_has_a_form_that_changes_something(store: Store, path: str) -> None:
    store.posts.save_page(page(post(1, "one"), post(2, "two")))
    tag(store, ["sea", "seas", "storm"])
    store.curation.remove(["storm"])
    store.channels.follow(["@another"])
    store.jobs.ask("tag", "", {})
    fail_all(store.path)
    with Visitor(store.path) as visitor:
        changing = _forms(visitor.get(path).text)
    with Visitor(store.path, read_only=True) as visitor:
        shown = visitor.get(path)
        assert shown.status_code == 200
        assert _forms(shown.text) == []
        for action in changing:
            assert visitor.post(action, {}).status_code == 403


def _forms(text: str) -> list[str]:
    """Return where the forms of a page that change something go."""
    found = re.findall(r"<form[^>]*\bmethod=\"post\"[^>]*>", text)
    return [match[1] for form in found if (match := re.search(r'\baction="([^"]*)"', form))]
