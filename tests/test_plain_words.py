"""What people read is short and plain, so that somebody who learns English reads it at once.

Only what can be counted is held here: the length of a sentence, and words that are rare or old, or
make a sentence hard to follow.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import tgtagger
from tgtagger import cli

CLI = Path(tgtagger.__file__).parent / "cli"
MESSAGES = Path(tgtagger.__file__).parent / "messages"

LONGEST = 20
"""Words of a sentence, at most."""

RARE = (
    "whose", "whatsoever", "whether", "thereby", "hence", "anew", "elsewhere", "somebody",
    "lest", "albeit", "beforehand", "hang on", "see to", "by itself wants", "is to be",
    "are to be", "to be had", "it is none", "so long", "one another", "stands for", "as it was",
    "all the same", "unharmed", "(?<!there )(?:is|are) no(?! longer| more)",
)  # fmt: skip
NOT_USED = re.compile(rf"(?<!\w)(?:{'|'.join(RARE)})(?!\w)", re.IGNORECASE)


def constants(path: Path) -> Iterator[str]:
    """Yield the texts of a module that are no docstrings; a filled-in value counts as one word."""
    tree = ast.parse(path.read_text("utf-8"))
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            silent.update(map(id, node.values))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in silent and "Examples:" not in node.value:  # that is help
                yield re.sub(r"\{[^}]*\}", "X", node.value)
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values
            )


def helps() -> Iterator[tuple[str, str]]:
    """Yield each text of the help, with its place."""
    root = typer.main.get_command(cli.app)
    context = typer.Context(root)
    commands = {name: root.get_command(context, name) for name in cli._NAMES}  # type: ignore[attr-defined]
    below = {
        f"{name} {each}": found
        for name, command in commands.items()
        for each, found in getattr(command, "commands", {}).items()
    }
    for name, command in {"": root, **commands, **below}.items():
        yield name, command.help or ""
        for paragraph in re.split(r"\n(?=\n|  )", command.epilog or ""):
            yield name, re.sub(r"^  tgtagger.*?(?:   |$)", "", paragraph)
        for option in command.params:
            yield f"{name} {option.opts[0]}", getattr(option, "help", None) or ""


def said() -> Iterator[tuple[str, str]]:
    for path in (*MESSAGES.glob("*.py"), *CLI.rglob("*.py")):
        if path.name not in {"click.py", "completion.py"}:
            for text in constants(path):
                yield path.relative_to(CLI.parent).as_posix(), text
    yield from helps()


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text: a colon, a semicolon and a break of lines end one, too."""
    for part in re.split(r"[.;:!?](?=\s|$)|\n\s*\n|\(|\)| · ", " ".join(text.split(" "))):
        yield " ".join(part.split())


def test_sentences_are_short() -> None:
    long = [
        f"{place}: {sentence}"
        for place, text in said()
        for sentence in sentences(text)
        if len(re.findall(r"[^\s–—]+", sentence)) > LONGEST
    ]
    assert long == []


def test_words_are_plain() -> None:
    found = [
        f"{place}: {text!r}: {hit[0]}" for place, text in said() for hit in NOT_USED.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("this is no phone number", False),
        ("it is no longer read", True),
        ("the channel whose title begins so", False),
        ("run: tgtagger login", True),
    ],
)
def test_words_that_are_not_plain_are_seen(text: str, *, is_plain: bool) -> None:
    assert (NOT_USED.search(text) is None) is is_plain


def test_long_sentences_are_seen() -> None:
    (first, second) = [part for part in sentences("one two. " + "word " * 21) if part]
    assert first == "one two"
    assert len(second.split()) > LONGEST
