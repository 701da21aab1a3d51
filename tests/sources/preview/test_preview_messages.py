"""The preview's HTML, as served and as written by hand, as posts."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger.model.posts import (
    Channel,
    Entity,
    Forward,
    PostData,
    Rejected,
    Reply,
    ServiceMessage,
    StoredRawRecord,
)
from tgtagger.sources.preview.convert import CONVERTER, MOST, convert, counter, reconvert
from tgtagger.sources.preview.page import read_instead, read_page


def one(inner: str, *, date: str = "2026-05-01T10:00:00+03:00", name: str = "news/7") -> PostData:
    found = convert(
        f'<div class="tgme_widget_message" data-post="{name}">{inner}'
        f'<a class="tgme_widget_message_date" href="x"><time datetime="{date}">10</time></a></div>'
    )
    assert isinstance(found, PostData)
    return found


def text(inner: str) -> PostData:
    return one(f'<div class="tgme_widget_message_text js-message_text" dir="auto">{inner}</div>')


@pytest.fixture
def pages(real_data: Path) -> Path:
    return real_data / "preview"


def posts(path: Path) -> dict[int, PostData]:
    page = read_page(path.read_text())
    assert page is not None
    found = [convert(html) for html in page.messages]
    return {item.ids[0]: item for item in found if isinstance(item, PostData)}


def test_the_real_page(pages: Path) -> None:
    page = read_page((pages / "real_excerpt_2026.html").read_text())
    assert page is not None
    assert (page.title, page.username, page.number) == ("Pavel Durov", "durov", 1006503122)
    found = posts(pages / "real_excerpt_2026.html")
    post = found[528]
    assert post.text.startswith("⛔️ The UK government wants to ban social media")
    assert "under 16.\n\nBut banning" in post.text
    assert "my speech — the source material for our $200,000 clipping contest." in post.text
    assert "Please open Telegram" not in post.text
    assert post.views == 18_900_000
    assert post.date == dt.datetime(2026, 6, 15, 18, 58, 13, tzinfo=dt.UTC)
    assert post.author == "Pavel Durov"
    assert post.reactions is not None
    assert post.reactions[:2] == (("paid", 14_300), ("custom:5265077361648368841", 132_000))
    link = next(item for item in post.entities if item.type == "text_link")
    assert link.url == "https://www.youtube.com/watch?v=1Yq_5aDdJ24"
    assert found[531].media[0].type == "video"
    assert post.forwards is None  # the preview does not say


def test_the_synthetic_page(pages: Path) -> None:
    found = posts(pages / "synthetic_feed_page.html")
    first = found[101]
    assert (
        first.text
        == "Hello bold and italic and a link plus @durov and #news 😄\nhidden inline_code()"
    )
    assert {item.type for item in first.entities} == {
        "bold", "italic", "text_link", "mention", "hashtag", "spoiler", "code",
    }  # fmt: skip
    assert first.forward is not None
    assert (first.forward.channel, first.forward.username) == ("Original Channel", "original_chan")
    assert (first.views, found[103].media[0].duration) == (1200, 42.0)
    assert [item.type for item in found[102].media] == ["photo", "photo"]
    assert (found[104].media[0].type, found[104].author) == ("voice", "Alice")
    assert found[105].media[0].file_name == "report-final.pdf"
    poll = found[106].media[0]
    assert (poll.question, poll.options) == ("Best async HTTP client?", ("httpx", "aiohttp"))
    assert all(post.text or post.media or post.problem for post in found.values())


def test_a_quote_is_not_the_posts_text(pages: Path) -> None:
    (post,) = posts(pages / "reply_quote_trap.html").values()
    assert post.text == "OWN first\nsecond hidden"
    assert post.reply is not None
    assert post.reply.message_id == 9


def test_a_mention_is_one_and_a_script_is_no_text() -> None:
    post = text('<a href="https://t.me/ann">@ann</a> said<script>x()</script><!-- no --> so')
    assert post.text == "@ann said so"
    assert post.entities == (Entity("mention", 0, 4),)


def test_a_link_s_page_without_a_title_has_its_site_s_name() -> None:
    name = '<div class="link_preview_site_name">The Site</div>'
    (page,) = one(
        f'<a class="tgme_widget_message_link_preview" href="https://e.org">{name}</a>'
    ).media
    assert (page.type, page.url, page.title) == ("webpage", "https://e.org", "The Site")


def test_a_quote_marked_as_a_text_is_told_apart_by_its_place() -> None:
    quote = (
        '<a class="tgme_widget_message_reply" href="https://t.me/news/3">'
        '<div class="tgme_widget_message_text js-message_text">quoted</div></a>'
    )
    own = '<div class="tgme_widget_message_text js-message_text">own</div>'
    assert one(quote + own).text == "own"
    assert one(quote).text == ""


def test_a_page_without_messages_is_told_apart(pages: Path) -> None:
    html = (pages / "synthetic_no_preview.html").read_text()
    assert read_page(html) is None
    assert read_instead(html) == "channel"
    group = html.replace("14 909 subscribers", "5 members, 2 online")
    assert read_instead(group) == "group"
    assert read_instead(html.replace("14 909 subscribers", "@zerohedge")) == "person"
    nobody = html.replace('class="tgme_page_title"', 'class="another"')
    assert read_instead(nobody) == "nothing"
    assert read_instead("<html><body></body></html>") == "foreign"  # a proxy's, or a portal's


def test_albums_name_their_messages() -> None:
    links = "".join(
        f'<a class="tgme_widget_message_photo_wrap" href="https://t.me/news/{n}?single"></a>'
        for n in (7, 8, 9)
    )
    post = one(f'<div class="tgme_widget_message_grouped_wrap">{links}</div>')
    assert post.ids == (7, 8, 9)
    assert len(post.media) == 3


def test_text_is_kept_to_the_letter() -> None:
    post = text(
        'a<br>b &lt;x&gt; <a href="https://e.org">e.org</a> <i class="emoji"><b>🙂</b></i>!'
    )
    assert post.text == "a\nb <x> e.org 🙂!"
    assert [item.type for item in post.entities] == ["link"]
    nested = text("🙂 <b>bold <i>both</i></b>")
    assert [(item.type, item.offset, item.length) for item in nested.entities] == [
        ("bold", 3, 9),
        ("italic", 8, 4),
    ]
    assert text('<div class="tgme_widget_message_text js-message_text">inner</div>').text == "inner"


@pytest.mark.parametrize(
    ("shown", "count"),
    [("1.95M", 1_950_000), ("14.3K", 14_300), ("12 345", 12_345), ("771", 771), ("1,234", 1234),
     ("", None), ("many", None), (None, None), ("..", None), ("1.2.3K", None),
     ("9" * 400 + "K", None), ("9" * 20, None), ("9" * 5000, None)],
)  # fmt: skip
def test_counters_as_shown(shown: str | None, count: int | None) -> None:
    assert counter(shown) == count


def test_what_is_not_shown_is_said() -> None:
    assert one("").problem is not None
    assert one("x", date="yesterday").problem == "its date cannot be read"
    assert isinstance(convert("<p>nothing</p>"), Rejected)
    assert isinstance(convert('<div class="tgme_widget_message" data-post="a/x"></div>'), Rejected)
    service = '<div class="tgme_widget_message service_message" data-post="news/3">pinned</div>'
    assert isinstance(convert(service), ServiceMessage)


def test_the_raw_form_runs_through_a_newer_converter() -> None:
    post = text("words")
    assert post.raw is not None
    assert post.raw.converter == CONVERTER
    assert reconvert(StoredRawRecord(Channel(1, "N"), "preview", post.raw.data)) == post
    assert reconvert(StoredRawRecord(Channel(1, "N"), "preview", b"rubbish")) is None


@given(st.text())
def test_no_html_is_too_strange(inner: str) -> None:
    found = convert(f'<div class="tgme_widget_message" data-post="news/7">{inner}</div>')
    assert isinstance(found, PostData | ServiceMessage | Rejected)
    read_page(inner)
    read_instead(inner)


def test_depth_does_not_matter() -> None:
    assert "deep" in text("<b>" * 5000 + "deep" + "</b>" * 5000).text


@pytest.mark.row("I7")
@pytest.mark.parametrize("number", ["²", "9" * 5000, "0", "2147483648", "-1", "x"])
def test_what_is_no_message_id_is_none(number: str) -> None:
    link = f'href="https://t.me/other/{number}"'
    post = one(
        f'<a class="tgme_widget_message_forwarded_from_name" {link}>Other</a>'
        f'<a class="tgme_widget_message_reply" {link}>quoted</a>'
        f'<div class="tgme_widget_message_grouped_wrap"><a {link}></a></div>'
    )
    assert post.forward == Forward(channel="Other", username="other")
    assert (post.reply, post.ids) == (None, (7,))


@pytest.mark.row("I7")
@pytest.mark.parametrize(
    "view",
    [{"c": 2**63 + 10**12}, {"c": -(10**30)}, {"c": 0}, {"c": 1.5}, {"c": True}, [], "[" * 5000],
)
def test_what_is_no_channel_is_none(view: object) -> None:
    said = view if isinstance(view, str) else json.dumps(view)
    data = base64.urlsafe_b64encode(said.encode()).decode()
    page = read_page(
        f'<div class="tgme_channel_history">'
        f'<div class="tgme_widget_message" data-post="news/7" data-view="{data}"></div></div>'
    )
    assert page is not None
    assert page.number is None


@pytest.mark.row("I7")
@pytest.mark.parametrize(
    "inner",
    [
        '<div class="tgme_widget_message" data-post="news/8">',
        '<div class="tgme_widget_message_poll"><div class="tgme_widget_message_poll_option_text">x',
        '<div class="tgme_widget_message_document_wrap">',
        '<div class="tgme_widget_message_reply"><div class="tgme_widget_message_text">',
    ],
)
def test_a_message_takes_no_more_than_its_share(inner: str) -> None:
    page = read_page(
        '<div class="tgme_channel_history"><div class="tgme_widget_message" data-post="news/7">'
        + inner * 150
    )
    assert page is not None
    assert len(page.messages) == 1
    found = convert(page.messages[0])
    assert isinstance(found, PostData)
    assert len(found.media) <= MOST
    assert sum(len(word) for media in found.media for word in media.words) <= 2 * MOST * 150


# ---- words stay apart

HEART = '<tg-emoji emoji-id="5"><i class="emoji" style="x"><b>❤️</b></i></tg-emoji>'
APART = f"First <b>storm</b><br/>Second {HEART} flood<br>and <i>more</i>"
LINES = "First storm\nSecond ❤️ flood\nand more"
LINE = LINES.replace("\n", " ")


@pytest.mark.row("I5")
def test_words_are_never_glued_at_a_line_break_or_an_emoji() -> None:
    post = one(
        f'<a class="tgme_widget_message_forwarded_from_name" href="https://t.me/srcs/1">{APART}</a>'
        f'<div class="tgme_widget_message_text js-message_text">{APART}</div>'
        '<div class="tgme_widget_message_poll">'
        f'<div class="tgme_widget_message_poll_question">{APART}</div>'
        f'<div class="tgme_widget_message_poll_option_text">{APART}</div></div>'
        f'<div class="tgme_widget_message_location_wrap">'
        f'<div class="tgme_widget_message_location_title">{APART}</div></div>'
        f'<div class="tgme_widget_message_document_wrap"><i class="x"></i>'
        f'<div class="tgme_widget_message_document_title">{APART}</div></div>'
        f'<a class="tgme_widget_message_link_preview" href="https://e.org/a">'
        f'<div class="link_preview_title">{APART}</div>'
        f'<div class="link_preview_description">{APART}</div></a>'
        f'<span class="tgme_widget_message_from_author">{APART}</span>'
    )
    media = {item.type: item for item in post.media}
    assert (post.text, post.author) == (LINES, LINE)
    assert post.forward is not None
    assert post.forward.channel == LINE
    assert (media["poll"].question, media["poll"].options) == (LINES, (LINES,))
    assert (media["geo"].title, media["document"].file_name) == (LINE, LINE)
    assert (media["webpage"].title, media["webpage"].description) == (LINE, LINES)


def test_a_channel_s_title_keeps_its_words_apart() -> None:
    page = read_page(
        f'<div class="tgme_channel_info_header_title"><span dir="auto">{APART}</span></div>'
        '<div class="tgme_channel_history"></div>'
    )
    assert page is not None
    assert page.title == LINE


@pytest.mark.row("I5")
@pytest.mark.parametrize(
    ("inner", "shown"),
    [
        ("before<blockquote>quote</blockquote>after", "before\nquote\nafter"),
        ("before<br/><blockquote>quote</blockquote><br/>after", "before\nquote\nafter"),
        ("<pre><code>x = 1</code></pre><b>bold</b>", "x = 1\nbold"),
        ("<p>one</p><p>two</p><ul><li>three</li><li>four</li></ul>", "one\ntwo\nthree\nfour"),
        ('fire <img class="emoji" alt="🔥"> now', "fire 🔥 now"),
        ('fire <i class="emoji"><img alt="🔥"></i> now', "fire 🔥 now"),
        ("<b>" * 150 + "one<br>two" + "</b>" * 150, "one\ntwo"),
    ],
)
def test_a_block_s_words_stand_apart(inner: str, shown: str) -> None:
    post = text(inner)
    assert post.text == shown
    for mark in post.entities:
        words = post.text.encode("utf-16-le")[2 * mark.offset :][: 2 * mark.length].decode(
            "utf-16-le"
        )
        assert words == words.strip("\n")


# ---- links to posts

OWN = base64.urlsafe_b64encode(b'{"c": -1234567890, "p": 7}').decode()


def linked(part: str, href: str) -> PostData:
    found = convert(
        f'<div class="tgme_widget_message" data-post="news/7" data-view="{OWN}">'
        f'<a class="tgme_widget_message_{part}" href="{href}">Src</a>'
        '<time datetime="2026-05-01T10:00:00+03:00"></time></div>'
    )
    assert isinstance(found, PostData)
    return found


@pytest.mark.parametrize(
    ("href", "reply"),
    [
        ("https://t.me/news/3", Reply(3)),
        ("https://t.me/News/3?single", Reply(3)),
        ("https://telegram.me/s/news/3", Reply(3)),
        ("//t.me/news/3", Reply(3)),
        ("https://news.t.me/3", Reply(3)),
        ("tg://resolve?domain=news&post=3", Reply(3)),
        ("https://t.me/news/2/3", Reply(3)),  # a topic
        ("https://t.me/news/3?thread=2", Reply(3)),
        ("https://t.me/c/1234567890/3", Reply(3)),
        ("https://t.me/c/1234567890/2/3", Reply(3)),
        ("https://t.me/c/1555555555/3", Reply(3, channel_id=1555555555)),
        ("tg://privatepost?channel=1555555555&post=3", Reply(3, channel_id=1555555555)),
        ("https://t.me/otherchan/55", None),
        ("https://t.me/otherchan/2/55", None),
        ("https://t.me/news/3?comment=55", None),
        ("https://t.me/news/s/3", None),  # a story
        ("https://t.me/news", None),
        ("https://t.me/c/1234567890", None),
        ("https://t.me/+AbCdEfGhIj/3", None),
        ("https://e.org/news/3", None),
    ],
)
def test_a_reply_is_to_this_channel_only_if_the_link_says_so(href: str, reply: Reply) -> None:
    assert linked("reply", href).reply == reply


@pytest.mark.parametrize(
    ("href", "forward"),
    [
        ("https://t.me/other/9", Forward(None, "Src", "other", 9)),
        ("https://t.me/other/2/9?single", Forward(None, "Src", "other", 9)),
        ("https://t.me/c/1555555555/9", Forward(1555555555, "Src", None, 9)),
        ("https://t.me/c/1555555555/2/9", Forward(1555555555, "Src", None, 9)),
        ("https://t.me/other", Forward(None, "Src", "other")),
        ("https://t.me/c/1555555555", Forward(1555555555, "Src")),
        ("https://t.me/other/9?comment=4", Forward(None, "Src", "other")),
        ("https://t.me/other/s/9", Forward(None, "Src", "other")),
        ("https://e.org/other/9", Forward(None, "Src")),
    ],
)
def test_a_forward_has_the_id_in_its_channel(href: str, forward: Forward) -> None:
    assert linked("forwarded_from_name", href).forward == forward


def test_an_album_has_no_members_of_another_channel() -> None:
    links = "".join(
        f'<a href="https://t.me/{place}?single"></a>'
        for place in ("news/8", "news/2/9", "c/1234567890/10", "other/6", "c/1555555555/5")
    )
    found = convert(
        f'<div class="tgme_widget_message" data-post="news/7" data-view="{OWN}">'
        f'<div class="tgme_widget_message_grouped_wrap">{links}</div></div>'
    )
    assert isinstance(found, PostData)
    assert found.ids == (7, 8, 9, 10)


def test_a_page_has_no_message_of_another_channel() -> None:
    head = '<div class="tgme_channel_info_header_username"><a>@news</a></div>'
    messages = "".join(
        f'<div class="tgme_widget_message" data-post="{name}"{view}></div>'
        for name, view in (
            ("news/7", f' data-view="{OWN}"'), ("News/8", ""), ("other/9", ""),
        )
    )  # fmt: skip
    page = read_page(f'{head}<div class="tgme_channel_history">{messages}</div>')
    assert page is not None
    assert [convert(html).ids for html in page.messages] == [(7,), (8,)]  # type: ignore[union-attr]
