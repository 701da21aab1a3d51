"""What a person does in a browser on a day: narrow, curate, read channels, retry, in two tabs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.browser import Visit, Visitor
from support.make import fail_all, page, post, tag
from support.serving import serving
from support.working import until
from tgtagger.store import Store
from tgtagger.web.words import KEYS

TELESCOPE = "/?query=tag:телескоп"
PHONE = {"width": 390, "height": 844}


def names(store: Store) -> set[str]:
    return {each.name for each in store.tags.listed() if each.posts}


# ---- looking


def test_posts_are_searched_and_narrowed(visitor: Visitor) -> None:
    page = visitor.open()
    page.keyboard.press("/")
    page.keyboard.type("телескопы")
    page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_contain_text("телескоп")
    facets = page.get_by_role("complementary", name="Narrow")
    facets.get_by_role("link", name="Иркутск").click()
    expect(page.locator("article.post")).to_have_count(1)
    expect(page.get_by_role("link", name="Without tag:Иркутск")).to_be_visible()
    page.get_by_role("link", name="Without tag:Иркутск").click()
    expect(page.locator("article.post")).to_have_count(2)
    page.go_back()
    expect(page.locator("article.post")).to_have_count(1)


def test_a_phone_has_facets_on_a_page_and_the_whole_nav(visitor: Visitor) -> None:
    page = visitor.open("/statistics", viewport=PHONE)
    nav = page.get_by_role("navigation", name="Main")
    expect(nav.get_by_role("link", name="Statistics")).to_be_in_viewport(ratio=0.9)
    nav.get_by_role("link", name="Posts").click()
    expect(page.get_by_role("complementary")).to_be_hidden()
    page.locator("a.narrow").click()
    page.get_by_role("link", name="телескоп").click()
    expect(page.locator("article.post")).to_have_count(2)
    page.locator("article.post .add").first.click()
    page.keyboard.type("phone")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("Tagged 1 post: phone.")
    expect(page.locator("#told button")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_the_landmarks_are_those_that_a_hearer_looks_for(visitor: Visitor) -> None:
    page = visitor.open(TELESCOPE)
    expect(page.locator("body")).to_match_aria_snapshot(
        """
        - link "To the content"
        - banner:
          - link "tgtagger"
          - search:
            - searchbox "Search posts": tag:телескоп
          - navigation "Main":
            - link "Posts"
            - link "Tags"
            - link "Channels"
        - main:
          - complementary "Narrow"
          - region:
            - heading "Found" [level=1]
        - status
        - contentinfo
        """
    )
    card = page.locator("article.post").first
    for role, name in (("checkbox", "Choose"), ("link", "Add a tag"), ("button", "Take off ")):
        assert card.get_by_role(role, name=re.compile(f"^{name}")).count() > 0, name  # type: ignore[arg-type]


# ---- keys


DOES = {
    "search": "document.activeElement.name === 'query'",
    "next": "document.querySelectorAll('article.post')[2].matches('.at')",
    "previous": "document.querySelectorAll('article.post')[0].matches('.at')",
    "tag": "document.activeElement.name === 'tag'",
    "drop": "document.activeElement.matches('.at .tags button')",
    "choose": "document.querySelector('.at input').checked",
    "tagChosen": "document.activeElement.closest('#picked')",
    "again": "document.querySelector('#told a[href^=\"/jobs\"]')",
    "keys": "document.querySelector('#keys').open",
}


def test_each_key_of_the_table_does_what_it_says(visitor: Visitor) -> None:
    page = visitor.open()
    page.keyboard.press("?")
    shown = page.locator("#keys dt").all_inner_texts()
    assert [" ".join(each.split()) for each in shown] == [key.keys for key in KEYS]
    page.keyboard.press("Escape")
    for key in KEYS:
        visitor.go(page, "/?query=")  # not where `g p` goes: it would be there before it went
        page.keyboard.press("j")
        page.keyboard.press("j")
        if key.act == "undo":
            page.locator(".at .tags button").first.click()
            expect(page.locator("#told button")).to_be_visible()
        page.keyboard.press(key.keys[0])
        if key.act == "go":
            page.keyboard.press(key.keys[-1])
            page.wait_for_url(f"{visitor.address}{key.href}")
        elif key.act == "undo":
            expect(page.locator("#told")).to_contain_text("Undone")
        elif key.act == "open":
            page.wait_for_url("**/posts/*-*")
        else:
            until(lambda act=key.act: page.evaluate(f"!!({DOES[act]})"), 10)  # type: ignore[misc]


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    return found


def test_all_is_reached_by_tab_and_seen(visitor: Visitor) -> None:
    page = visitor.open(TELESCOPE)
    expect(page.locator(".facets summary").first).to_be_visible()  # they come later
    wanted = page.evaluate(
        """[...document.querySelectorAll("a[href], button, input:not([type=hidden]), summary")]
        .filter((each) => each.checkVisibility()).length"""
    )
    page.keyboard.press("Tab")
    assert "skip" in focused(page)
    expect(page.locator(".skip")).to_be_in_viewport()
    seen = []
    for _ in range(wanted - 1):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => { const at = document.activeElement, look = getComputedStyle(at);
                const box = at.getBoundingClientRect();
                const top = document.querySelector(".top").getBoundingClientRect().bottom;
                const hidden = !at.closest(".top") && box.bottom <= top;
                return [at.outerHTML.slice(0, 80), look.outlineStyle !== "none", !hidden]; }"""
            )
        )
    assert [each for each, has_outline, is_seen in seen if not (has_outline and is_seen)] == []
    assert "keys" in focused(page)  # the last one of the page
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    assert "keys" in focused(page)


# ---- changing


@pytest.mark.parametrize("answer", ["Merge", "Other way round", "Never"])
def test_a_suggestion_is_answered(visitor: Visitor, sample: Store, answer: str) -> None:
    sample.posts.save_page(page(post(1, "A storm"), post(2, "Storms")))
    tag(sample, ["шторм"])
    sample.curation.add("@news/1", ["lanterns"])
    sample.curation.add("@news/2", ["lantern"])
    shown = visitor.open("/tags/suggestions")
    card = shown.locator("form.suggestion", has_text="lanterns")
    card.get_by_role("button", name=answer, exact=True).click()
    expect(shown.locator("#told")).to_contain_text(
        "not be suggested again" if answer == "Never" else "Merged into"
    )
    expect(shown.locator("form.suggestion", has_text="lanterns")).to_have_count(0)
    left = {"Merge": {"lantern"}, "Other way round": {"lanterns"}, "Never": {"lantern", "lanterns"}}
    assert names(sample) & {"lantern", "lanterns"} == left[answer]
    shown.reload()
    expect(shown.locator("h1")).to_have_text("Suggestions")
    expect(shown.locator("form.suggestion", has_text="lanterns")).to_have_count(0)


def test_a_channel_is_added_paused_and_resumed(visitor: Visitor, sample: Store) -> None:
    page = visitor.open("/channels")
    page.get_by_label("Add a channel").fill("t.me/some_channel")
    page.get_by_role("button", name="Add only").click()
    expect(page.locator("#told")).to_contain_text("Added: @some_channel.")
    expect(page.locator("#channels")).to_contain_text("Added, not read yet")
    page.get_by_role("button", name="Pause Harbour Notes").click()
    expect(page.locator("#told")).to_contain_text("Paused: Harbour Notes.")
    row = page.get_by_role("row", name="Harbour Notes")
    expect(row).to_contain_text("paused")
    page.get_by_role("button", name="Resume Harbour Notes").press("Enter")
    expect(row).not_to_contain_text("paused")
    expect(row.locator(":focus")).to_have_count(1)  # and not lost with the button that was pressed
    page.get_by_role("button", name="Forget @some_channel").click()
    expect(page.locator("#channels")).not_to_contain_text("@some_channel")
    assert not sample.channels.followed_sources()


def test_a_button_pressed_as_soon_as_it_appears_changes_its_part_only(visitor: Visitor) -> None:
    page = visitor.open("/channels")
    page.evaluate("""() => {
        window.isTheSamePage = true;
        const button = (verb) => [...document.querySelectorAll("#channels button")]
            .find((button) => button.textContent.startsWith(verb + " Harbour"));
        new MutationObserver((_, observer) => {
            if (button("Resume")) { observer.disconnect(); button("Resume").click(); }
        }).observe(document.body, { childList: true, subtree: true });
        button("Pause").click();
    }""")
    expect(page.locator("#told")).to_contain_text("It is read again: Harbour Notes.")
    assert page.evaluate("window.isTheSamePage"), "the whole page was loaded anew"
    expect(page.get_by_role("row", name="Harbour Notes")).not_to_contain_text("paused")


def test_another_tab_is_told_of_a_change_and_keeps_its_place(visitor: Visitor) -> None:
    reader = visitor.open()
    writer = reader.context.new_page()
    visitor.go(writer, "/tags/tag?name=volunteers")
    reader.bring_to_front()
    reader.locator("article.post .add").nth(8).focus()
    reader.evaluate("scrollBy(0, 137)")
    place = "[scrollY, document.activeElement.outerHTML, document.querySelector('main').innerText]"
    before = reader.evaluate(place)
    assert before[0] > 137
    writer.get_by_label("Rename", exact=True).fill("helpers")
    writer.get_by_role("button", name="Rename").click()
    expect(writer.locator("h1")).to_have_text("helpers")
    expect(reader.locator("#changed")).to_be_visible(timeout=4000)
    expect(reader.get_by_role("status").filter(has_text="Something changed")).to_be_visible()
    assert reader.evaluate(place) == before


# ---- a real worker


def test_failed_posts_are_tried_again_by_a_worker(visit: Visit, sample: Store, db: Path) -> None:
    fail_all(db)
    with serving(db, env={"TGTAGGER_TAGGER": "keywords"}) as server:
        visitor = visit(server.address)
        page = visitor.open("/failures")
        page.get_by_role("button", name="Try all again").click()
        expect(page.get_by_role("status").filter(has_text="Job 1")).to_be_visible()
        page.get_by_role("link", name="Job 1").click()
        ended = page.locator("tr#job-1")
        expect(ended).to_contain_text("done", timeout=40_000)
        expect(ended).to_contain_text("12 tagged")
        expect(page.locator("#jobs")).not_to_contain_text("No worker")
        visitor.go(page, "/failures")
        expect(page.locator("#failures")).to_contain_text("No post is failed.")
        visitor.close()
    assert visitor.faults == []
    assert sample.status.failures() == ()
