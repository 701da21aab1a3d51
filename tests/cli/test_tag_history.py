"""`tags history` and `undo`: what was done to tags, and as it was before."""

from __future__ import annotations

import json
from typing import Any


def test_what_a_person_did_is_listed_and_undone(archive: Any) -> None:
    before = archive("export").stdout
    assert archive("tags", "merge", "комета", "--into", "астрономия").exit_code == 0
    assert "merge комета --into астрономия" in archive("tags", "history").stdout
    (done, *_) = json.loads(archive("tags", "history", "--json").stdout)
    assert (done["by"], done["what"], done["undone_at"]) == ("person", "merge", None)
    told = archive("tags", "undo", "--dry-run").stdout
    assert told.startswith(f"would undo change {done['number']} (merge комета")
    assert json.loads(archive("tags", "undo", "--json").stdout)["number"] == done["number"]
    assert archive("export").stdout == before
    assert "undone" in archive("tags", "history").stdout
    again = archive("tags", "undo", str(done["number"]))
    assert (again.exit_code, "is undone already" in again.stderr) == (2, True)


def test_an_undo_says_how_many_posts_are_as_before(archive: Any) -> None:
    first = json.loads(archive("status", "--json").stdout)["runs"][0]["id"]
    name = json.loads(archive("tags", "--json").stdout)[0]["name"]
    found = archive("tags", "rename", name, "tempest")
    assert " on " in found.stdout
    posts = found.stdout.partition(" on ")[2].split("\n")[0]
    assert archive("tags", "undo").stdout.endswith(f": {posts} as before\n")
    archive("tag", "--force", "--tagger", "keywords", "--yes")
    nothing = f"nothing of run {first} is left to undo\n"
    assert archive("tags", "undo", str(first)).stdout.startswith(nothing)
    assert "with the tags from before the run again: " in archive("tags", "undo").stdout


def test_a_tagging_run_is_undone(archive: Any) -> None:
    run = json.loads(archive("status", "--json").stdout)["runs"][0]["id"]
    assert "would undo" in archive("tags", "undo", str(run), "--dry-run").stdout
    undone = json.loads(archive("tags", "undo", str(run), "--json").stdout)
    assert (undone["posts"], undone["pending"]) == (4, 4)  # the one that it skipped, too
    assert json.loads(archive("status", "--json").stdout)["posts"]["pending"] == 4
    again = archive("tags", "undo", str(undone["undo"]))
    assert again.stdout == f"undid change {undone['undo']} (undo {run}): 4 posts as before\n"
    assert json.loads(archive("status", "--json").stdout)["posts"]["pending"] == 0
    assert [archive("tags", "undo", run).exit_code for run in ("77", "9" * 30)] == [2, 2]
