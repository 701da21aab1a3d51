"""Values that no post should have (I7): stored cleaned, or rejected with the reason; no more.

One post never takes another along, nor the machine's memory or time.
"""

from __future__ import annotations

import io
import itertools
import json
import random
import sqlite3
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from support import breaking
from support.exports import account, chat, message, service
from support.fault_matrix import Effort
from support.hostile import STRINGS
from support.make import post
from support.terminal import in_pipes
from tgtagger.cli.render import Screen
from tgtagger.export import csv_table
from tgtagger.model.posts import Channel, Page, PostData, PostFilter, Rejected
from tgtagger.runs.query import read_query
from tgtagger.sources.conversion import LONGEST_TEXT
from tgtagger.sources.desktop.convert import convert as convert_desktop
from tgtagger.sources.preview.convert import convert as convert_preview
from tgtagger.sources.telegram.convert import convert as convert_telegram
from tgtagger.sources.telegram.source import to_plain_form
from tgtagger.store import Store
from tgtagger.system.terminal_text import clean, flat, in_json

pytestmark = pytest.mark.row("I7")


def nested(levels: int) -> Any:
    made: Any = "x"
    for level in range(levels):
        made = [made] if level % 2 else {"text": made}
    return made


ODD: list[Any] = [
    None, True, False, -1, 0, 1.5, 1e300, 2**31, 2**53, 2**63, -(2**63), 2**64, 10**40, "", "5",
    "-5", " 7 ", [], [[]], {}, {"id": 5}, [None], nested(300), "x" * 100_000,
    *STRINGS.values(),
]  # fmt: skip
FIELDS = (
    "id", "type", "date", "date_unixtime", "edited", "edited_unixtime", "text", "text_entities",
    "author", "from", "from_id", "forwarded_from", "forwarded_from_id", "reply_to_message_id",
    "reply_to_peer_id", "photo", "photo_file_size", "width", "height", "file", "file_name",
    "file_size", "mime_type", "media_type", "duration_seconds", "sticker_emoji", "title",
    "performer", "poll", "todo_list", "location_information", "contact_information",
    "invoice_information", "giveaway_information", "game_title", "game_description", "reactions",
    "action", "via_bot", "paid_stars_amount", "unheard of",
)  # fmt: skip


def test_any_value_in_any_field_harms_no_neighbour(tmp_path: Path, effort: Effort) -> None:
    """Each post has one odd field; every one is stored or rejected, and so are its neighbours."""
    odd = list(itertools.product(FIELDS, ODD))
    chosen = odd if effort.is_long else odd[:: len(odd) // 400]
    effort.saw(rounds=len(chosen))
    messages: list[Any] = []
    for at, (name, value) in enumerate(chosen):
        kind = service if name == "action" else message
        messages.append(kind(2 * at + 1) | {"text": "odd"} | {name: value})
        messages.append(message(2 * at + 2, "good"))
    path = tmp_path / "result.json"
    path.write_text(json.dumps(chat(*messages)))
    db = tmp_path / "posts.db"
    told = json.loads(in_pipes("--db", str(db), "parse", str(path), "--json").output)
    (channel,) = told["channels"]
    assert channel["error"] is None
    with closing(sqlite3.connect(db)) as raw:
        count = raw.execute("SELECT count(*) FROM posts").fetchone()[0]
        good = raw.execute("SELECT count(*) FROM posts WHERE text = 'good'").fetchone()[0]
        services = raw.execute("SELECT count(*) FROM service_messages").fetchone()[0]
    assert good == len(chosen)
    assert count + services + len(channel["rejected"]) == len(messages)
    assert all(each["reason"] for each in channel["rejected"])
    breaking.assert_sound(db)
    again = json.loads(in_pipes("--db", str(db), "parse", str(path), "--json").output)
    assert (again["new"], again["updated"]) == (0, 0)
    for arguments in (("search", "--limit", "99999"), ("export",), ("export", "--format", "csv")):
        assert in_pipes("--db", str(db), *arguments).code == 0


def test_any_chat_in_an_account_harms_no_other(tmp_path: Path) -> None:
    chats: list[Any] = []
    for at, (name, value) in enumerate(itertools.product(("name", "type", "id"), ODD)):
        chats += [chat(message(1, "odd"), id=3_000_000 + at) | {name: value},
                  chat(message(1, "good"), id=4_000_000 + at)]  # fmt: skip
    path = tmp_path / "result.json"
    path.write_text(json.dumps(account(*chats, left=(chat(messages={}, id=5), {"messages": 5}))))
    db = tmp_path / "posts.db"
    assert in_pipes("--db", str(db), "parse", str(path)).code == 0
    with closing(sqlite3.connect(db)) as raw:
        good = raw.execute(
            "SELECT count(*) FROM posts WHERE channel_id >= 4000000 AND channel_id < 5000000"
        ).fetchone()
    assert good == (len(chats) // 2,)
    breaking.assert_sound(db)


# ---- what is longer than any post


def sources(text: str) -> Iterator[object]:
    """Yield what the three sources make of a text."""
    yield convert_desktop(message(1, text))
    date = post(1).date
    told = to_plain_form(types.Message(1, types.PeerChannel(5), message=text, date=date).to_dict())
    yield convert_telegram(told)
    yield convert_preview(
        '<div class="tgme_widget_message" data-post="a/1"><div class="tgme_widget_message_text '
        f'js-message_text">{text}</div><time datetime="2026-01-01T00:00:00+00:00"></time></div>'
    )


def test_a_post_of_megabytes_is_rejected_with_the_reason() -> None:
    for made in sources("w " * (LONGEST_TEXT // 2)):
        assert isinstance(made, PostData)
    for made in sources("w " * LONGEST_TEXT):
        assert isinstance(made, Rejected)
        assert made.id == 1
        assert "1,000,000 letters" in made.reason
    poll = {"question": "q", "answers": [{"text": "a" * 1000}] * 1001}
    assert isinstance(convert_desktop(message(2, poll=poll)), Rejected)


ENDLESS = {
    "words": "word ", "letters": "x", "lines": "\n", "stars": "*", "list": "- a\n", "tabs": "\t",
    "cells": ";", "formulas": "\t+", "quotes": ';"', "spaces": "; ", "zalgo": "\u0301",
    "joiners": "\u200d", "emoji": "👨\u200d👩", "brackets": "[](", "tags": "<b", "fences": "```\n",
    "ands": "&a", "hashes": "#a ", "links": "https://a.b/", "escapes": "\x1b[",
    "bidi": "\u202e", "ё": "ё\u0301 ",
}  # fmt: skip


@pytest.mark.parametrize("name", ENDLESS)
def test_the_longest_post_takes_little_time(
    name: str, store: Store, capsys: pytest.CaptureFixture[str], effort: Effort
) -> None:
    """Whatever it is made of: converted, stored, searched, shown, exported, cleaned."""
    size = LONGEST_TEXT // 2 if effort.is_long else 50_000
    text = (ENDLESS[name] * (size // len(ENDLESS[name]) + 1))[:size]
    started = time.process_time()
    found = convert_desktop(message(1, [text, {"type": "bold", "text": text}]))
    assert isinstance(found, PostData)
    store.posts.save_page(Page(Channel(5, "News"), "desktop", (found,)))
    (record,) = store.records.lines(PostFilter())
    (stored,) = store.records.posts(PostFilter())
    assert stored.text == found.text
    csv_table.write([stored], io.BytesIO())
    clean(text), flat(text), in_json(record)
    screen = Screen()
    screen.post(channel="a", date=None, link=None, text=((stored.text, False),), tags=())
    screen.post(
        channel="a", date=None, link=None, text=((stored.text, False),), tags=(), lines=10_000
    )
    list(store.records.search(PostFilter(query=read_query("a OR word"), limit=1)))
    assert time.process_time() - started < (20 if effort.is_long else 4)
    capsys.readouterr()


# ---- memory


def words(letters: int, seed: int = 1) -> str:
    chance = random.Random(seed)
    return " ".join(f"w{chance.randrange(10**6)}" for _ in range(letters // 8))


BARE = {"type": "message", "date_unixtime": "1", "text": ""}
LINK = {"type": "text_link", "text": "here", "href": "https://a.b/" + "c" * 100}
LAST = message(10**9, "last")
LARGE: dict[str, Callable[[int], list[Any]]] = {  # messages of about so many bytes
    "posts": lambda size: [
        message(n, text) for n, text in enumerate(textwrap.wrap(words(size // 2), 1000), 1)
    ],
    "one text of stars": lambda size: [message(1, "*" * (size // 2))],
    "one text": lambda size: [message(1, words(size // 2))],
    "one post of links": lambda size: [message(1, [LINK] * (size // 330))],
    "tiny posts": lambda size: [{"id": n} | BARE for n in range(1, size // 60)],
    "no ids": lambda size: [{"id": f"x{n}"} | BARE for n in range(1, size // 60)],
    "one album": lambda size: [{"id": n, "photo": "p"} | BARE for n in range(1, size // 80)],
    "a poll": lambda size: [
        message(1, poll={"question": "q", "answers": [{"text": "a" * 80}] * (size // 100)})
    ],
    "reactions": lambda size: [
        message(1, "a", reactions=[
            {"type": "emoji", "emoji": f"e{n}", "count": 1} for n in range(size // 50)
        ])
    ],
    "a key": lambda size: [{"k" * size: 1} | BARE],
    "keys": lambda size: [{f"k{n}": n for n in range(size // 16)} | BARE],
}  # fmt: skip


def test_memory_is_that_of_a_usual_run_and_some_of_the_largest_record(
    tmp_path: Path, effort: Effort
) -> None:
    size = 20_000_000 if effort.is_long else 4_000_000

    def peak(kind: str, messages: list[Any]) -> int:
        path = tmp_path / "result.json"
        path.write_text(json.dumps(chat(*messages, LAST), ensure_ascii=False))
        ended = breaking.run(
            "--db", str(tmp_path / f"{kind}.db"), "parse", str(path), timeout=180, anew=True
        )  # fmt: skip
        assert ended.code in {0, 5}, ended.errors
        return ended.peak

    usual, *kinds = LARGE
    most = 1.5 * peak(usual, LARGE[usual](size))
    for kind in kinds[: effort.rounds(1, long=len(kinds))]:
        messages = LARGE[kind](size)
        found = peak(kind, messages)
        record = max(len(json.dumps(each, ensure_ascii=False)) for each in messages)
        effort.saw(max_ratio=round(1.5 * found / most, 2))
        assert found < most + 8 * record / 1024, (kind, found, most)
