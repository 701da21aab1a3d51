"""How a user may name a channel or a post: names, links, numbers, invitations. Pure.

Knows no network, no file and no archive: its callers find out whether a word is a path or a title.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tgtagger.errors import InputError, SourceError
from tgtagger.model.posts import Channel
from tgtagger.model.tagging import PostId


@dataclass(frozen=True, slots=True)
class Named:
    """A public channel, by its username without the @."""

    name: str


@dataclass(frozen=True, slots=True)
class Numbered:
    """A channel by its bare id (a basic group by its negative one)."""

    id: int


@dataclass(frozen=True, slots=True)
class Invited:
    """A private channel, by the hash of an invitation."""

    hash: str


ChannelRef = Named | Numbered | Invited

_POST = re.compile(
    r"(.+?)/(-?\d{1,18})/?(?:[?#].*)?|(tg:.+[?&]post=)(\d{1,18})(?:&.*)?", re.ASCII | re.DOTALL
)
_POST_NAME = re.compile(r"(-?\d{1,18})-(-?\d{1,18})", re.ASCII)
_NAMED_POST = re.compile(r"(@\w+)-(\d{1,18})", re.ASCII)

_NAME = r"[A-Za-z][A-Za-z0-9_]{3,31}"
_HOST = r"(?:https?://)?(?:www\.)?(?:t\.me|telegram\.me|telegram\.dog)/"
_FORMS = (
    (r"-100(\d{5,13})", Numbered),
    (r"(-\d{1,13})", Numbered),
    (rf"@?({_NAME})", Named),
    (rf"{_HOST}(?:s/)?({_NAME})(?:/\d+)*/?(?:[?#].*)?", Named),
    (rf"(?:https?://)?({_NAME})\.t\.me(?:/\d*)?/?(?:[?#].*)?", Named),
    (rf"tg:(?://)?resolve/?\?(?:.*&)?domain=({_NAME})(?:&.*)?", Named),
    (rf"{_HOST}c/(\d{{1,15}})(?:/\d+)*/?(?:[?#].*)?", Numbered),
    (r"tg:(?://)?privatepost/?\?(?:.*&)?channel=(\d{1,15})(?:&.*)?", Numbered),
    (rf"{_HOST}(?:\+|joinchat/)([\w-]{{6,64}})/?(?:[?#].*)?", Invited),
    (r"tg:(?://)?join/?\?(?:.*&)?invite=([\w-]{6,64})(?:&.*)?", Invited),
)
_RESERVED = {"joinchat", "addstickers", "addemoji", "addlist", "share", "proxy", "socks", "login",
             "iv", "setlanguage", "addtheme", "boost", "giftcode", "contact", "confirmphone",
             "invoice"}  # fmt: skip


def username(text: object) -> str | None:
    """Return a username that a server sent, None if it is invalid: addresses are made with it."""
    is_name = isinstance(text, str) and re.fullmatch(_NAME, text, re.ASCII)
    return str(text) if is_name else None


_ADDRESS = re.compile(
    r"(?!tg:)[a-z][a-z0-9+.-]*://\S*|(?:[\w-]+\.)+[a-z]{2,}(?:/\S*)?|[^\s@/]+@[^\s@/]+\.\w+",
    re.IGNORECASE,
)
"""A web address, a host with or without a path, an e-mail address."""


def is_foreign_address(text: str) -> bool:
    """Tell whether a text is an address that is none of Telegram's."""
    wanted = text.strip()
    if _ADDRESS.fullmatch(wanted) is None or wanted.lower().endswith(".json"):
        return False
    return not re.match(rf"{_HOST}|(?:https?://)?[\w-]+\.t\.me\b|tg:", wanted, re.IGNORECASE)


def read_channel(text: str) -> ChannelRef:
    """Return the channel that a text names. Raises InputError for anything else."""
    wanted = text.strip()
    if not wanted:
        raise InputError("channel_ref_empty")
    if is_foreign_address(wanted):
        raise InputError("channel_ref_foreign", text=wanted)
    for pattern, kind in _FORMS:
        # ASCII: else, with case ignored, ſ would match s, and the Kelvin sign k.
        found = re.fullmatch(pattern, wanted, re.IGNORECASE | re.ASCII)
        if found is None:
            continue
        if kind is Numbered:
            if int(found[1]):
                return Numbered(int(found[1]))
        elif kind is Invited or found[1].lower() not in _RESERVED:
            return kind(found[1])  # type: ignore[arg-type]
        break
    raise InputError("channel_ref_invalid", text=text)


def canonical_name(ref: ChannelRef) -> str:
    """Return the one form in which a channel's name is stored: `@name`, `-100…`, an invitation."""
    match ref:
        case Named(name):
            return f"@{name}"
        case Numbered(number):
            return f"-100{number}" if number > 0 else str(number)
        case Invited(secret):
            return f"https://t.me/+{secret}"


def are_same(one: ChannelRef, other: ChannelRef) -> bool:
    """Tell whether two refs of one kind mean the same channel: usernames ignore case."""
    if isinstance(one, Named) and isinstance(other, Named):
        return one.name.lower() == other.name.lower()
    return one == other


def split_post(text: str) -> tuple[str, int]:
    """Return (what names the channel, the message id) of a post. Raises InputError for other text.

    `@name-531` is one, too: it needs no slash. The first is for `read_channel`, or it is the id or
    title of a channel.
    """
    plain = _NAMED_POST.fullmatch(text.strip())
    if plain is not None:
        return plain[1], int(plain[2])
    found = _POST.fullmatch(text.strip())
    if found is None:
        raise InputError("post_ref_invalid", text=text)
    return (found[1], int(found[2])) if found[1] else (text.strip(), int(found[4]))


def post_name(post: PostId) -> str:
    """Return a post's name in addresses: `1006503122-531`, of a basic group `-5-531`."""
    return f"{post.channel_id}-{post.message_id}"


def read_post_name(text: str) -> PostId | None:
    """Return the post of such a name; None for any other text."""
    found = _POST_NAME.fullmatch(text.strip())
    return None if found is None else PostId(int(found[1]), int(found[2]))


def reassigned(name: str, known: Channel, number: int) -> SourceError:
    """Return the error for a username that belongs to another channel (`number`) than `known`."""
    return SourceError(
        "username_reassigned", name=name, title=known.title, known_id=known.id, number=number
    )
