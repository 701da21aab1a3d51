"""What it costs: price files, sums, and the cap."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.tagging import Spending
from tgtagger.taggers.llm.api.answers import Usage
from tgtagger.taggers.llm.costs import (
    FREE,
    PRICES,
    Costs,
    Price,
    price_of,
    read_prices,
)

# ---- files


def test_a_file_of_prices(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(
        '["vendor/model-1.5"]\ninput = 0.15\noutput = 1\n'
        "[other]\ninput = 2.0\noutput = 8.0\ncached = 0\nnote = 'mine'\n",
        encoding="utf-8-sig",  # as some editors write it
    )
    assert read_prices(path) == {
        "vendor/model-1.5": Price(0.15, 1.0),
        "other": Price(2.0, 8.0, 0.0),
    }
    path.write_text("")
    assert read_prices(path) == {}
    assert read_prices(None) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[m]\ninput = 1", "'m' are not two numbers"),
        ("[m]\noutput = 1", "'m' are not two numbers"),
        ("[m]\ninput = '1'\noutput = 2", "not two numbers"),
        ("[m]\ninput = true\noutput = 2", "not two numbers"),
        ("[m]\ninput = -1\noutput = 2", "not two numbers"),
        ("[m]\ninput = nan\noutput = 2", "not two numbers"),
        ("[m]\ninput = inf\noutput = 2", "not two numbers"),
        ("[m]\ninput = 1" + "0" * 400 + "\noutput = 2", "not two numbers"),
        ("m = 1", "'m' are not two numbers"),
        ("m = [1, 2]", "not two numbers"),
        ("[gpt-4.1]\ninput = 1\noutput = 2", "'gpt-4' are not two numbers"),  # lacks its quotes
        ("[m]\ninput = 1\noutput = 2\ncached = 'x'", "`cached` of 'm'"),
        ("[m]\ninput = 1\noutput = 2\ncached = -1", "`cached` of 'm'"),
        ("[m", "are not TOML"),
        ("[m]\ninput = 1\ninput = 2", "are not TOML"),
        ("[m]\ninput = 1" + "0" * 5000, "are not TOML"),
        ("m = " + "[" * 5000, "are not TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"prices\.toml") as caught:
        read_prices(path)
    assert words in caught.value.message
    assert "input = 0.15" in (hint_of(caught.value) or "")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("[m]\n# цена".encode("cp1251"))
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "latin", Path("a\0b")):
        with pytest.raises(InputError):
            read_prices(path)


# ---- sums


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        (Price(1.0, 4.0), Usage(1_000_000, 0), 1.0),
        (Price(1.0, 4.0), Usage(0, 500_000), 2.0),
        (Price(1.0, 4.0), Usage(1000, 100, 600), 0.0014),  # what is cached costs as much
        (Price(1.0, 4.0, 0.25), Usage(1000, 100, 600), 0.00095),
        (Price(1.0, 4.0, 0.0), Usage(1000, 100, 9999), 0.0004),  # no more than there are
        (FREE, Usage(1000, 100), 0.0),
        (Price(1.0, 4.0), Usage(None, 100), None),
        (Price(1.0, 4.0), Usage(100, None), None),
        (FREE, Usage(), None),
    ],
)
def test_a_cost(price: Price, usage: Usage, cost: float | None) -> None:
    assert price.cost(usage) == (None if cost is None else pytest.approx(cost))


@pytest.mark.parametrize(
    ("model", "provider", "price"),
    [
        ("gpt-5-nano", "openai", PRICES["gpt-5-nano"]),
        ("openai/gpt-5-nano", "openrouter", PRICES["gpt-5-nano"]),
        ("mine", "openai", Price(7, 7)),
        ("mine", "ollama", Price(7, 7)),  # the user's word counts
        ("gpt-4o", "ollama", FREE),
        ("anything", "lmstudio", FREE),
        ("anything", "llamacpp", FREE),
        ("anything", "vllm", FREE),
        ("gpt-5-nano-2025-08-07", "openai", None),
        ("unknown", None, None),
    ],
)
def test_whose_price_counts(model: str, provider: str | None, price: Price | None) -> None:
    assert price_of(model, provider, {"mine": Price(7, 7)}) == price


def test_prices_of_the_table_are_in_order() -> None:
    for price in PRICES.values():
        assert price.cached is not None
        assert 0 < price.cached < price.input < price.output


# ---- what is spent


def costs_of(cap: float | None = None, **prices: Price) -> Costs:
    return Costs(("a", "b"), prices, cap)


def test_what_is_counted() -> None:
    book = costs_of(a=Price(1.0, 4.0, 0.5))
    for again in (False, False, True):
        book.sent("a", again=again)
    assert book.answered("a", Usage(1000, 100, 400), 0.0) == pytest.approx(0.0012)
    assert book.answered("a", Usage(1000, 100, cost_usd=0.5), 0.0) == 0.5  # the server's word
    assert book.answered("a", Usage(1000), 0.0) is None
    assert book.answered("b", Usage(10, 10), 0.0) is None
    book.sent("b", again=False)
    spending = book.spending
    assert dict(spending.models) == {
        "a": Spending(3, 1, 3000, 200, 400, 0.0012 + 0.5, 1, 1),
        "b": Spending(1, 0, 10, 10, 0, None, 0, 1),  # unknown is not nothing
    }
    assert (spending.requests, spending.answers_without_cost) == (4, 2)
    assert spending.cost_usd == book.cost_usd == pytest.approx(0.5012)
    assert costs_of().spending == Spending()


def test_what_the_next_request_may_cost() -> None:
    book = costs_of(a=Price(1.0, 4.0))
    assert book.estimate("a", 1000, 100) == pytest.approx(0.0014)
    assert book.estimate("b", 1000, 100) == 0  # nobody knows
    for usage in (Usage(cost_usd=0.5), Usage(cost_usd=0.7), Usage(), Usage(cost_usd=0.6)):
        book.answered("b", usage, 0.0)
    assert book.estimate("b", 1000, 100) == 0.7  # as the dearest so far


@pytest.mark.parametrize(
    ("cap", "spent", "estimate", "on_their_way", "allowed"),
    [
        (None, 9.0, 9.0, 9.0, True),
        (1.0, 0.0, 0.5, 0.0, True),
        (1.0, 0.5, 0.5, 0.0, True),
        (1.0, 0.5, 0.5, 0.1, False),
        (1.0, 0.5, 0.6, 0.0, False),
        (1.0, 1.0, 0.0, 0.0, False),
        (0.0, 0.0, 0.0, 0.0, False),
    ],
)
def test_a_cap(
    cap: float | None, spent: float, estimate: float, on_their_way: float, *, allowed: bool
) -> None:
    book = costs_of(cap)
    book.answered("a", Usage(cost_usd=spent), 0.0)
    assert book.allows(estimate, on_their_way) == allowed


def test_what_is_not_priced_cannot_be_capped() -> None:
    book, free = costs_of(1.0), costs_of(None)
    for each in (book, free):
        each.answered("a", Usage(10, 10), 0.0)
    assert (book.cannot_cap("a"), book.cannot_cap("b"), free.cannot_cap("a")) == (
        True, False, False,
    )  # fmt: skip


@given(
    st.lists(st.floats(0, 2), max_size=40), st.floats(0, 10), st.integers(1, 5), st.floats(0, 0.5)
)
def test_a_run_stays_below_its_cap(
    costs: list[float], cap: float, width: int, estimate: float
) -> None:
    """However many are on their way: beyond the cap by what they cost more than was estimated."""
    book = costs_of(cap)
    running: list[float] = []
    over = 0.0
    for cost in costs:
        if len(running) == width:
            over += max(0.0, running[0] - estimate)
            book.answered("a", Usage(cost_usd=running.pop(0)), 0.0)
        if book.allows(estimate, estimate * len(running)):
            running.append(cost)
    for cost in running:
        over += max(0.0, cost - estimate)
        book.answered("a", Usage(cost_usd=cost), 0.0)
    assert book.cost_usd <= cap + over + 1e-9


class Shared:
    """A budget of several runs."""

    def __init__(self, left: float) -> None:
        self.left = left
        self.calls = 0

    def take(self, least: float, most: float) -> float:
        self.calls += 1
        taken = min(most, self.left)
        if taken < least:
            return 0.0
        self.left -= taken
        return taken

    def settle(self, over: float) -> None:
        self.left -= over


def test_runs_that_share_a_cap_keep_it_together() -> None:
    """Each takes a part of it before it spends that, and gives back what is left."""
    shared, price = Shared(1.0), Price(1.0, 0.0)
    books = [Costs(("a",), {"a": price}, 1.0, budget=shared) for _ in range(4)]
    sent = 0
    while any(book.allows(0.003, 0.0) for book in books):
        for book in books:
            if book.allows(0.003, 0.0):
                book.answered("a", Usage(2000, 0), 0.003)  # 0.002: less than it could
                sent += 1
    assert shared.calls < sent / 2
    for book in books:
        book.settle()
    assert shared.left == pytest.approx(1.0 - 0.002 * sent)
    assert -1e-9 <= shared.left < 0.02


def test_what_a_request_cost_beyond_its_estimate_is_noted() -> None:
    shared = Shared(1.0)
    one, other = (Costs(("a",), {}, 1.0, budget=shared) for _ in range(2))
    assert one.allows(0.0, 0.0)  # nobody knows yet what it costs
    one.answered("a", Usage(cost_usd=1.5), 0.0)
    assert not one.allows(1.5, 0.0)
    one.settle()
    assert shared.left == pytest.approx(-0.5)
    assert not other.allows(0.0, 0.0)
