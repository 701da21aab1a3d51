"""What a person asks about the tags: which are probably one, their vocabulary, an undo.

And tags of posts by hand: of one, of several, of all that a query finds.

Knows no face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tgtagger.config import Settings
from tgtagger.errors import InputError
from tgtagger.model.changes import TagChange, TakenBack
from tgtagger.model.events import OnSteps, unheard
from tgtagger.model.posts import PostFilter
from tgtagger.runs.query import read_filter
from tgtagger.runs.taggers import read_vocabulary_file
from tgtagger.store import Store
from tgtagger.vocabulary import (
    MAX_ENTRIES,
    MAX_LENGTH,
    MAX_WORDS,
    Cover,
    Suggestion,
    VocabularyFile,
    cover,
    key,
    merge_entries,
)

EVERY = 2**31
"""More tags than an archive can have."""


def suggest_merges(store: Store, on_steps: OnSteps = unheard) -> tuple[Suggestion, ...]:
    """Return the tags that are probably one."""
    return tuple(store.tags.suggest_merges(on_steps))


def merge_all(store: Store, found: Sequence[Suggestion], on_steps: OnSteps = unheard) -> None:
    """Accept suggestions, each as a change of its own, to be undone by itself."""
    for done, item in enumerate(found, 1):
        store.curation.merge(item.names, item.into)
        on_steps(done, len(found))


def drop_tag(store: Store, post: str, tag: str) -> TagChange:
    """Take a tag off a post for good, if it has it; return the post's tags as they are then.

    Raises InputError for an unknown post or tag.
    """
    change = store.curation.drop_from(PostFilter(posts=(post,)), [tag])
    return replace(change, names=store.records.post(post).post.tags)


def undo(
    store: Store, number: int | None, *, dry_run: bool = False, on_steps: OnSteps = unheard
) -> TakenBack:
    """Undo the change of this number, a person's or a run's; None: the last one.

    Raises InputError if there is no such change, or a later one hangs on it.
    """
    if number is None:
        change = store.changes.last()
        if change is None:
            raise InputError("nothing_to_undo")
        number = change.number
    return store.changes.take_back(number, dry_run=dry_run, on_steps=on_steps)


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


def cover_posts(settings: Settings, percent: float, *, limit: int) -> tuple[VocabularyFile, Cover]:
    """Return few tags that so many percent of the posts with tags have, `limit` tags at most.

    As the vocabulary in force describes them, else as the archive does. Raises InputError where
    there are no tags.
    """
    written = read_vocabulary_file(settings)
    with Store.open_up_to_date(settings.db) as store:
        found = cover((post.names for post in store.records.tags_of(PostFilter())), percent, limit)
        known = {entry.name: entry for entry in store.tags.described(EVERY)}
    if not found.names:
        raise InputError("no_tags_yet")
    own = {key(name): entry for entry in written.entries for name in (entry.name, *entry.aliases)}
    entries = merge_entries((), (own.get(key(name)) or known[name] for name in found.names))
    return VocabularyFile(settings.vocabulary_mode or written.mode, entries), found


# ---- tags of posts, by hand


@dataclass(frozen=True, slots=True)
class TagsAdded:
    """Tags that a person gave to a post. `number` None: it had them all.

    `forms` are those that are new, each with a known tag of which it is another form.
    """

    names: tuple[str, ...]
    number: int | None
    forms: tuple[tuple[str, str], ...]


def read_names(text: str) -> list[str]:
    """Return the tags that a person typed, between commas. Raises InputError if there is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise InputError("tag_invalid", name=text, words=MAX_WORDS, letters=MAX_LENGTH)
    return names


def add_tags(store: Store, post: str, names: Sequence[str]) -> TagsAdded:
    """Give a post tags in a person's name."""
    forms = store.tags.forms_of_new(names)
    return TagsAdded(tuple(names), store.curation.add(post, names).number, forms)


def change_tags(
    store: Store,
    names: Sequence[str],
    *,
    posts: Sequence[str] | None,
    query: str,
    takes: bool,
    dry_run: bool = False,
) -> TagChange:
    """Give posts tags, or take them off: these posts, or (None) all that a query finds."""
    if posts is None:
        wanted = read_filter(query=query)
    elif posts:
        wanted = PostFilter(posts=tuple(posts))
    else:
        raise InputError("no_post_chosen")
    change = store.curation.drop_from if takes else store.curation.add_to
    return change(wanted, names, dry_run=dry_run)
