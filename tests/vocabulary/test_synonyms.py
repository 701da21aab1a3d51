"""The list of synonyms that comes with tgtagger."""

from __future__ import annotations

from tgtagger.vocabulary import are_forms, is_tag, normalise, read, write
from tgtagger.vocabulary.synonyms import TEXT, bundled


def test_each_line_is_a_tag_with_other_names_that_are_no_forms_of_it() -> None:
    assert read(write(None, bundled())).entries == bundled()
    for entry in bundled():
        assert entry.aliases, entry.name
        for name in (entry.name, *entry.aliases):
            assert is_tag(name)
            assert normalise(name) == name
        assert not any(are_forms(entry.name, alias) for alias in entry.aliases), entry


def test_it_is_in_order() -> None:
    lines = [line for line in TEXT.splitlines() if not line.startswith("#")]
    assert len(lines) == len(bundled()) == len({entry.name for entry in bundled()})
