"""The surfaces, each with inputs to begin with and a way to change them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from fuzz import answers, desktop, preview, telegram, typed
from fuzz.mutations import Mutation, change_bytes, change_json, change_markup


@dataclass(frozen=True, slots=True)
class Target:
    """`run` raises nothing, whatever it is given. `rows` of the fault matrix are tried by it."""

    run: Callable[[bytes], None]
    inputs: Sequence[bytes]
    change: Mutation
    rows: tuple[str, ...] = ()

    def changed(self, data: bytes, seed: int, times: int) -> bytes:
        chance = Random(seed)
        for _ in range(times):
            data = self.change(data, chance)
        return data

    def strategy(self) -> st.SearchStrategy[bytes]:
        """Return inputs for Hypothesis: what was given, changed a little; or anything."""
        changed = st.builds(
            self.changed, st.sampled_from(self.inputs), st.integers(0, 2**32), st.integers(1, 3)
        )
        return changed | changed | changed | st.binary()


TARGETS = {
    "desktop": Target(desktop.fuzz_desktop, desktop.INPUTS, change_json, ("I7",)),
    "file": Target(desktop.fuzz_desktop, desktop.INPUTS, change_bytes, ("I8",)),
    "preview": Target(preview.fuzz_preview, preview.INPUTS, change_markup, ("I7",)),
    "telegram": Target(telegram.fuzz_telegram, telegram.MESSAGES, change_json, ("I7",)),
    "rich": Target(telegram.fuzz_rich_text, telegram.RICH_TEXTS, change_json, ("I7",)),
    "markdown": Target(telegram.fuzz_markdown, telegram.MARKED_TEXTS, change_bytes, ("I5",)),
    "answer": Target(answers.fuzz_answer, answers.BODIES, answers.change_body, ("H6",)),
    "content": Target(answers.fuzz_content, answers.CONTENTS, change_bytes, ("H7",)),
    "query": Target(typed.fuzz_query, typed.QUERIES, change_bytes),
    "vocabulary": Target(typed.fuzz_vocabulary, typed.VOCABULARIES, change_bytes),
    "settings": Target(typed.fuzz_settings, typed.SETTINGS, change_bytes),
    "names": Target(typed.fuzz_names, typed.NAMES, change_bytes),
}


def share(part: int, *fine: HealthCheck) -> settings:
    """Return a setting with so many times fewer examples than usual, or than `--long` takes."""
    usual = settings()
    return settings(
        max_examples=max(usual.max_examples // part, 1),
        suppress_health_check=(*usual.suppress_health_check, *fine),
    )
