"""The sources of the session: channels, their messages, and exports made of them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

LONG_AGO = 1_620_000_000
"""2021-05-03T00:00:00Z: the first message."""

LIGHTHOUSE = 1_500_000_001
NEWSROOM = 1_500_000_002
FORUM = 1_500_000_003


def moment(number: int) -> str:
    return dt.datetime.fromtimestamp(LONG_AGO + 3600 * number, dt.UTC).isoformat()


def message(number: Any, *parts: str | dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Return a message in Telegram Desktop's form, an hour after the one before."""
    entities = [{"type": "plain", "text": p} if isinstance(p, str) else p for p in parts]
    hours = number if isinstance(number, int) else 0
    return {
        "id": number,
        "type": "message",
        "date": "2021-05-03T03:00:00",
        "date_unixtime": str(LONG_AGO + 3600 * hours),
        "from": "Маяк",
        "from_id": f"channel{LIGHTHOUSE}",
        "text": parts[0] if len(parts) == 1 and isinstance(parts[0], str) else list(parts),
        "text_entities": entities,
    } | facts


def part(kind: str, text: str, **facts: Any) -> dict[str, Any]:
    return {"type": kind, "text": text} | facts


def photo(number: int, *parts: str | dict[str, Any]) -> dict[str, Any]:
    """Return one of an album's photos, which share one second."""
    same = str(LONG_AGO + 3600 * 5)
    return message(
        number, *parts, photo=f"photos/photo_{number}.jpg", width=1280, height=960,
        date_unixtime=same,
    )  # fmt: skip


def messages() -> list[dict[str, Any]]:
    """Return a channel with one of every fact that an export has about a post."""
    storm = (
        "The storm of the century closed the harbour of Lisbon on Sunday. Ferries stayed in port, "
        "the library opened its doors to travellers, and solar power stations lost a tenth. "
    )
    return [
        {
            "id": 1, "type": "service", "date": "2021-05-03T03:00:00",
            "date_unixtime": str(LONG_AGO), "actor": "Маяк", "action": "create_channel",
            "title": "Маяк", "text": "", "text_entities": [],
        },
        message(
            2,
            part("bold", "Новости экономики."), " Центральный банк России сохранил ",
            part("italic", "ключевую ставку"), ", сообщает ",
            part("text_link", "агентство", href="https://example.org/bank?a=1&b=2"), ".\n",
            part("hashtag", "#экономика"), " ", part("hashtag", "#банк"),
        ),
        message(3, "Ракета «Союз» стартовала с космодрома Восточный и вывела спутник на орбиту."),
        photo(5, "Фотографии с выставки кошек в Таллине ", part("hashtag", "#кошки")),
        photo(6),
        photo(7),
        message(
            8,
            poll={
                "question": "Which harbour do you like best?", "closed": False,
                "total_voters": 12,
                "answers": [
                    {"text": "Lisbon", "voters": 7, "chosen": False},
                    {"text": "Таллин", "voters": 5, "chosen": False},
                ],
            },
        ),
        message(
            9,
            "How to list files: ", part("code", "ls -l"), "\n",
            part("pre", "for f in *:\n    print(f)", language="python"), "\n",
            part("spoiler", "It is Python."), " ", part("blockquote", "Simple is better."),
        ),
        message(
            10, storm, edited="2021-05-04T03:00:00", edited_unixtime=str(LONG_AGO + 86400),
            reactions=[
                {"type": "emoji", "count": 41, "emoji": "👍"},
                {"type": "emoji", "count": 3, "emoji": "❤"},
                {"type": "paid", "count": 2},
            ],
        ),
        message(
            11, "Forwarded: solar power is now the cheapest energy in history, says the report.",
            forwarded_from="Energy", forwarded_from_id="channel1400000009",
            reply_to_message_id=10, author="Editor",
        ),
        message(
            12, "Видео запуска",
            file="video_files/launch.mp4", file_name="launch.mp4", file_size=123456,
            media_type="video_file", mime_type="video/mp4", duration_seconds=61, width=640,
            height=480,
        ),
        message(13, storm * 6 + "The end of a long report, by our correspondent in Lisbon."),
        message(14, "=SUM(1;2) is how a formula begins; tables and \x1b[31mcontrol\x07 letters."),
        message(15, "👍"),
        message(16),
        message(17, "A mumbling text about nothing that anybody could name or repeat."),
        message(18, "A forbidden recipe that no model wants to read, however it is asked."),
        message(
            19, "Отчёт о ремонте моста", file="files/report.pdf", file_name="report.pdf",
            file_size=4096, mime_type="application/pdf",
        ),
        message(
            20, part("hashtag", "#SolarPower"), " ", part("hashtag", "#solar_power"),
            " Solar panels, wind and energy storage in Germany and Portugal.",
        ),
        message(21, "Ракета «Союз» стартовала с космодрома Восточный и вывела спутник на орбиту."),
    ]  # fmt: skip


def chat(*found: Any, **facts: Any) -> dict[str, Any]:
    head = {"name": "Маяк", "type": "public_channel", "id": LIGHTHOUSE}
    return head | facts | {"messages": list(found)}


def changed_messages() -> list[Any]:
    """Return the same channel later: one post is edited, one gone, one new, one without an id."""
    kept: list[Any] = [item for item in messages() if item["id"] != 12]
    edited = {"edited": "2021-05-20T03:00:00", "edited_unixtime": str(LONG_AGO + 17 * 86400)}
    kept[2] = message(3, "Ракета «Союз» стартовала; спутник связи вышел на орбиту.") | edited
    return [*kept, message(22, "Новый маяк открыли на острове."), message("x", "no id")]


def write_exports(folder: Path) -> None:
    """Write all exports for `parse`: good ones and bad ones."""

    def write(name: str, root: Any) -> None:
        (folder / name).mkdir(exist_ok=True)
        text = json.dumps(root, ensure_ascii=False, indent=1)
        (folder / name / "result.json").write_text(text, encoding="utf-8")

    group = chat(message(1, "Hello, who is here?", **{"from": "Ann", "from_id": "user1"}),
                 name="Forum", type="public_supergroup", id=FORUM)  # fmt: skip
    write("export", chat(*messages()))
    write("later", chat(*changed_messages()))
    write("group", group)
    people = chat(message(1, "Private words"), name="Ann", type="personal_chat", id=7)
    lists = {"chats": {"about": "", "list": [chat(*messages()[:3]), group, people]}}
    write("account", {"about": "An export.", **lists, "left_chats": {"about": "", "list": []}})
    whole = (folder / "export/result.json").read_bytes()
    (folder / "cut.json").write_bytes(whole[: len(whole) // 2])
    (folder / "garbage.json").write_bytes(b"\x00\xff garbage")
    (folder / "foreign.json").write_text('{"a": [1, 2]}')
    (folder / "empty.json").write_bytes(b"")
    (folder / "html").mkdir(exist_ok=True)
    (folder / "html/messages.html").write_text("<html></html>")
