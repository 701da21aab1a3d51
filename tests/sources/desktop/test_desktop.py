"""Exports of every shape, whole, cut off, foreign and hostile."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.exports import START, account, chat, message, service, write
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.posts import Page, PostData, Reply, StoredRawRecord
from tgtagger.sources.desktop import DesktopExport, reconvert
from tgtagger.sources.desktop import file as export


def read(path: Path, **options: Any) -> list[Page]:
    return list(DesktopExport(path, **options).read())


def posts(pages: list[Page]) -> list[PostData]:
    return [post for page in pages for post in page.posts]


def test_a_channel_comes_with_its_identity_and_its_posts(tmp_path: Path) -> None:
    path = write(
        tmp_path, chat(service(1, "create_channel"), message(2, "two"), message(3, "three"))
    )
    (page,) = read(path)
    assert (page.channel.id, page.channel.title, page.channel.kind) == (
        1006503122,
        "News",
        "channel",
    )
    assert [(post.ids, post.text) for post in page.posts] == [((2,), "two"), ((3,), "three")]
    assert page.posts[0].date == dt.datetime.fromtimestamp(START + 120, dt.UTC)
    assert [(item.message_id, item.action) for item in page.service] == [(1, "create_channel")]
    assert page.progress is None  # a file has no say in what is left to read


def test_the_folder_will_do(tmp_path: Path) -> None:
    write(tmp_path, chat(message(1, "one")))
    assert len(posts(read(tmp_path))) == 1


def test_pages_are_bounded(tmp_path: Path) -> None:
    path = write(tmp_path, chat(*(message(n, "x") for n in range(1, 26))))
    assert [len(page.posts) for page in read(path, page_size=10)] == [10, 10, 5]


def test_the_header_may_stand_anywhere(tmp_path: Path) -> None:
    head = {"messages": [message(1, "one")], "id": 5, "type": "private_channel", "name": "Late"}
    for names in itertools.permutations(head):
        (page,) = read(write(tmp_path, {name: head[name] for name in names}))
        assert (page.channel.id, page.channel.title) == (5, "Late"), names


def test_an_export_of_before_2022(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Moscow")
    time.tzset()
    old = {
        "id": 7, "type": "message", "date": "2020-05-01T12:00:00", "edited": "2020-05-01T13:00:00",
        "from": "News", "text": ["see ", {"type": "link", "text": "https://a.example/b_c"}],
    }  # fmt: skip
    (post,) = posts(read(write(tmp_path, chat(old))))
    monkeypatch.undo()
    time.tzset()
    assert post.date == dt.datetime(2020, 5, 1, 9, tzinfo=dt.UTC)
    assert post.edited == dt.datetime(2020, 5, 1, 10, tzinfo=dt.UTC)
    assert post.text == "see https://a.example/b_c"
    assert [(item.type, item.offset, item.length) for item in post.entities] == [("link", 4, 21)]


def test_a_whole_account_gives_its_channels(tmp_path: Path) -> None:
    root = account(
        chat(message(1, "private"), type="personal_chat", id=1),
        chat(message(1, "a"), message(2, "b"), id=2, name="First"),
        chat(message(1, "g"), type="private_supergroup", id=3, name="Group"),
        chat(id=4, name="Empty"),
        left=(chat(message(9, "c"), id=5, name="Left"),),
    )
    whole = DesktopExport(write(tmp_path, root))
    pages = list(whole.read())
    assert [(page.channel.title, [post.text for post in page.posts]) for page in pages] == [
        ("First", ["a", "b"]), ("Empty", []), ("Left", ["c"])]  # fmt: skip
    assert whole.left_out == {"personal_chat": 1, "private_supergroup": 1}
    with_groups = read(tmp_path, groups=True)
    assert [page.channel.kind for page in with_groups] == [
        "channel",
        "supergroup",
        "channel",
        "channel",
    ]


def test_a_basic_group_keeps_its_marked_id(tmp_path: Path) -> None:
    path = write(tmp_path, chat(message(1, "x"), type="private_group", id=77))
    with pytest.raises(InputError, match="group") as caught:
        read(path)
    assert "--groups" in (hint_of(caught.value) or "")
    (page,) = read(path, groups=True)
    assert (page.channel.id, page.channel.kind) == (-77, "group")


@pytest.mark.parametrize("kind", ["personal_chat", "bot_chat", "saved_messages"])
def test_private_conversations_are_not_kept(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match="private conversation"):
        read(write(tmp_path, chat(message(1, "x"), type=kind)))


def test_since_and_until_pick_by_date(tmp_path: Path) -> None:
    path = write(tmp_path, chat(*(message(n, str(n)) for n in range(1, 10))))
    since = dt.datetime.fromtimestamp(START + 3 * 60, dt.UTC)
    until = dt.datetime.fromtimestamp(START + 6 * 60, dt.UTC)
    assert [p.text for p in posts(read(path, since=since, until=until))] == ["3", "4", "5"]


# ---- albums

PHOTO = {"photo": "photos/1.jpg", "width": 10, "height": 20, "date_unixtime": str(START)}


def test_an_album_is_put_together(tmp_path: Path) -> None:
    members = [message(5, "", **PHOTO), message(6, "caption", **PHOTO), message(7, "", **PHOTO)]
    (album, other) = posts(read(write(tmp_path, chat(*members, message(9, "other")))))
    assert (album.ids, album.text, len(album.media)) == ((5, 6, 7), "caption", 3)
    assert other.ids == (9,)


def test_an_album_straddles_a_page(tmp_path: Path) -> None:
    members = [message(n, "", **PHOTO) for n in range(3, 7)]
    path = write(tmp_path, chat(message(1, "a"), message(2, "b"), *members, message(8, "c")))
    pages = read(path, page_size=2)
    assert [post.ids for post in posts(pages)] == [(1,), (2,), (3, 4, 5, 6), (8,)]


@pytest.mark.parametrize(
    "second",
    [
        message(2, "another caption", **PHOTO),
        message(3, "", **PHOTO),  # not consecutive
        message(2, "", **{**PHOTO, "date_unixtime": str(START + 1)}),
        message(2, "", **PHOTO, from_id="channel5"),
        message(2, "", **PHOTO, forwarded_from="Elsewhere"),
        message(2, "", date_unixtime=str(START), poll={"question": "?", "answers": []}),
        message(2, "", date_unixtime=str(START), media_type="sticker", file="s.webp"),
    ],
)
def test_what_is_no_album_stays_apart(tmp_path: Path, second: dict[str, Any]) -> None:
    found = posts(read(write(tmp_path, chat(message(1, "caption", **PHOTO), second))))
    assert len(found) == 2


def test_an_album_has_ten_members_at_most(tmp_path: Path) -> None:
    found = posts(read(write(tmp_path, chat(*(message(n, "", **PHOTO) for n in range(1, 13))))))
    assert [len(post.ids) for post in found] == [10, 2]


# ---- what is not right


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"\x89PNG\r\n", "not JSON"),
        (b"<html></html>", "not JSON"),
        (b"[1, 2]", "not an export"),
        (b'{"messages": [{"id": 1}], "channel": "slack"}', "not an export"),
        (b'{"a": 1}', "not an export"),
        (b'{"name": "N", "type": "public_chan', "not JSON, or is cut off"),
        ("{}".encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read(path)
    assert str(path) in caught.value.message
    assert caught.value.exit_code == 2


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path, chat(message(1, "one")))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(posts(read(path))) == 1


def test_a_missing_file_an_empty_folder_and_html(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no result\.json"):
        read(tmp_path)
    (tmp_path / "messages.html").touch()
    with pytest.raises(InputError, match="HTML") as caught:
        read(tmp_path)
    assert "JSON" in (hint_of(caught.value) or "")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        read(tmp_path / "fifo")


def test_what_is_cut_off_anywhere_gives_what_came_before(tmp_path: Path) -> None:
    whole = write(tmp_path, chat(*(message(n, f"text {n} ✂ é") for n in range(1, 41))))
    content = whole.read_bytes()
    every = [post.text for post in posts(read(whole))]
    chance = random.Random(5)
    for _ in range(200):
        cut = tmp_path / "cut.json"
        cut.write_bytes(content[: chance.randrange(1, len(content.rstrip()) - 1)])
        found: list[str] = []
        with pytest.raises(InputError):
            for page in DesktopExport(cut, page_size=7).read():
                found += [post.text for post in page.posts]
        assert found == every[: len(found)]


def test_a_cut_off_account_gives_the_channels_before(tmp_path: Path) -> None:
    root = account(chat(message(1, "a"), id=2), chat(message(1, "b"), message(2, "c"), id=3))
    content = write(tmp_path, root).read_bytes()
    path = tmp_path / "cut.json"
    path.write_bytes(content[: content.rindex(b'"c"')])
    found: list[str] = []
    with pytest.raises(InputError, match="cut off"):
        for page in DesktopExport(path).read():
            found += [post.text for post in page.posts]
    assert found == ["a", "b"]


def test_an_account_cut_off_between_two_channels_is_said_to_be(tmp_path: Path) -> None:
    path = write(tmp_path, account(chat(message(1, "one")), chat(name="Second", id=2)))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"Second")])
    pages = DesktopExport(path).read()
    assert [post.text for post in next(pages).posts] == ["one"]
    with pytest.raises(InputError, match="cut off") as caught:
        next(pages)
    assert caught.value.kind == "export_cut_off"


def test_ids_in_any_order_are_told_from_ids_that_stand_twice(tmp_path: Path) -> None:
    found = read(write(tmp_path, chat(*(message(n, f"text {n}") for n in (1, 5, 3, 3, 4, 5, 6)))))
    assert [post.ids[0] for post in posts(found)] == [1, 5, 3, 4, 6]
    assert [item.id for page in found for item in page.rejected] == [3, 5]


HOSTILE: list[Any] = [
    {}, None, 5, "text", [], message(None), message("7"), message(True), message(-1), message(0),
    message(2**63), message(1.5), message([]), {"id": 100},
]  # fmt: skip
SURVIVING: list[dict[str, Any]] = [
    message(101, 5), message(102, None),
    message(103, ["a", 5, None, {"type": "bold"}, {"text": 3}]),
    message(104, "x", date_unixtime="soon", date="never"),
    message(105, "x", date_unixtime="99999999999999999999", date="9999-99-99"),
    message(106, "x", date_unixtime=True, date=None), message(107, "x", width="wide", photo="p"),
    message(108, "x", reactions="many"), message(109, "x", reactions=[5, {"type": "emoji"}]),
    message(110, "nul \0 inside"), message(111, "x", forwarded_from=5, forwarded_from_id=[]),
    message(112, "x", reply_to_message_id="5"), message(113, "", poll=[]),
    message(114, "", poll={"question": 5, "answers": [5, {"text": ["a", {"text": "b"}]}]}),
    message(115, "", location_information=None), message(116, "", media_type={}, file={}),
    message(117, "x", big=2**100), message(118, "x" * 100_000),
    message(119, [{"type": "bold", "text": "b"}] * 5000), message(120, "\ufffe"),
    message(121, "x", file_size=-1, duration_seconds=1e300, file="f"),
    {"id": 122, "type": "unsupported"}, message(123, "x", type="service", action=None),
    message(124, "", todo_list={"title": "t", "answers": 1}),
]  # fmt: skip


def test_a_bad_message_never_takes_a_neighbour_along(tmp_path: Path) -> None:
    good = [message(n, f"good {n}") for n in range(1, 30)]
    mixed: list[Any] = [*good, *HOSTILE, *SURVIVING, message(29, "twice")]
    (page,) = read(write(tmp_path, chat(*mixed)))
    ids = {post.ids[0] for post in page.posts}
    assert set(range(1, 30)) <= ids
    assert {record["id"] for record in SURVIVING} - {123} <= ids
    assert len(page.rejected) == len(HOSTILE) - 1 + 1  # {"id": 100} is a post of a kind
    assert all("good" not in item.reason for item in page.rejected)
    assert [item.id for item in page.rejected if item.reason.startswith("its id stands")] == [29]
    by_id = {post.ids[0]: post for post in page.posts}
    assert by_id[110].text == "nul  inside"
    assert by_id[104].problem == "its date cannot be read"
    assert by_id[122].problem is not None
    assert by_id[122].date is None
    assert by_id[114].media[0].options == ("ab",)


def test_deep_nesting_is_no_reason_to_stop(tmp_path: Path) -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    path = write(tmp_path, chat(message(1, "a"), message(3, "b", odd=deep), message(4, "c")))
    assert [post.ids[0] for post in posts(read(path))] == [1, 3, 4]


@pytest.mark.row("I7")
@pytest.mark.parametrize("size", [1, 5, 7, 12, 64, 1 << 18])
def test_half_a_surrogate_pair_is_no_reason_to_stop(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BUFFER", size)
    texts = {
        "high \ud83d": "high \ufffd", "\ude00\ud83d": "\ufffd\ufffd",
        "\ud83d\ud83d\ude00!": "\ufffd😀!", "\ud83d\ude00\ude00": "😀\ufffd",
        "\\ud83d": "\\ud83d", "\\\\\ude00": "\\\\\ufffd", "\ud83d\\ude00": "\ufffd\\ude00",
        "\ud83d\n": "\ufffd\n", "\ud83du": "\ufffdu", "😀\\": "😀\\",
    }  # fmt: skip
    path = tmp_path / "result.json"
    messages = (message(n, text) for n, text in enumerate(texts, 1))
    path.write_text(json.dumps(chat(*messages, message(99, "last"), name="N\udc00")))
    (page,) = read(path)
    assert [post.text for post in page.posts] == [*texts.values(), "last"]
    assert page.channel.title == "N\ufffd"


GIANT = "9" * 5000  # digits; Python converts 4300, and the compiled part of ijson cannot fail


@pytest.mark.row("I7")
@pytest.mark.parametrize("size", [2048, 4096, 1 << 18])
@pytest.mark.parametrize("key", ["id", "date_unixtime", "odd"])
def test_a_number_without_end_kills_nobody(
    tmp_path: Path, key: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BUFFER", size)
    texts = [f'{GIANT}\\"{GIANT}', f': {GIANT},\n"id": {GIANT}', GIANT * 3, "\\" * 5001 + GIANT]
    messages = [message(at, text) for at, text in enumerate(texts, 1)]
    odd = message(10, "odd") | {key: -5}
    content = json.dumps(chat(*messages, odd, message(11, "last")))
    for number in (GIANT, f"-{GIANT}", "9" * 1560, GIANT * 20):
        path = tmp_path / "result.json"
        path.write_text(content.replace(f'"{key}": -5', f'"{key}": {number}'))
        (page,) = read(path)
        found = {post.ids[0]: post.text for post in page.posts}
        assert [found.pop(at) for at in range(1, 5)] == texts
        assert found.pop(11) == "last"
        assert (10 in found) == (key != "id")


@pytest.mark.row("I7")
@pytest.mark.parametrize(("space", "depth"), [("", 300_000), ("", 100_000), (" " * 500, 20_000)])
def test_bottomless_nesting_ends_the_file_and_takes_no_memory(
    tmp_path: Path, space: str, depth: int
) -> None:
    nested = f"[{space}" * depth + "]" * depth
    content = json.dumps(chat(message(1, "a"), {"id": 2, "text": "?"}, message(3, "b")))
    path = tmp_path / "result.json"
    path.write_text(content.replace('"?"', nested))
    found: list[PostData] = []
    with pytest.raises(InputError, match="after message 1"):
        for page in DesktopExport(path).read():
            found += page.posts
    assert [post.ids[0] for post in found] == [1]


def test_brackets_in_a_text_are_not_nesting(tmp_path: Path) -> None:
    path = write(
        tmp_path, chat(message(1, "[" * 50_000), message(2, "{" * 50_000), message(3, "c"))
    )
    assert [post.ids[0] for post in posts(read(path))] == [1, 2, 3]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    line = json.dumps(message(1, "word " * 200)).replace('"id": 1', '"id": %d')
    with path.open("w") as file:
        file.write('{"name": "N", "type": "public_channel", "id": 5, "messages": [\n')
        file.write(",\n".join(line % n for n in range(1, 30_001)))
        file.write("\n]}")
    assert path.stat().st_size > 60_000_000
    program = (
        "import re, sys, pathlib\n"
        "from tgtagger.sources.desktop import DesktopExport\n"
        "print(sum(len(page.posts) for page in DesktopExport(pathlib.Path(sys.argv[1])).read()))\n"
        # Not ru_maxrss: a process starts with that of the one that made it.
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    count, mebibytes = map(int, done.stdout.split())
    assert count == 30_000
    assert mebibytes < 100


def test_a_real_export(real_data: Path) -> None:
    path = real_data / "desktop/zh_public_channel.result.json"
    root = json.loads(path.read_text())
    (page,) = read(path)
    members = sum(len(post.ids) for post in page.posts)
    assert members + len(page.service) == len(root["messages"])
    assert page.rejected == ()
    texts = {
        record["id"]: "".join(
            part if isinstance(part, str) else part["text"] for part in record["text"]
        )
        for record in root["messages"]
    }
    for post in page.posts:
        assert post.text == "".join(texts[number] for number in post.ids)


@pytest.mark.row("I7")
def test_no_fact_holds_a_nul_and_no_rejection_is_long(tmp_path: Path) -> None:
    odd = [
        message(1, [{"type": "b\0", "text": "x\0", "href": "u\0"}], author="a\0", file="f\0/\0g"),
        message(2, "", poll={"question": "q\0", "answers": [{"text": "o\0"}]}),
        message(3, "x", reactions=[{"type": "custom_emoji", "count": 1, "document_id": "5\0"}]),
        message("9\0" * 1_000_000, "x"), message(-5, "x"),
    ]  # fmt: skip
    (page,) = read(write(tmp_path, chat(*odd, name="N\0")))
    assert "\0" not in repr([replace(post, raw=None) for post in page.posts]).replace("\\x00", "\0")
    assert page.channel.title == "N"
    assert [item.id for item in page.rejected] == ["9" * 100, -5]


@pytest.mark.row("I8")
@pytest.mark.parametrize(
    "value", [b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf5"', b"1e99999999999999999999"]
)
def test_what_is_no_text_and_no_number_is_damage(tmp_path: Path, value: bytes) -> None:
    content = json.dumps(chat(*(message(n, f"text {n}") for n in (1, 2, 3)))).encode()
    path = tmp_path / "result.json"
    path.write_bytes(content.replace(b'"text 3"', value))
    found: list[PostData] = []
    with pytest.raises(InputError, match="after message 2"):
        for page in DesktopExport(path).read():
            found += page.posts
    assert [post.text for post in found] == ["text 1", "text 2"]
    path.write_bytes(content.replace(b'"News"', value, 1))
    with pytest.raises(InputError, match="not JSON, or is cut off before its first message"):
        read(path)


# ---- ids of exports before spring 2021

SHIFT = 2 << 32
OLD = {
    "id": 1,
    "type": "message",
    "date": "2020-05-01T10:00:00",
    "from": "Old",
    "text": "An old post",
}
NUMBERED = OLD | {"from_id": 1644633298 + SHIFT}
NAMED = OLD | {"from_id": "channel1644633298"}
CREATED = {
    "id": 1, "type": "service", "date": "2020-05-01T10:00:00", "action": "create_channel",
    "text": "",
}  # fmt: skip
DATED = {"date_unixtime": "1588327200"}


@pytest.mark.parametrize(
    ("messages", "less"),
    [
        ([NUMBERED], SHIFT),
        ([CREATED, NUMBERED], SHIFT),
        ([CREATED | {"actor_id": 1644633298 + SHIFT}], SHIFT),
        ([OLD], SHIFT),
        ([NAMED], SHIFT),  # between spring 2021 and 2022: no channel had such an id
        ([NUMBERED | DATED], SHIFT),
        ([NAMED | DATED], 0),
        ([CREATED | DATED, NAMED | DATED], 0),
        ([{"id": 9, "type": "unsupported"}, NAMED | DATED], 0),
        ([OLD | DATED], 0),
    ],
)
@pytest.mark.parametrize(
    ("kind", "mark"), [("public_channel", 1), ("private_supergroup", 1), ("private_group", -1)]
)
@pytest.mark.parametrize("form", ["single", "late header", "account", "left"])
def test_an_old_desktop_s_shifted_ids(
    tmp_path: Path,
    messages: list[Any],
    less: int,
    kind: str,
    mark: int,
    form: str,
) -> None:
    written = 1644633298 + SHIFT
    root = chat(*messages, type=kind, id=written)
    if form == "late header":
        root = dict(reversed(root.items()))
    elif form == "account":
        root = account(root)
    elif form == "left":
        root = account(left=(root,))
    pages = read(write(tmp_path, root), groups=True)
    assert {page.channel.id for page in pages} == {mark * (written - less)}
    assert len(posts(pages)) == sum(item["type"] != "service" for item in messages)


@pytest.mark.parametrize("number", [1644633298, 2**32, SHIFT + 2**32, SHIFT, 2**40])
def test_an_old_desktop_s_other_ids_are_their_own(tmp_path: Path, number: int) -> None:
    (page,) = read(write(tmp_path, chat(NUMBERED, id=number)))
    assert page.channel.id == number


def test_a_cut_old_export_has_its_id(tmp_path: Path) -> None:
    path = write(tmp_path, chat(*(NUMBERED | {"id": n} for n in range(1, 50)), id=SHIFT + 7))
    path.write_bytes(path.read_bytes()[:-500])
    pages = DesktopExport(path).read()
    assert next(pages).channel.id == 7


# ---- a group's messages from before it became a supergroup

GROUP = {"type": "private_supergroup", "id": 1234567890}
FIRST = -1_000_000_000


def test_messages_from_before_a_supergroup_are_kept(tmp_path: Path) -> None:
    old = [message(FIRST + n, f"old {n}", date_unixtime=str(START + n)) for n in (1, 61)]
    old[1]["reply_to_message_id"] = FIRST + 1
    moved = service(FIRST + 62, "migrate_to_supergroup")
    path = write(tmp_path, chat(*old, moved, service(1, "migrate_from_group"), message(2), **GROUP))
    (page,) = read(path, groups=True)
    assert [post.ids for post in page.posts] == [(FIRST + 1,), (FIRST + 61,), (2,)]
    assert page.posts[1].reply == Reply(FIRST + 1)
    assert [item.message_id for item in page.service] == [FIRST + 62, 1]
    assert not page.rejected
    made = page.posts[1]
    assert made.raw is not None
    assert reconvert(StoredRawRecord(page.channel, "desktop", made.raw.data)) == made


@pytest.mark.parametrize(
    ("kind", "number"),
    [("private_supergroup", 0), ("private_supergroup", FIRST), ("private_supergroup", FIRST - 1),
     ("private_group", -5), ("public_channel", -5), ("private_channel", FIRST + 5)],
)  # fmt: skip
def test_other_negative_ids_are_rejected(tmp_path: Path, kind: str, number: int) -> None:
    path = write(tmp_path, chat(message(number, "x"), message(2, "y"), type=kind))
    (page,) = read(path, groups=True)
    assert [item.id for item in page.rejected] == [number]
    assert [post.ids for post in page.posts] == [(2,)]
