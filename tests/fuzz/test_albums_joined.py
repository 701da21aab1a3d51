"""An album is its messages: every word, every entity in its place, every counter at its highest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fuzz.posts import check_post, units
from fuzz.targets import share
from support.make import post
from tgtagger.model.posts import Entity, Media, PostData
from tgtagger.sources import albums
from tgtagger.sources.markdown import to_markdown

TEXTS = st.text("ab Я😀*_#>-1.\n", max_size=8).map(str.strip)
COUNTS = st.none() | st.integers(0, 9)


@st.composite
def members(draw: st.DrawFn) -> list[PostData]:
    found = []
    for number in range(5, 5 + draw(st.integers(1, 10))):
        text = draw(TEXTS)
        size = units(text)
        marks = []
        if size:
            start = draw(st.integers(0, size - 1))
            kind = draw(st.sampled_from(["bold", "code", "blockquote", "hashtag"]))
            marks = [Entity(kind, start, draw(st.integers(1, size - start)))]
        found.append(
            post(
                number,
                text,
                entities=tuple(marks),
                markdown=to_markdown(text, marks),
                media=(Media("photo", width=number),),
                views=draw(COUNTS),
                forwards=draw(COUNTS),
            )
        )
    return found


@share(1)
@given(members())
def test_an_album_holds_all_of_its_messages(found: list[PostData]) -> None:
    whole = albums.join(found, None)
    check_post(whole)
    assert whole.ids == tuple(number for each in found for number in each.ids)
    assert whole.text == "\n\n".join(each.text for each in found if each.text)
    assert [media.width for media in whole.media] == list(whole.ids)
    for name in ("views", "forwards"):
        counts = [count for each in found if (count := getattr(each, name)) is not None]
        assert getattr(whole, name) == max(counts, default=None)
    assert marked(whole) == [words for each in found for words in marked(each)]


def marked(found: PostData) -> list[str]:
    text = found.text.encode("utf-16-le")
    return [
        text[2 * mark.offset : 2 * (mark.offset + mark.length)].decode("utf-16-le", "replace")
        for mark in found.entities
    ]
