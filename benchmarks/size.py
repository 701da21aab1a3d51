"""How large an archive is, in times of its texts' bytes.

usage: python benchmarks/size.py [FOLDER of channel files {message_id, date, text, channel}]
       [--times N]

Reads the posts as exports of Telegram Desktop and tags them by the embedded tagger: once with
their texts as they stand, once with their markup (**bold**, [words](address)) as formatting, which
an archive keeps as Markdown beside the text. Prints the file and its largest tables. `--times`
makes a larger archive: the same posts in further channels, each tenth word another post's.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from speed_tags import POSTS

PROGRAM = str(Path(sys.executable).with_name("tgtagger"))
MARKUP = re.compile(r"\*\*([^*\n]+)\*\*|\[([^]\n]+)]\((https?://[^)\s]+)\)|(https?://[^\s)\]]+)")


def parts_of(text: str) -> list[dict[str, str]]:
    """Return a text as Telegram Desktop writes it, its markup as formatting."""
    parts, at = list[dict[str, str]](), 0
    for found in MARKUP.finditer(text):
        bold, words, href, address = found.groups()
        parts += plain(text[at : found.start()])
        at = found.end()
        if bold:
            parts.append({"type": "bold", "text": bold})
        elif words:
            parts.append({"type": "text_link", "text": words, "href": href})
        else:
            parts.append({"type": "link", "text": address})
    return parts + plain(text[at:])


def plain(text: str) -> list[dict[str, str]]:
    return [{"type": "plain", "text": text}] if text else []


def export_of(posts: list[dict[str, Any]], *, formatted: bool) -> dict[str, Any]:
    channel = abs(posts[0]["sender_id"]) % 10**10
    messages = []
    for post in sorted(posts, key=lambda post: post["message_id"]):
        parts = parts_of(post["text"] or "")
        if not formatted:
            parts = plain("".join(part["text"] for part in parts))
        date = datetime.fromisoformat(post["date"])
        messages.append({
            "id": post["message_id"],
            "type": "message",
            "date": date.strftime("%Y-%m-%dT%H:%M:%S"),
            "date_unixtime": str(int(date.timestamp())),
            "from": post["channel"],
            "from_id": f"channel{channel}",
            "text": [part["text"] if part["type"] == "plain" else part for part in parts],
            "text_entities": parts,
        })  # fmt: skip
    name = posts[0]["channel"]
    return {"name": name, "type": "public_channel", "id": channel, "messages": messages}


def channels(files: list[Path], times: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the posts of each channel, then of those that are made of them."""
    chance = random.Random(1)
    read = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    words = [word for posts in read for post in posts for word in _words(post)]
    for number in range(times):
        for posts in read:
            yield posts if number == 0 else [_varied(post, number, words, chance) for post in posts]


def _words(post: dict[str, Any]) -> list[str]:
    return [word for word in (post["text"] or "").split() if word.isalpha()]


def _varied(
    post: dict[str, Any], number: int, words: list[str], chance: random.Random
) -> dict[str, Any]:
    text = re.sub(
        r"\w+",
        lambda found: chance.choice(words) if chance.random() < 0.1 else found[0],
        post["text"] or "",
    )
    return post | {
        "text": text,
        "channel": f"{post['channel']} {number}",
        "sender_id": abs(post["sender_id"]) % 10**9 + (number + 1) * 10**9,
    }


def measure(files: list[Path], folder: Path, *, formatted: bool, times: int = 1) -> None:
    db, export = folder / "posts.db", folder / "result.json"
    env = {**os.environ, "HOME": str(folder), "TGTAGGER_DB": str(db)}
    for posts in channels(files, times):
        export.write_text(json.dumps(export_of(posts, formatted=formatted), ensure_ascii=False))
        subprocess.run([PROGRAM, "-q", "parse", str(export)], check=True, env=env)
    subprocess.run(
        [PROGRAM, "-q", "tag", "--tagger", "keywords"], check=True, env=env, stderr=subprocess.PIPE
    )
    with closing(sqlite3.connect(db)) as archive:
        (count,) = archive.execute("SELECT count(*) FROM posts").fetchone()
        (text,) = archive.execute("SELECT sum(length(CAST(text AS blob))) FROM posts").fetchone()
        tables = archive.execute(
            "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"
        ).fetchall()
    print(
        f"{db.stat().st_size / text:.2f} x the text of {count:,} posts ({text / 1e6:.1f} MB):",
        end=" ",
    )
    print(", ".join(f"{name} {size / text:.2f}" for name, size in tables[:6]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=POSTS)
    parser.add_argument("--times", type=int, default=1, metavar="N", help="larger so many times")
    asked = parser.parse_args()
    folder = asked.folder
    files = sorted(folder.glob("*.json"))
    if not files:
        print(f"not measured, there are no posts in {folder}")
    for formatted in (False, True) if files else ():
        with tempfile.TemporaryDirectory() as made:
            print("with formatting" if formatted else "plain texts", end=": ")
            measure(files, Path(made), formatted=formatted, times=asked.times)


if __name__ == "__main__":
    main()
