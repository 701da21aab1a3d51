"""Make Telegram Desktop exports for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.breaking import forked

IN_PAGES = forked(
    "from tgtagger.sources.desktop import DesktopExport\n"
    "DesktopExport.__init__.__kwdefaults__['page_size'] = 100\n"
)
"""tgtagger with small pages: a small export takes several transactions."""

START = 1767225600  # 2026-01-01T00:00:00Z


def message(number: Any, text: Any = "", **facts: Any) -> dict[str, Any]:
    """Return a message in Desktop's present form; `text` is a string or a list of parts."""
    parts = text if isinstance(text, list) else [text] if text else []
    entities = [{"type": "plain", "text": p} if isinstance(p, str) else p for p in parts]
    record: dict[str, Any] = {
        "id": number,
        "type": "message",
        "date": "2026-01-01T03:00:00",
        "from": "News",
        "from_id": "channel1006503122",
        "text": text,
        "text_entities": entities,
    }
    if isinstance(number, int):
        record["date_unixtime"] = str(START + number * 60)
    return record | facts


def service(number: int, action: str = "pin_message") -> dict[str, Any]:
    return {
        "id": number, "type": "service", "date": "2026-01-01T03:00:00",
        "date_unixtime": str(START), "actor": "News", "action": action, "text": "",
        "text_entities": [],
    }  # fmt: skip


def chat(*messages: Any, **facts: Any) -> dict[str, Any]:
    head = {"name": "News", "type": "public_channel", "id": 1006503122}
    return head | facts | {"messages": list(messages)}


def account(*chats: dict[str, Any], left: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "about": "An export.",
        "contacts": {"about": "", "list": [{"first_name": "N", "phone_number": "1"}]},
        "chats": {"about": "", "list": list(chats)},
        "left_chats": {"about": "", "list": list(left)},
    }


def write(folder: Path, root: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "result.json"
    path.write_text(json.dumps(root, ensure_ascii=False, indent=1), encoding="utf-8")
    return path
