"""Hostile arguments to every command: one error in words, which steers nothing; no file astray."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.hostile import STRINGS, SURROGATES, unseen
from support.terminal import Shown, in_pipes, on_terminal

# What a system passes on as an argument: no NUL, and bytes that are no UTF-8 as Python tells them.
ARGUMENTS = {
    name: text for name, text in STRINGS.items() if "\0" not in text and not SURROGATES.search(text)
} | {"empty": "", "bytes": os.fsdecode(b"\xff\x9b31m\xfe")}

PLACES = [
    "{}", "{} x", "--{}",
    "search {}", "search --channel {}", "search --tag {}", "search --any-tag {}",
    "search --not-tag {}", "search --since {}", "search --until {}", "search --status {}",
    "search --sort {}", "search --limit {}", "show {}", "show {}/1", "show @{}/1",
    "show 1006503122/{}", "parse {}", "parse https://t.me/{}", "parse {}/x.json",
    "parse ex --since {}", "parse ex --account {}", "parse --via {}", "tag --post {}",
    "tag --channel {}", "tag --tagger {}", "tag --model {}", "tag --vocabulary {}",
    "tag --concurrency {}", "tag --max-cost {}", "tag --max-time {}", "retry-failed --class {}",
    "retry-failed --channel {}", "export --format {}", "export -o {}", "export -o missing/{}",
    "export --query {}", "status --db {}", "status --db sqlite:///{}", "status --db {}://x",
    "status --config {}", "config path --config {}", "config init --config {}", "config {}",
    "status {}", "status --{}", "login --account {}", "logout --account {}", "login --phone {}",
    "login --api-id {}", "tags rename {} x", "tags rename storm {}", "tags merge {} --into x",
    "tags merge storm --into {}", "tags alias storm {}", "tags remove {}",
    "tags add 1006503122/1 {}", "tags drop 1006503122/1 {}", "tags {}",
]  # fmt: skip
WRITING = {"export -o {}", "config init --config {}"}
"""Places that name a file to be written: they get no name of one elsewhere on this machine."""
SHORT = 3
"""Of the strings, so many in each place in the short form: others in each."""


def call(place: str, text: str = "", *, terminal: bool = False) -> Shown:
    arguments = [part.replace("{}", text) for part in place.split(" ")]
    if "--db" not in arguments:
        arguments = ["--db", "posts.db", *arguments]
    return (on_terminal if terminal else in_pipes)(*arguments)


def texts_for(place: str) -> list[str]:
    return [text for text in ARGUMENTS.values() if place not in WRITING or _is_inside(text)]


def _is_inside(name: str) -> bool:
    """Tell whether a file of this name lies in the folder where the command runs, or below."""
    path = Path(os.path.expanduser(name))  # noqa: PTH111 -- an unknown home stays as it is
    return not path.is_absolute() and ".." not in path.parts


def test_no_file_of_this_machine_is_written() -> None:
    for place in WRITING:
        texts = texts_for(place)
        assert STRINGS["absolute"] not in texts
        assert STRINGS["home"] not in texts
        assert STRINGS["parent"] not in texts
        assert len(texts) > 80


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export in it, and an archive; what commands write there, stays there."""
    made = tmp_path_factory.mktemp("work")
    write(made / "ex", chat(message(1, "storm")))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        assert call("parse ex").code == 0
        assert call("tag").code == 0
    return made


@pytest.mark.row("I2", "I3", "I6")
@pytest.mark.parametrize("place", PLACES)
def test_a_hostile_argument_is_said_in_words(
    folder: Path, place: str, effort: Effort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    texts = texts_for(place)
    first = PLACES.index(place) * SHORT
    for at in range(effort.rounds(SHORT, long=len(texts))):
        text = texts[(first + at) % len(texts)]
        shown = call(place, text, terminal=at % 3 == 1)
        said = shown.output + shown.errors
        found = unseen(said, live=at % 3 == 1)
        assert not found, (text, found[:5])
        assert shown.code in {0, 2, 3, 4, 5, 6, 75}, (text, shown)
        assert "Traceback" not in said
        if shown.code:
            # On a terminal the live line may have stood there before.
            errors = re.findall(r"(?:^|\x1b\[2K)error: ", said, re.MULTILINE)
            assert len(errors) == 1, (text, said)
