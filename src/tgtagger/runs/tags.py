"""What a person asks about the tags: which are probably one, their vocabulary, an undo.

Knows no face.
"""

from __future__ import annotations

from tgtagger.config import Settings
from tgtagger.errors import InputError
from tgtagger.model.archive import TakenBack
from tgtagger.runs.taggers import read_vocabulary_file
from tgtagger.store import Store
from tgtagger.vocabulary import MAX_ENTRIES, Suggestion, VocabularyFile, merge_entries


def suggest_merges(store: Store) -> tuple[Suggestion, ...]:
    """Return the tags that are probably one."""
    return tuple(store.tags.suggest_merges())


def undo(store: Store, number: int | None, *, dry_run: bool = False) -> TakenBack:
    """Undo the change of this number, a person's or a run's; None: the last one.

    Raises InputError if there is no such change, or a later one hangs on it.
    """
    if number is None:
        change = store.changes.last()
        if change is None:
            raise InputError("nothing_to_undo")
        number = change.number
    return store.changes.take_back(number, dry_run=dry_run)


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
