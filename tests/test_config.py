"""Where settings come from, and what is said when they are wrong."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from tgtagger import config
from tgtagger.errors import InputError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(file: Path, content: str = "", **environ: str) -> config.Settings:
    file.write_text(content)
    return config.load({}, {"TGTAGGER_CONFIG": str(file), **environ})


def test_without_anything_the_defaults_are_in_force(tmp_path: Path) -> None:
    found = config.load({}, {})
    assert (found.tagger, found.tags_min, found.tags_max, found.topics) == ("keywords", 3, 7, None)
    assert found.db == str(found.data_dir / "tgtagger.db")
    assert found.config.name == "config.toml"
    assert found.data_dir.is_relative_to(tmp_path)
    assert set(found.origins.values()) == {"default"}
    assert set(found.origins) == {setting.name for setting in config.SETTINGS}
    found.check_tagger()


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


def test_a_home_folder_may_be_written_as_a_tilde(file: Path, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    found = load(file, 'db = "~/a.db"', TGTAGGER_TOPICS="~/topics.toml")
    assert (found.db, str(found.topics)) == (f"{home}/a.db", f"{home}/topics.toml")


def test_a_url_stays_as_it_is(file: Path) -> None:
    assert load(file, TGTAGGER_DB="sqlite:////x/~y.db").db == "sqlite:////x/~y.db"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("db = 1\ndb = x\n", r"config\.toml is not TOML: .*line 2"),
        ('\n\n[tagging]\n"x', r"is not TOML: .*end of document"),
        ("colour = 1", r"config\.toml: no setting is called 'colour'"),
        ("[tagging]\ntagmin = 1", r"no setting is called 'tagging.tagmin'"),
        ("[db]\npath = 1", r"'db.path'"),
        ("tagging = 5", r"'tagging'"),
        ("db = 5", r"config\.toml: db must be text in quotes"),
        ("db = true", r"config\.toml: db must be text"),
        ('db = ["x"]', r"config\.toml: db must be text"),
        ('db = "\\u0000"', r"NUL"),
        ("[tagging]\ntags_min = true", r"tagging\.tags_min must be a whole number"),
        ("[tagging]\ntags_min = 1.5", r"tagging\.tags_min must be a whole number"),
        ('[tagging]\ntags_min = "3"', r"tagging\.tags_min must be a whole number"),
        (
            "[tagging]\ntags_max = 21",
            r"tagging\.tags_max: '21' must be a whole number from 1 to 20",
        ),
        ("[tagging]\ntags_min = 0", r"from 1 to 20"),
        ("[tagging]\ntags_min = 8", r"at least 8 and at most 7"),
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
        ("TGTAGGER_TAGS_MAX", "2", "at least 3 and at most 2"),
        ("TGTAGGER_TAGGER", "gpt", "TGTAGGER_TAGGER: 'gpt' must be one of"),
        ("TGTAGGER_TOPICS", "~nobody-of-that-name/x", "TGTAGGER_TOPICS: .* home folder"),
        ("TGTAGGER_CONFIG", "~nobody-of-that-name/x", "TGTAGGER_CONFIG: .* home folder"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        config.load({}, {variable: value})


def test_the_nearest_key_is_suggested(file: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(file, "[tagging]\ntags_mni = 1")
    assert caught.value.hint == "did you mean tagging.tags_min?"


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.toml does not exist"):
        config.load({"config": str(tmp_path / "gone.toml")}, {})


def test_a_file_that_is_a_folder_or_not_text_is_said(tmp_path: Path, file: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        config.load({"config": str(tmp_path)}, {})
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not TOML"):
        config.load({"config": str(file)}, {})


def test_keys_of_later_versions_are_let_be(file: Path) -> None:
    tables: dict[str, list[str]] = {}
    for table, keys in config.LATER.items():
        for key in sorted(keys):
            if f"{table}.{key}" not in config.LLM.values():
                tables.setdefault(table, []).append(f"{key} = 1")
    content = "\n".join(f"[{table}]\n" + "\n".join(lines) for table, lines in tables.items())
    assert load(file, content).tagger == "keywords"


@pytest.mark.parametrize(
    ("content", "environ"),
    [
        ("", {"TGTAGGER_TAGGER": "llm"}),
        ("", {"TGTAGGER_LLM_PROVIDER": "openai"}),
        ("", {"TGTAGGER_LLM_URL": "http://localhost:1/v1"}),
        ('[tagging]\ntagger = "llm"', {}),
        ('[tagging.llm]\nprovider = "ollama"', {}),
        ('[tagging.llm]\nurl = "http://localhost:1/v1"', {}),
    ],
)
def test_a_language_model_is_refused_when_tagging_and_not_before(
    file: Path, content: str, environ: dict[str, str]
) -> None:
    found = load(file, content, **environ)
    with pytest.raises(InputError, match="embedded tagger only") as caught:
        found.check_tagger()
    assert "TGTAGGER_TAGGER=keywords" in str(caught.value.hint)
    load(file, content, **environ | {"TGTAGGER_TAGGER": "keywords"}).check_tagger()


def test_the_written_file_loads_to_the_defaults_commented_or_not(file: Path) -> None:
    template = config.file_template()
    plain = load(file)
    assert load(file, template) == plain
    # Every line with a key taken out of its comment: the defaults, said aloud.
    spoken = re.sub(r"^# (\w+ = )", r"\1", template, flags=re.MULTILINE)
    found = load(file, spoken)
    assert dataclasses.replace(found, origins=plain.origins) == plain
    keys = {setting.key for setting in config.SETTINGS if setting.key}
    assert set(config._flatten(tomllib.loads(spoken))) == keys
    for setting in config.SETTINGS:
        if setting.key:
            assert setting.help in template
            assert setting.variable in template


def test_a_secret_is_not_in_a_complaint() -> None:
    def read(_: str) -> str:
        raise ValueError("shorter")

    secret = config.Setting("key", "TGTAGGER_KEY", "key", "A key.", read, secret=True)
    with pytest.raises(InputError) as caught:
        config._read(secret, "hunter2", "TGTAGGER_KEY")
    assert "hunter2" not in caught.value.message
