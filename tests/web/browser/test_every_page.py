"""Every page in a real browser: at two widths, light and dark, in two languages, without scripts.

The fixture `visitor` is red by itself if a page broke the content policy or asked another machine.
"""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from support.browser import Visitor
from support.routes import routes_of
from tgtagger.web import pages

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}

PAGES = sorted(
    path for method, path in routes_of(pages.router) if method == "GET" and "{" not in path
)


def is_too_wide(page: Page) -> bool:
    found: bool = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return found


def barriers(page: Page) -> list[str]:
    """Return what keeps people out who see little, hear the page, or use the keyboard."""
    result: dict[str, Any] = Axe().run(page).response
    return [
        f"{found['id']}: {found['help']}: {found['nodes'][0]['html'][:120]}"
        for found in result["violations"]
    ]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("size", "scheme", "locale"), [(PHONE, "dark", "ru-RU"), (DESK, "light", "en-GB")]
)
def test_a_page_fits_and_keeps_nobody_out(
    visitor: Visitor, path: str, size: dict[str, int], scheme: str, locale: str
) -> None:
    page = visitor.open(path, viewport=size, color_scheme=scheme, locale=locale)
    assert page.locator("html").get_attribute("lang") == locale[:2]
    assert page.locator("h1").count() == 1
    assert not is_too_wide(page)
    assert barriers(page) == []
