"""Tags as they are read from an answer: never half a list, never made up."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tgtagger.taggers.llm.api.answers import MOST_TAGS, ModelAnswer, Usage, read_answer, read_tags

TWO = ("p1", "p2")


# ---- what was answered


def completion(content: Any, finish: Any = "stop", **facts: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **facts}
    return {"choices": [{"message": message, "finish_reason": finish}]}


DEEP: Any = []
for _ in range(2000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("tree", "content", "failure"),
    [
        (completion("text"), "text", None),
        (completion([{"type": "text", "text": "a"}, {"type": "x"}, 5, {"text": "b"}]), "ab", None),
        (completion(None), "", None),
        (completion(5), "", None),
        (completion({}), "", None),
        (completion("text", "length"), "text", None),
        (completion("text", DEEP), "text", None),
        (completion(DEEP), "", None),
        ({"choices": [{}]}, "", None),
        ({"choices": [{"message": "text"}]}, "", None),
        (completion(None, refusal="No."), "", "refused"),
        (completion("text", refusal=""), "text", None),
        (completion("half", "content_filter"), "", "refused"),
        (completion("half", "error"), "", "server"),
        ({"choices": [{"message": {"content": "x"}, "error": {"code": 502}}]}, "", "server"),
        (None, "", "bad_answer"),
        ([], "", "bad_answer"),
        ("text", "", "bad_answer"),
        ({}, "", "bad_answer"),
        ({"choices": []}, "", "bad_answer"),
        ({"choices": {}}, "", "bad_answer"),
        ({"choices": [None]}, "", "bad_answer"),
    ],
    ids=itertools.count(),
)
def test_a_completion_of_any_shape(tree: Any, content: str, failure: str | None) -> None:
    answer = read_answer(tree)
    assert (answer.content, answer.failure, bool(answer.message)) == (
        content,
        failure,
        bool(failure),
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 3}, Usage(5, 3)),
        ({"prompt_tokens": 5, "completion_tokens": 3, "cost": 0,
          "prompt_tokens_details": {"cached_tokens": 2}}, Usage(5, 3, 2, 0.0)),
        ({"cost": 0.25}, Usage(cost_usd=0.25)),
        ({"prompt_tokens": "5", "completion_tokens": -3, "cost": "1"}, Usage()),
        ({"prompt_tokens": True, "completion_tokens": 3.5, "cost": True}, Usage()),
        ({"prompt_tokens": 2**40, "cost": -1, "prompt_tokens_details": 5}, Usage()),
        ({"cost": float("inf"), "prompt_tokens_details": {"cached_tokens": None}}, Usage()),
        (None, Usage()),
        ([], Usage()),
    ],
)  # fmt: skip
def test_what_an_answer_took(usage: Any, expected: Usage) -> None:
    assert read_answer({**completion("x"), "usage": usage}).usage == expected
    assert read_answer({"usage": usage}).usage == expected  # also where there is no answer


# ---- tags

RIGHT = {"posts": [{"id": "p1", "tags": ["a", "b"]}, {"id": "p2", "tags": ["c"]}]}
TEXT = json.dumps(RIGHT)
READ = {"p1": ["a", "b"], "p2": ["c"]}


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        json.dumps(RIGHT, indent=2),
        "\ufeff" + TEXT,
        f"```json\n{TEXT}\n```",
        f"Sure {{here}} it is [1]:\n\n{TEXT}\n\nI hope {{this}} helps!",
        f'<think>{{"posts": [{{"id": "p1", "tags": ["wrong"]}}]}}? No.</think>\n{TEXT}',
        f"<THINKING>hm</THINKING>{TEXT}",
        f'{{"posts": [{{"id": "p1", "tags": ["wrong"]}}]}}? No.</think>\n{TEXT}',
        f"{TEXT}{TEXT}",
        f"{TEXT.replace('a', 'x').replace('txgs', 'tags')}{TEXT}",
        f'{{"posts": [{{"id": "p1", "tags": ["x"]}}, {TEXT[11:]}',
        '{"posts": [{"id": "p0", "tags": ["x"]}, {"id": "", "tags": ["x"]}, ' + TEXT[11:],
        '{"posts": [{"id": "p2", "tags": ["c"]}, {"id": "p1", "tags": ["a", "b"]}]}',
        '{"posts": [{"id": 1, "tags": ["a", "b"]}, {"id": " 2 ", "tags": ["c"]}]}',
        '[{"id": "p1", "tags": ["a", "b"]}, {"id": "p2", "tags": ["c"]}]',
        '{"posts": {"p1": ["a", "b"], "p2": ["c"]}}',
        '{"p1": ["a", "b"], "p2": ["c"]}',
        '{"posts": [{"id": "p1", "tags": "a, b"}, {"id": "p2", "tags": "c"}]}',
        '{"id": "p1", "tags": ["a", "b"]}\n{"id": "p2", "tags": ["c"]}',
        '[{"posts": [{"id": "p1", "tags": ["a", "b"]}]}, {"posts": [{"id": "p2", "tags": ["c"]}]}]',
        '{"why": {"id": "p1", "tags": []}, ' + TEXT[1:],
        '{"posts": [{"id": "p1", "why": {"tags": 1}, "tags": ["a", "b"]}, ' + TEXT[42:],
        '{"posts": [{"id": "p1", "tags": ["a", "b"]}, {"id": "p2", "tags": ["c"]},]}',
    ],
)
def test_a_right_answer_in_any_wrapping(content: str) -> None:
    assert read_tags(content, TWO) == READ


@pytest.mark.parametrize(
    "content",
    [
        "", " ", "null", "5", '"posts"', "[]", "{}", "no tags at all", "[1, 2]", '{"posts": 5}',
        '{"posts": [5, null, "p1", ["p1"]]}',
        '{"posts": [{"id": "p1"}, {"id": "p2", "tags": null}]}',
        '{"posts": [{"id": "p1", "tags": 5}, {"id": "p2", "tags": {"a": 1}}]}',
        '{"posts": [{"tags": ["a"]}, {"id": null, "tags": ["a"]}, {"id": true, "tags": ["a"]}]}',
        '{"posts": [{"id": "p9", "tags": ["a"]}, {"id": ["p1"], "tags": ["a"]}]}',
        '["a", "b"]', '{"tags": ["a", "b"]}',  # of which of the two?
        f"<think>{TEXT}", f"<think>hm</think><think>{TEXT}",
        json.dumps({"posts": [{"id": "p1", "tags": [f"t{n}" for n in range(MOST_TAGS + 1)]}]}),
        TEXT.replace("a", "a\n").replace("c", "c\n"),  # no JSON: a line break in a string
        '{"posts":' * 1000 + "[]" + "}" * 1000,
        '{"posts": [{"id": ' + "[" * 1000 + "]" * 1000 + ', "tags": ["a"]}]}',
        "[" * 400_000, '{"a":' * 80_000, '{"a' * 130_000, "[1," * 130_000, "<think>" * 60_000,
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_what_gives_no_tags(content: str) -> None:
    assert read_tags(content, TWO) == {}


@pytest.mark.parametrize(
    ("content", "tags"),
    [
        ('{"tags": ["a", "b"]}', ["a", "b"]),
        ('["a", "b"]', ["a", "b"]),
        ('Tags: ["a", "b"] (see {here})', ["a", "b"]),
        ('See {here}: {"tags": "a; b"}', ["a", "b"]),
        ('{"posts": [{"tags": ["a"]}]}', ["a"]),
        ('{"posts": ["a", "b"]}', ["a", "b"]),
        ('{"id": null, "tags": ["a"]}', ["a"]),
        ('{"posts": [{"id": "p1", "tags": []}]}', []),
        ('{"posts": [{"id": "p1", "tags": " "}]}', []),
        ("[]", None),
        ('["a", 5]', None),
        ('{"id": "p9", "tags": ["a"]}', None),
        ('{"p9": {"tags": ["a"]}}', None),
        ('{"examples": ["a"]}', None),
        # broken or cut off: whose list it is cannot be told
        ('{"tags": ["a", "b"]', None),
        ('{"posts": [{"id": "p9", "tags": ["x"]', None),
        ('{"posts": [{"id": "p9" "tags": ["x"]}]}', None),
        ('{"p9": ["x"], "p1": ["a"', None),
        ('[["x"], "a', None),
    ],
)
def test_one_post_needs_no_id(content: str, tags: list[str] | None) -> None:
    assert read_tags(content, ("p1",)) == ({} if tags is None else {"p1": tags})


def test_the_most_tags() -> None:
    tags = [f"tag {number}" for number in range(MOST_TAGS)]
    assert read_tags(json.dumps({"tags": tags}), ("p1",)) == {"p1": tags}


@pytest.mark.row("H6")
@pytest.mark.parametrize("levels", [3, 100, 500, 511, 5000])
def test_posts_in_posts_are_followed_no_deeper_than_they_mean_anything(levels: int) -> None:
    inside = '{"posts":[' * levels + '{"id":"p1","tags":["a"]}' + "]}" * levels
    assert read_tags(inside, ("p1",)) == {}
    assert read_tags(f"see {inside}", ("p1",)) == {}


FRAGMENTS = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", ",", ":", '"', "\\", '"posts"', '"id"', '"tags"', '"p1"', '"p2"',
         "1", "null", "NaN", "9" * 5000, "<think>", "</think>", "```", "\n", "\ufeff", "\\ud83d",
         '{"id":"p1","tags":["a"]}', '{"posts":[', "x"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@given(st.text() | FRAGMENTS, st.sampled_from([("p1",), TWO]))
@example('[{"id": "p1", "tags": [' + "9" * 5000 + "]}]x", ("p1",))
def test_any_text_is_read_without_harm(content: str, ids: Sequence[str]) -> None:
    found = read_tags(content, ids)
    assert set(found) <= set(ids)
    assert all(len(tags) <= MOST_TAGS for tags in found.values())


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "choices message content finish_reason refusal usage cost error".split()
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(TREES)
def test_any_tree_is_read_without_harm(tree: Any) -> None:
    assert isinstance(read_answer(tree), ModelAnswer)


# ---- well-formed answers, whole and in part

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="<"), max_size=12)
TAGS = st.lists(WORDS, max_size=6)
IDS = st.lists(st.sampled_from([f"p{n}" for n in range(1, 6)]), min_size=1, max_size=5, unique=True)
NOTES = st.recursive(
    WORDS | st.integers(0, 9) | TAGS,
    lambda inner: st.dictionaries(
        st.sampled_from(["id", "tags", "posts", "why"]), inner, max_size=2
    ) | st.lists(inner, max_size=2),
    max_leaves=5,
)  # fmt: skip


@st.composite
def answers(draw: st.DrawFn) -> tuple[str, tuple[str, ...]]:
    """Return an answer in one of the shapes that are read, and the ids that were asked for."""
    said = draw(IDS)
    asked = draw(st.sampled_from([said, said[-1:], ["p1"], ["p1", "p2"]]))
    items = []
    for identity in said:
        item: dict[str, Any] = {"id": identity, "tags": draw(TAGS)}
        if draw(st.booleans()):
            item["why"] = draw(NOTES)
        items.append(dict(draw(st.permutations(list(item.items())))))
    shape = draw(st.sampled_from(["posts", "posts", "list", "named", "bare", "tags"]))
    value: Any
    match shape:
        case "posts":
            value = {"posts": items}
            if draw(st.booleans()):
                value = {"why": draw(NOTES), **value}
        case "list":
            value = items
        case "named":
            value = {item["id"]: item["tags"] for item in items}
        case "bare":
            value = {"tags": items[0]["tags"]}
        case _:
            value = items[0]["tags"]
    return json.dumps(value, ensure_ascii=draw(st.booleans())), tuple(asked)


PREFIXES = settings(max_examples=settings().max_examples // 3)
"""Of each example every beginning is read, so that a third of the profile's are many."""


@PREFIXES
@given(answers())
def test_no_prefix_of_an_answer_gives_half_a_list(answer: tuple[str, tuple[str, ...]]) -> None:
    content, asked = answer
    whole = read_tags(content, asked)
    for end in range(len(content)):
        for identity, tags in read_tags(content[:end], asked).items():
            assert tags == whole.get(identity), content[:end]


ITEMS = st.dictionaries(st.sampled_from([f"p{n}" for n in range(1, 9)]), TAGS, min_size=2)


@given(ITEMS, st.data())
def test_every_item_that_is_whole_is_kept(items: dict[str, list[str]], data: st.DataObject) -> None:
    posts = [json.dumps({"id": identity, "tags": tags}) for identity, tags in items.items()]
    kept = data.draw(st.integers(0, len(posts) - 1))
    content = '{"posts": [' + ", ".join(posts[: kept + 1])
    cut = data.draw(st.integers(1, len(posts[kept])))
    found = read_tags(content[:-cut], tuple(items))
    assert found == dict(list(items.items())[:kept])


PROSE = st.text(st.characters(codec="utf-8", exclude_characters='<{["'), max_size=40)


@given(ITEMS, PROSE, PROSE, st.sampled_from(["", "```", "```json\n", "{here} ", "[1] ", "\ufeff"]))
def test_a_right_answer_in_prose_is_read(
    items: dict[str, list[str]], before: str, after: str, fence: str
) -> None:
    posts = [{"id": identity, "tags": tags} for identity, tags in items.items()]
    content = f"{before}{fence}{json.dumps({'posts': posts})}\n{fence}{after}"
    assume("</think" not in content)
    assert read_tags(content, tuple(items)) == items


# ---- drafts and thoughts

DRAFT = TEXT.replace('"a", "b"', '"draft"').replace('"c"', '"wrong"')

MINDS = ["longcat_think", "think_on", "thinking_mode", "reflect", "cot", "chain_of_thought", "plan"]
ANALYSIS = f"analysis<|message|>{DRAFT}<|end|><|start|>assistant"


@pytest.mark.parametrize(
    "content",
    [
        f"[THINK]{DRAFT}[/THINK]{TEXT}",
        f"<reasoning>{DRAFT}</reasoning>\n{TEXT}",
        f"<thought>{DRAFT}</thought>{TEXT}",
        f"<Thoughts>{DRAFT}</Thoughts>{TEXT}",
        f"<analysis>{DRAFT}</analysis>{TEXT}",
        f'<reasoning effort="low">{DRAFT}</reasoning>{TEXT}',
        f"<seed:think>{DRAFT}</seed:think>{TEXT}",
        f"<scratchpad>{DRAFT}</scratchpad>{TEXT}",
        f"◁think▷{DRAFT}◁/think▷{TEXT}",
        f"<|START_THINKING|>{DRAFT}<|END_THINKING|>{TEXT}",
        f"<|begin_of_thought|>{DRAFT}<|end_of_thought|>{TEXT}",
        f"<|inner_prefix|>{DRAFT}<|inner_suffix|>{TEXT}",
        *(f"{TEXT}\n<{mind}>{DRAFT}</{mind}>" for mind in MINDS),
        f"{TEXT}\n<|think_start|>{DRAFT}<|think_end|>",
        f'{TEXT}\n<details type="reasoning" done="true">{DRAFT}</details>',
        f"<|think|>{DRAFT}<|end|><|begin|>assistant<|content|>{TEXT}<|end|>",
        f"<unused94>thought\n{DRAFT}<unused95>{TEXT}",
        f"<|channel>thought\n{DRAFT}<channel|>{TEXT}",
        f"thought\n{DRAFT}<channel|>{TEXT}",
        f"<|channel|>{ANALYSIS}<|channel|>final<|message|>{TEXT}<|return|>",
        f"{ANALYSIS}<|channel|>final <|constrain|>json<|message|>{TEXT}",
        f"analysisWe try {DRAFT}assistantfinal{TEXT}",
        f"{DRAFT}[/THINK]{TEXT}",
        f"{TEXT}\n[THINK]{DRAFT}",
        f"{TEXT}<|channel|>analysis<|message|>{DRAFT}",
        f"First try: {DRAFT}\nFinal answer: {TEXT}",
        f"**Draft**\n```json\n{DRAFT}\n```\n**Answer**\n```json\n{TEXT}\n```",
    ],
    ids=itertools.count(),
)
def test_a_draft_never_counts(content: str) -> None:
    assert read_tags(content, TWO) == READ


@pytest.mark.parametrize(
    "content",
    [
        f"[THINK]{DRAFT}",
        *(f"<{mind}>{DRAFT}" for mind in MINDS),
        f"<|think_start|>{DRAFT}",
        f"<|channel|>analysis<|message|>{DRAFT}",
        f"analysis<|message|>{DRAFT}",
        f"analysisWe try {DRAFT}",
        f"◁think▷{DRAFT}",
        f"<|channel>thought\n{DRAFT}",
        f"First try: {DRAFT}\nFinal answer: {TEXT[:30]}",
        f"First try: {DRAFT}\nFinal answer: {TEXT[:12]}",
    ],
    ids=itertools.count(),
)
def test_a_draft_without_its_answer_gives_nothing(content: str) -> None:
    assert read_tags(content, TWO) == {}


def test_a_cut_off_item_takes_only_its_own_draft_away() -> None:
    content = '{"id": "p1", "tags": ["a"]}\n{"id": "p2", "tags": ["draft"]}\n{"id": "p2", "ta'
    assert read_tags(content, TWO) == {"p1": ["a"]}


def test_of_several_lists_for_one_post_the_last_counts() -> None:
    content = 'First {"tags": ["draft"]}, better {"tags": ["a", "b"]}'
    assert read_tags(content, ("p1",)) == {"p1": ["a", "b"]}


# ---- nearly JSON


@pytest.mark.parametrize(
    "content",
    [
        TEXT.replace("]", ",]").replace("}", ",}"),
        str(RIGHT),
        f"Sure: {RIGHT}, all done",
        json.dumps(TEXT),
        json.dumps(str(RIGHT)),
        json.dumps({"posts": json.dumps(RIGHT["posts"])}),
        TEXT.replace('"', '\\"'),
        TEXT.replace('"posts"', '"Posts"').replace('"id"', '"ID"').replace('"tags"', '"Tags"'),
        TEXT.replace('"p1"', '"P1"'),
        TEXT.replace('"posts"', "posts").replace('"id"', "id").replace('"tags"', "tags"),
        "{“posts”: [{“id”: “p1”, “tags”: [“a”, “b”]}, {“id”: “p2”, “tags”: [“c”]}]}",
        TEXT.replace("}, ", "}, // the second\n"),
        TEXT.replace('["a", "b"]', json.dumps('["a", "b"]')),
        TEXT.replace("}, ", "}, /* the\nsecond */ "),
        str(RIGHT).replace('["a", "b"]', '("a", "b")').replace("['a', 'b']", "('a', 'b')"),
        TEXT.replace('"', "`"),
        TEXT.replace(", ", "，").replace(": ", "："),
        TEXT.replace('"a"', "«a»").replace('"b"', "„b“"),
        TEXT.replace('["a", "b"]', '{"1": "a", "2": "b"}'),
        json.dumps({"p1": {"tags": ["a", "b"]}, "p2": {"tags": ["c"]}}),
        json.dumps({"name": "answer", "arguments": RIGHT}),
        f'<tool_call>{{"name": "answer", "parameters": {TEXT}}}</tool_call>',
    ],
    ids=itertools.count(),
)
def test_what_is_nearly_json(content: str) -> None:
    assert read_tags(content, TWO) == READ


def test_an_apostrophe_in_pythons_quotes() -> None:
    content = str({"tags": ["rock'n'roll", 'a "word"', "it's"]})
    assert read_tags(content, ("p1",)) == {"p1": ["rock'n'roll", 'a "word"', "it's"]}


@PREFIXES
@given(ITEMS)
def test_no_prefix_of_a_python_literal_gives_half_a_list(items: dict[str, list[str]]) -> None:
    content = str({"posts": [{"id": name, "tags": tags} for name, tags in items.items()]})
    for end in range(len(content)):
        for name, tags in read_tags(content[:end], tuple(items)).items():
            assert tags == items[name]


# ---- answers beside the content


@pytest.mark.parametrize(
    "facts",
    [
        {"reasoning_content": TEXT},
        {"reasoning": TEXT},
        {"reasoning": f"I think so. ```json\n{TEXT}\n```"},
        {"tool_calls": [{"function": {"name": "tags", "arguments": TEXT}}]},
        {"tool_calls": [{"function": {"name": "tags", "arguments": RIGHT}}]},
        {"function_call": {"name": "tags", "arguments": TEXT}},
        {"tool_calls": [{"function": {"arguments": json.dumps(item)}} for item in RIGHT["posts"]]},
        {"thinking": TEXT},
        {"content": "<think>hm</think>", "tool_calls": [{"function": {"arguments": TEXT}}]},
        {"content": [{"type": "thinking", "text": DRAFT}, {"type": "text", "text": TEXT}]},
        {"content": RIGHT},
    ],
    ids=itertools.count(),
)
def test_an_answer_beside_an_empty_content(facts: dict[str, Any]) -> None:
    assert read_tags(read_answer(completion(**{"content": "", **facts})).content, TWO) == READ


@pytest.mark.parametrize(
    ("facts", "finish"),
    [
        ({"reasoning_content": f"Let me try {DRAFT} first, and"}, "stop"),
        ({"reasoning_content": f"Let me try {DRAFT}"}, "length"),
        ({"tool_calls": [5, {"function": 5}, {}], "function_call": 5, "reasoning": 5}, "stop"),
    ],
)
def test_thoughts_beside_an_empty_content(facts: dict[str, Any], finish: str) -> None:
    assert read_answer(completion("", finish, **facts)).content == ""


def test_a_content_comes_before_thoughts() -> None:
    assert read_answer(completion(TEXT, reasoning_content=DRAFT)).content == TEXT


REFUSALS = [
    "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "safety",
    "content_filter: PROHIBITED_CONTENT", "refusal", "sensitive",
]  # fmt: skip


@pytest.mark.parametrize("finish", REFUSALS)
def test_a_finish_that_is_a_refusal(finish: str) -> None:
    assert read_answer(completion("", finish)).failure == "refused"
    native = {"choices": [{"message": {}, "finish_reason": "stop", "native_finish_reason": finish}]}
    assert read_answer(native).failure == "refused"


def test_a_prompt_that_gemini_blocks() -> None:
    blocked = {"choices": [], "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    assert read_answer(blocked).failure == "refused"


@pytest.mark.parametrize("finish", ["MAX_TOKENS", "max_tokens", "model_length"])
def test_a_finish_that_is_a_length(finish: str) -> None:
    assert read_answer(completion("x", finish)).finish == "length"
