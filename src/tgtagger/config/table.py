"""The table of all settings: their names, where they are set, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tgtagger.config.readers import (
    DATABASE,
    DOLLARS,
    KEY,
    NAMES,
    PATH,
    PERIOD,
    PROXY,
    SHELVES,
    TEXT,
    WEB_ADDRESS,
    Reader,
    one_of,
    seconds,
    whole,
    words,
)
from tgtagger.config.servers import PROVIDERS


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing a user can set. A default of None means unset, or follows from other settings."""

    name: str
    variable: str
    key: str | None  # in the file; None: the file cannot set it
    help: str
    reader: Reader = TEXT
    default: Any = None
    secret: bool = False


# Settings of one of the file's tables stand together: the template writes a table's name once.
SETTINGS = (
    Setting("db", "TGTAGGER_DB", "db", "The database: a path, or an SQLite URL.", DATABASE),
    Setting("config", "TGTAGGER_CONFIG", None, "The settings file.", PATH),
    Setting("data_dir", "TGTAGGER_DATA_DIR", None, "Sessions and the default database.", PATH),
    Setting(
        "keep_runs",
        "TGTAGGER_KEEP_RUNS",
        "keep_runs",
        "How long runs are recorded, and changes of tags can be undone: 30d, 12w, 6mo, 1y.",
        PERIOD,
        "30d",
    ),
    Setting(
        "api_id",
        "TGTAGGER_API_ID",
        "telegram.api_id",
        "Telegram's number for your application, from https://my.telegram.org.",
        whole(1, 2**31 - 1),
    ),
    Setting(
        "api_hash",
        "TGTAGGER_API_HASH",
        "telegram.api_hash",
        "The hash that goes with the number.",
        secret=True,
    ),
    Setting(
        "account", "TGTAGGER_ACCOUNT", "telegram.account", "Which session to use.", TEXT, "default"
    ),
    Setting(
        "telegram_server",
        "TGTAGGER_TELEGRAM_SERVER",
        "telegram.server",
        "host:port of another Telegram server, such as Telegram's test servers.",
    ),
    Setting(
        "telegram_dc",
        "TGTAGGER_TELEGRAM_DC",
        "telegram.dc",
        "The number of that server's data centre.",
        whole(1, 1000),
    ),
    Setting(
        "telegram_key",
        "TGTAGGER_TELEGRAM_KEY",
        "telegram.public_key",
        "A PEM file with that server's RSA public key.",
        PATH,
    ),
    Setting(
        "proxy",
        "TGTAGGER_PROXY",
        "telegram.proxy",
        "socks5://host:port or http://host:port, for Telegram.",
        PROXY,
        secret=True,
    ),
    Setting(
        "flood_budget",
        "TGTAGGER_FLOOD_BUDGET",
        "telegram.flood_budget",
        "Sum of the waits that Telegram may ask of a run, in seconds.",
        whole(0, 86400),
        120,
    ),
    Setting(
        "page_wait",
        "TGTAGGER_TELEGRAM_PAGE_WAIT",
        "telegram.page_wait",
        "Pause between pages of history, in seconds; unset: 1 on long reads.",
        seconds(0, 3600),
    ),
    Setting(
        "preview_url",
        "TGTAGGER_PREVIEW_URL",
        "preview.url",
        "Where the public web preview is.",
        WEB_ADDRESS,
        "https://t.me/s",
    ),
    Setting(
        "tagger",
        "TGTAGGER_TAGGER",
        "tagging.tagger",
        "What tags posts. llm: a language model, if a provider or URL is set; else keywords: "
        "the embedded tagger, with no key and no network.",
        one_of("keywords", "llm"),
    ),
    Setting(
        "tags_min",
        "TGTAGGER_TAGS_MIN",
        "tagging.tags_min",
        "Tags a post gets at least, if its text has that many.",
        whole(1, 20),
        3,
    ),
    Setting(
        "tags_max",
        "TGTAGGER_TAGS_MAX",
        "tagging.tags_max",
        "Tags a post gets at most.",
        whole(1, 20),
        7,
    ),
    Setting(
        "tag_language",
        "TGTAGGER_TAG_LANGUAGE",
        "tagging.tag_language",
        "The language that a model writes tags in, and of shelves; post: that of the post.",
        words(40),
        "post",
    ),
    Setting(
        "vocabulary",
        "TGTAGGER_VOCABULARY",
        "tagging.vocabulary",
        "A file of tags to choose from.",
        PATH,
    ),
    Setting(
        "vocabulary_mode",
        "TGTAGGER_VOCABULARY_MODE",
        "tagging.mode",
        "How it binds: open, prefer or closed; unset: as the file says, else prefer.",
        one_of("open", "prefer", "closed"),
    ),
    Setting(
        "shelves",
        "TGTAGGER_SHELVES",
        "tagging.shelves",
        "One broad topic beside a post's own tags: on, off, or a file of your own "
        "(docs/tagging.md).",
        SHELVES,
        "on",
    ),
    Setting(
        "max_cost",
        "TGTAGGER_MAX_COST",
        "tagging.max_cost",
        "What one run may cost, in US dollars; unset: no cap.",
        DOLLARS,
    ),
    Setting(
        "max_attempts",
        "TGTAGGER_MAX_ATTEMPTS",
        "tagging.max_attempts",
        "Turns that one post gets over all runs.",
        whole(1, 100),
        5,
    ),
    Setting(
        "retry_base",
        "TGTAGGER_RETRY_BASE",
        "tagging.retry_base",
        "First pause before a request is repeated, in seconds; each next one is longer.",
        seconds(0, 60),
        1.0,
    ),
    Setting(
        "llm_provider",
        "TGTAGGER_LLM_PROVIDER",
        "tagging.llm.provider",
        f"Who has the model: {', '.join(PROVIDERS)}.",
        one_of(*PROVIDERS),
    ),
    Setting(
        "llm_url",
        "TGTAGGER_LLM_URL",
        "tagging.llm.url",
        "A server that speaks as OpenAI's does, up to /v1; unset: the provider's.",
        WEB_ADDRESS,
    ),
    Setting(
        "llm_api_key",
        "TGTAGGER_LLM_API_KEY",
        "tagging.llm.api_key",
        "The server's key; unset: "
        + " or ".join(found.key_variable for found in PROVIDERS.values() if found.key_variable)
        + " of the provider that is named.",
        KEY,
        secret=True,
    ),
    Setting(
        "llm_models",
        "TGTAGGER_LLM_MODEL",
        "tagging.llm.models",
        "The model, or several: the next is tried when one is down or refuses.",
        NAMES,
        (),
    ),
    Setting(
        "llm_concurrency",
        "TGTAGGER_LLM_CONCURRENCY",
        "tagging.llm.concurrency",
        "Requests at once; unset: 8, or 1 where the server is this machine.",
        whole(1, 128),
    ),
    Setting(
        "llm_rpm",
        "TGTAGGER_LLM_RPM",
        "tagging.llm.rpm",
        "Requests a minute; 0: as the server tells.",
        whole(0, 100_000),
        0,
    ),
    Setting(
        "llm_batch",
        "TGTAGGER_LLM_BATCH",
        "tagging.llm.batch",
        "Posts in one request.",
        whole(1, 100),
        10,
    ),
    Setting(
        "llm_wait",
        "TGTAGGER_LLM_WAIT",
        "tagging.llm.wait",
        "Longest wait that a server may ask of a run, in seconds.",
        seconds(0, 86400),
        120.0,
    ),
    Setting(
        "llm_timeout",
        "TGTAGGER_LLM_TIMEOUT",
        "tagging.llm.timeout",
        "Longest wait for an answer, in seconds; unset: 120, or 600 where the server is nearby.",
        seconds(1, 3600),
    ),
    Setting(
        "llm_prompt",
        "TGTAGGER_LLM_PROMPT",
        "tagging.llm.prompt",
        "A file with rules of your own for the model.",
        PATH,
    ),
    Setting(
        "llm_prices",
        "TGTAGGER_LLM_PRICES",
        "tagging.llm.prices",
        "A TOML file with prices of your own.",
        PATH,
    ),
    Setting(
        "serve_token",
        "TGTAGGER_TOKEN",
        None,
        "The token that the pages and the API of `serve` ask for.",
        secret=True,
    ),
    Setting(
        "serve_token_file",
        "TGTAGGER_TOKEN_FILE",
        "serve.token_file",
        "A file with that token.",
        PATH,
    ),
)
