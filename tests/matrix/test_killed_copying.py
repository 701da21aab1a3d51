"""K9: a copy into another database that was killed is no archive, and the next one completes it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from support import old_schemas
from support.breaking import Fault, assert_sound, count_calls, files_of, need, points, run
from support.fault_matrix import Effort
from tgtagger.errors import StoreError, TgTaggerError
from tgtagger.store import Store
from tgtagger.store.sqlite.schema_version import SCHEMA


def state(db: Path) -> str:
    try:
        Store.open_to_read(str(db)).close()
    except TgTaggerError as error:
        return error.kind
    return "whole"


@pytest.mark.row("K9")
def test_killed_anywhere_it_goes_on(tmp_path: Path, effort: Effort) -> None:
    need("strace")
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    old_schemas.make(old, SCHEMA.newest, rows=20)
    contents = old_schemas.read(old)
    command = ("-q", "copy", str(old), str(new))
    counts = count_calls(*command, paths=files_of(new))
    plan = [(call, nth) for call, count in counts.items() for nth in points(count, 40)]
    chosen = plan if effort.is_long else [plan[at - 1] for at in points(len(plan), 2)]
    states: list[str] = []
    kills = 0
    for call, nth in chosen:
        for path in tmp_path.glob("new.db*"):
            path.unlink()
        kills += run(*command, fault=Fault(call, "signal=SIGKILL", nth, paths=files_of(new))).hit
        states.append(state(new))
        # Of half a copy all rows may be there, and the index not. Before it is marked as that, the
        # target is an empty archive.
        if states[-1] != "whole" or not any(old_schemas.read(new).values()):
            Store.copy(str(old), str(new))
        assert old_schemas.read(new) == old_schemas.read(old) == contents
        assert_sound(new)
    assert kills == len(chosen)
    assert "copy_unfinished" in states
    assert set(states) <= {"no_database", "database_empty", "copy_unfinished", "whole"}
    effort.saw(rounds=len(chosen), kills=kills, unfinished=states.count("copy_unfinished"))


@pytest.mark.slow
@pytest.mark.row("K9")
def test_killed_on_its_way_to_a_server_it_goes_on(
    tmp_path: Path, server_url: str, effort: Effort
) -> None:
    old, back = tmp_path / "old.db", tmp_path / "back.db"
    old_schemas.make(old, SCHEMA.newest, rows=150)
    contents = old_schemas.read(old)

    def is_midway() -> bool:
        with psycopg.connect(server_url) as db:
            return db.execute("SELECT count(*) FROM album_members").fetchone() != (0,)

    kills = 0
    for _ in range(effort.rounds(2, long=20)):
        ended = run("-q", "copy", str(old), server_url, after=0.0, when=is_midway)
        kills += ended.code != 0
        with psycopg.connect(server_url) as db:  # who waits a minute has the same
            db.execute("DELETE FROM run_leases")
        if ended.code:
            with pytest.raises(StoreError, match="half a copy"):
                Store.open_to_read(server_url)
    made = Store.copy(str(old), server_url)
    assert (made.kept > 0) is (kills > 0)
    Store.copy(server_url, str(back))
    assert old_schemas.read(back) == contents
    effort.saw(kills=kills)
