"""Make a finding of an error: its sentence and its hint. Knows no check."""

from __future__ import annotations

from tgtagger.cli.hints import hint_of
from tgtagger.errors import TgTaggerError
from tgtagger.runs.findings import Finding, Level

SKEW = 300
"""Seconds that two clocks may be apart."""

_OTHERWISE = {
    2: "tgtagger config says where each setting comes from",
    3: "tgtagger login, or another key or model: tgtagger config",
    6: "docs/recovery.md says what to do with a database in trouble",
    75: "try again later",
}
"""What to do about an error that says nothing itself, by exit code."""


def failure(check: str, error: TgTaggerError, level: Level = "error") -> Finding:
    """Return the finding of a check that failed with this error."""
    hint = hint_of(error) or _OTHERWISE.get(error.exit_code, "tgtagger -vv doctor tells more")
    return Finding(check, level, error.message, hint, error.exit_code)
