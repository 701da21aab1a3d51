"""Messages become posts without loss: from Telethon's objects over their plain form."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types

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
from tgtagger.sources import raw
from tgtagger.sources.telegram.convert import CONVERTER, convert, convert_page, reconvert
from tgtagger.sources.telegram.source import to_plain_form

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
PHOTO = types.Photo(9, 1, b"", NOW, [types.PhotoSizeProgressive("y", 1280, 720, [100, 5000])], 2)


def message(text: str = "", **facts: Any) -> dict[str, Any]:
    facts = {"date": NOW, **facts}
    made = types.Message(facts.pop("id", 7), types.PeerChannel(5), message=text, **facts)
    found: dict[str, Any] = to_plain_form(made.to_dict())
    return found


def post(text: str = "", **facts: Any) -> PostData:
    found = convert(message(text, **facts))
    assert isinstance(found, PostData)
    return found


def document(*attributes: Any, mime: str = "application/pdf") -> types.Document:
    return types.Document(3, 1, b"", NOW, mime, 1234, 2, list(attributes))


def words(text: str) -> types.TextWithEntities:
    return types.TextWithEntities(text, [])


def test_facts_counters_and_times() -> None:
    found = post(
        "text",
        views=10,
        forwards=0,
        edit_date=LATER,
        post_author="Ann",
        replies=types.MessageReplies(4, 1),
        reactions=types.MessageReactions(
            [
                types.ReactionCount(types.ReactionEmoji("👍"), 5),
                types.ReactionCount(types.ReactionCustomEmoji(2**60), 2),
                types.ReactionCount(types.ReactionPaid(), 1),
            ]
        ),
    )
    assert (found.date, found.edited) == (NOW, LATER)
    assert (found.views, found.forwards, found.replies) == (10, 0, 4)
    assert found.reactions == (("👍", 5), (f"custom:{2**60}", 2), ("paid", 1))
    assert found.author == "Ann"
    assert post("a").views is None
    assert post("a").reactions is None
    assert post("a", edit_date=LATER, edit_hide=True).edited is None


def test_entities_count_utf16_and_become_markdown() -> None:
    found = post(
        "🙂 bold and link",
        entities=[
            types.MessageEntityBold(3, 4),
            types.MessageEntityTextUrl(12, 4, "https://e.org"),
            types.MessageEntityItalic(3, 8),
        ],
    )
    assert found.entities[0] == Entity("bold", 3, 4)
    assert found.markdown is not None
    assert "[link](https://e.org)" in found.markdown
    assert found.text == "🙂 bold and link"


def test_forwards_and_replies() -> None:
    header = types.MessageFwdHeader(NOW, from_id=types.PeerChannel(8), channel_post=77)
    assert post("a", fwd_from=header).forward == Forward(8, None, None, 77)
    hidden = types.MessageFwdHeader(NOW, from_name="Somebody")
    assert post("a", fwd_from=hidden).forward == Forward(channel="Somebody")
    reply = types.MessageReplyHeader(
        reply_to_msg_id=3, reply_to_peer_id=types.PeerChannel(9), quote_text="these words"
    )
    assert post("a", reply_to=reply).reply == Reply(3, 9, "these words")
    story = types.MessageReplyStoryHeader(types.PeerChannel(9), 4)
    assert post("a", reply_to=story).reply is None
    for elsewhere in (types.PeerUser(9), types.PeerChat(9)):
        header = types.MessageReplyHeader(reply_to_msg_id=3, reply_to_peer_id=elsewhere)
        assert post("a", reply_to=header).reply is None


MEDIA: dict[str, tuple[Any, dict[str, Any]]] = {
    "photo": (
        types.MessageMediaPhoto(photo=PHOTO),
        {"type": "photo", "width": 1280, "height": 720, "size": 5000},
    ),
    "video": (
        types.MessageMediaDocument(
            document=document(types.DocumentAttributeVideo(9.5, 640, 360), mime="video/mp4")
        ),
        {"type": "video", "duration": 9.5, "width": 640, "mime_type": "video/mp4"},
    ),
    "round": (
        types.MessageMediaDocument(
            document=document(types.DocumentAttributeVideo(9, 64, 64, round_message=True))
        ),
        {"type": "round"},
    ),
    "voice": (
        types.MessageMediaDocument(document=document(types.DocumentAttributeAudio(7, voice=True))),
        {"type": "voice", "duration": 7.0},
    ),
    "audio": (
        types.MessageMediaDocument(
            document=document(types.DocumentAttributeAudio(7, title="Song", performer="Ann"))
        ),
        {"type": "audio", "title": "Ann – Song"},
    ),
    "animation": (
        types.MessageMediaDocument(
            document=document(
                types.DocumentAttributeVideo(1, 2, 2), types.DocumentAttributeAnimated()
            )
        ),
        {"type": "animation"},
    ),
    "sticker": (
        types.MessageMediaDocument(
            document=document(types.DocumentAttributeSticker("😀", types.InputStickerSetEmpty()))
        ),
        {"type": "sticker", "description": "😀"},
    ),
    "document": (
        types.MessageMediaDocument(document=document(types.DocumentAttributeFilename("a.pdf"))),
        {"type": "document", "file_name": "a.pdf", "size": 1234},
    ),
    "webpage": (
        types.MessageMediaWebPage(
            types.WebPage(1, "https://e.org", "e.org", 0, title="Title", description="About")
        ),
        {"type": "webpage", "url": "https://e.org", "title": "Title", "description": "About"},
    ),
    "poll": (
        types.MessageMediaPoll(
            types.Poll(
                1,
                words("Which?"),
                [types.PollAnswer(words("A"), b"0"), types.PollAnswer(words("B"), b"1")],
                0,
            ),
            types.PollResults(),
        ),
        {"type": "poll", "question": "Which?", "options": ("A", "B")},
    ),
    "todo": (
        types.MessageMediaToDo(types.TodoList(words("To do"), [types.TodoItem(1, words("x"))])),
        {"type": "todo", "question": "To do", "options": ("x",)},
    ),
    "geo": (
        types.MessageMediaGeo(types.GeoPoint(30.5, -59.9, 1)),
        {"type": "geo", "description": "-59.900000, 30.500000"},
    ),
    "venue": (
        types.MessageMediaVenue(types.GeoPoint(30.5, 59.9, 1), "Café", "Street 1", "", "", ""),
        {"type": "geo", "title": "Café", "description": "Street 1"},
    ),
    "contact": (
        types.MessageMediaContact("+7 999", "Ann", "Lee", "", 0),
        {"type": "contact", "title": "Ann Lee", "description": None},
    ),
    "invoice": (
        types.MessageMediaInvoice("Mug", "A mug", "EUR", 500, ""),
        {"type": "other", "title": "Mug", "description": "A mug"},
    ),
    "giveaway": (
        types.MessageMediaGiveaway([5], 1, NOW, prize_description="A car"),
        {"type": "other", "description": "A car"},
    ),
    "paid": (types.MessageMediaPaidMedia(50, []), {"type": "other"}),
    "dice": (types.MessageMediaDice(6, "🎲"), {"type": "other"}),
}


@pytest.mark.parametrize("name", MEDIA)
def test_media_is_described(name: str) -> None:
    made, expected = MEDIA[name]
    (found,) = post("", media=made).media
    assert {key: getattr(found, key) for key in expected} == expected


def test_every_kind_of_media_gives_something_or_is_named() -> None:
    for name in dir(types):
        if not name.startswith("MessageMedia") or name == "MessageMediaEmpty":
            continue
        found = convert(
            {"_": "Message", "id": 1, "date": "2026-01-01T00:00:00", "media": {"_": name}}
        )
        assert isinstance(found, PostData)
        assert found.media or found.problem, name


def test_no_text_is_never_silent() -> None:
    assert post("").problem is not None
    reason = types.RestrictionReason("all", "copyright", "No.")
    assert "copyright" in (post("", restriction_reason=[reason]).problem or "")
    assert post("", media=types.MessageMediaUnsupported()).problem is not None
    assert post("", media=types.MessageMediaPhoto(photo=PHOTO)).problem is None
    assert "rich" in (post("", rich_message=types.RichMessage([], [], [])).problem or "")


def test_rich_text_stands_for_the_text() -> None:
    rich = types.RichMessage([types.PageBlockHeading1(types.TextPlain("News"))], [], [])
    found = post("", rich_message=rich)
    assert (found.text, found.markdown, found.problem) == ("News", "# News", None)


def test_albums_are_one_post_with_all_that_its_members_know() -> None:
    records = [
        message("second", id=12, grouped_id=5, views=3, entities=[types.MessageEntityBold(0, 6)]),
        message("first 🙂", id=11, grouped_id=5, views=9, edit_date=LATER),
        message("", id=10, grouped_id=5, media=types.MessageMediaPhoto(photo=PHOTO)),
        message("alone", id=9),
    ]
    album, alone = convert_page(records)
    assert isinstance(album, PostData)
    assert isinstance(alone, PostData)
    assert (album.ids, alone.ids) == ((10, 11, 12), (9,))
    assert album.text == "first 🙂\n\nsecond"
    assert album.entities == (Entity("bold", 10, 6),)
    assert (album.views, album.edited, len(album.media)) == (9, LATER, 1)
    assert album.raw is not None
    again = reconvert(StoredRawRecord(Channel(5, "N"), "telegram", album.raw.data))
    assert again is not None
    assert (again.ids, again.text, again.media) == (album.ids, album.text, album.media)


def test_the_raw_form_runs_through_a_newer_converter() -> None:
    found = post("text", views=3, media=types.MessageMediaPhoto(photo=PHOTO))
    assert found.raw is not None
    assert found.raw.converter == CONVERTER
    assert raw.unpack(found.raw.data)["_"] == "Message"
    assert reconvert(StoredRawRecord(Channel(5, "N"), "telegram", found.raw.data)) == found
    assert reconvert(StoredRawRecord(Channel(5, "N"), "telegram", b"rubbish")) is None


def test_service_and_empty_messages() -> None:
    made = types.MessageService(
        3, types.PeerChannel(5), date=NOW, action=types.MessageActionChatEditTitle("New")
    )
    found = convert(to_plain_form(made.to_dict()))
    assert isinstance(found, ServiceMessage)
    assert (found.message_id, found.action, found.date) == (3, "chat_edit_title", NOW)
    assert convert({"_": "MessageEmpty", "id": 4}) is None
    assert isinstance(convert({"_": "Message", "id": "x"}), Rejected)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
FIELDS = st.sampled_from(
    "date message entities media views reactions replies fwd_from reply_to grouped_id edit_date "
    "rich_message restriction_reason post_author".split()
)


@given(st.dictionaries(FIELDS, ANY))
def test_no_record_is_too_strange(record: dict[str, Any]) -> None:
    assert isinstance(convert({"_": "Message", "id": 1, **record}), PostData | Rejected)


@pytest.mark.row("I7")
@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", ""])
def test_a_moment_that_no_calendar_holds_is_not_known(date: str) -> None:
    found = convert(message("a") | {"date": date, "edit_date": date})
    assert isinstance(found, PostData)
    assert (found.date, found.edited) == (None, None)
    assert found.problem == "its date cannot be read"


@pytest.mark.row("I7")
def test_entities_end_where_the_text_ends() -> None:
    marks = [
        types.MessageEntityBold(at, length) for at, length in ((0, 99), (3, 1), (4, 1), (9, 9))
    ]
    found = post("a😀b", entities=marks)
    assert found.entities == (Entity("bold", 0, 4), Entity("bold", 3, 1))


def test_a_group_that_is_no_number_is_none() -> None:
    records = [message("a", id=number) | {"grouped_id": [5]} for number in (8, 7)]
    assert [found.ids for found in convert_page(records) if isinstance(found, PostData)] == [
        (8,),
        (7,),
    ]
