"""The sentences of errors in settings, in their file, and in what a person types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

WANTED: Mapping[str, str] = {
    "path_without_nul": "a path without a NUL character",
    "path_in_a_home": "a path in a home folder that exists",
    "address_without_password": "an address without a name and password in it",
    "address_without_query": "an address without ? or #",
    "web_address": "an address that begins with https:// or http://",
    "proxy": "socks5://host:port or http://host:port",
    "header": "printable ASCII without spaces or line breaks",
    "names": "a name, or several separated by commas",
    "list_of_names": "a list of names, each in quotes",
    "period": "a time such as 30d, 12w, 6mo or 1y",
    "whole_number": "a whole number from {low} to {high}",
    "seconds": "a number of seconds from {low} to {high}",
    "dollars": "a sum in US dollars above 0, such as 0.50",
    "one_of": "one of: {choices}",
    "line": "one line of 1 to {longest} letters",
    "text_in_quotes": "text in quotes",
    "number_in_file": "a number",
    "whole_number_in_file": "a whole number",
    "text_or_list": "text in quotes, or a list of such texts",
}
"""What a text must be to be the value of a setting."""


def wanted(kind: str, bounds: Mapping[str, object]) -> str:
    """Return what a value must be, in words."""
    words = {name: _listed(value) for name, value in bounds.items()}
    return WANTED[kind].format_map(words)


def _listed(value: object) -> object:
    return ", ".join(value) if isinstance(value, tuple) else value


def _wrong(*, where: str, value: str | None, must_be: str, bounds: Mapping[str, Any]) -> str:
    shown = "" if value is None else f" {value!r}"
    return f"{where}:{shown} must be {wanted(must_be, bounds)}"


def _of_wrong_type(*, path: object, key: str, must_be: str) -> str:
    return f"{path}: {key} must be {wanted(must_be, {})}"


def _path(*, text: str, must_be: str) -> str:
    return f"{text!r} must be {wanted(must_be, {})}"


SENTENCES: Mapping[str, str | Callable[..., str]] = {
    "setting_wrong": _wrong,
    "setting_of_wrong_type": _of_wrong_type,
    "path_wrong": _path,
    "settings_file_missing": "the settings file {path} does not exist",
    "settings_file_unreadable": "the settings file {path} cannot be read: {reason}",
    "settings_file_not_toml": "the settings file {path} is not TOML: {reason}",
    "settings_file_too_deep": "the settings file {path} is nested too deeply",
    "settings_file_exists": "{path} exists already",
    "setting_unknown": "{path}: there is no setting {key!r}",
    "tags_min_above_max": "the minimum of {low} tags is above the maximum of {high}",
    "home_unknown": "this user has no home folder",
    "server_not_set": "tagging with a language model needs a server, and none is set",
    "server_of_model_not_set": "the model {model} needs a server, and none is set",
    "model_not_set": "no language model is set",
    "key_not_set": "{provider} needs a key, and none is set",
    "channel_ref_empty": "the name of a channel is empty",
    "channel_ref_foreign": "{text} is not a Telegram address",
    "channel_ref_invalid": "{text!r} is not the name of a channel",
    "post_ref_invalid": "{text!r} is not the address of a post",
}
