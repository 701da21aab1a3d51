"""Check what a reader of Markdown shows: the words of the text, and nothing beyond its end."""

from __future__ import annotations

import html
import re

from markdown_it import MarkdownIt


class _Reader(MarkdownIt):
    """Switches off two habits of markdown-it: it decodes addresses, and refuses some schemes."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        return link

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return True


READER = _Reader("commonmark", {"html": True}).enable(["strikethrough", "table"])

_TAG = re.compile(r"</?[a-z]+[1-6]?(?: [a-z]+=\"[^\"]*\")*\s*/?>")


def letters(text: str) -> str:
    """Return the visible letters of a text, without spaces and the bars of spoilers."""
    return "".join(text.replace("|", "").split())


def shown(markdown: str) -> str:
    """Return the letters that a reader shows."""
    return letters(html.unescape(_TAG.sub("", READER.render(markdown))))


def check_words(text: str, markdown: str | None) -> None:
    """Check that Markdown shows all words of its text, in their order."""
    found = text if markdown is None else markdown
    assert shown(found) == letters(text), found


def check_ends(markdown: str) -> None:
    """Check that text before and after it is shown as it would be alone."""
    before, after = "a *b*", "c\n\n- *d*\n"
    whole = READER.render(f"{before}\n\n{markdown}\n\n{after}")
    assert whole == READER.render(before) + READER.render(markdown) + READER.render(after), markdown
