"""What users type and write: queries, vocabularies, settings, names of channels, times."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from fuzz.answers import check_tags
from fuzz.posts import FOLDER
from support.make import minute, page, post
from tgtagger import config, vocabulary
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.posts import PostFilter
from tgtagger.model.refs import Invited, Named, Numbered, read_channel
from tgtagger.runs.query import read_query
from tgtagger.runs.targets import read_target
from tgtagger.runs.times import read_duration, read_when
from tgtagger.store import Store
from tgtagger.vocabulary.forms import are_forms, beginnings


def text_of(data: bytes) -> str:
    """Return bytes as the command line has them: what is no UTF-8 is half a surrogate pair."""
    return data.decode(errors="surrogateescape")


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Let an InputError pass that says what to do."""
    try:
        yield
    except InputError as error:
        if not hint_of(error) and "must be" not in error.message and "write" not in error.message:
            raise AssertionError("it says what is wrong and not what to do") from error


# ---- queries

POSTS = (
    "Сегодня хорошие новости для школьников",
    "C++ and e-mail: AND OR NOT NEAR",
    "Ёлка, Straße, İstanbul, ﬁne naïve 日本語",
)
QUERIES = [
    query.encode()
    for query in (
        "новости -погода",
        '"хорошие новости" -"для детей"',
        "C++ e-mail NOT",
        'нов* OR "AND NOT"',
        "Straße",
        "a NEAR(b, 5) ^c text:d {e}",
        "one one one",
    )
]


@functools.cache
def store() -> Store:
    """Return an archive of three posts, open as long as the process lasts."""
    opened = Store.open(str(Path(FOLDER.name) / "posts.db"), busy_timeout=0)
    opened.posts.save_page(page(*(post(number, text) for number, text in enumerate(POSTS, 1))))
    return opened


def fuzz_query(data: bytes) -> None:
    """Posts that are there, newest first; or an InputError that says how to write a query."""
    with explained():
        found = list(store().records.search(PostFilter(query=read_query(text_of(data)))))
        numbers = [item.post.id.message_id for item in found]
        assert numbers == sorted(set(numbers), reverse=True)
        for item in found:
            assert "".join(words for words, _ in item.snippet) in item.post.text


# ---- vocabularies

VOCABULARIES = [
    text.encode()
    for text in (
        "# mode: closed\nartificial intelligence | AI, ai | models, not | robots\nC#\n#politics\n",
        "space: rockets\nЁлка | fir,\n.NET\nновость | новости дня\n",
        "tag\u200b\ufffe",
    )
]


def fuzz_vocabulary(data: bytes) -> None:
    """Tags in their form, a file that is written as it was read, choices within its rules."""
    text = text_of(data)
    for line in text.split("\n"):
        once = vocabulary.normalise(line)
        assert vocabulary.normalise(once) == once
        assert vocabulary.key(once) == vocabulary.key(line)
    with explained():
        mode, entries = vocabulary.read(text)
        assert vocabulary.read(vocabulary.write(mode, entries)) == (mode, entries)
        names = [name for entry in entries for name in (entry.name, *entry.aliases)]
        _check_forms(names[:12])
        for bound in MODES:
            chooser = vocabulary.Vocabulary(bound, entries, maximum=3)
            check_tags(chooser.choose(text.split("\n")), chooser)
            for entry in entries[:5]:
                spellings = (entry.name, *entry.aliases)
                assert all(chooser.choose([name]) == (entry.name,) for name in spellings)


MODES: tuple[vocabulary.Mode, ...] = ("closed", "prefer", "open")


def _check_forms(names: list[str]) -> None:
    for name in names:
        assert are_forms(name, name)
        for other in names:
            assert are_forms(name, other) == are_forms(other, name)
            if are_forms(name, other):  # else one would not be looked for among the other's like
                starts = {beginnings(vocabulary.key(each)) for each in (name, other)}
                assert len(starts) == 1, (name, other)


# ---- settings

_FILE = """\
db = "a.db"
[tagging]
tags_min = 2
max_cost = 0.5
[tagging.llm]
models = ["a", "b"]
url = "http://x/v1"
[telegram]
api_id = 5
proxy = "socks5://a:1"
page_wait = 0x1F
"""
SETTINGS = [
    text.encode()
    for text in (
        _FILE,
        config.file_template().replace("# ", ""),
        "openai",
        "http://127.0.0.1:1/v1",
        "~nobody/x",
        # What was found.
        f"[tagging]\ntags_min = 0x{'F' * 5000}",
        ".".join("a" * 1500) + " = 1",
        "db = " + "[" * 1500,
    )
]


def fuzz_settings(data: bytes) -> None:
    """Settings in force, or an InputError; as a file, as a variable and as a flag."""
    path = Path(FOLDER.name) / "config.toml"
    path.write_bytes(data)
    _load({"config": str(path)}, {})
    text = text_of(data).replace("\0", "")  # an environment holds none
    setting = config.SETTINGS[len(data) % len(config.SETTINGS)]
    if setting.name != "config":
        _load({}, {setting.variable: text})
        _load({setting.name: text}, {})


def _load(flags: dict[str, str], environ: dict[str, str]) -> None:
    with explained():
        found = config.load(flags, environ)
        assert 1 <= found.tags_min <= found.tags_max <= 20
        assert set(found.origins) == {setting.name for setting in config.SETTINGS}
        found.check_llm()


# ---- names and times

NAMES = [
    text.encode()
    for text in (
        "@durov", "https://t.me/s/durov?before=5", "tg://resolve?domain=durov&post=4", "-100123456",
        "t.me/c/1234567890/5", "https://t.me/+AbCd_-123456", "durov.t.me", "~/x.json", "a/b",
        "2026-01-31T12:00:30+03:00", "0001-01-01", "9999-12-31T23:59-14:00", "7d", "90s",
        "@ſurov", "t.me/+Ab²3456", "-0", "~nobody/x", "@" + "x" * 300,
    )
]  # fmt: skip
NOW = minute(0)


def fuzz_names(data: bytes) -> None:
    """A channel, a path, a moment, a duration; or an InputError."""
    text = text_of(data)
    with explained():
        match read_channel(text):
            case Named(name):
                assert re.fullmatch(r"[A-Za-z]\w{3,31}", name, re.ASCII)
            case Numbered(number):
                assert 0 < abs(number) < 2**63
            case Invited(invitation):
                assert re.fullmatch(r"[\w-]{6,64}", invitation, re.ASCII)
    with explained():
        target = read_target(text, store())
        assert (target.path is None) != (target.ref is None)
    with explained():
        assert read_when(text, now=NOW).utcoffset() == dt.timedelta(0)
    with explained():
        assert NOW + read_duration(text) >= NOW
