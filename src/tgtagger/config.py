"""Settings: defaults < file < environment < flags, each remembering where it came from.

One table describes them all; loading, `tgtagger config`, the file that `config init` writes and
the tests of the documentation are made from it. Knows no command and prints nothing.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tgtagger.errors import InputError


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing a user can set, and how its text is read (ValueError: what it must be)."""

    name: str
    variable: str
    key: str | None  # in the file; None: not settable there
    help: str
    read: Callable[[str], Any] = str
    default: Any = None
    secret: bool = False


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return number

    return read


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError("one of: " + ", ".join(choices))
        return text

    return read


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError("a path, and no path holds a NUL")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody
        raise ValueError("a path in a home folder that exists") from error


def _database(text: str) -> str:
    return text if "://" in text else str(_path(text))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise ValueError("a number of seconds from 0 to 3600")
    return seconds


def _web_address(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        raise ValueError("an address that begins with https://")
    return text.rstrip("/")


SETTINGS = (
    Setting("db", "TGTAGGER_DB", "db", "The database: a path, or an SQLite URL.", _database),
    Setting("config", "TGTAGGER_CONFIG", None, "The settings file.", _path),
    Setting("data_dir", "TGTAGGER_DATA_DIR", None, "Sessions and the default database.", _path),
    Setting(
        "api_id",
        "TGTAGGER_API_ID",
        "telegram.api_id",
        "Telegram's number for your application, from https://my.telegram.org.",
        _whole(1, 2**31 - 1),
    ),
    Setting(
        "api_hash",
        "TGTAGGER_API_HASH",
        "telegram.api_hash",
        "The hash that goes with the number.",
        secret=True,
    ),
    Setting(
        "account", "TGTAGGER_ACCOUNT", "telegram.account", "Which session to use.", str, "default"
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
        _whole(1, 1000),
    ),
    Setting(
        "telegram_key",
        "TGTAGGER_TELEGRAM_KEY",
        "telegram.public_key",
        "A PEM file with that server's RSA public key.",
        _path,
    ),
    Setting(
        "proxy",
        "TGTAGGER_PROXY",
        "telegram.proxy",
        "socks5://host:port or http://host:port, for Telegram.",
        secret=True,
    ),
    Setting(
        "flood_budget",
        "TGTAGGER_FLOOD_BUDGET",
        "telegram.flood_budget",
        "Sum of the waits that Telegram may ask of a run, in seconds.",
        _whole(0, 86400),
        120,
    ),
    Setting(
        "page_wait",
        "TGTAGGER_TELEGRAM_PAGE_WAIT",
        "telegram.page_wait",
        "Pause between pages of history, in seconds; unset: 1 on long reads.",
        _seconds,
    ),
    Setting(
        "preview_url",
        "TGTAGGER_PREVIEW_URL",
        "preview.url",
        "Where the public web preview is.",
        _web_address,
        "https://t.me/s",
    ),
    Setting(
        "tagger",
        "TGTAGGER_TAGGER",
        "tagging.tagger",
        "What tags posts. keywords: the embedded tagger, with no key and no network.",
        _one_of("keywords", "llm"),
        "keywords",
    ),
    Setting(
        "tags_min",
        "TGTAGGER_TAGS_MIN",
        "tagging.tags_min",
        "Tags a post gets at least, if its text has that many.",
        _whole(1, 20),
        3,
    ),
    Setting(
        "tags_max",
        "TGTAGGER_TAGS_MAX",
        "tagging.tags_max",
        "Tags a post gets at most.",
        _whole(1, 20),
        7,
    ),
    Setting(
        "topics",
        "TGTAGGER_TOPICS",
        "tagging.topics",
        "A file of broad topics and their words for the embedded tagger (docs/tagging.md).",
        _path,
    ),
)

LATER = {
    "tagging": {"max_cost", "max_attempts", "retry_base", "vocabulary", "mode", "tag_language"},
    "tagging.llm": {
        "provider", "url", "api_key", "models", "concurrency", "rpm", "batch", "wait", "prompt",
    },
}  # fmt: skip
"""Keys of a file written for a later version: accepted, so that one file serves both."""

LLM = {"TGTAGGER_LLM_PROVIDER": "tagging.llm.provider", "TGTAGGER_LLM_URL": "tagging.llm.url"}
"""Who sets one of these wants a language model, and not the embedded tagger in its place."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force. `origins` says of each whether default, file, environment or flag."""

    db: str
    config: Path
    data_dir: Path
    api_id: int | None
    api_hash: str | None = field(repr=False)
    account: str
    telegram_server: str | None
    telegram_dc: int | None
    telegram_key: Path | None
    proxy: str | None = field(repr=False)
    flood_budget: int
    page_wait: float | None
    preview_url: str
    tagger: str
    tags_min: int
    tags_max: int
    topics: Path | None
    origins: Mapping[str, str] = field(repr=False)

    def check_tagger(self) -> None:
        """Raise InputError if the settings ask for a tagger that this version has not."""
        if self.tagger == "llm":
            raise InputError(
                "this version tags with the embedded tagger only; language models come later",
                hint="to go on with the embedded tagger: TGTAGGER_TAGGER=keywords",
            )


def load(
    flags: Mapping[str, str | None] | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings in force. Raises InputError naming the variable, or file and key."""
    given = {name: text for name, text in (flags or {}).items() if text}
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def look(setting: Setting, file: Mapping[str, Any]) -> None:
        name = setting.name
        if name in given:
            flag = f"--{name.replace('_', '-')}"
            values[name], origins[name] = _read(setting, given[name], flag), "flag"
        elif environ.get(setting.variable):
            text = environ[setting.variable]
            values[name], origins[name] = _read(setting, text, setting.variable), "environment"
        elif setting.key and file.get(setting.key, "") != "":
            where = f"{values['config']}: {setting.key}"
            values[name] = _read(setting, _text_of(setting, file[setting.key], where), where)
            origins[name] = "file"
        else:
            values[name], origins[name] = setting.default, "default"

    by_name = {setting.name: setting for setting in SETTINGS}
    look(by_name["config"], {})
    values["config"] = file_path(given, environ)
    file = _load_file(values["config"], must_exist=origins["config"] != "default")
    for setting in SETTINGS:
        if setting.name != "config":
            look(setting, file)
    values["data_dir"] = values["data_dir"] or _data_home()
    values["db"] = values["db"] or str(values["data_dir"] / "tgtagger.db")
    if values["tags_min"] > values["tags_max"]:
        raise InputError(
            f"at least {values['tags_min']} and at most {values['tags_max']} tags cannot both be",
            hint="set TGTAGGER_TAGS_MIN no higher than TGTAGGER_TAGS_MAX",
        )
    if origins["tagger"] == "default":
        for variable, key in LLM.items():
            if environ.get(variable):
                values["tagger"], origins["tagger"] = "llm", f"environment ({variable})"
            elif file.get(key):
                values["tagger"], origins["tagger"] = "llm", f"file ({key})"
    return Settings(**values, origins=origins)


def file_path(
    flags: Mapping[str, str | None] | None = None, environ: Mapping[str, str] = os.environ
) -> Path:
    """Return where the settings file is looked for, without looking."""
    setting = next(setting for setting in SETTINGS if setting.name == "config")
    for named, where in (
        ((flags or {}).get("config"), "--config"),
        (environ.get(setting.variable), setting.variable),
    ):
        if named:
            path: Path = _read(setting, named, where)
            return path
    return _config_home() / "config.toml"


def _read(setting: Setting, text: str, where: str) -> Any:
    try:
        return setting.read(text)
    except ValueError as error:
        shown = "" if setting.secret else f" {text!r}"
        raise InputError(f"{where}:{shown} must be {error}") from error


def _text_of(setting: Setting, value: Any, where: str) -> str:
    if setting.name in {"api_id", "telegram_dc", "page_wait"}:
        return str(value)  # a number; in quotes it is read, too
    if isinstance(setting.default, int):
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(f"{where} must be a whole number")
    elif not isinstance(value, str):
        raise InputError(f"{where} must be text in quotes")
    return str(value)


def _load_file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        if not must_exist:
            return {}
        raise InputError(
            f"the settings file {path} does not exist", hint="write one: tgtagger config init"
        ) from error
    except OSError as error:
        raise InputError(
            f"the settings file {path} cannot be read: {error.strerror}",
            hint="check its permissions",
        ) from error
    try:
        tree = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"the settings file {path} is not TOML: {error}", hint="see docs/settings.md"
        ) from error
    flat = _flatten(tree)
    known = {setting.key for setting in SETTINGS if setting.key}
    later = {f"{table}.{key}" for table, keys in LATER.items() for key in keys}
    for key in flat:
        if key not in known | later:
            near = difflib.get_close_matches(key, known | later, n=1)
            hint = f"did you mean {near[0]}?" if near else "known: " + ", ".join(sorted(known))
            raise InputError(f"{path}: no setting is called {key!r}", hint=hint)
    return flat


def _flatten(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{before}{key}.")
        else:
            flat[before + key] = value
    return flat


def _config_home() -> Path:
    import platformdirs

    return Path(platformdirs.user_config_dir("tgtagger"))


def _data_home() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("tgtagger"))


def file_template() -> str:
    """Return a settings file with every setting in it, commented out."""
    lines = ["# Settings of tgtagger. Flags beat the environment, the environment this file."]
    table = ""
    for setting in SETTINGS:
        if setting.key is None:
            continue
        head, _, key = setting.key.rpartition(".")
        if head != table:
            lines += ["", f"[{head}]"]
            table = head
        default = setting.default
        shown = default if isinstance(default, int) else f'"{default or ""}"'
        lines += ["", f"# {setting.help} [{setting.variable}]", f"# {key} = {shown}"]
    return "\n".join(lines) + "\n"
