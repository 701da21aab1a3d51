"""An archive that strangers filled: hostile strings in every place that an export or a row has."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from support.exports import account, chat, message, service
from support.hostile import STRINGS, storable
from support.terminal import in_pipes

MAIN = 1006503122
TEXTS = list(STRINGS.values())


def everywhere(number: int, text: str) -> dict[str, Any]:
    """Return a chat with this string in every place that an export has."""
    link = {"type": "text_link", "text": "here", "href": text}
    code = {"type": "pre", "text": "code", "language": text}
    emoji = {"type": "custom_emoji", "text": "😀", "document_id": text}
    odd = {"type": text, "text": "odd"}
    file = {
        "file": text, "file_name": text, "mime_type": text, "media_type": "audio_file",
        "title": text, "performer": text, "thumbnail": text, "width": text,
    }  # fmt: skip
    poll = {"question": text, "answers": [{"text": text, "voters": text}], "total_voters": text}
    point = {"latitude": text, "longitude": text}
    place = {"location_information": point, "place_name": text, "address": text}
    contact = {"first_name": text, "last_name": text, "phone_number": text}
    reactions = [
        {"type": "emoji", "count": 1, "emoji": text},
        {"type": "custom_emoji", "count": 1, "document_id": text},
        {"type": text, "count": 1},
    ]
    return chat(
        message(
            1, ["harbour ", text, " harbour ", link, code, emoji, odd], author=text,
            reactions=reactions, forwarded_from=text, forwarded_from_id=text,
            reply_to_message_id=text,
        ),
        message(2, ["storm ", {"type": "hashtag", "text": f"#{text}"}], **file),
        message(3, poll=poll),
        message(4, **place),
        message(5, contact_information=contact),
        message(6, game_title=text, game_description=text),
        message(7, "harbour", date=text, date_unixtime=text, edited=text, edited_unixtime=text),
        message(text, "harbour"),
        message(8, "harbour", type=text),
        service(9, text),
        name=text, id=2_000_000_000 + number,
    )  # fmt: skip


def write(path: Path, root: Any) -> Path:
    """Write an export that can say all there is, in ASCII."""
    path.write_text(json.dumps(root))
    return path


def make_hostile(folder: Path) -> Path:
    """Make an archive that holds every string in every place, as it came; return its path."""
    db = folder / "posts.db"
    main = chat(*(message(at, text) for at, text in enumerate(TEXTS, 1)))
    others = (everywhere(at, text) for at, text in enumerate(TEXTS))
    path = write(folder / "result.json", account(main, *others))
    assert in_pipes("--db", str(db), "parse", str(path)).code == 5
    assert in_pipes("--db", str(db), "tag").code == 0
    return db


_CHANNEL = "2000000000 + :at"
_POST = f"(SELECT id FROM posts WHERE channel_id = {_CHANNEL} AND message_id = 1)"
_TAG = "(SELECT id FROM tags WHERE key = 'key ' || :at)"
FORCED = (
    "INSERT INTO tags (name, key, added_at) VALUES (:text, 'key ' || :at, :now)",
    f"INSERT INTO tag_aliases (key, tag_id, name) VALUES ('alias ' || :at, {_TAG}, :text)",
    f"UPDATE channels SET username = :text, title = :text WHERE id = {_CHANNEL}",
    f"UPDATE posts SET failure = 'server', error = :text, problem = :text WHERE id = {_POST}",
    f"UPDATE posts SET status = 'failed', next_attempt_at = NULL WHERE id = {_POST}",
    f"INSERT INTO post_tags VALUES ({_POST}, 50, {_TAG}, 'llm', :text, :text, :text, 1, :now)",
    f"INSERT INTO attempts (post_id, at, model, error) VALUES ({_POST}, :now, :text, :text)",
    f"INSERT OR REPLACE INTO rejected_posts VALUES ({_CHANNEL}, :text, 'desktop', :text, :now)",
    "INSERT INTO runs (command, started_at, summary) VALUES (:text, :now, json_quote(:text))",
)
"""A string in every text that the database has a place for."""


def force(archive: Path, db: Path) -> Path:
    """Copy that archive, with the strings in every text of every table, whoever wrote them."""
    with closing(sqlite3.connect(archive)) as source, closing(sqlite3.connect(db)) as raw:
        source.backup(raw)
        for at, text in enumerate(storable().values()):
            values = {"text": text, "now": "2026-01-01T00:00:00Z", "at": at}
            for statement in FORCED:
                raw.execute(statement, values)
        raw.commit()
    return db
