"""Convert one message of the web preview, from its HTML, into a post or a service message. Pure.

Never raises for any HTML. The quote of a reply has the same mark-up as the post's own text, and
stands before it: only its class differs. All words are read in one way (`_Writer`): a line break
and an emoji's element keep the words beside them apart. Knows no page.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import re
from urllib.parse import parse_qs, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tgtagger.errors import InputError
from tgtagger.model.posts import (
    Entity,
    Forward,
    Media,
    PostData,
    RawRecord,
    Rejected,
    Reply,
    ServiceMessage,
    StoredRawRecord,
)
from tgtagger.model.refs import ChannelRef, Named, Numbered, read_channel, split_post
from tgtagger.sources import conversion, raw
from tgtagger.sources.markdown import to_markdown

CONVERTER = 2
"""The version of this conversion, kept with every raw record; raise it when posts get better."""

NESTING = 100
"""Elements within elements that are followed."""

MOST = 50
"""Parts of one kind in a message; Telegram allows fewer. Bounds the time that a page takes."""

_MARKS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline",
    "ins": "underline", "s": "strikethrough", "del": "strikethrough", "strike": "strikethrough",
    "code": "code", "pre": "pre", "tg-spoiler": "spoiler", "blockquote": "blockquote",
}  # fmt: skip
_BLOCKS = frozenset(
    "address article blockquote dd div dl dt figure h1 h2 h3 h4 h5 h6 hr li ol p pre section table "
    "td th tr ul".split()
)
"""The elements that begin and end a line."""
_UNSEEN = frozenset(("script", "style"))
_TEXT = ".tgme_widget_message_text.js-message_text"
_ASIDE = ".media_not_supported_cont, .message_media_not_supported_wrap"


def convert(html: str) -> PostData | ServiceMessage | Rejected:
    """Return the post, service message or rejection of a message's HTML."""
    root = LexborHTMLParser(html).css_first(".tgme_widget_message")
    name = root.attributes.get("data-post") if root is not None else None
    number = _post_id(name)
    if root is None or number is None:
        return Rejected(None, "its id cannot be read")
    try:
        packed = RawRecord(raw.pack({"html": html}), CONVERTER)
    except (TypeError, ValueError):
        return Rejected(number, "it holds what JSON cannot say")
    for aside in root.css(_ASIDE):
        aside.decompose()
    date = _date(root)
    if "service_message" in (root.attributes.get("class") or ""):
        return ServiceMessage(number, date, "unknown", packed)
    text, entities = _text(root)
    media = _media(root)
    if conversion.is_too_long(text, media):
        return conversion.too_long(number)
    problem = None
    if date is None:
        problem = "its date cannot be read"
    elif not text and not media:
        problem = "the web preview does not show it"
    return PostData(
        ids=_ids(root, number),
        date=date,
        text=text,
        markdown=to_markdown(text, entities),
        entities=entities,
        media=media,
        views=counter(_words(root, ".tgme_widget_message_views")),
        reactions=_reactions(root),
        forward=_forward(root),
        reply=_reply(root),
        author=_words(root, ".tgme_widget_message_from_author"),
        problem=problem,
        raw=packed,
    )


def reconvert(stored: StoredRawRecord) -> PostData | None:
    """Run the converter over a stored raw record; None if it can no longer be read."""
    try:
        record = raw.unpack(stored.data)
    except (ValueError, RecursionError):
        return None
    html = record.get("html") if isinstance(record, dict) else None
    found = convert(html) if isinstance(html, str) else None
    return found if isinstance(found, PostData) else None


def channel_number(root: LexborNode) -> int | None:
    """Return the channel's id, which a message holds, negated, in `data-view`."""
    data = root.attributes.get("data-view") or ""
    try:
        found = json.loads(base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    number = found.get("c") if isinstance(found, dict) else None
    if type(number) is not int:
        return None
    number = abs(number)
    # Telegram serves no marked ids (-100…) today; a later one is told apart.
    number = number - 10**12 if number > 10**12 else number
    return number if 0 < number < 2**63 else None


def counter(text: str | None) -> int | None:
    """Read `1.95M`, `14.3K`, `12 345`: a count as shown, which may be rounded."""
    found = re.fullmatch(r"([\d\s.,]{1,30})([KM]?)", (text or "").strip())
    if found is None:
        return None
    figure, unit = re.sub(r"\s", "", found[1]), found[2]
    try:
        if unit:
            count = round(float(figure.replace(",", ".")) * {"K": 1_000, "M": 1_000_000}[unit])
        else:
            count = int(re.sub(r"[.,]", "", figure))
    except ValueError:
        return None
    return count if count < 2**63 else None


# ---- the parts of a message


def _post_id(name: str | None) -> int | None:
    found = re.fullmatch(r"[^/]+/(\d{1,10})", name or "")
    return _message_id(found[1]) if found else None


def _message_id(digits: str) -> int | None:
    known = re.fullmatch(r"\d{1,10}", digits) and 0 < int(digits) < 2**31
    return int(digits) if known else None


def _ids(root: LexborNode, number: int) -> tuple[int, ...]:
    """Return the message ids: an album's photos link to theirs."""
    found = {number}
    for node in root.css(".tgme_widget_message_grouped_wrap a[href]"):
        channel, member = _link(node)
        # An album has at most ten.
        if member is not None and abs(member - number) < 10 and _is_own(channel, root):
            found.add(member)
    return tuple(sorted(found))


def lines(node: LexborNode | None) -> str | None:
    """Return the words of an element as shown, line by line; None if it has none."""
    if node is None:
        return None
    writer = _Writer()
    writer.inside(node, 0)
    return writer.done()[0].strip() or None


def line(node: LexborNode | None) -> str | None:
    """Return the words of an element in one line: a name, a title, a counter."""
    return " ".join((lines(node) or "").split()) or None


def _words(root: LexborNode, selector: str) -> str | None:
    return line(root.css_first(selector))


def _date(root: LexborNode) -> dt.datetime | None:
    node = root.css_first(".tgme_widget_message_date time[datetime]") or root.css_first(
        "time[datetime]"
    )
    try:
        moment = dt.datetime.fromisoformat(str(node.attributes.get("datetime"))) if node else None
        return moment.astimezone(dt.UTC) if moment else None
    except (ValueError, OverflowError):
        return None


def _text(root: LexborNode) -> tuple[str, tuple[Entity, ...]]:
    """Return the post's own text: not the quote's, and of a nested pair the inner one's."""
    quoted = {node.mem_id for node in root.css(".tgme_widget_message_reply " + _TEXT)}
    for node in root.css(_TEXT):
        is_reply = "js-message_reply_text" in (node.attributes.get("class") or "")
        if not is_reply and node.mem_id not in quoted:
            writer = _Writer()
            writer.inside(node, 0)
            return writer.done()
    return "", ()


class _Writer:
    """Collects text, and entities in UTF-16 code units.

    Where an element of its own lines (a quote, a code block) stands beside a word, a line break
    keeps them apart.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._entities: list[Entity] = []
        self._is_at_border = False  # a block has begun or ended since the last piece
        self._breaks: set[int] = set()  # the pieces that are such line breaks

    def inside(self, node: LexborNode, depth: int) -> None:
        if depth > NESTING:
            self._flat(node)
            return
        child = node.child
        while child is not None:
            self._node(child, depth + 1)
            child = child.next

    def _flat(self, node: LexborNode) -> None:
        """Add the words of an element without its entities, at any depth."""
        for inner in node.traverse(include_text=True):
            if inner.tag == "br":
                self._add("\n")
            elif inner.tag in _BLOCKS:
                self._is_at_border = True
            elif inner.tag == "-text" and (inner.parent is None or inner.parent.tag not in _UNSEEN):
                self._add(inner.text_content or "")

    def _node(self, node: LexborNode, depth: int) -> None:
        tag = node.tag
        if tag == "-text":
            self._add(node.text_content or "")
        elif tag == "br":
            self._add("\n")
        elif tag in {"tg-emoji", "img"} or "emoji" in (node.attributes.get("class") or "").split():
            self._add(node.text() or _alternative(node))
        elif tag is not None and not tag.startswith("-") and tag not in _UNSEEN:
            is_block = tag in _BLOCKS
            self._is_at_border |= is_block
            start, first = self._length, len(self._pieces)
            self.inside(node, depth)
            if first in self._breaks:  # it stands before the element
                start, first = start + 1, first + 1
            self._is_at_border |= is_block
            entity = self._entity(node, start, "".join(self._pieces[first:]))
            if entity is not None and entity.length > 0:
                self._entities.append(entity)

    def _entity(self, node: LexborNode, start: int, words: str) -> Entity | None:
        length = self._length - start
        if node.tag == "a":
            href = (node.attributes.get("href") or "").replace("\0", "")
            if words.startswith("#"):
                return Entity("hashtag", start, length)
            if words.startswith("@"):
                return Entity("mention", start, length)
            if href.removesuffix("/") in {words, f"http://{words}", f"https://{words}"}:
                return Entity("link", start, length)
            return Entity("text_link", start, length, url=href) if href else None
        kind = _MARKS.get(str(node.tag))
        if kind == "blockquote":
            return Entity(kind, start, length, collapsed="expandable" in node.attributes)
        return Entity(kind, start, length) if kind else None

    def _add(self, text: str) -> None:
        text = text.replace("\0", "")
        if not text:
            return
        is_glued = self._pieces and not (text[0].isspace() or self._pieces[-1][-1].isspace())
        if self._is_at_border and is_glued:
            self._breaks.add(len(self._pieces))
            self._pieces.append("\n")
            self._length += 1
        self._is_at_border = False
        self._pieces.append(text)
        self._length += len(text.encode("utf-16-le", "replace")) // 2

    def done(self) -> tuple[str, tuple[Entity, ...]]:
        text = "".join(self._pieces)
        entities = sorted(self._entities, key=lambda each: (each.offset, -each.length))
        return text, tuple(entities)


def _alternative(node: LexborNode) -> str:
    """Return the letters for which a picture of an emoji stands."""
    picture = node if node.tag == "img" else node.css_first("img[alt]")
    return (picture.attributes.get("alt") or "") if picture is not None else ""


def _some(node: LexborNode, selector: str) -> list[LexborNode]:
    return node.css(selector)[:MOST]


def _media(root: LexborNode) -> tuple[Media, ...]:
    found: list[Media] = [
        Media("photo", width=_pixels(node))
        for node in _some(root, ".tgme_widget_message_photo_wrap")
    ]
    found += [
        Media("video", duration=_clock(_words(node, ".message_video_duration")))
        for node in _some(root, ".tgme_widget_message_video_player")
    ]
    found += [
        Media("round", duration=_clock(_words(node, "time")))
        for node in _some(root, ".tgme_widget_message_roundvideo_player")
    ]
    found += [
        Media("voice", duration=_clock(_words(node, "time")))
        for node in _some(root, ".tgme_widget_message_voice_player")
    ]
    for node in _some(root, ".tgme_widget_message_document_wrap"):
        name = _words(node, ".tgme_widget_message_document_title")
        icon = next(node.iter(), None)
        if icon is not None and "audio" in (icon.attributes.get("class") or ""):
            extra = _words(node, ".tgme_widget_message_document_extra")
            title = " – ".join(part for part in (extra, name) if part)
            found.append(Media("audio", title=title or None))
        else:
            found.append(Media("document", file_name=name))
    found += [Media("sticker") for _ in _some(root, ".tgme_widget_message_sticker_wrap")]
    if (poll := root.css_first(".tgme_widget_message_poll")) is not None:
        options = map(lines, _some(poll, ".tgme_widget_message_poll_option_text"))
        found.append(
            Media(
                "poll",
                question=lines(poll.css_first(".tgme_widget_message_poll_question")),
                options=tuple(option for option in options if option),
            )
        )
    for node in _some(root, ".tgme_widget_message_location_wrap"):
        found.append(Media("geo", title=_words(node, ".tgme_widget_message_location_title")))
    for node in _some(root, "a.tgme_widget_message_link_preview"):
        found.append(
            Media(
                "webpage",
                url=node.attributes.get("href"),
                title=_words(node, ".link_preview_title")
                or _words(node, ".link_preview_site_name"),
                description=lines(node.css_first(".link_preview_description")),
            )
        )
    return tuple(found)


def _pixels(node: LexborNode) -> int | None:
    match = re.search(r"width:(\d{1,5})px", node.attributes.get("style") or "")
    return int(match[1]) if match else None


def _clock(text: str | None) -> float | None:
    if not text or not re.fullmatch(r"\d{1,3}(:\d{2}){1,2}", text):
        return None
    seconds = 0.0
    for part in text.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds


def _reactions(root: LexborNode) -> tuple[tuple[str, int], ...] | None:
    nodes = _some(root, ".tgme_widget_message_reactions .tgme_reaction")
    return conversion.add_up(_reaction(node) for node in nodes) if nodes else None


def _reaction(node: LexborNode) -> tuple[str | None, int | None]:
    emoji = node.css_first("tg-emoji")
    drawn = node.css_first("i.emoji")
    shown = drawn.text(strip=True) if drawn is not None else ""
    name = shown or None
    if "tgme_reaction_paid" in (node.attributes.get("class") or ""):
        name = conversion.PAID
    elif not shown and emoji is not None and emoji.attributes.get("emoji-id"):
        name = conversion.custom(emoji.attributes["emoji-id"])
    return name, counter(node.text().replace(shown, ""))


def _forward(root: LexborNode) -> Forward | None:
    node = root.css_first(".tgme_widget_message_forwarded_from_name")
    if node is None:
        return None
    channel, number = _link(node)
    return Forward(
        channel_id=channel.id if isinstance(channel, Numbered) else None,
        channel=line(node),
        username=channel.name if isinstance(channel, Named) else None,
        message_id=number,
    )


def _reply(root: LexborNode) -> Reply | None:
    """Return what a post replies to; a message of a channel that is told by name only is none."""
    node = root.css_first("a.tgme_widget_message_reply[href]")
    channel, number = _link(node) if node is not None else (None, None)
    if number is None:
        return None
    if _is_own(channel, root):
        return Reply(number)
    return Reply(number, channel_id=channel.id) if isinstance(channel, Numbered) else None


def _is_own(channel: ChannelRef | None, root: LexborNode) -> bool:
    """Tell whether a message's link leads to the message's own channel."""
    match channel:
        case Named(name):
            return name.lower() == (root.attributes.get("data-post") or "").split("/")[0].lower()
        case Numbered(number):
            return number == channel_number(root)
    return False


LONGEST_LINK = 10_000
_CHANNELS_LINK = re.compile(r"https?://[^/]+/(?:s/|c/)?[^/?#]+")


def _link(node: LexborNode) -> tuple[ChannelRef | None, int | None]:
    """Return the channel and the message id to which a link leads, as far as it tells.

    In a topic the last number is the message's. A comment and a story have numbers of their own.
    """
    href = node.attributes.get("href") or ""
    href = f"https:{href}" if href.startswith("//") else href
    if len(href) > LONGEST_LINK or not href.startswith(("https://", "http://", "tg:")):
        return None, None
    try:
        asked = parse_qs(urlsplit(href).query)
        try:
            name, number = split_post(href)
            channel = read_channel(name)
        except InputError:  # it leads to a channel, or to something else of it
            found = _CHANNELS_LINK.match(href)
            return read_channel(found[0] if found else href), None
    except (InputError, ValueError):
        return None, None
    is_message = not {"comment", "story"} & set(asked)
    return channel, _message_id(str(number)) if is_message else None
