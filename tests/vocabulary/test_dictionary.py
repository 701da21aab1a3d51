"""What the dictionary says of a word is what pymorphy3 alone says, in less time."""

from __future__ import annotations

from typing import Any

import pytest

from tgtagger.vocabulary import dictionary

pymorphy3 = pytest.importorskip("pymorphy3")

WORDS = (
    "стали души банк банка лет елка путина криптовалюта биткоина ретрит гуглить экс-министр "
    "интернет-магазинами по-русски псевдокошка бутявка наилучший а я в киев сша 5g xiii"
).split()


@pytest.fixture(scope="module")
def plain() -> Any:
    return pymorphy3.MorphAnalyzer(path=dictionary.analyzer().dictionary.path, lang="ru")


@pytest.mark.parametrize("word", WORDS)
def test_a_parse_is_pymorphys_own(word: str, plain: Any) -> None:
    analyzer = dictionary.analyzer()
    found, expected = analyzer.parse(word), plain.parse(word)
    assert [each[:4] for each in found] == [each[:4] for each in expected]
    assert [*map(dictionary.is_known, found)] == [each.is_known for each in expected]
    assert dictionary.has(word) == plain.word_is_known(word)
