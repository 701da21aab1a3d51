"""Tags, failures and jobs in a real browser: questions as dialogs, undo, progress; and as forms."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from support.browser import Visitor
from support.make import fail_all, post
from support.make import page as posts_page
from tgtagger.model.jobs import JobEnd, JobProgress
from tgtagger.model.posts import Channel, PostFilter
from tgtagger.store import Store


def names(store: Store) -> set[str]:
    return {tag.name for tag in store.tags.listed() if tag.posts}


@pytest.fixture
def crowded(sample: Store) -> Store:
    """The sample archive, in which one tag is on every post."""
    sample.curation.add_to(PostFilter(), ["everywhere"])
    return sample


def test_tags_are_narrowed_while_one_types(visitor: Visitor, sample: Store) -> None:
    page = visitor.open("/tags")
    page.get_by_label("Find a tag").press_sequentially("ТЕЛЕС")
    expect(page.locator("#tags .cloud a")).to_have_count(1)
    expect(page.locator("#tags")).to_contain_text("1 tag of")
    expect(page.get_by_label("Find a tag")).to_be_focused()
    assert "filter=" in page.url
    page.locator("#tags").get_by_text("table").click()
    expect(page.locator("#tags tbody tr")).to_have_count(1)


def test_a_large_merge_asks_in_a_dialog_and_is_undone(visitor: Visitor, crowded: Store) -> None:
    page = visitor.open("/tags?view=table")
    page.get_by_label("everywhere", exact=True).check()
    page.get_by_label("телескоп", exact=True).check()
    page.get_by_label("Merge the picked ones into").fill("volunteers")
    page.get_by_role("button", name="Merge", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Merge “everywhere”, “телескоп” into “volunteers”?")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert "everywhere" in names(crowded)
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(dialog.get_by_role("button", name="Merge")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("Merged into “volunteers”.")
    expect(dialog).to_have_count(0)
    expect(page.get_by_label("everywhere", exact=True)).to_have_count(0)
    assert not names(crowded) & {"everywhere", "телескоп"}
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("everywhere", exact=True)).to_have_count(1)
    assert names(crowded) >= {"everywhere", "телескоп"}


def test_a_tags_page_moves_on_to_its_new_name_and_back(visitor: Visitor, sample: Store) -> None:
    page = visitor.open("/tags/tag?name=volunteers")
    page.get_by_label("Rename", exact=True).fill("helpers")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("helpers")
    page.wait_for_url("**/tags/tag?name=helpers")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("volunteers")


def test_what_cannot_be_done_is_told_where_one_is(visitor: Visitor, sample: Store) -> None:
    page = visitor.open("/tags/tag?name=volunteers")
    page.get_by_label("Rename", exact=True).fill("телескоп")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("телескоп")
    expect(page.get_by_role("heading", level=1)).to_have_text("volunteers")
    visitor.faults.clear()  # a browser notes the refusal


def test_a_jobs_progress_moves_until_it_has_ended(visitor: Visitor, sample: Store) -> None:
    page = visitor.open("/jobs")
    page.get_by_role("button", name="Tag posts").click()
    expect(page.locator("#told")).to_contain_text("Job 1")
    card = page.locator("section#job-1")
    expect(card).to_contain_text("queued")
    sample.jobs.take(["tag"])
    sample.jobs.tell(1, JobProgress(30, 120, "tagging"))
    expect(card.get_by_role("progressbar")).to_have_attribute("value", "30")
    expect(card).to_contain_text("30 posts of 120")
    cancel = card.get_by_role("button", name="Cancel")
    cancel.focus()
    sample.jobs.tell(1, JobProgress(60, 120, "tagging"))
    expect(card).to_contain_text("60 posts of 120")
    expect(cancel).to_be_focused()
    sample.jobs.end(1, JobEnd("done", 0))
    expect(page.locator("tr#job-1")).to_contain_text("done")
    sample.jobs.ask("sync", "", {})  # by another program
    expect(page.locator("section#job-2")).to_contain_text("queued")


def test_failed_posts_are_tried_again_by_a_click(visitor: Visitor, sample: Store) -> None:
    fail_all(sample.path)
    page = visitor.open("/failures")
    page.get_by_role("button", name="Try these again The server had a fault").click()
    expect(page.locator("#told")).to_contain_text("They will be tried again.")
    page.get_by_role("link", name="Job 1").click()
    expect(page.locator("section#job-1")).to_contain_text("Try failed posts again")
    page.get_by_role("button", name="Cancel job 1").click()
    expect(page.locator("tr#job-1")).to_contain_text("cancelled")


def test_without_scripts_a_question_is_a_page_of_its_own(visitor: Visitor, crowded: Store) -> None:
    page = visitor.open("/tags/tag?name=everywhere", java_script_enabled=False)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Remove “everywhere”")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#told")).to_contain_text("Removed and blocked: “everywhere”.")
    assert "everywhere" not in names(crowded)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#told")).to_contain_text("Undone")
    assert "everywhere" in names(crowded)


def test_without_scripts_a_job_is_started_and_looked_at(visitor: Visitor, sample: Store) -> None:
    page = visitor.open("/jobs", java_script_enabled=False)
    page.get_by_role("button", name="Tag posts").click()
    expect(page.locator("section#job-1")).to_contain_text("queued")
    sample.jobs.take(["tag"])
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator("section#job-1")).to_contain_text("running")


@pytest.mark.parametrize("width", [390, 1440])
def test_a_title_of_one_long_word_fits(visitor: Visitor, sample: Store, width: int) -> None:
    channel = Channel(3333333333, "ж" * 128)
    sample.posts.save_page(posts_page(post(1, "a post"), post(2, "another"), channel=channel))
    page = visitor.open("/", viewport={"width": width, "height": 800})
    for path in ("/", "/facets", f"/posts/{channel.id}-1", "/channels", "/statistics"):
        visitor.go(page, path)
        expect(page.get_by_text(channel.title).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        over = "[...document.querySelectorAll('.scroll')].some(e => e.scrollWidth > e.clientWidth)"
        assert page.evaluate(over) is False, path
