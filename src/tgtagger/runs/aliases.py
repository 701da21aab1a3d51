"""Other names of tags, as a list: the archive's own, and the list that comes with tgtagger.

The list changes nothing before a person adopts it. Then it counts where the archive has one of a
group's names: those tags become one, under the list's name, and the others its aliases. What a
person blocked or keeps apart stays as it is. Knows no face.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tgtagger.model.changes import Adoption
from tgtagger.model.tags import ListedTag
from tgtagger.store import Store
from tgtagger.vocabulary import Suggestion, VocabularyEntry, bundled, key

__all__ = ["Adoption", "adopt", "bundled", "of_archive", "plan"]


def of_archive(store: Store) -> tuple[VocabularyEntry, ...]:
    """Return the archive's tags that have aliases, with these."""
    found = store.tags.listed()
    return tuple(VocabularyEntry(tag.name, None, tag.aliases) for tag in found if tag.aliases)


def plan(store: Store, entries: Iterable[VocabularyEntry]) -> tuple[Adoption, ...]:
    """Return what the groups would do to the archive, without those that would do nothing."""
    known = {key(n): tag for tag in store.tags.listed() for n in (tag.name, *tag.aliases)}
    found = (_adoption(store, entry, known) for entry in entries)
    return tuple(each for each in found if each is not None)


def adopt(store: Store, found: Sequence[Adoption]) -> None:
    """Do what was planned, as one change: one undo takes it back."""
    store.curation.adopt(found)


def _adoption(store: Store, entry: VocabularyEntry, known: dict[str, ListedTag]) -> Adoption | None:
    every = (entry.name, *entry.aliases)
    called = store.tags.called(every)
    names = [name for name in every if called.get(name, name) is not None]
    tags = [*dict.fromkeys(known[key(name)] for name in names if key(name) in known)]
    if not tags:
        return None
    main = known.get(key(entry.name)) or max(tags, key=lambda tag: tag.posts)
    free = [name for name in names if key(name) not in known]
    # A name that is none of the group's was given by a person: it stays.
    is_of_group = key(main.name) in map(key, names)
    name = entry.name if is_of_group and entry.name in free else main.name
    merged = [tag for tag in tags if tag != main and _may_be_one(store, tag, main)]
    added = tuple(other for other in free if other != name)
    if not merged and not added and name == main.name:
        return None
    posts = sum(tag.posts for tag in merged)
    return Adoption(main.name, name, tuple(tag.name for tag in merged), added, posts)


def _may_be_one(store: Store, tag: ListedTag, main: ListedTag) -> bool:
    """Tell whether no person keeps two tags apart."""
    pair = Suggestion((tag.name,), main.name, "synonym", tag.posts)
    return bool(store.tags.still_open([pair]))


def names_of(found: Sequence[Adoption]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each tag with what becomes another name of it."""
    for each in found:
        before = () if each.tag == each.name else (each.tag,)
        yield each.name, (*before, *each.merged, *each.added)
