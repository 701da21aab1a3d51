"""Make the dictionary that raw records are compressed with.

usage: python scripts/raw_dictionary.py FOLDER of channel files {message_id, date, text, channel}

Writes src/tgtagger/sources/raw.dict. It holds what most raw records have in common: the forms of
Telegram Desktop's, Telegram's and the web preview's records (made here, without anybody's words),
and words that most channels of the folder use, and English ones; no text. How often a letter comes
is counted over the folder's posts. An archive names the dictionary that it needs by a number:
once released it stays as it is, and a better one gets another file beside it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from telethon.tl import types

from tgtagger.sources import raw
from tgtagger.sources.telegram.source import to_plain_form
from tgtagger.taggers.keywords import nouns

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SOURCE = Path(__file__).parents[1] / "src/tgtagger"
OUTPUT = SOURCE / "sources/raw.dict"
STOP_WORDS = SOURCE / "taggers/keywords/data/stopwords.txt"

CHANNELS = 5
"""A word is taken if so many channels use it: a channel's own words help no other."""
WORDS = 1200
"""Russian words; three times as many gain one part in a hundred."""
SAMPLES = 6000
DATE = dt.datetime(2024, 1, 1, 10, tzinfo=dt.UTC)


def read(folder: Path) -> list[tuple[str, str]]:
    """Return (channel, text) of the posts that have a text."""
    return [
        (post["channel"], post["text"])
        for file in sorted(folder.glob("*.json"))
        for post in json.loads(file.read_text(encoding="utf-8"))
        if post["text"]
    ]


def common_words(posts: Sequence[tuple[str, str]]) -> list[str]:
    """Return words that most channels use; last, where they cost least, those that save most."""
    used: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for channel, text in posts:
        for word in re.findall(r"[^\W\d_]{3,}", text):
            used[word][channel] += 1
    saved = {
        word: counted.total() * (len(word.encode()) - 3)
        for word, counted in used.items()
        if len(counted) >= CHANNELS
    }
    return sorted(saved, key=lambda word: (saved[word], word))[-WORDS:]


def english_words() -> list[str]:
    counted, _ = nouns._words()
    common = sorted((known.common, word) for word, known in counted.items() if known.common > 5)
    lines = STOP_WORDS.read_text(encoding="utf-8").splitlines()
    stop_words = [word for line in lines if line.startswith("en ") for word in line.split()[1:]]
    return [word for _, word in common] + stop_words


# ---- records, as the sources give them


def desktop(number: int, text: str) -> dict[str, Any]:
    """Return a record of Telegram Desktop's export."""
    return {
        "id": number,
        "type": "message",
        "date": "2024-01-01T10:00:00",
        "date_unixtime": str(1704103200 + number * 977),
        "from": "",
        "from_id": f"channel1{number:09}",
        "text": text,
        "text_entities": [{"type": "plain", "text": text}],
    }


def desktop_forms() -> Iterator[dict[str, Any]]:
    """Yield the keys that an export's records may have, the frequent ones last."""
    plain = desktop(1, "")
    about = {key: plain[key] for key in ("id", "type", "date", "date_unixtime")}
    edited = {"edited": "2024-01-01T10:00:00", "edited_unixtime": "1704103200"}
    actor = {"actor": "", "actor_id": "channel1", "action": "pin_message", "message_id": 1}
    yield about | {"type": "service"} | actor | {"text": "", "text_entities": []}
    size = {"width": 1280, "height": 720}
    skipped = "(File not included. Change data exporting settings to download.)"
    sender = {"from": "", "from_id": "channel1", "author": ""}
    forwarded = {"forwarded_from": "", "forwarded_from_id": "channel1", "via_bot": "@"}
    yield from (
        {
            "poll": {
                "question": "",
                "closed": False,
                "total_voters": 1,
                "answers": [{"text": "", "voters": 1, "chosen": False}],
            }
        },
        {"location_information": {"latitude": 55.7, "longitude": 37.6}},
        {
            "file": skipped,
            "file_name": "",
            "file_size": 1,
            "thumbnail": skipped,
            "thumbnail_file_size": 1,
            "media_type": "sticker",
            "sticker_emoji": "",
        }
        | size,
        {"file": "files/", "file_name": ".pdf", "file_size": 1, "mime_type": "application/pdf"},
        {
            "file": "audio_files/",
            "media_type": "audio_file",
            "performer": "",
            "title": "",
            "mime_type": "audio/mpeg",
            "duration_seconds": 1,
        },
        {
            "file": skipped,
            "media_type": "voice_message",
            "mime_type": "audio/ogg",
            "duration_seconds": 1,
        },
        {
            "file": "video_files/",
            "file_name": "video.mp4",
            "file_size": 1,
            "thumbnail": "video_files/video.mp4_thumb.jpg",
            "thumbnail_file_size": 1,
            "media_type": "video_file",
            "mime_type": "video/mp4",
            "duration_seconds": 1,
        }
        | size,
        {"photo": skipped, "photo_file_size": 1} | size,
        {"photo": "photos/photo_1@01-01-2024_10-00-00.jpg", "photo_file_size": 1} | size,
    )
    yield about | edited | sender | forwarded | {"reply_to_message_id": 1, "photo": "photos/"}
    parts = [
        *({"type": kind, "text": ""} for kind in (
            "underline", "strikethrough", "spoiler", "blockquote", "code", "phone", "cashtag",
            "mention", "hashtag", "italic", "link", "bold")),
        {"type": "pre", "text": "", "language": ""},
        {"type": "custom_emoji", "text": "", "document_id": skipped},
        {"type": "text_link", "text": "", "href": "https://t.me/"},
    ]  # fmt: skip
    between: list[Any] = [item for part in parts for item in ("", part)]
    reactions = [{"type": "custom_emoji", "count": 1, "document_id": ""},
                 {"type": "paid", "count": 1}]  # fmt: skip
    reactions += [{"type": "emoji", "count": 1, "emoji": emoji} for emoji in "🤔😢😁🙏🔥❤👍"]
    entities = [part for item in parts for part in ({"type": "plain", "text": ""}, item)]
    yield (
        about | edited | sender
        | {"text": ["", *between, ""], "text_entities": entities, "reactions": reactions}
    )  # fmt: skip
    yield desktop(1, "")


def telegram(number: int, text: str, **facts: Any) -> dict[str, Any]:
    """Return a message as Telegram's plain form."""
    message = types.Message(
        id=number, peer_id=types.PeerChannel(1000000000 + number), date=DATE, message=text,
        out=False, mentioned=False, media_unread=False, silent=False, post=True,
        from_scheduled=False, legacy=False, edit_hide=False, pinned=False, noforwards=False,
        views=number * 10, forwards=number, **facts,
    )  # fmt: skip
    found: dict[str, Any] = to_plain_form(message.to_dict())
    return found


def telegram_forms() -> Iterator[dict[str, Any]]:
    """Yield the keys that Telegram's messages may have, the frequent ones last."""
    peer = types.PeerChannel(1000000000)
    sizes: list[Any] = [
        types.PhotoStrippedSize("i", b""), types.PhotoSize("m", 320, 180, 10000),
        types.PhotoSize("x", 800, 450, 50000), types.PhotoSizeProgressive("y", 1280, 720, [10000]),
    ]  # fmt: skip
    photo = types.Photo(1, 1, b"", DATE, sizes, 2, has_stickers=False)
    attributes: list[Any] = [
        types.DocumentAttributeImageSize(1280, 720), types.DocumentAttributeAnimated(),
        types.DocumentAttributeAudio(1, voice=False, title="", performer="", waveform=b""),
        types.DocumentAttributeVideo(1.0, 1280, 720, round_message=False, supports_streaming=True,
                                     nosound=False),
        types.DocumentAttributeFilename("video.mp4"),
    ]  # fmt: skip
    document = types.Document(1, 1, b"", DATE, "video/mp4", 1, 2, attributes, thumbs=sizes[:2])
    page = types.WebPage(
        1, "https://", "", 1, type="article", site_name="", title="", description="", photo=photo
    )
    words = types.TextWithEntities("", [])
    poll = types.Poll(1, words, [types.PollAnswer(words, b"0")], 1)
    results = types.PollResults(results=[types.PollAnswerVoters(b"0", voters=1)], total_voters=1)
    entities: list[Any] = [kind(1, 1) for kind in (
        types.MessageEntityCode, types.MessageEntityPhone, types.MessageEntitySpoiler,
        types.MessageEntityUnderline, types.MessageEntityStrike, types.MessageEntityBlockquote,
        types.MessageEntityMention, types.MessageEntityHashtag, types.MessageEntityUrl,
        types.MessageEntityItalic)]  # fmt: skip
    entities += [
        types.MessageEntityPre(1, 1, ""), types.MessageEntityCustomEmoji(1, 1, 1),
        types.MessageEntityBold(1, 1), types.MessageEntityTextUrl(1, 1, "https://t.me/"),
    ]  # fmt: skip
    reactions = types.MessageReactions(
        [types.ReactionCount(kind, 1) for kind in (
            types.ReactionPaid(), types.ReactionCustomEmoji(1), types.ReactionEmoji("🔥"),
            types.ReactionEmoji("👍"), types.ReactionEmoji("❤"))],
        min=True, can_see_list=False)  # fmt: skip
    action = types.MessageActionPinMessage()
    yield to_plain_form(types.MessageService(1, peer, DATE, action, post=True).to_dict())
    replies = types.MessageReplies(1, 1, comments=True, channel_id=1)
    forward = types.MessageFwdHeader(DATE, from_id=peer, from_name="", channel_post=1)
    reply = types.MessageReplyHeader(reply_to_msg_id=1, quote_text="")
    for media in (
        types.MessageMediaPoll(poll, results),
        types.MessageMediaWebPage(page),
        types.MessageMediaDocument(document=document, video=True),
    ):
        yield to_plain_form(media.to_dict())
    yield telegram(
        1, "", media=types.MessageMediaPhoto(photo=photo), entities=entities, reactions=reactions,
        replies=replies, fwd_from=forward, reply_to=reply, edit_date=DATE, grouped_id=1,
        post_author="",
    )  # fmt: skip
    yield telegram(1, "", entities=[types.MessageEntityBold(1, 1)], reactions=reactions)


_NOT_SUPPORTED = (
    '<div class="media_not_supported_cont"><div class="message_media_not_supported_wrap">\n'
    '  <div class="message_media_not_supported">\n'
    '    <div class="message_media_not_supported_label">Please open Telegram to view this post'
    '</div>\n    <a href="https://t.me/" class="message_media_view_in_telegram">VIEW IN TELEGRAM'
    "</a>\n  </div>\n</div></div>"
)


def preview(number: int, text: str) -> dict[str, Any]:
    """Return a message of the web preview, with each element that a message often has."""
    emoji = (
        '<tg-emoji emoji-id="5"><i class="emoji" style="background-image:url('
        "'//telegram.org/img/emoji/40/F09F.png')\"><b></b></i></tg-emoji>"
    )
    click = "return confirm('Open this link?\\n\\n'+this.href);"
    link = f'<a href="https://" target="_blank" rel="noopener" onclick="{click}"><b></b></a><br/>'
    html = (
        '<div class="tgme_widget_message text_not_supported_wrap js-widget_message" '
        f'data-post="/{number}" data-view="eyJjIjotMTAw">\n'
        '<div class="tgme_widget_message_user"><a href="https://t.me/"><i class='
        '"tgme_widget_message_user_photo bgcolor0" data-content=""><img src="https://cdn4.telesco'
        '.pe/file/.jpg"></i></a></div>\n  <div class="tgme_widget_message_bubble">\n'
        '    <div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_'
        'owner_name" href="https://t.me/"><span dir="auto"></span></a></div>\n'
        '<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from&nbsp;<a '
        'class="tgme_widget_message_forwarded_from_name" href="https://t.me/"><span dir="auto">'
        '</span></a></div>\n<a class="tgme_widget_message_reply user-color-default" href="https://'
        't.me/"><div class="tgme_widget_message_metatext js-message_reply_text" dir="auto"></div>'
        '</a>\n<a class="tgme_widget_message_video_player js-message_video_player" href="https://'
        't.me/"><i class="tgme_widget_message_video_thumb" style="background-image:url(\'https://'
        "cdn4.telesco.pe/file/')\"></i>\n"
        '<div class="tgme_widget_message_video_wrap" style="width:1920px;padding-top:100%">\n'
        '  <video src="https://cdn4.telesco.pe/file/.mp4?token=" class="tgme_widget_message_video '
        'js-message_video" width="100%" height="100%" muted autoplay loop playsinline></video>\n'
        '</div></a><a class="tgme_widget_message_photo_wrap" href="https://t.me/" style="width:'
        "800px;background-image:url('https://cdn4.telesco.pe/file/.jpg')\"><div class=\""
        'tgme_widget_message_photo" style="padding-top:56.25%"></div></a>'
        f'<div class="media_supported_cont">{emoji}{link}</div>{_NOT_SUPPORTED}\n'
        '<div class="tgme_widget_message_text js-message_text" dir="auto">'
        f"{text}</div>\n"
        '<div class="tgme_widget_message_reactions js-message_reactions"><span class="tgme_reaction'
        ' tgme_reaction_paid"><i class="icon icon-telegram-stars"></i>1K</span>'
        f'<span class="tgme_reaction">{emoji}1.1K</span></div>'
        '<div class="tgme_widget_message_footer compact js-message_footer">\n'
        '  <div class="tgme_widget_message_info short js-message_info">\n'
        '    <span class="tgme_widget_message_views">1.1K</span><span class="copyonly"> views'
        '</span><span class="tgme_widget_message_meta"><span class="tgme_widget_message_from_author'
        '" dir="auto"></span>,&nbsp;edited &nbsp;<a class="tgme_widget_message_date" href='
        f'"https://t.me//{number}"><time datetime="2024-01-01T10:00:00+00:00" class="time">10:00'
        "</time></a></span>\n  </div>\n</div>\n  </div>\n</div>"
    )
    return {"html": html}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    posts = read(parser.parse_args().folder)
    if not posts:
        sys.exit("there are no posts in the folder")
    forms = [preview(1, ""), *telegram_forms(), *desktop_forms()]
    words = " ".join(["", *english_words(), *common_words(posts), ""])
    content = words.encode() + b"".join(map(orjson.dumps, forms))
    chance = random.Random(1)
    samples = [
        orjson.dumps(chance.choices((desktop, telegram, preview), (4, 2, 1))[0](number, text))
        for number, (_, text) in enumerate(chance.sample(posts, min(SAMPLES, len(posts))))
    ]
    made = zstd.finalize_dict(
        zstd.ZstdDict(content, is_raw=True), samples, len(content) + 4096, raw.LEVEL
    )
    OUTPUT.write_bytes(made.dict_content)
    print(f"{OUTPUT.name}: number {made.dict_id}, {len(made.dict_content):,} bytes")


if __name__ == "__main__":
    main()
