"""What a person looks up about the tags: which are probably one, and the vocabulary they make.

Knows no face, and changes nothing.
"""

from __future__ import annotations

from tgtagger.config import Settings
from tgtagger.errors import InputError
from tgtagger.runs.taggers import read_vocabulary_file
from tgtagger.store import Store
from tgtagger.vocabulary import MAX_ENTRIES, Suggestion, VocabularyFile, merge_entries


def suggest_merges(store: Store) -> tuple[Suggestion, ...]:
    """Return the tags that are probably one; a dictionary of Russian rules out false pairs."""
    from tgtagger.taggers.keywords.morphology import words_of_form

    return tuple(store.tags.suggest_merges(words_of_form))


def read_vocabulary(settings: Settings, *, limit: int) -> VocabularyFile:
    """Return the vocabulary in force, then the archive's most used tags: `limit` tags at most.

    Raises InputError where there are none.
    """
    written = read_vocabulary_file(settings)
    with Store.open_up_to_date(settings.db) as store:
        entries = merge_entries(written.entries, store.tags.described(MAX_ENTRIES))[:limit]
    if not entries:
        raise InputError("no_tags_yet")
    return VocabularyFile(settings.vocabulary_mode or written.mode, entries)
