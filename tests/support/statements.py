"""The fixed SQL statements of the program."""

from __future__ import annotations

import importlib
import pkgutil

import tgtagger.store as store_package
from tgtagger.store.statements import Statement


def constants(other_room: str) -> dict[str, Statement]:
    """Return the fixed statements of the store without those of a room, by module and name."""
    found: dict[str, Statement] = {}
    for info in pkgutil.walk_packages(store_package.__path__, "tgtagger.store."):
        if "migrations" in info.name or f".{other_room}" in info.name:
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            several = list(value.values()) if isinstance(value, dict) else value
            for at, each in enumerate(several if isinstance(several, list) else [several]):
                for part in each if isinstance(each, tuple) else (each,):
                    if isinstance(part, Statement):
                        found[f"{module.__name__}.{name}.{at}"] = part
    return found
