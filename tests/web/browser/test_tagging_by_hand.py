"""Posts in a real browser: by keys alone, several at once, undone; and news of the archive."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from support.browser import Visitor
from support.make import page as page_of
from support.make import post
from tgtagger.store import Store

TELESCOPE = "/?query=tag:телескоп"


def current(page: Page) -> str:
    name: str = page.evaluate("document.querySelector('article.post.at').dataset.post")
    return name


def tags_of(store: Store, name: str) -> tuple[str, ...]:
    return store.records.post(name).post.tags


def test_a_post_is_tagged_by_one_key_and_a_few_letters(visitor: Visitor, sample: Store) -> None:
    page = visitor.open()
    page.keyboard.press("j")
    page.keyboard.press("j")
    name = current(page)
    before = tags_of(sample, name)
    assert "телескоп" not in before
    page.keyboard.press("t")
    page.keyboard.type("теле")
    page.keyboard.press("Enter")  # before the suggestions came, perhaps
    expect(page.locator("#told")).to_contain_text("Tagged 1 post: телескоп.")
    assert tags_of(sample, name) == (*before, "телескоп")
    expect(page.locator(f"#t{name} .mine")).to_contain_text("телескоп")
    assert current(page) == name
    page.keyboard.press("u")
    expect(page.locator("#told")).to_contain_text("Undone")
    expect(page.locator(f"#t{name} .mine")).to_have_count(0)
    assert tags_of(sample, name) == before
    page.keyboard.press("j")
    assert current(page) != name


def test_a_new_tag_is_chosen_by_the_arrows(visitor: Visitor, sample: Store) -> None:
    page = visitor.open()
    page.keyboard.press("j")
    page.keyboard.press("t")
    page.keyboard.type("теле")
    expect(page.locator(".offers [role=option]")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("Tagged 1 post: теле.")
    assert "теле" in tags_of(sample, current(page))


def test_an_arrow_before_the_list_has_come_steps_in_that_list(
    visitor: Visitor, sample: Store
) -> None:
    """Who types quickly sees the list for what was typed before, and means the one that comes."""
    page = visitor.open()
    page.keyboard.press("j")
    page.keyboard.press("t")
    page.keyboard.type("тел")
    expect(page.locator(".offers [role=option]")).to_have_count(2)
    held: list[Route] = []
    page.route("**/complete/tags*", lambda route: held.append(route))  # noqa: PLW0108 -- not a builtin
    page.keyboard.type("е")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)  # longer than the field waits before it asks
    (route,) = held
    route.continue_()
    expect(page.locator("#told")).to_contain_text("Tagged 1 post: теле.")
    assert "теле" in tags_of(sample, current(page))


def test_a_tag_is_taken_off_by_a_key_or_a_click(visitor: Visitor, sample: Store) -> None:
    page = visitor.open()
    page.keyboard.press("j")
    name = current(page)
    first, second, *rest = tags_of(sample, name)
    page.keyboard.press("d")
    page.keyboard.press("d")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text(f"Taken off 1 post: {second}.")
    page.locator(f"#t{name} button").first.click()
    expect(page.locator("#told")).to_contain_text(f"Taken off 1 post: {first}.")
    assert tags_of(sample, name) == tuple(rest)


def test_several_posts_are_tagged_at_once(visitor: Visitor, sample: Store) -> None:
    page = visitor.open()
    chosen = []
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
        chosen.append(current(page))
    expect(page.locator(".picks")).to_have_text("2 chosen")
    page.keyboard.press("T")
    page.keyboard.type("both")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("Tagged 2 posts: both.")
    assert all("both" in tags_of(sample, name) for name in chosen)


def test_all_that_is_found_is_tagged_after_a_question_and_undone(
    visitor: Visitor, sample: Store
) -> None:
    page = visitor.open(TELESCOPE)
    page.keyboard.press("j")
    page.keyboard.press("T")
    page.keyboard.type("optics")
    page.locator("[name=every]").check()
    page.locator("#picked button.first").click()
    asked = page.get_by_role("dialog")
    expect(asked.get_by_role("heading")).to_have_text("Add optics?")
    asked.get_by_role("button", name="Add").click()
    expect(page.locator("#told")).to_contain_text("Tagged 2 posts: optics.")
    expect(page.locator(".tag", has_text="optics")).to_have_count(2)
    page.keyboard.press("u")
    expect(page.locator("#told")).to_contain_text("Undone: 2 posts.")
    assert "optics" not in [tag.name for tag in sample.tags.counts()]


@pytest.mark.parametrize(
    ("locale", "told"), [("en", "'@bad' cannot be a tag"), ("ru", "«@bad» не может быть тегом")]
)
def test_what_cannot_be_a_tag_is_told_beside_the_list(
    visitor: Visitor, locale: str, told: str
) -> None:
    page = visitor.open(TELESCOPE, locale=locale)
    for key in ("j", "t", "@", "b", "a", "d", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#told")).to_contain_text(told)
    expect(page.locator("#told")).not_to_contain_text("{")
    visitor.go(page, "/tags?view=table")
    page.locator(".doing button").first.click()  # with no tag picked
    expect(page.locator("#told")).to_contain_text({"en": "Nothing is", "ru": "Не выбрано"}[locale])
    visitor.faults[:] = [each for each in visitor.faults if "400" not in each]


def test_a_server_that_is_away_is_told(visitor: Visitor) -> None:
    page = visitor.open(TELESCOPE)
    page.route("**/drop", lambda route: route.abort())
    page.keyboard.press("j")
    page.locator("article.at .tag button").first.click()
    expect(page.locator("#told")).to_have_text("The server does not answer.")
    visitor.faults.clear()


@pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}])
def test_without_scripts_the_same_is_done_by_forms(
    visitor: Visitor, sample: Store, options: dict[str, bool]
) -> None:
    page = visitor.open("/posts/1990000001-7", **options)
    page.locator("#tag input[name=tag]").fill("by hand")
    page.locator("#tag button.first").click()
    expect(page.locator("#told")).to_contain_text("Tagged 1 post: by hand.")
    page.locator("#told button").click()
    expect(page.locator("#told")).to_contain_text("Undone: 1 post.")
    assert "by hand" not in tags_of(sample, "1990000001-7")


def test_the_list_works_without_scripts(visitor: Visitor, sample: Store) -> None:
    page = visitor.open(TELESCOPE, java_script_enabled=False)
    page.locator("article.post input[type=checkbox]").first.check()
    expect(page.locator("#picked")).to_be_visible()
    page.locator("#picked input[name=tag]").fill("plain")
    page.locator("#picked button.first").click()
    expect(page.locator("#told")).to_contain_text("Tagged 1 post: plain.")
    page.locator(".facets a.button").click()
    expect(page.locator("h1")).to_have_text("Narrow")
    page.get_by_role("link", name="plain").click()
    expect(page.locator("article.post")).to_have_count(1)


def test_keys_work_on_a_keyboard_of_another_script(visitor: Visitor) -> None:
    page = visitor.open()
    press = (
        "([key, code]) => document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key, code, bubbles: true}))"
    )
    page.evaluate(press, ["о", "KeyJ"])
    assert current(page)
    page.evaluate(press, ["е", "KeyT"])
    expect(page.locator(".tags .typing input[name=tag]")).to_be_focused()


def test_keys_are_letters_while_somebody_types(visitor: Visitor) -> None:
    page = visitor.open()
    page.keyboard.press("/")
    page.keyboard.type("jxt?gp")
    expect(page.locator("[role=search] input")).to_have_value("jxt?gp")
    assert page.locator("article.post.at").count() == 0
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/tags")


def test_an_open_page_tells_what_another_program_wrote_and_moves_nothing(
    visitor: Visitor, sample: Store
) -> None:
    page = visitor.open()
    first = page.locator("article.post").first.get_attribute("id")
    with Store.open(str(sample.path)) as other:
        other.posts.save_page(page_of(post(900, "Fresh news")))
    expect(page.locator("#changed")).to_contain_text("Something changed", timeout=2000)
    assert page.locator("article.post").first.get_attribute("id") == first
    page.locator("#changed a").click()
    expect(page.get_by_text("Fresh news")).to_be_visible()
    expect(page.locator("#changed")).to_be_hidden()


def test_two_tabs_tell_each_other(visitor: Visitor) -> None:
    one = visitor.open()
    two = one.context.new_page()
    visitor.go(two, "/")
    one.bring_to_front()
    one.keyboard.press("j")
    one.keyboard.press("t")
    one.keyboard.type("shared")
    one.keyboard.press("Enter")
    expect(one.locator("#told")).to_contain_text("shared")
    two.bring_to_front()
    expect(two.locator("#changed")).to_be_visible(timeout=3000)
    expect(one.locator("#changed")).to_be_hidden()
