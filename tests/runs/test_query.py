"""A query as people type it, read into a tree; a filter made of it and of options."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.query import AllOf, AnyOf, Dated, Fact, Not, Query, Words
from tgtagger.runs.query import narrowed, read_filter, read_query, typed_filters, write_filter

A, B, C = Words("a"), Words("b"), Words("c")


def day(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("  ", None),
        ("ракета", Words("ракета")),
        ("a b", AllOf((A, B))),
        ("a AND b", AllOf((A, B))),
        ("a a", A),
        ("a and b", AllOf((A, Words("and"), B))),
        ("a OR b", AnyOf((A, B))),
        ("a | b|c", AnyOf((A, B, C))),
        ("a || b", AnyOf((A, B))),
        ("a b OR c", AnyOf((AllOf((A, B)), C))),
        ("a (b OR c)", AllOf((A, AnyOf((B, C))))),
        ("(a)", A),
        ("((a b)) c", AllOf((A, B, C))),
        ("a -b", AllOf((A, Not(B)))),
        ("a NOT b", AllOf((A, Not(B)))),
        ("NOT (a OR b)", Not(AnyOf((A, B)))),
        ("-(a b)", Not(AllOf((A, B)))),
        ("a () b", AllOf((A, B))),
        ('"solar power" -china', AllOf((Words("solar power", "phrase"), Not(Words("china"))))),
        ("«солнечный ветер» “red flag”",
         AllOf((Words("солнечный ветер", "phrase"), Words("red flag", "phrase")))),
        ("econom*", Words("econom*", "beginning")),
        ('"OR" or', AllOf((Words("OR", "phrase"), Words("or")))),
        ("ракета tag:война", AllOf((Words("ракета"), Fact("tag", "война")))),
        ('tag:"машинное обучение"', Fact("tag", "машинное обучение")),
        ("-tag:ai TAG:b", AllOf((Not(Fact("tag", "ai")), Fact("tag", "b")))),
        ("tag:a OR tag:b", AnyOf((Fact("tag", "a"), Fact("tag", "b")))),
        ("(tag:a|tag:b) c", AllOf((AnyOf((Fact("tag", "a"), Fact("tag", "b"))), C))),
        ("channel:@a channel:@b c",
         AllOf((C, AnyOf((Fact("channel", "@a"), Fact("channel", "@b")))))),
        ("tag:a tag:b", AllOf((Fact("tag", "a"), Fact("tag", "b")))),
        ("has:photo is:FORWARD", AllOf((Fact("has", "photo"), Fact("is", "forward")))),
        ("status:failed", Fact("status", "failed")),
        ("date:2026-01", Dated(day("2026-01-01"), day("2026-02-01"))),
        ("since:2026-01 before:2026-03",
         AllOf((Dated(since=day("2026-01-01")), Dated(until=day("2026-03-01"))))),
        ("after:2025", Dated(since=day("2026-01-01"))),
        ("until:31.01.2026", Dated(until=day("2026-01-31"))),
        ("-date:2025", Not(Dated(day("2025-01-01"), day("2026-01-01")))),
        # What is no filter, though it has a colon.
        ("https://t.me/x", Words("https://t.me/x")),
        ("t.me:443", Words("t.me:443")),
        ("localhost:8080", Words("localhost:8080")),
        ("mailto:a@example.org", Words("mailto:a@example.org")),
        ("12:30", Words("12:30")),
        ("шторм: волна", AllOf((Words("шторм:"), Words("волна")))),
        ('"tag:ai" a', AllOf((Words("tag:ai", "phrase"), A))),
        # Parentheses of a text.
        ("f(x)", Words("f(x)")),
        (":) a", AllOf((Words(":)"), A))),
        ("a (f(x) OR b)", AllOf((A, AnyOf((Words("f(x)"), B))))),
        ("a - b", AllOf((A, Words("-"), B))),
        ("e-mail", Words("e-mail")),
    ],
)  # fmt: skip
def test_a_query_is_read_into_a_tree(text: str, tree: Query | None) -> None:
    assert read_query(text) == tree


@pytest.mark.parametrize(
    ("text", "kind", "hint"),
    [
        ("tag:", "filter_empty", "tag:ai"),
        ('tag:"open', "query_quote_open", ""),
        ('"open', "query_quote_open", ""),
        ('tag:""', "filter_empty", ""),
        ("chanel:@news x", "filter_unknown", "did you mean channel:"),
        ("-tags:ai x", "filter_unknown", "did you mean tag:"),
        ("тег:война", "filter_unknown", "did you mean tag:"),
        ("канал:новости", "filter_unknown", "did you mean channel:"),
        ("zzz:1", "filter_unknown", "one of: channel:, tag:"),
        ("has:sound", "filter_value_unknown", "photo, video, audio"),
        ("is:new", "filter_value_unknown", "forward, reply"),
        ("status:done", "filter_value_unknown", "pending"),
        ("since:5m", "date_ambiguous", "5min or 5mo"),
        ("date:soon", "date_wrong", ""),
        ("a OR", "query_operator_alone", ""),
        ("OR a", "query_operator_alone", ""),
        ("a OR OR b", "query_operator_alone", ""),
        ("a AND", "query_operator_alone", ""),
        ("AND a", "query_operator_alone", ""),
        ("a NOT", "query_operator_alone", ""),
        ("NOT", "query_operator_alone", ""),
        ("(a", "query_parenthesis_open", ""),
        ("(a OR (b)", "query_parenthesis_open", ""),
        ("(" * 60 + "a" + ")" * 60, "query_too_deep", ""),
        ("NOT " * 60 + "a", "query_too_deep", ""),
    ],
)
def test_what_is_wrong_is_explained(text: str, kind: str, hint: str) -> None:
    with pytest.raises(InputError) as error:
        read_query(text)
    assert error.value.kind == kind
    assert hint in (hint_of(error.value) or "")


@given(st.text())
def test_no_query_is_a_bug(text: str) -> None:
    try:
        read_query(text)
    except InputError:
        return


@given(st.text(alphabet='ab()|"- ORANDT:', max_size=30))
def test_no_row_of_operators_is_a_bug(text: str) -> None:
    try:
        read_query(text)
    except InputError:
        return


def test_options_narrow_what_a_query_finds() -> None:
    found = read_filter(
        query="a tag:b",
        channels=["@news"],
        tags=["c"],
        since="2026-01-01",
        statuses=["failed"],
        limit=5,
    )
    assert found.query == AllOf((A, Fact("tag", "b")))
    assert (found.channels, found.tags, found.statuses) == (("@news",), ("c",), ("failed",))
    assert found.since == day("2026-01-01")


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("storm tag:ai", [("tag:ai", "storm")]),
        ('tag:"solar power" since:7d sea', [('tag:"solar power"', "since:7d sea"),
                                            ("since:7d", 'tag:"solar power" sea')]),
        ("-tag:ai storm", []),
        ("a OR tag:ai", []),
        ("(a OR tag:ai) tag:sea -x", [("tag:sea", "( a OR tag:ai ) -x")]),
        ("", []),
    ],
)  # fmt: skip
def test_filters_can_be_taken_off_one_by_one(text: str, filters: list[tuple[str, str]]) -> None:
    assert [(each.text, each.rest) for each in typed_filters(text)] == filters


@pytest.mark.parametrize(
    "text", ["-a b", "(a OR b) -(c d) tag:x", 'NOT a "b c" tag:y', "a|b tag:x"]
)
def test_what_is_left_means_the_same(text: str) -> None:
    for each in typed_filters(text):
        whole, rest = read_query(text), read_query(each.rest)
        assert isinstance(whole, AllOf)
        assert rest is not None
        parts = rest.parts if isinstance(rest, AllOf) else (rest,)
        assert {*whole.parts} == {*parts, each.part}


@pytest.mark.parametrize(
    ("text", "narrowed_text"),
    [("", "tag:x"), ("a b", "a b tag:x"), ("a OR b", "(a OR b) tag:x"),
     ("(a OR b)", "(a OR b) tag:x"), ("a | b", "(a | b) tag:x")],
)  # fmt: skip
def test_a_query_is_narrowed_as_a_whole(text: str, narrowed_text: str) -> None:
    assert narrowed(text, "tag:x") == narrowed_text


@given(
    st.text(st.characters(exclude_characters='"“”«»„', exclude_categories=("Cs", "Cc")), min_size=1)
)
@example("C++")
@example("a b")
@example("-x")
@example("(x)")
@example("|")
@example("https://x")
def test_a_written_filter_is_read_as_it_was_meant(value: str) -> None:
    if value.strip() == value:
        assert read_query(write_filter("tag", value)) == Fact("tag", value)


@pytest.mark.parametrize("value", ['say "x"', "«x» y", "“x” y"])
def test_a_filter_is_written_with_marks_that_its_value_has_not(value: str) -> None:
    assert read_query(write_filter("tag", value)) == Fact("tag", value)
