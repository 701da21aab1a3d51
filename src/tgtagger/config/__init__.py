"""Settings: defaults < file < environment < flags, each remembering where it came from.

One table describes them all. Loading, the shown settings, the written settings file and the tests
of the documentation are made from it. Knows no command and prints nothing.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tgtagger.config.readers import PATH, WrongValue, days_of
from tgtagger.config.servers import PROVIDERS, Provider, is_loopback, is_private
from tgtagger.config.table import SETTINGS, Setting
from tgtagger.errors import InputError, system_error
from tgtagger.system import files

__all__ = [
    "PROVIDERS",
    "SETTINGS",
    "Provider",
    "Setting",
    "Settings",
    "days_of",
    "file_path",
    "file_template",
    "in_a_home",
    "is_loopback",
    "is_private",
    "load",
    "path_of",
    "unknown_variables",
    "write_template",
]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force. `origins` maps a name to where its value came from.

    That is `default`, `file`, `environment`, `flag` or `provider`, for some with a name behind it.
    """

    db: str
    config: Path
    data_dir: Path
    keep_runs: str  # a period, see `days_of`
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
    tag_language: str
    vocabulary: Path | None
    vocabulary_mode: Literal["open", "prefer", "closed"] | None
    shelves: Literal["on", "off"] | Path
    max_cost: float | None
    max_attempts: int
    retry_base: float
    llm_provider: str | None
    llm_url: str | None
    llm_api_key: str | None = field(repr=False)
    llm_models: tuple[str, ...]
    llm_concurrency: int
    llm_rpm: int
    llm_batch: int
    llm_wait: float
    llm_timeout: float
    llm_prompt: Path | None
    llm_prices: Path | None
    serve_token: str | None = field(repr=False)
    serve_token_file: Path | None
    origins: Mapping[str, str] = field(repr=False)

    def check_llm(self) -> None:
        """Raise InputError if a language model is to tag and lacks a setting that it needs.

        A model that is named is to tag, unless the embedded tagger was chosen by name.
        """
        if self.tagger != "llm" and self.origins["tagger"] != "default":
            return
        if self.llm_url is None and self.llm_models:
            model, providers = self.llm_models[0], tuple(PROVIDERS)
            raise InputError("server_of_model_not_set", model=model, providers=providers)
        if self.tagger != "llm":
            return
        if self.llm_url is None:
            raise InputError("server_not_set", providers=tuple(PROVIDERS))
        provider = PROVIDERS.get(self.llm_provider or "")
        if not self.llm_models:
            such_as = provider and provider.model_hint
            raise InputError("model_not_set", url=self.llm_url, such_as=such_as)
        # Another server in the provider's place decides itself whether it wants a key.
        if (
            provider
            and provider.key_variable
            and self.llm_url == provider.url
            and self.llm_api_key is None
        ):
            variable = provider.key_variable
            raise InputError("key_not_set", provider=self.llm_provider, variable=variable)


def unknown_variables(
    environ: Mapping[str, str] = os.environ,
) -> tuple[tuple[str, str | None], ...]:
    """Return variables that look like settings and are none, each with the nearest that is one."""
    known = [setting.variable for setting in SETTINGS]
    ours = sorted(name for name in environ if name.upper().startswith("TGTAGGER"))
    return tuple(
        (name, next(iter(difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.75)), None))
        for name in ours
        if name not in known and not name.startswith("TGTAGGER_TEST_")  # of our tests
    )


Called = Callable[[str], str]
"""Returns a face's own name for a setting."""


def load(
    flags: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    called: Called = str,
) -> Settings:
    """Return the settings in force; `flags` are the values that a face was given.

    Raises InputError. It names the wrong setting by the face's own name for it, by its variable,
    or by file and key.
    """
    given = {name: text for name, text in (flags or {}).items() if text}
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    path = file_path(given, environ, called=called)
    _, origins["config"] = _find(_CONFIG, given, environ, {}, path, called)
    file = _load_file(path, must_exist=origins["config"] != "default")
    for setting in SETTINGS:
        name = setting.name
        values[name], origins[name] = _find(setting, given, environ, file, path, called)
    values["config"] = path
    values["data_dir"] = values["data_dir"] or _data_home()
    values["db"] = values["db"] or str(in_a_home(values["data_dir"]) / "tgtagger.db")
    if values["tags_min"] > values["tags_max"]:
        raise InputError("tags_min_above_max", low=values["tags_min"], high=values["tags_max"])
    if origins["llm_provider"] == "flag":
        below, _ = _find(_LLM_PROVIDER, {}, environ, file, path, called)
        _change_server(values, origins, below)
    _choose_tagger(values, origins, called)
    _complete_llm(values, origins, environ)
    return Settings(**values, origins=origins)


def _find(
    setting: Setting,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    file: Mapping[str, Any],
    path: Path,
    called: Called,
) -> tuple[Any, str]:
    """Return a setting's value and where it was found; an empty value counts as not set."""
    if setting.name in flags:
        return _read(setting, flags[setting.name], called(setting.name)), "flag"
    if text := environ.get(setting.variable):
        return _read(setting, text, setting.variable), "environment"
    if setting.key and (value := file.get(setting.key, "")) not in ("", []):
        try:
            text = setting.reader.text_of(value)
        except WrongValue as error:
            raise InputError(
                "setting_of_wrong_type", path=path, key=setting.key, must_be=error.wanted
            ) from None
        return _read(setting, text, f"{path}: {setting.key}"), "file"
    return setting.default, "default"


def _change_server(values: dict[str, Any], origins: dict[str, str], below: str | None) -> None:
    """Forget the other settings' server, with its key and models, where a flag names another one.

    `below` is the provider without the flag. A key goes to no other server than its own.
    """
    is_other = below != values["llm_provider"] and (below or values["llm_url"])
    for name, nothing in (("llm_url", None), ("llm_api_key", None), ("llm_models", ())):
        if is_other and origins[name] != "flag":
            values[name], origins[name] = nothing, "default"


def _choose_tagger(values: dict[str, Any], origins: dict[str, str], called: Called) -> None:
    """Choose the language model where a user named its server and no tagger.

    A flag that names a server or a model beats a tagger of the environment or the file.
    """
    flags = [n for n in ("llm_provider", "llm_url", "llm_models") if origins[n] == "flag"]
    if values["tagger"] is not None and (origins["tagger"] == "flag" or not flags):
        return
    values["tagger"], origins["tagger"] = "keywords", "default"
    for setting in SETTINGS:
        origin = origins[setting.name]
        if setting.name in (flags or ("llm_provider", "llm_url")) and origin != "default":
            names = {
                "flag": called(setting.name),
                "environment": setting.variable,
                "file": setting.key,
            }
            values["tagger"], origins["tagger"] = "llm", f"{origin} ({names[origin]})"
            return


def _complete_llm(
    values: dict[str, Any], origins: dict[str, str], environ: Mapping[str, str]
) -> None:
    """Fill in the settings that follow from the provider and from its server's address."""
    provider = PROVIDERS.get(values["llm_provider"] or "")
    if provider and values["llm_url"] is None:
        values["llm_url"], origins["llm_url"] = provider.url, "provider"
    # Another program's variable: it is read only if its provider is named.
    variable = provider and provider.key_variable
    if variable and environ.get(variable) and values["llm_api_key"] is None:
        values["llm_api_key"] = _read(_LLM_API_KEY, environ[variable], variable)
        origins["llm_api_key"] = f"environment ({variable})"
    url = values["llm_url"] or ""
    if values["llm_concurrency"] is None:
        values["llm_concurrency"] = 1 if is_loopback(url) else 8
    if values["llm_timeout"] is None:
        values["llm_timeout"] = 600.0 if is_private(url) else 120.0


def file_path(
    flags: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    called: Called = str,
) -> Path:
    """Return the path of the settings file, without looking for the file."""
    for named, where in (
        ((flags or {}).get("config"), called(_CONFIG.name)),
        (environ.get(_CONFIG.variable), _CONFIG.variable),
    ):
        if named:
            path: Path = _read(_CONFIG, named, where)
            return path
    return _config_home() / "config.toml"


def _read(setting: Setting, text: Any, where: str) -> Any:
    try:
        return setting.reader.read(text)
    except WrongValue as error:
        value = text if setting.reader.repeated and not setting.secret else None
        raise InputError(
            "setting_wrong", where=where, value=value, must_be=error.wanted, bounds=error.bounds
        ) from error


def path_of(text: str) -> Path:
    """Return the path that a person named. Raises InputError for an unknown home (`~no/x`)."""
    try:
        found: Path = PATH.read(text)
    except WrongValue as error:
        raise InputError("path_wrong", text=text, must_be=error.wanted) from error
    return found


_CONFIG, _LLM_API_KEY, _LLM_PROVIDER = (
    next(setting for setting in SETTINGS if setting.name == name)
    for name in ("config", "llm_api_key", "llm_provider")
)


def _load_file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        if not must_exist:
            return {}
        raise InputError("settings_file_missing", path=path) from error
    except OSError as error:
        raise system_error(error, "settings_file_unreadable", path=path) from error
    try:
        flat = _flatten(tomllib.loads(content.decode()))
    except ValueError as error:  # not TOML, not UTF-8, a number with too many digits
        raise InputError("settings_file_not_toml", path=path, reason=str(error)) from error
    except RecursionError:
        raise InputError("settings_file_too_deep", path=path) from None
    known = {setting.key for setting in SETTINGS if setting.key}
    for key in flat:
        if key not in known:
            near = next(iter(difflib.get_close_matches(key, known, n=1)), None)
            raise InputError("setting_unknown", path=path, key=key, near=near, known=sorted(known))
    return flat


def _flatten(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{before}{key}.")
        else:
            flat[before + key] = value
    return flat


_HOMELESS = Path("~")
"""Stands for the unknown home of a user; see `in_a_home`."""


def _config_home() -> Path:
    import platformdirs

    with contextlib.suppress(RuntimeError):  # the home folder is unknown
        return Path(platformdirs.user_config_dir("tgtagger"))
    return _HOMELESS


def _data_home() -> Path:
    import platformdirs

    with contextlib.suppress(RuntimeError):
        return Path(platformdirs.user_data_dir("tgtagger"))
    return _HOMELESS


def in_a_home(path: Path) -> Path:
    """Return a path before its use. Raises InputError where it lies in an unknown home.

    In some containers the system does not know the user: then only HOME tells the home.
    """
    if path.parts[:1] == _HOMELESS.parts:
        raise InputError("home_unknown")
    return path


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
        if isinstance(default, int | float):
            shown = str(default).removesuffix(".0")
        else:
            shown = "[]" if default == () else f'"{default or ""}"'
        lines += ["", f"# {setting.help} [{setting.variable}]", f"# {key} = {shown}"]
    return "\n".join(lines) + "\n"


def write_template(path: Path, *, overwrite: bool) -> None:
    """Write the file that `file_template` makes, for its owner only."""
    try:
        files.make_folder(path.parent)
        with files.replacing(path, exclusive=not overwrite) as file:
            file.write(file_template().encode())
    except FileExistsError as error:
        raise InputError("settings_file_exists", path=path) from error
    except OSError as error:
        raise system_error(error, "file_unwritable", path=path) from error
