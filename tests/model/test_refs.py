"""What a user may call a channel."""

from __future__ import annotations

import pytest

from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.refs import Invited, Named, Numbered, read_channel


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("durov", Named("durov")),
        ("@durov", Named("durov")),
        (" @Durov ", Named("Durov")),
        ("https://t.me/durov", Named("durov")),
        ("t.me/durov/123", Named("durov")),
        ("t.me/durov/123?single", Named("durov")),
        ("https://t.me/s/durov", Named("durov")),
        ("https://t.me/s/durov?before=5", Named("durov")),
        ("telegram.me/durov", Named("durov")),
        ("durov.t.me", Named("durov")),
        ("https://durov.t.me/12", Named("durov")),
        ("tg://resolve?domain=durov", Named("durov")),
        ("tg://resolve?domain=durov&post=4", Named("durov")),
        ("t.me/c/1234567890/5", Numbered(1234567890)),
        ("https://t.me/c/1234567890/4/5", Numbered(1234567890)),
        ("tg://privatepost?channel=123&post=4", Numbered(123)),
        ("-1001234567890", Numbered(1234567890)),
        ("-4567", Numbered(-4567)),
        ("https://t.me/+AbCd_-123456", Invited("AbCd_-123456")),
        ("https://t.me/joinchat/AbCd123456", Invited("AbCd123456")),
        ("tg://join?invite=AbCd123456", Invited("AbCd123456")),
    ],
)
def test_every_form(text: str, expected: object) -> None:
    assert read_channel(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "@", "ab", "два слова", "https://example.org/durov", "t.me/", "t.me/joinchat", "123",
     "@a b", "t.me/addstickers/x", "-", "@durov\n@other", "t.me/../etc", "@ſurov", "@\u212aurov",
     "@İ026", "t.me/+Ab²3456", "t.me/c/٣", "t.me/c/0", "-0", "-1000000000", "-100٣٣٣٣٣"],
)  # fmt: skip
def test_anything_else_is_refused_with_what_to_give(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_channel(text)
    assert "@name" in (hint_of(caught.value) or "")
