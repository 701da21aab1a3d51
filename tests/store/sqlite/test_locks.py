"""One run of a kind at a time; a lock dies with its process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tgtagger.errors import TryLater
from tgtagger.store import Store

HOLD = (
    "import sys, time\n"
    "from tgtagger.store import Store\n"
    "with Store.open(sys.argv[1]) as store, store.lock('parse'):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


def test_a_second_run_of_the_kind_leaves_and_names_the_first(store: Store, db: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(db)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TryLater, match=f"process {holder.pid}") as caught, store.lock("parse"):
            pass
        assert caught.value.exit_code == 75
        with store.lock("tag"):
            pass  # of another kind: side by side
        holder.send_signal(signal.SIGKILL)
    with store.lock("parse"):
        pass  # the lock died with its process


def test_the_lock_file_stays(store: Store, db: Path) -> None:
    with store.lock("parse"):
        pass
    assert db.with_name("posts.db.parse.lock").exists()
    with store.lock("parse"), pytest.raises(TryLater), store.lock("parse"):
        pass
