"""Make a tagger of the settings and the archive's tags, capabilities and aliases.

Loads only what is needed: the embedded tagger without HTTP, a model without word lists. Tags
nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tgtagger.config import Settings
from tgtagger.errors import InputError, TgTaggerError, system_error
from tgtagger.model.tagging import ModelCapabilities
from tgtagger.pipeline import Tagger
from tgtagger.runs.sharing import JobBudget, ServerLimits
from tgtagger.store import Store
from tgtagger.vocabulary import Mode, Vocabulary, VocabularyFile
from tgtagger.vocabulary import read as read_vocabulary
from tgtagger.vocabulary.shelves import (
    NO_SHELVES,
    Shelves,
    bundled,
    language_of_names,
    read_shelves,
)

if TYPE_CHECKING:
    from tgtagger.taggers.keywords import KeywordsTagger
    from tgtagger.taggers.llm.probe import Probe
    from tgtagger.taggers.llm.tagger import LlmTagger


def make_tagger(
    settings: Settings,
    store: Store | None,
    *,
    max_time: float | None = None,
    spent: float = 0.0,
    budget: JobBudget | None = None,
) -> Tagger:
    """Return the tagger that the settings name; `spent` US dollars of its cost cap are used.

    With a `budget` others share the cap.
    """
    if settings.tagger == "llm":
        return make_llm(settings, store, max_time=max_time, spent=spent, budget=budget)
    return make_embedded(settings, store)


def make_embedded(settings: Settings, store: Store | None) -> KeywordsTagger:
    """Return the embedded tagger."""
    from tgtagger.taggers.keywords import KeywordsTagger

    has_vocabulary = settings.vocabulary is not None or settings.vocabulary_mode == "closed"
    return KeywordsTagger(
        minimum=settings.tags_min,
        maximum=settings.tags_max,
        shelves=read_shelves_of(settings),
        shelf_language=language_of_names(settings.tag_language),
        vocabulary=_vocabulary(settings, store, sways=False) if has_vocabulary else None,
    )


def make_llm(
    settings: Settings,
    store: Store | None,
    *,
    max_time: float | None = None,
    spent: float = 0.0,
    budget: JobBudget | None = None,
) -> LlmTagger:
    """Return the tagger that asks language models. Raises InputError for a missing setting."""
    from tgtagger.config import is_loopback, is_private
    from tgtagger.taggers.llm.api.capabilities import Capabilities
    from tgtagger.taggers.llm.api.client import Server
    from tgtagger.taggers.llm.costs import price_of, read_prices
    from tgtagger.taggers.llm.plan import Options
    from tgtagger.taggers.llm.prompt import make_prompt
    from tgtagger.taggers.llm.queue import CLOUD, LOCAL
    from tgtagger.taggers.llm.tagger import LlmTagger

    settings.check_llm()
    url = settings.llm_url or ""
    shelves = read_shelves_of(settings)
    if store is not None:
        shelves = shelves.called(store.tags.called(shelves.all_names))
    vocabulary = _vocabulary(settings, store, sways=True, shelves=shelves.all_names)
    prompt = make_prompt(
        vocabulary,
        shelves=shelves,
        minimum=settings.tags_min,
        maximum=settings.tags_max,
        language=settings.tag_language,
        own_rules=None if settings.llm_prompt is None else _read(settings.llm_prompt, "prompt"),
    )
    sizes = LOCAL if is_private(url) else CLOUD
    own = read_prices(settings.llm_prices)
    prices = {model: price_of(model, settings.llm_provider, own) for model in settings.llm_models}
    server = Server(
        url,
        settings.llm_api_key,
        concurrency=settings.llm_concurrency,
        timeout=settings.llm_timeout,
    )
    known = {} if store is None else store.answers.capabilities(server.url)
    return LlmTagger(
        server,
        prompt,
        vocabulary,
        Options(
            models=settings.llm_models,
            provider=settings.llm_provider,
            minimum=settings.tags_min,
            maximum=settings.tags_max,
            concurrency=settings.llm_concurrency,
            rpm=settings.llm_rpm,
            sizes=dataclasses.replace(sizes, posts=settings.llm_batch),
            longest_wait=settings.llm_wait,
            is_local=is_loopback(url),
            retry_base=settings.retry_base,
            max_cost=settings.max_cost,
            max_time=max_time,
            spent=spent,
        ),
        capabilities={model: Capabilities.from_json(text) for model, text in known.items()},
        prices={model: price for model, price in prices.items() if price is not None},
        remember=(lambda _: None) if store is None else store.answers.save_capabilities,
        shared=None if store is None else ServerLimits(store, server.url),
        budget=budget,
    )


def remember_capabilities(settings: Settings, url: str, found: Probe) -> None:
    """Store the capabilities that a probe found, for the next run. A failed write does no harm."""
    capabilities = [
        ModelCapabilities(url, tried.model, tried.takes.to_json())
        for tried in found.models
        if tried.takes is not None
    ]
    if not capabilities:
        return
    with (
        contextlib.suppress(TgTaggerError),
        Store.open(settings.db, create=False, busy_timeout=1) as store,
    ):
        for each in capabilities:
            store.answers.save_capabilities(each)


def read_vocabulary_file(settings: Settings) -> VocabularyFile:
    """Read the vocabulary file of the settings; an empty vocabulary without a file."""
    path = settings.vocabulary
    if path is None:
        return VocabularyFile(None, ())
    text = _read(path, "vocabulary")
    try:
        return read_vocabulary(text)
    except InputError as error:
        raise InputError("vocabulary_wrong", path=path, reason=error) from error


def read_shelves_of(settings: Settings) -> Shelves:
    """Return the shelves of the settings: those that come with tgtagger, a file's, or none."""
    if settings.shelves == "on":
        return bundled()
    if settings.shelves == "off":
        return NO_SHELVES
    path = Path(settings.shelves)
    text = _read(path, "shelves")
    try:
        return read_shelves(text)
    except InputError as error:
        raise InputError("shelves_wrong", path=path, reason=error) from error


def _vocabulary(
    settings: Settings, store: Store | None, *, sways: bool, shelves: Sequence[str] = ()
) -> Vocabulary:
    """Return the tags to choose from; in `prefer` also the archive's, if the tagger uses them."""
    written = read_vocabulary_file(settings)
    mode: Mode = settings.vocabulary_mode or written.mode or "prefer"
    if mode == "closed" and not written.entries:
        raise InputError("vocabulary_closed_and_empty")
    existing: Sequence[tuple[str, tuple[str, ...]]] = ()
    blocked: Sequence[tuple[str, tuple[str, ...]]] = ()
    if store is not None and mode == "closed":
        # A person's alias of an allowed tag counts as that tag.
        existing = [tag for tag in store.tags.most_used() if tag[1]]
    elif store is not None and mode == "prefer" and sways:
        existing, blocked = store.tags.most_used(), store.tags.blocked()
    return Vocabulary(
        mode, written.entries, existing, settings.tags_max, blocked=blocked, shelves=shelves
    )


def _read(path: Path, what: Literal["prompt", "vocabulary", "shelves"]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise system_error(error, "tagging_file_unreadable", file=what, path=path) from error
    except UnicodeDecodeError as error:
        raise InputError("tagging_file_not_utf8", file=what, path=path) from error
