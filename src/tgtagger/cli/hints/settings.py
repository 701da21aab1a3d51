"""The hints for errors of settings and of what a person types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tgtagger.system.terminal_text import shell_word


def _nearest(*, near: str | None, known: Sequence[str], **_: object) -> str:
    return f"did you mean {near}?" if near else "known settings: " + ", ".join(known)


def _server(*, providers: Sequence[str]) -> str:
    return (
        f"set TGTAGGER_LLM_PROVIDER={'|'.join(providers)} or TGTAGGER_LLM_URL; "
        "or use the embedded tagger: TGTAGGER_TAGGER=keywords"
    )


def _server_of_model(*, model: str, providers: Sequence[str]) -> str:
    likely = "openrouter" if "/" in model else "ollama" if ":" in model else "openai"
    others = ", ".join(each for each in providers if each != likely)
    return (
        f"name its provider: tgtagger tag --provider {likely} --model {shell_word(model)} "
        f"(or {others}; for another server set TGTAGGER_LLM_URL)"
    )


def _model(*, url: str, such_as: str | None) -> str:
    name = such_as or f"NAME ({url}/models may list them)"
    return f"set a model: TGTAGGER_LLM_MODEL={name}"


HINTS: Mapping[str, str | Callable[..., str | None]] = {
    "settings_file_missing": "create it: tgtagger config init",
    "settings_file_unreadable": "check its permissions",
    "settings_file_not_toml": "see docs/settings.md",
    "settings_file_too_deep": "see docs/settings.md",
    "settings_file_exists": "overwrite it with --force",
    "setting_unknown": _nearest,
    "tags_min_above_max": "set TGTAGGER_TAGS_MIN no higher than TGTAGGER_TAGS_MAX",
    "home_unknown": ("set HOME; or set TGTAGGER_DB, TGTAGGER_CONFIG and TGTAGGER_DATA_DIR"),
    "server_not_set": _server,
    "server_of_model_not_set": _server_of_model,
    "model_not_set": _model,
    "key_not_set": "set {variable} or TGTAGGER_LLM_API_KEY",
    "channel_ref_empty": "give @name, a t.me link or a path; in a script, check the variable",
    "channel_ref_foreign": "give @name, a t.me link, or the path of an export",
    "channel_ref_invalid": (
        "give @name, a t.me link, -100… or the path of an export; see tgtagger parse --help"
    ),
    "post_ref_invalid": "write @channel/123, 1006503122/123 or a t.me link",
}
