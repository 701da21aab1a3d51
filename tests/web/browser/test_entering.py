"""How a browser comes in where the server wants its token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from support.browser import Visit
from tgtagger.web.guard import Access, Token

SECRET = "0123456789abcdef0123"


@pytest.mark.usefixtures("sample")
def test_a_link_lets_one_browser_in_and_the_token_any(
    visit: Visit, serve: Callable[..., str]
) -> None:
    token = Token(SECRET)
    visitor = visit(serve(Access(token=token)))
    link = f"/enter?code={token.make_link()}"
    let_in = visitor.open(link)
    expect(let_in.locator("article").first).to_be_visible()  # it went on by itself
    late = visitor.open(link)
    expect(late.get_by_role("alert")).to_contain_text("used before")
    late.get_by_label("Token").fill(SECRET)
    late.get_by_role("button", name="Enter").click()
    expect(late.locator("article").first).to_be_visible()
    visitor.close()
    # The page that refuses is red in the console; nothing else is.
    assert {fault for fault in visitor.faults if "403" not in fault} == set()


@pytest.mark.usefixtures("sample")
def test_who_was_let_in_comes_by_a_link_of_another_site(
    visit: Visit, serve: Callable[..., str]
) -> None:
    token, address = Token(SECRET), "http://elsewhere.example/"
    own = serve(Access(token=token))
    visitor = visit(own)
    page = visitor.open(f"/enter?code={token.make_link()}")
    expect(page.locator("article").first).to_be_visible()
    link = f"<a href='{own}/tags?view=table&filter=a#x'>tags</a>"
    page.route(address, lambda route: route.fulfill(body=link, content_type="text/html"))
    for _ in range(2):
        page.goto(address)
        page.get_by_role("link", name="tags").click()
        expect(page).to_have_url(f"{own}/tags?view=table&filter=a")  # asked again
        expect(page.get_by_role("heading", name="Tags")).to_be_visible()
        page.wait_for_load_state()  # its scripts have run
    page.context.clear_cookies()
    page.goto(address)
    page.get_by_role("link", name="tags").click()
    expect(page).to_have_url(f"{own}/tags?view=table&filter=a")
    page.get_by_label("Token").fill(SECRET)
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("heading", name="Tags")).to_be_visible()
    visitor.close()


@pytest.mark.usefixtures("sample")
def test_a_page_that_is_let_out_asks_for_the_token(visit: Visit, serve: Callable[..., str]) -> None:
    token = Token(SECRET)
    visitor = visit(serve(Access(token=token)))
    page = visitor.open(f"/enter?code={token.make_link()}")
    expect(page.locator(".facets details").first).to_be_visible()  # all is there
    page.context.clear_cookies()
    page.locator("article .tag button").first.click()
    expect(page.get_by_label("Token")).to_be_visible()
    visitor.close()


@pytest.mark.usefixtures("sample")
def test_a_page_without_a_token_asks_for_it(visit: Visit, serve: Callable[..., str]) -> None:
    visitor = visit(serve(Access(token=Token(SECRET))))
    page = visitor.open("/tags", locale="ru-RU", java_script_enabled=False)
    page.get_by_label("Токен").fill(SECRET)
    page.get_by_role("button", name="Войти").click()
    expect(page.get_by_role("heading", name="Теги")).to_be_visible()
    visitor.close()
