"""What people write means what it says: moments, durations, settings."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.posts import FOLDER
from fuzz.targets import share
from support.make import minute
from tgtagger import config
from tgtagger.errors import InputError
from tgtagger.runs.times import read_duration, read_when

ZONES = st.timezones() | st.builds(
    lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)), st.integers(-1439, 1439)
)
MOMENTS = st.datetimes(
    minute(0).replace(year=1900, tzinfo=None),
    minute(0).replace(year=2200, tzinfo=None),
    timezones=ZONES,
)


@share(1)
@given(MOMENTS, st.sampled_from(["auto", "seconds", "milliseconds"]), st.sampled_from("T "))
def test_a_moment_is_read_as_it_was_written(moment: dt.datetime, spec: str, between: str) -> None:
    written = moment.isoformat(between, timespec=spec)
    assert read_when(written) == dt.datetime.fromisoformat(written)


@share(1)
@given(st.integers(0, 999_999), st.sampled_from("mhdw"))
def test_so_long_ago_is_so_long_ago(count: int, unit: str) -> None:
    seconds = {"m": 60, "h": 3600, "d": 86400, "w": 604800}[unit] * count
    ago = "min" if unit == "m" else unit  # of a date, m may be months
    now = minute(0)
    try:
        expected: dt.datetime | None = now - dt.timedelta(seconds=seconds)
    except OverflowError:
        expected = None
    if expected is None:
        with pytest.raises(InputError):
            read_when(f"{count}{ago}", now=now)
    else:
        assert read_when(f" {count}{ago}", now=now) == expected
    if unit != "w":
        assert read_duration(f"{count}{unit}").total_seconds() == seconds


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=20)
    | st.sampled_from(
        ["openai", "llm", "http://x/v1", "5", "0", "~", "~nobody/x", "a,b", "closed"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "url", "key"]), inner, max_size=2)
    ),
    max_leaves=5,
)


def toml(value: Any) -> str:
    """Return a value as TOML writes it, which is as JSON does but for a table."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


KEYS = {setting.key: setting for setting in config.SETTINGS if setting.key}


SECRETS = st.sampled_from(["canary \n", "canary", ["canary"], {"a": "canary"}])


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=3, unique=True))
    return {key: draw(SECRETS if KEYS[key].secret else VALUES) for key in keys}


@share(1)
@given(files())
def test_any_value_of_a_setting_is_taken_or_named(values: dict[str, Any]) -> None:
    path = Path(FOLDER.name) / "values.toml"
    path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in values.items()))
    try:
        found = config.load({"config": str(path)}, {})
    except InputError as error:
        said = error.message
    else:
        assert {found.origins[KEYS[key].name] for key in values} <= {"file", "default"}
        return
    assert "tags is above" in said or any(key in said for key in values), said
    assert "canary" not in said
