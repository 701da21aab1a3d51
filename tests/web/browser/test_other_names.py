"""A server under another name, over plain HTTP: there a browser tells less of the page it is on."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from support.browser import Visit
from tgtagger.web.guard import Access


@pytest.mark.usefixtures("sample")
def test_a_form_is_sent_from_a_page_whose_browser_tells_no_site(
    visit: Visit, serve: Callable[..., str]
) -> None:
    """Browsers send Sec-Fetch-Site to this machine and over TLS alone; Origin has to be enough."""
    port = urlsplit(serve(Access(hosts=frozenset({"nas.lan"})))).port
    visitor = visit(f"http://nas.lan:{port}")
    page = visitor.open("/")
    # Chromium does not close a page that a form is leaving: first the next one has to be there.
    with page.expect_navigation() as sent:
        page.evaluate(
            """() => { const form = document.createElement('form');
            form.method = 'post'; form.action = '/'; document.body.append(form); form.submit(); }"""
        )
    answer = sent.value
    headers = answer.request.all_headers()
    visitor.close()
    assert "sec-fetch-site" not in headers
    assert headers["origin"] == visitor.address
    assert answer.status != 403
