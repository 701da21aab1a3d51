"""Where settings come from, and what is said when they are wrong."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tgtagger import config
from tgtagger.cli.context import flag_of
from tgtagger.cli.hints import hint_of
from tgtagger.config import readers
from tgtagger.errors import InputError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(file: Path, content: str = "", **environ: str) -> config.Settings:
    file.write_text(content)
    return config.load({}, {"TGTAGGER_CONFIG": str(file), **environ})


def test_without_anything_the_defaults_are_in_force() -> None:
    found = config.load({}, {})
    assert (found.tagger, found.tags_min, found.tags_max, found.shelves) == ("keywords", 3, 7, "on")
    assert found.db == str(found.data_dir / "tgtagger.db")
    assert found.config.name == "config.toml"
    assert found.data_dir.is_relative_to(Path.home())
    assert set(found.origins.values()) == {"default"}
    assert set(found.origins) == {setting.name for setting in config.SETTINGS}
    found.check_llm()


def test_a_flag_beats_the_environment_and_that_the_file(file: Path) -> None:
    text = 'db = "file.db"\n[tagging]\ntags_min = 2\ntags_max = 4\n'
    file.write_text(text)
    environ = {"TGTAGGER_CONFIG": str(file), "TGTAGGER_DB": "env.db", "TGTAGGER_TAGS_MAX": "5"}
    found = config.load({"db": "flag.db"}, environ)
    assert (found.db, found.tags_max, found.tags_min) == ("flag.db", 5, 2)
    assert found.origins["db"] == "flag"
    assert found.origins["tags_max"] == "environment"
    assert found.origins["tags_min"] == "file"
    assert found.origins["tagger"] == "default"
    assert config.load({}, environ).db == "env.db"
    assert load(file, text).db == "file.db"


def test_the_flag_names_another_file_than_the_environment(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('db = "a.db"')
    (tmp_path / "b.toml").write_text('db = "b.db"')
    found = config.load(
        {"config": str(tmp_path / "b.toml")}, {"TGTAGGER_CONFIG": str(tmp_path / "a.toml")}
    )
    assert (found.db, found.origins["config"]) == ("b.db", "flag")


def test_the_database_lies_in_the_data_folder(file: Path, tmp_path: Path) -> None:
    found = load(file, TGTAGGER_DATA_DIR=str(tmp_path / "data"))
    assert found.db == str(tmp_path / "data" / "tgtagger.db")


@pytest.mark.parametrize("setting", config.SETTINGS, ids=lambda setting: setting.name)
def test_an_empty_variable_is_not_set(setting: config.Setting, file: Path) -> None:
    environ = {"TGTAGGER_CONFIG": str(file), setting.variable: ""}
    file.write_text("")
    assert config.load({}, environ).origins[setting.name] in {"default", "environment"}
    assert config.load({}, {setting.variable: ""}).origins[setting.name] == "default"


def test_a_home_folder_may_be_written_as_a_tilde(file: Path) -> None:
    home = str(Path.home())
    found = load(file, 'db = "~/a.db"', TGTAGGER_SHELVES="~/shelves.txt")
    assert (found.db, str(found.shelves)) == (f"{home}/a.db", f"{home}/shelves.txt")


def test_a_url_stays_as_it_is(file: Path) -> None:
    assert load(file, TGTAGGER_DB="sqlite:////x/~y.db").db == "sqlite:////x/~y.db"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("db = 1\ndb = x\n", r"config\.toml is not TOML: .*line 2"),
        ('\n\n[tagging]\n"x', r"is not TOML: .*end of document"),
        ("colour = 1", r"config\.toml: there is no setting 'colour'"),
        ("[tagging]\ntagmin = 1", r"there is no setting 'tagging.tagmin'"),
        ("[db]\npath = 1", r"'db.path'"),
        ("tagging = 5", r"'tagging'"),
        ("db = 5", r"config\.toml: db must be text in quotes"),
        ("db = true", r"config\.toml: db must be text"),
        ('db = ["x"]', r"config\.toml: db must be text"),
        ('db = "\\u0000"', r"NUL"),
        ("[tagging]\ntags_min = true", r"tagging\.tags_min must be a whole number"),
        ("[tagging]\ntags_min = 1.5", r"tagging\.tags_min must be a whole number"),
        ('[tagging]\ntags_min = "x"', r"tagging\.tags_min: 'x' must be a whole number"),
        ("[tagging]\ntags_min = 2026-01-31", r"tagging\.tags_min must be a whole number"),
        (f"[tagging]\ntags_min = {'9' * 5000}", r"is not TOML"),
        (f"[tagging]\ntags_min = 0x{'F' * 5000}", r"tagging\.tags_min must be a whole number"),
        (f"[telegram]\npage_wait = 0x{'F' * 5000}", r"telegram\.page_wait must be a number"),
        (".".join("a" * 2000) + " = 1", r"config\.toml is nested too deeply"),
        ("db = " + "[" * 2000, r"config\.toml is nested too deeply"),
        ("[telegram]\napi_id = true", r"telegram\.api_id must be a whole number"),
        ("[telegram]\npage_wait = true", r"telegram\.page_wait must be a number"),
        (
            "[tagging]\ntags_max = 21",
            r"tagging\.tags_max: '21' must be a whole number from 1 to 20",
        ),
        ("[tagging]\ntags_min = 0", r"from 1 to 20"),
        ("[tagging]\ntags_min = 8", r"the minimum of 8 tags is above the maximum of 7"),
        ('[tagging]\ntagger = "magic"', r"'magic' must be one of: keywords, llm"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(file: Path, content: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        load(file, content)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("TGTAGGER_TAGS_MIN", "three", "TGTAGGER_TAGS_MIN: 'three' must be a whole number"),
        ("TGTAGGER_TAGS_MAX", "99", "TGTAGGER_TAGS_MAX: '99' must be"),
        ("TGTAGGER_TAGS_MAX", "2", "the minimum of 3 tags is above the maximum of 2"),
        ("TGTAGGER_TAGGER", "gpt", "TGTAGGER_TAGGER: 'gpt' must be one of"),
        ("TGTAGGER_SHELVES", "~nobody-of-that-name/x", "TGTAGGER_SHELVES: .* home folder"),
        ("TGTAGGER_CONFIG", "~nobody-of-that-name/x", "TGTAGGER_CONFIG: .* home folder"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        config.load({}, {variable: value})


def test_the_nearest_key_is_suggested(file: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(file, "[tagging]\ntags_mni = 1")
    assert hint_of(caught.value) == "did you mean tagging.tags_min?"


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.toml does not exist"):
        config.load({"config": str(tmp_path / "gone.toml")}, {})


def test_a_file_that_is_a_folder_or_not_text_is_said(tmp_path: Path, file: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        config.load({"config": str(tmp_path)}, {})
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not TOML"):
        config.load({"config": str(file)}, {})


def keys_of(tree: dict[str, Any], before: str = "") -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from keys_of(value, f"{before}{key}.")
        else:
            yield before + key


def test_the_written_file_loads_to_the_defaults_commented_or_not(file: Path) -> None:
    template = config.file_template()
    plain = load(file)
    assert load(file, template) == plain
    # Every line with a key taken out of its comment: the defaults, said aloud.
    spoken = re.sub(r"^# (\w+ = )", r"\1", template, flags=re.MULTILINE)
    found = load(file, spoken)
    assert dataclasses.replace(found, origins=plain.origins) == plain
    keys = {setting.key for setting in config.SETTINGS if setting.key}
    assert set(keys_of(tomllib.loads(spoken))) == keys
    for setting in config.SETTINGS:
        if setting.key:
            assert setting.help in template
            assert setting.variable in template
    assert "\n# wait = 120\n" in template
    assert "\n# models = []\n" in template


def test_a_secret_is_not_in_a_complaint() -> None:
    def read(_: str) -> str:
        raise readers.WrongValue("header")

    secret = config.Setting(
        "key", "TGTAGGER_KEY", "key", "A key.", readers.Reader(read), secret=True
    )
    with pytest.raises(InputError) as caught:
        config._read(secret, "hunter2", "TGTAGGER_KEY")
    assert "hunter2" not in caught.value.message


def test_each_setting_has_a_place_of_its_own() -> None:
    for places in (
        [setting.name for setting in config.SETTINGS],
        [setting.variable for setting in config.SETTINGS],
        [setting.key for setting in config.SETTINGS if setting.key],
        [flag_of(setting.name) for setting in config.SETTINGS],
    ):
        assert len(set(places)) == len(places)
    fields = {field.name for field in dataclasses.fields(config.Settings)} - {"origins"}
    assert fields == {setting.name for setting in config.SETTINGS}


# Tagging by a language model.

OLLAMA = {"TGTAGGER_LLM_PROVIDER": "ollama"}
KEY = "sk-secret-0123456789"


def setting_of(name: str) -> config.Setting:
    return next(setting for setting in config.SETTINGS if setting.name == name)


def test_the_defaults_of_a_language_model() -> None:
    found = config.load({}, {})
    shown = {
        name: getattr(found, name)
        for name in found.origins
        if name.startswith(("llm_", "max_", "retry_", "vocabulary", "tag_"))
    }
    assert shown == {
        "llm_provider": None, "llm_url": None, "llm_api_key": None, "llm_models": (),
        "llm_concurrency": 8, "llm_rpm": 0, "llm_batch": 10, "llm_wait": 120.0,
        "llm_timeout": 120.0, "llm_prompt": None, "llm_prices": None, "max_cost": None,
        "max_attempts": 5, "retry_base": 1.0, "vocabulary": None, "vocabulary_mode": None,
        "tag_language": "post",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("llm_url", "http://box:8080/v1/", "http://box:8080/v1"),
        ("llm_url", "https://models.example/api//", "https://models.example/api"),
        ("llm_url", "HTTP://[::1]:8080/v1", "HTTP://[::1]:8080/v1"),
        ("llm_api_key", KEY, KEY),
        ("llm_models", "a", ("a",)),
        ("llm_models", " a/b:free , c,,a/b:free,", ("a/b:free", "c")),
        ("llm_concurrency", "1", 1),
        ("llm_concurrency", "128", 128),
        ("llm_rpm", "0", 0),
        ("llm_rpm", "100000", 100_000),
        ("llm_batch", "1", 1),
        ("llm_batch", "100", 100),
        ("llm_wait", "0", 0.0),
        ("llm_wait", "86400", 86400.0),
        ("llm_wait", "0.5", 0.5),
        ("llm_timeout", "1", 1.0),
        ("llm_timeout", "3600", 3600.0),
        ("llm_timeout", "2.5", 2.5),
        ("llm_prompt", "rules.md", Path("rules.md")),
        ("llm_prices", "prices.toml", Path("prices.toml")),
        ("max_cost", "0.01", 0.01),
        ("max_cost", "1e3", 1000.0),
        ("max_attempts", "1", 1),
        ("max_attempts", "100", 100),
        ("retry_base", "0", 0.0),
        ("retry_base", "60", 60.0),
        ("vocabulary", "tags.toml", Path("tags.toml")),
        ("vocabulary_mode", "open", "open"),
        ("vocabulary_mode", "prefer", "prefer"),
        ("vocabulary_mode", "closed", "closed"),
        ("tag_language", " Русский ", "Русский"),
        ("tag_language", "x" * 40, "x" * 40),
    ],
)
def test_a_setting_is_read_alike_wherever_it_stands(
    file: Path, name: str, text: str, value: object
) -> None:
    setting = setting_of(name)
    head, _, key = str(setting.key).rpartition(".")
    for found, origin in (
        (load(file, f"[{head}]\n{key} = {json.dumps(text)}"), "file"),
        (load(file, **{setting.variable: text}), "environment"),
        (config.load({name: text}, {setting.variable: "overridden"}), "flag"),
    ):
        assert getattr(found, name) == value
        assert type(getattr(found, name)) is type(value)
        assert found.origins[name] == origin


@pytest.mark.parametrize(
    ("content", "name", "value"),
    [
        ("[tagging]\nmax_cost = 2", "max_cost", 2.0),
        ("[tagging]\nmax_cost = 0.25", "max_cost", 0.25),
        ("[tagging]\nretry_base = 0", "retry_base", 0.0),
        ("[tagging]\nmax_attempts = 7", "max_attempts", 7),
        ("[tagging.llm]\nwait = 5", "llm_wait", 5.0),
        ("[tagging.llm]\ntimeout = 1.5", "llm_timeout", 1.5),
        ("[tagging.llm]\nconcurrency = 4", "llm_concurrency", 4),
        ("[tagging.llm]\nrpm = 60", "llm_rpm", 60),
        ('[tagging.llm]\nmodels = ["a", " b ", "a"]', "llm_models", ("a", "b")),
        ('[tagging.llm]\nmodels = ["a,b"]', "llm_models", ("a,b",)),
        ('[tagging]\ntags_min = "3"', "tags_min", 3),
    ],
)
def test_the_file_has_numbers_and_lists(file: Path, content: str, name: str, value: object) -> None:
    found = load(file, content)
    assert getattr(found, name) == value
    assert type(getattr(found, name)) is type(value)
    assert found.origins[name] == "file"


@pytest.mark.parametrize(
    ("name", "text", "must_be"),
    [
        ("llm_provider", "skynet", "one of: openrouter, openai, ollama, lmstudio, llamacpp, vllm"),
        ("llm_provider", "OpenAI", "one of: openrouter"),
        ("llm_models", ",", "a name, or several separated by commas"),
        ("llm_models", " , ", "a name, or several"),
        ("llm_models", "a\nb", "a name, or several"),
        ("llm_concurrency", "0", "a whole number from 1 to 128"),
        ("llm_concurrency", "129", "a whole number from 1 to 128"),
        ("llm_concurrency", "2.5", "a whole number from 1 to 128"),
        ("llm_rpm", "-1", "a whole number from 0 to 100000"),
        ("llm_rpm", "100001", "a whole number from 0 to 100000"),
        ("llm_batch", "0", "a whole number from 1 to 100"),
        ("llm_batch", "101", "a whole number from 1 to 100"),
        ("llm_wait", "-1", "a number of seconds from 0 to 86400"),
        ("llm_wait", "86401", "a number of seconds from 0 to 86400"),
        ("llm_wait", "nan", "a number of seconds from 0 to 86400"),
        ("llm_wait", "inf", "a number of seconds from 0 to 86400"),
        ("llm_wait", "soon", "a number of seconds from 0 to 86400"),
        ("llm_timeout", "0.9", "a number of seconds from 1 to 3600"),
        ("llm_timeout", "3601", "a number of seconds from 1 to 3600"),
        ("max_cost", "0", "a sum in US dollars above 0"),
        ("max_cost", "-1", "a sum in US dollars above 0"),
        ("max_cost", "nan", "a sum in US dollars above 0"),
        ("max_cost", "inf", "a sum in US dollars above 0"),
        ("max_cost", "1e999", "a sum in US dollars above 0"),
        ("max_cost", "$5", "a sum in US dollars above 0"),
        ("max_attempts", "0", "a whole number from 1 to 100"),
        ("max_attempts", "101", "a whole number from 1 to 100"),
        ("retry_base", "-0.1", "a number of seconds from 0 to 60"),
        ("retry_base", "61", "a number of seconds from 0 to 60"),
        ("retry_base", "nan", "a number of seconds from 0 to 60"),
        ("vocabulary_mode", "strict", "one of: open, prefer, closed"),
        ("tag_language", "x" * 41, "one line of 1 to 40 letters"),
        ("tag_language", "a\nb", "one line of"),
        ("tag_language", "  ", "one line of"),
        ("llm_prompt", "a\0b", "a path without a NUL"),
        ("vocabulary", "~nobody-of-that-name/x", "a home folder that exists"),
    ],
)
def test_what_a_setting_must_be_is_said_with_its_name(
    file: Path, name: str, text: str, must_be: str
) -> None:
    setting = setting_of(name)
    head, _, key = str(setting.key).rpartition(".")
    for flags, environ, content, where in (
        ({name: text}, {}, "", flag_of(name)),
        ({}, {setting.variable: text}, "", setting.variable),
        ({}, {}, f"[{head}]\n{key} = {json.dumps(text)}", f"{file}: {setting.key}"),
    ):
        file.write_text(content)
        with pytest.raises(InputError) as caught:
            config.load(flags, {"TGTAGGER_CONFIG": str(file), **environ}, called=flag_of)
        assert caught.value.message.startswith(f"{where}: {text!r} must be ")
        assert must_be in caught.value.message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[tagging]\nmax_cost = true", "tagging.max_cost must be a number"),
        ("[tagging]\nmax_cost = [1]", "tagging.max_cost must be a number"),
        ("[tagging]\nmax_cost = -0.5", "tagging.max_cost: '-0.5' must be a sum"),
        ("[tagging]\nmax_cost = nan", "tagging.max_cost: 'nan' must be a sum"),
        ("[tagging]\nretry_base = inf", "tagging.retry_base: 'inf' must be a number of seconds"),
        ("[tagging]\nmax_attempts = 5.0", "tagging.max_attempts must be a whole number"),
        ("[tagging]\nmax_attempts = false", "tagging.max_attempts must be a whole number"),
        ("[tagging]\nmode = 1", "tagging.mode must be text in quotes"),
        ("[tagging]\ntag_language = true", "tagging.tag_language must be text in quotes"),
        ("[tagging.llm]\nwait = false", "tagging.llm.wait must be a number"),
        ("[tagging.llm]\nprovider = ['ollama']", "tagging.llm.provider must be text in quotes"),
        ("[tagging.llm]\nmodels = 4", "tagging.llm.models must be text in quotes, or a list"),
        ("[tagging.llm]\nmodels = ['a', 4]", "['a', 4] must be a list of names, each in quotes"),
        ("[tagging.llm]\nmodels = ['a', '']", "['a', ''] must be a list of names"),
        ('[tagging.llm]\nmodels = ["a\\nb"]', "must be a list of names"),
        ("[[tagging.llm.models]]\nname = 'a'", "must be a list of names"),
        ("[tagging.llm]\nmodel = 'a'", "there is no setting 'tagging.llm.model'"),
        ("[tagging.llm]\napikey = 'a'", "there is no setting 'tagging.llm.apikey'"),
    ],
)
def test_a_wrong_type_in_the_file_is_named(file: Path, content: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        load(file, content)
    assert says in caught.value.message


def test_the_nearest_key_of_a_model_is_suggested(file: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(file, "[tagging.llm]\nmodel = 'a'")
    assert hint_of(caught.value) == "did you mean tagging.llm.models?"


@pytest.mark.parametrize("blank", ['models = ""', "models = []", 'url = ""', 'timeout = ""'])
def test_what_is_empty_in_the_file_is_not_set(file: Path, blank: str) -> None:
    found = load(file, f"[tagging.llm]\n{blank}")
    assert set(found.origins.values()) <= {"default", "environment"}
    assert found.tagger == "keywords"


def test_options_are_called_as_they_are_typed() -> None:
    flags = {setting.name: flag_of(setting.name) for setting in config.SETTINGS}
    assert flags["llm_models"] == "--model"
    assert flags["llm_concurrency"] == "--concurrency"
    assert (flags["max_cost"], flags["vocabulary"]) == ("--max-cost", "--vocabulary")


# Which tagger.


@pytest.mark.parametrize(
    ("content", "environ", "tagger", "origin"),
    [
        ("", {}, "keywords", "default"),
        ("", OLLAMA, "llm", "environment (TGTAGGER_LLM_PROVIDER)"),
        ("", {"TGTAGGER_LLM_URL": "http://box/v1"}, "llm", "environment (TGTAGGER_LLM_URL)"),
        ('[tagging.llm]\nprovider = "ollama"', {}, "llm", "file (tagging.llm.provider)"),
        ('[tagging.llm]\nurl = "http://box/v1"', {}, "llm", "file (tagging.llm.url)"),
        ('[tagging.llm]\nurl = "http://box/v1"', OLLAMA, "llm",
         "environment (TGTAGGER_LLM_PROVIDER)"),
        ('[tagging]\ntagger = "keywords"', OLLAMA, "keywords", "file"),
        ("", OLLAMA | {"TGTAGGER_TAGGER": "keywords"}, "keywords", "environment"),
        ("", {"TGTAGGER_TAGGER": "llm"}, "llm", "environment"),
        ("", {"TGTAGGER_LLM_MODEL": "a", "TGTAGGER_LLM_API_KEY": KEY}, "keywords", "default"),
        ("", {"OPENAI_API_KEY": KEY}, "keywords", "default"),
    ],
)  # fmt: skip
def test_who_names_a_server_wants_a_model(
    file: Path, content: str, environ: dict[str, str], tagger: str, origin: str
) -> None:
    found = load(file, content, **environ)
    assert (found.tagger, found.origins["tagger"]) == (tagger, origin)


def test_the_option_decides_which_tagger(file: Path) -> None:
    file.write_text('[tagging.llm]\nprovider = "ollama"')
    found = config.load({"tagger": "keywords"}, {"TGTAGGER_CONFIG": str(file)})
    assert (found.tagger, found.origins["tagger"]) == ("keywords", "flag")
    found.check_llm()
    named = config.load({"llm_provider": "ollama"}, {}, called=flag_of)
    assert (named.tagger, named.origins["tagger"]) == ("llm", "flag (--provider)")


# Providers and what follows from them.


def test_the_providers() -> None:
    urls = {name: provider.url for name, provider in config.PROVIDERS.items()}
    assert urls == {
        "openrouter": "https://openrouter.ai/api/v1",
        "openai": "https://api.openai.com/v1",
        "ollama": "http://127.0.0.1:11434/v1",
        "lmstudio": "http://127.0.0.1:1234/v1",
        "llamacpp": "http://127.0.0.1:8080/v1",
        "vllm": "http://127.0.0.1:8000/v1",
    }
    keys = {name: found.key_variable for name, found in config.PROVIDERS.items()}
    assert keys == dict.fromkeys(urls) | {
        "openrouter": "OPENROUTER_API_KEY",
        "openai": "OPENAI_API_KEY",
    }


@pytest.mark.parametrize("name", config.PROVIDERS)
def test_a_provider_brings_its_url_unless_there_is_another(file: Path, name: str) -> None:
    provider = config.PROVIDERS[name]
    found = load(file, TGTAGGER_LLM_PROVIDER=name)
    assert (found.llm_provider, found.llm_url) == (name, provider.url)
    assert found.origins["llm_url"] == "provider"
    assert (found.llm_concurrency, found.llm_timeout) == (
        (8, 120.0) if provider.key_variable else (1, 600.0)
    )
    other = load(file, TGTAGGER_LLM_PROVIDER=name, TGTAGGER_LLM_URL="https://proxy.example/v1")
    assert other.llm_url == "https://proxy.example/v1"
    assert other.origins["llm_url"] == "environment"


@pytest.mark.parametrize(
    ("environ", "concurrency", "timeout"),
    [
        ({"TGTAGGER_LLM_URL": "https://models.example/v1"}, 8, 120.0),
        ({"TGTAGGER_LLM_URL": "http://localhost:1234/v1"}, 1, 600.0),
        ({"TGTAGGER_LLM_URL": "http://192.168.1.5:8000/v1"}, 8, 600.0),
        (OLLAMA | {"TGTAGGER_LLM_CONCURRENCY": "4", "TGTAGGER_LLM_TIMEOUT": "30"}, 4, 30.0),
        (OLLAMA | {"TGTAGGER_LLM_URL": "https://ollama.example/v1"}, 8, 120.0),
    ],
)
def test_a_near_server_gets_fewer_requests_and_more_time(
    file: Path, environ: dict[str, str], concurrency: int, timeout: float
) -> None:
    found = load(file, **environ)
    assert (found.llm_concurrency, found.llm_timeout) == (concurrency, timeout)


@pytest.mark.parametrize(
    ("url", "loopback", "private"),
    [
        ("http://localhost:11434/v1", True, True),
        ("http://LocalHost/v1", True, True),
        ("http://localhost./v1", True, True),
        ("http://models.localhost/v1", True, True),
        ("http://127.0.0.1:8000", True, True),
        ("http://127.8.9.10", True, True),
        ("http://[::1]:8080/v1", True, True),
        ("http://[::ffff:127.0.0.1]/v1", True, True),
        ("http://0.0.0.0:11434/v1", True, True),
        ("http://10.0.0.7/v1", False, True),
        ("http://172.16.0.1/v1", False, True),
        ("http://192.168.1.2/v1", False, True),
        ("http://169.254.1.1/v1", False, True),
        ("http://100.100.1.1/v1", False, True),  # as Tailscale gives
        ("http://[fd00::1]/v1", False, True),
        ("http://[fe80::1]/v1", False, True),
        ("http://gpu-box:8000/v1", False, True),
        ("http://gpu.local/v1", False, True),
        ("http://host.docker.internal:11434/v1", False, True),
        ("https://api.openai.com/v1", False, False),
        ("http://8.8.8.8/v1", False, False),
        ("http://[2606:4700::1111]/v1", False, False),
        ("http://[::ffff:8.8.8.8]/v1", False, False),
        ("http://172.32.0.1/v1", False, False),
        ("https://localhost.example.com/v1", False, False),
        ("https://127.0.0.1.example.com/v1", False, False),
        ("https://example.com/localhost", False, False),
        ("", False, False),
        ("http://[broken", False, False),
    ],
)
def test_how_near_a_server_is(url: str, loopback: bool, private: bool) -> None:  # noqa: FBT001
    assert (config.is_loopback(url), config.is_private(url)) == (loopback, private)


# Keys.


@pytest.mark.parametrize(
    ("environ", "key", "origin"),
    [
        ({"TGTAGGER_LLM_PROVIDER": "openai", "OPENAI_API_KEY": KEY}, KEY,
         "environment (OPENAI_API_KEY)"),
        ({"TGTAGGER_LLM_PROVIDER": "openrouter", "OPENROUTER_API_KEY": KEY}, KEY,
         "environment (OPENROUTER_API_KEY)"),
        ({"TGTAGGER_LLM_PROVIDER": "openai", "OPENAI_API_KEY": KEY,
          "TGTAGGER_LLM_API_KEY": "own"}, "own", "environment"),
        ({"TGTAGGER_LLM_PROVIDER": "openai", "OPENROUTER_API_KEY": KEY}, None, "default"),
        ({"TGTAGGER_LLM_PROVIDER": "openai", "OPENAI_API_KEY": ""}, None, "default"),
        (OLLAMA | {"OPENROUTER_API_KEY": KEY, "OPENAI_API_KEY": KEY}, None, "default"),
        ({"TGTAGGER_LLM_URL": "https://api.openai.com/v1", "OPENAI_API_KEY": KEY}, None,
         "default"),
        ({"TGTAGGER_TAGGER": "llm", "OPENAI_API_KEY": KEY}, None, "default"),
        # Another program's variable that is not read need not be right, either.
        (OLLAMA | {"OPENAI_API_KEY": "not a key"}, None, "default"),
    ],
)  # fmt: skip
def test_a_key_of_another_program_is_read_for_its_own_provider(
    file: Path, environ: dict[str, str], key: str | None, origin: str
) -> None:
    found = load(file, **environ)
    assert (found.llm_api_key, found.origins["llm_api_key"]) == (key, origin)


def test_the_key_in_the_file_comes_before_that_of_another_program(file: Path) -> None:
    content = '[tagging.llm]\nprovider = "openai"\napi_key = "own"'
    assert load(file, content, OPENAI_API_KEY=KEY).llm_api_key == "own"


@pytest.mark.parametrize("wrong", [f"{KEY} x", f"{KEY}\n", f"{KEY}\x7f", f"{KEY}é", f"{KEY}\udc80"])
@pytest.mark.parametrize("variable", ["TGTAGGER_LLM_API_KEY", "OPENAI_API_KEY"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(
    file: Path, variable: str, wrong: str
) -> None:
    with pytest.raises(InputError) as caught:
        load(file, **{"TGTAGGER_LLM_PROVIDER": "openai", variable: wrong})
    error: BaseException | None = caught.value
    assert caught.value.message.startswith(f"{variable}: must be printable ASCII")
    while error:  # those that it came from are shown by -vv
        assert "sk-secret" not in f"{error!r} {getattr(error, 'hint', '')}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("value", [f'"{KEY} x"', "1234567890", f'["{KEY}"]'])
def test_a_wrong_key_in_the_file_is_not_shown(file: Path, value: str) -> None:
    with pytest.raises(InputError, match=r"tagging\.llm\.api_key:? must be") as caught:
        load(file, f"[tagging.llm]\napi_key = {value}")
    assert "sk-secret" not in caught.value.message
    assert "1234567890" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "must_be"),
    [
        (f"https://me:{KEY}@host/v1", "without a name and password"),
        (f"http://me:{KEY}/1@host/v1", "without a name and password"),
        (f"https://host/v1?key={KEY}", "an address without ? or #"),
        (f"https://host/v1#{KEY}", "an address without ? or #"),
        (f"http://host:{KEY}/v1", "begins with https:// or http://"),
        (KEY, "begins with https:// or http://"),
        ("localhost:11434/v1", "begins with https:// or http://"),
        ("ftp://host/v1", "begins with https:// or http://"),
        ("https://", "begins with https:// or http://"),
        ("https:///v1", "begins with https:// or http://"),
        ("http://[::1/v1", "begins with https:// or http://"),
        ("http://host:99999/v1", "begins with https:// or http://"),
        ("http://host:0/v1", "begins with https:// or http://"),
        ("http://ho st/v1", "begins with https:// or http://"),
        ("http://host/v1\n", "begins with https:// or http://"),
    ],
)
def test_a_wrong_url_is_not_shown_for_what_may_be_in_it(file: Path, url: str, must_be: str) -> None:
    with pytest.raises(InputError) as caught:
        load(file, TGTAGGER_LLM_URL=url)
    assert caught.value.message.startswith("TGTAGGER_LLM_URL: must be an address")
    assert must_be in caught.value.message
    error: BaseException | None = caught.value
    while error:
        assert "sk-secret" not in repr(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "proxy", ["host:1080", "ftp://host:21", "socks5://host", "http://[bad", "http://host:port"]
)
def test_a_wrong_proxy_is_said_before_anything_is_read(file: Path, proxy: str) -> None:
    proxy = proxy.replace("://", f"://me:{KEY}@")
    with pytest.raises(InputError) as caught:
        load(file, TGTAGGER_PROXY=proxy)
    assert caught.value.message == (
        "TGTAGGER_PROXY: must be socks5://host:port or http://host:port"
    )
    error: BaseException | None = caught.value
    while error:
        assert "sk-secret" not in repr(error)
        error = error.__cause__ or error.__context__


def test_no_secret_is_in_what_settings_look_like(file: Path) -> None:
    secrets = {setting.variable: KEY for setting in config.SETTINGS if setting.secret}
    secrets["TGTAGGER_PROXY"] = f"socks5://me:{KEY}@host:1080"
    assert set(secrets) == {
        "TGTAGGER_API_HASH", "TGTAGGER_PROXY", "TGTAGGER_LLM_API_KEY", "TGTAGGER_TOKEN"
    }  # fmt: skip
    found = load(file, **secrets)
    assert found.llm_api_key == KEY
    assert "sk-secret" not in repr(found)
    assert "sk-secret" not in repr(load(file, TGTAGGER_LLM_PROVIDER="openai", OPENAI_API_KEY=KEY))


# What tagging by a language model takes.

OPENAI = {"TGTAGGER_LLM_PROVIDER": "openai"}
MODEL = {"TGTAGGER_LLM_MODEL": "gpt-5-nano"}


@pytest.mark.parametrize(
    ("environ", "says", "hints"),
    [
        ({"TGTAGGER_TAGGER": "llm"}, "needs a server, and none is set",
         ["TGTAGGER_LLM_PROVIDER=openrouter|openai|", "TGTAGGER_LLM_URL", "=keywords"]),
        ({"TGTAGGER_TAGGER": "llm"} | MODEL, "the model gpt-5-nano needs a server",
         ["tgtagger tag --provider openai --model gpt-5-nano", "TGTAGGER_LLM_URL"]),
        (MODEL, "the model gpt-5-nano needs a server", []),
        (OPENAI, "no language model is set", ["TGTAGGER_LLM_MODEL=gpt-5-nano"]),
        ({"TGTAGGER_LLM_PROVIDER": "openrouter"}, "no language model is set",
         ["TGTAGGER_LLM_MODEL=openai/gpt-5-nano"]),
        (OLLAMA, "no language model is set", ["TGTAGGER_LLM_MODEL=qwen3:4b", "ollama list"]),
        ({"TGTAGGER_LLM_URL": "http://box/v1"}, "no language model is set",
         ["TGTAGGER_LLM_MODEL=NAME", "http://box/v1/models"]),
        (OPENAI | MODEL, "openai needs a key", ["OPENAI_API_KEY", "TGTAGGER_LLM_API_KEY"]),
        (OPENAI | MODEL | {"TGTAGGER_LLM_URL": "https://api.openai.com/v1/"},
         "openai needs a key", []),
        ({"TGTAGGER_LLM_PROVIDER": "openrouter"} | MODEL, "openrouter needs a key",
         ["OPENROUTER_API_KEY", "TGTAGGER_LLM_API_KEY"]),
        (OPENAI | MODEL | {"OPENROUTER_API_KEY": KEY}, "openai needs a key", []),
    ],
)  # fmt: skip
def test_what_a_model_lacks_is_said_before_it_tags(
    file: Path, environ: dict[str, str], says: str, hints: list[str]
) -> None:
    found = load(file, **environ)
    with pytest.raises(InputError, match=says) as caught:
        found.check_llm()
    for hint in hints:
        assert hint in str(hint_of(caught.value))
    load(file, **environ | {"TGTAGGER_TAGGER": "keywords"}).check_llm()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        OLLAMA | MODEL,
        OPENAI | MODEL | {"OPENAI_API_KEY": KEY},
        OPENAI | MODEL | {"TGTAGGER_LLM_API_KEY": KEY},
        {"TGTAGGER_LLM_URL": "http://box/v1"} | MODEL,
        # A server in the provider's place says itself whether it wants a key.
        OPENAI | MODEL | {"TGTAGGER_LLM_URL": "http://127.0.0.1:4000/v1"},
    ],
)
def test_what_suffices_for_a_model(file: Path, environ: dict[str, Any]) -> None:
    load(file, **environ).check_llm()


@pytest.mark.parametrize("name", config.PROVIDERS)
def test_each_provider_suggests_a_model(file: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        load(file, TGTAGGER_LLM_PROVIDER=name).check_llm()
    assert re.search(r"TGTAGGER_LLM_MODEL=[\w./:-]+", str(hint_of(caught.value)))


def test_a_provider_by_a_flag_takes_nothing_of_another_server() -> None:
    environ = {
        "TGTAGGER_LLM_URL": "https://one.example/v1",
        "TGTAGGER_LLM_API_KEY": "sk-of-one",
        "TGTAGGER_LLM_MODEL": "one",
    }
    found = config.load({"llm_provider": "openai"}, environ)
    assert (found.llm_url, found.llm_api_key, found.llm_models) == (
        "https://api.openai.com/v1", None, ()
    )  # fmt: skip
    same = {**environ, "TGTAGGER_LLM_PROVIDER": "openai"}  # that provider's server, elsewhere
    assert config.load({"llm_provider": "openai"}, same).llm_api_key == "sk-of-one"
    alone = {"TGTAGGER_LLM_API_KEY": "sk-of-one"}
    assert config.load({"llm_provider": "openai"}, alone).llm_api_key == "sk-of-one"


def test_a_model_by_a_flag_beats_the_embedded_tagger_of_the_environment() -> None:
    environ = {"TGTAGGER_TAGGER": "keywords", "TGTAGGER_LLM_PROVIDER": "ollama"}
    assert config.load({}, environ).tagger == "keywords"
    assert config.load({"llm_models": "a"}, environ).tagger == "llm"
    assert config.load({"llm_models": "a", "tagger": "keywords"}, environ).tagger == "keywords"
