"""A message becomes a post: every kind of media, entity and relation, beside what is expected."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.exports import message
from tgtagger.model.posts import (
    Channel,
    Entity,
    Forward,
    Media,
    PostData,
    Rejected,
    Reply,
    ServiceMessage,
    StoredRawRecord,
)
from tgtagger.sources import raw
from tgtagger.sources.desktop import CONVERTER, reconvert
from tgtagger.sources.desktop.convert import convert

MEDIA: list[tuple[dict[str, Any], Media]] = [
    (
        {"photo": "photos/p.jpg", "photo_file_size": 9, "width": 3, "height": 4},
        Media("photo", size=9, width=3, height=4),
    ),
    (
        {"file": "video_files/v.mp4", "media_type": "video_file", "mime_type": "video/mp4",
         "duration_seconds": 35, "width": 1, "height": 2},
        Media("video", file_name="v.mp4", mime_type="video/mp4", duration=35, width=1, height=2),
    ),
    (
        {"file": "(File not included. Change data exporting settings to download.)",
         "media_type": "voice_message", "duration_seconds": 3},
        Media("voice", duration=3),
    ),
    ({"file": "r.mp4", "media_type": "video_message"}, Media("round", file_name="r.mp4")),
    ({"file": "a.mp4", "media_type": "animation"}, Media("animation", file_name="a.mp4")),
    (
        {"file": "x", "file_name": "t.mp3", "media_type": "audio_file", "performer": "P",
         "title": "T"},
        Media("audio", file_name="t.mp3", title="P – T"),
    ),
    (
        {"file": "s.webp", "media_type": "sticker", "sticker_emoji": "🔥"},
        Media("sticker", file_name="s.webp", description="🔥"),
    ),
    (
        {"file": "files/r.pdf", "file_name": "report.pdf", "file_size": 7,
         "mime_type": "application/pdf"},
        Media("document", file_name="report.pdf", size=7, mime_type="application/pdf"),
    ),
    (
        {"poll": {"question": "Why?", "closed": True, "total_voters": 3,
                  "answers": [{"text": "a", "voters": 1}, {"text": ["b"], "voters": 2}]}},
        Media("poll", question="Why?", options=("a", "b")),
    ),
    (
        {"todo_list": {"title": "Pack", "answers": [{"id": 1, "text": "socks"}]}},
        Media("todo", question="Pack", options=("socks",)),
    ),
    (
        {"location_information": {"latitude": 1.5, "longitude": -2.0}},
        Media("geo", description="1.5, -2.0"),
    ),
    (
        {"location_information": {"latitude": 1.5, "longitude": -2.0}, "place_name": "Mole",
         "address": "Pier 3"},
        Media("geo", title="Mole", description="Pier 3"),
    ),
    ({"place_name": "Mole", "address": "Pier 3"}, Media("geo", title="Mole", description="Pier 3")),
    (
        {"contact_information": {"first_name": "A", "last_name": "B", "phone_number": "+1555"}},
        Media("contact", title="A B"),
    ),
    (
        {"invoice_information": {"title": "Mug", "description": "Blue", "amount": 5}},
        Media("other", title="Mug", description="Blue"),
    ),
    (
        {"giveaway_information": {"quantity": 3, "additional_prize": "Books"}},
        Media("other", title="giveaway", description="Books"),
    ),
    ({"game_title": "Chess"}, Media("other", title="Chess")),
    ({"paid_stars_amount": 5}, Media("other", description="paid media")),
]  # fmt: skip


def post_of(record: Any) -> PostData:
    found = convert(record)
    assert isinstance(found, PostData)
    return found


@pytest.mark.parametrize(("facts", "expected"), MEDIA)
def test_media_are_described(facts: dict[str, Any], expected: Media) -> None:
    found = post_of(message(1, "", **facts))
    assert found.media == (expected,)
    assert found.problem is None


def test_a_phone_number_is_no_word_of_a_post() -> None:
    found = post_of(message(1, "", contact_information={"phone_number": "+15550001"}))
    assert "5550001" not in repr(found)


def test_entities_count_utf16_units_and_keep_what_they_carry() -> None:
    parts: list[Any] = [
        "😀 ",
        {"type": "bold", "text": "b😀"},
        {"type": "text_link", "text": "here", "href": "https://a.example/(x)"},
        {"type": "pre", "text": "code", "language": "py"},
        {"type": "mention_name", "text": "Ann", "user_id": 7},
        {"type": "custom_emoji", "text": "🔥", "document_id": "stickers/1.webp"},
        {"type": "blockquote", "text": "q", "collapsed": True},
        {"type": "unknown", "text": "?"},
    ]
    found = post_of(message(1, parts))
    assert found.text == "😀 b😀herecodeAnn🔥q?"
    assert found.entities == (
        Entity("bold", 3, 3),
        Entity("text_link", 6, 4, url="https://a.example/(x)"),
        Entity("pre", 10, 4, language="py"),
        Entity("mention_name", 14, 3, user_id=7),
        Entity("custom_emoji", 17, 2, document_id="stickers/1.webp"),
        Entity("blockquote", 19, 1, collapsed=True),
    )
    encoded = found.text.encode("utf-16-le")
    bold = found.entities[0]
    assert encoded[2 * bold.offset : 2 * (bold.offset + bold.length)].decode("utf-16-le") == "b😀"


def test_relations_and_reactions() -> None:
    found = post_of(
        message(
            5, "x", author="Ann", edited="2026-01-02T00:00:00", edited_unixtime="1767312000",
            forwarded_from="Other", forwarded_from_id="channel42", reply_to_message_id=3,
            reactions=[{"type": "emoji", "count": 2, "emoji": "👍"}, {"type": "paid", "count": 1},
                       {"type": "custom_emoji", "count": 4, "document_id": "77"}],
        )
    )  # fmt: skip
    assert found.author == "Ann"
    assert found.edited is not None
    assert found.forward == Forward(42, "Other")
    assert found.reply == Reply(3)
    assert found.reactions == (("👍", 2), ("paid", 1), ("custom:77", 4))
    assert (found.views, found.forwards, found.grouped_id) == (None, None, None)


def test_what_is_not_said_is_not_known() -> None:
    found = post_of(message(1, "x"))
    assert found.reactions is None
    assert found.forward is None
    assert found.edited is None


def test_a_forward_from_somebody_hidden() -> None:
    assert post_of(message(1, "x", forwarded_from=None)).forward == Forward()


def test_an_empty_message_says_so() -> None:
    assert post_of(message(1, "")).problem is not None


def test_the_raw_form_runs_through_a_newer_converter() -> None:
    record = message(9, "text", photo="p.jpg")
    found = post_of(record)
    assert found.raw is not None
    assert found.raw.converter == CONVERTER
    assert raw.unpack(found.raw.data) == record
    assert reconvert(StoredRawRecord(Channel(1, "N"), "desktop", found.raw.data)) == found
    assert reconvert(StoredRawRecord(Channel(1, "N"), "desktop", b"rubbish")) is None


@pytest.mark.row("I7")
def test_values_that_no_export_holds() -> None:
    found = post_of(message(1, [{"type": "", "text": "a"}], file="f", duration_seconds=2**62))
    assert (found.entities, found.media[0].duration) == ((), None)


def test_a_raw_form_gives_the_same_place() -> None:
    place = {"latitude": Decimal("1.50"), "longitude": Decimal("1e3")}
    found = post_of(message(1, "", location_information=place))
    assert found.media[0].description == "1.5, 1000.0"
    assert found.raw is not None
    assert reconvert(StoredRawRecord(Channel(1, "N"), "desktop", found.raw.data)) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    "id type date date_unixtime edited text text_entities photo file media_type poll reactions "
    "forwarded_from forwarded_from_id reply_to_message_id author location_information todo_list "
    "contact_information width duration_seconds action".split()
)


@given(st.dictionaries(KEYS, JSON))
def test_no_record_breaks_the_converter(record: dict[str, Any]) -> None:
    found = convert(record | {"id": record.get("id", 1)})
    assert isinstance(found, PostData | ServiceMessage | Rejected)
    if isinstance(found, PostData):
        units = len(found.text.encode("utf-16-le", "surrogatepass")) // 2
        assert all(0 <= e.offset and e.offset + e.length <= units for e in found.entities)


PARTS = st.lists(
    st.text()
    | st.fixed_dictionaries({"type": st.sampled_from(["bold", "link"]), "text": st.text()}),
    max_size=8,
)


@given(PARTS)
def test_the_text_is_its_parts(parts: list[Any]) -> None:
    found = post_of(message(1, parts))
    words = "".join(part if isinstance(part, str) else part["text"] for part in parts)
    assert found.text == words.replace("\0", "")


BOLD = {"type": "bold", "text": "b"}


@pytest.mark.row("I5")
@pytest.mark.parametrize(
    "parts", [[], None, "", {}, [{}], [{"type": "plain", "text": ""}], [{"type": "plain"}], [BOLD]]
)
def test_text_keeps_its_words_whatever_its_entities(parts: Any) -> None:
    found = post_of(message(1, ["a ", BOLD]) | {"text_entities": parts})
    assert (found.text, found.markdown) == ("a b", "a **b**")
    assert found.entities == (Entity("bold", 2, 1),)
    assert post_of(message(1, "a b") | {"text_entities": parts}).text == "a b"
    bare = {key: value for key, value in message(1, ["a ", BOLD]).items() if key != "text_entities"}
    assert post_of(bare).text == "a b"


def test_entities_keep_their_words_without_a_text() -> None:
    assert post_of(message(1, ["a ", BOLD]) | {"text": ""}).text == "a b"
    parts = [{"type": "plain", "text": "a b"}]
    assert post_of(message(1, "") | {"text_entities": parts}).text == "a b"


@pytest.mark.row("I5")
@pytest.mark.parametrize("space", [" ", "\n", "\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}"])
def test_a_link_on_white_space_keeps_its_address(space: str) -> None:
    link = {"type": "text_link", "text": space, "href": "https://e.org/preview"}
    found = post_of(message(1, ["Text", link, "more"]))
    assert found.text == f"Text{space}more"
    assert "](https://e.org/preview)" in (found.markdown or "")


@pytest.mark.parametrize(
    ("peer", "reply"),
    [("channel42", Reply(3, channel_id=42)), ("user7", None), ("chat9", None), (None, Reply(3))],
)
def test_a_reply_into_another_chat_is_none_of_this(peer: str | None, reply: Reply | None) -> None:
    found = post_of(message(5, "x", reply_to_message_id=3, reply_to_peer_id=peer))
    assert found.reply == reply
