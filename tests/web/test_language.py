"""Every text of the pages has its Russian; numbers, nouns and the choice of the language."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import tgtagger.web
from tgtagger.web.language import ENGLISH, RUSSIAN, language_of

WEB = Path(tgtagger.web.__file__).parent
_TEXT = re.compile(r"""\bt\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_NOUN = re.compile(r"""\bn\([^"']*?("[^"]*"|'[^']*')\s*\)""")


def _of_templates(pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for file in sorted((WEB / "templates").glob("*")):
        for found in pattern.findall(file.read_text()):
            yield file.name, ast.literal_eval(found)


def _of_modules(methods: set[str], at: int) -> Iterator[tuple[str, str]]:
    """Yield the literal texts that modules pass to these methods, and of tables of `Texts`."""
    for file in sorted(WEB.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            found: list[ast.expr] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr in methods:
                    found = node.args[at : at + 1]
            elif (
                "text" in methods
                and isinstance(node, ast.AnnAssign)
                and ast.unparse(node.annotation) == "Texts"
            ):
                assert isinstance(node.value, ast.Dict)
                found = node.value.values
            for text in found:
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield file.name, text.value


TEXTS = sorted({*_of_templates(_TEXT), *_of_modules({"text"}, 0)})
NOUNS = sorted({*_of_templates(_NOUN), *_of_modules({"counted"}, 1)})


def test_the_texts_are_found() -> None:
    assert ("base.html", "To the content") in TEXTS
    assert ("base.html", "Search posts") in TEXTS
    assert any(noun == "post" for _, noun in NOUNS)


def test_every_text_has_its_russian() -> None:
    missing = [(where, text) for where, text in TEXTS if text not in RUSSIAN.texts]
    assert missing == [], "not in web/russian.py"
    for where, text in TEXTS:
        assert _values(RUSSIAN.texts[text]) == _values(text), (where, text)


@pytest.mark.parametrize(("where", "noun"), NOUNS)
def test_every_noun_has_its_three_forms(where: str, noun: str) -> None:
    assert noun in RUSSIAN.nouns, f"{noun!r} of {where} is not in web/russian.py"


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [(1, "1 post", "1 пост"), (2, "2 posts", "2 поста"), (5, "5 posts", "5 постов"),
     (11, "11 posts", "11 постов"), (21, "21 posts", "21 пост"), (112, "112 posts", "112 постов"),
     (1234, "1,234 posts", "1\N{NO-BREAK SPACE}234 поста"), (0, "0 posts", "0 постов")],
)  # fmt: skip
def test_a_count_has_the_right_form_of_its_noun(count: int, english: str, russian: str) -> None:
    assert ENGLISH.counted(count, "post") == english
    assert RUSSIAN.counted(count, "post") == russian


@pytest.mark.parametrize(
    ("header", "code"),
    [("", "en"), ("ru", "ru"), ("ru-RU,ru;q=0.9,en;q=0.8", "ru"), ("en-US,en;q=0.9,ru;q=0.8", "en"),
     ("de,ru;q=0.5", "ru"), ("de", "en"), ("en;q=0.1, RU", "ru"), ("ru;q=0", "en"),
     ("ru;q=x", "en"), (",;q=,,", "en")],
)  # fmt: skip
def test_the_language_is_the_browsers(header: str, code: str) -> None:
    assert language_of(header).code == code
