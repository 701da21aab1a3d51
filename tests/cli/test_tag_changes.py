"""`tags rename`, `merge`, `alias`, `remove`, `add` and `drop`: tags put in order by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.make import page, post, tag
from tgtagger.store import Store


def test_tags_are_put_in_order_by_hand(archive: Any) -> None:
    assert archive("tags", "merge", "комета").exit_code == 2  # into what?
    result = archive("tags", "rename", "астрономия", "небеса")
    assert result.stdout == (
        "renamed 'астрономия' to 'небеса', on 1 post\nalso known as: астрономия\n"
    )
    dry = json.loads(
        archive("tags", "merge", "комета", "--into", "небеса", "--dry-run", "--json").stdout
    )
    assert dry == {
        "name": "небеса", "aliases": ["астрономия", "комета"], "posts": 1, "number": None,
        "dry_run": True,
    }  # fmt: skip
    assert "would have merged into 'небеса', on 1 post\n" in archive(
        "tags", "merge", "комета", "--into", "небеса", "--dry-run"
    ).stdout  # fmt: skip
    assert archive("tags", "merge", "комета", "--into", "астрономия").exit_code == 0
    assert "комета" in archive("tags").stdout.split("небеса")[1].splitlines()[0]
    assert archive("tags", "alias", "небеса", "вселенная").exit_code == 0
    assert archive("tags", "alias", "небеса", "вселенная", "--remove").exit_code == 0
    assert archive("tags", "add", "1006503122/2", "моё").stdout.endswith("моё\n")
    assert json.loads(archive("tags", "drop", "1006503122/2", "моё", "--json").stdout)
    assert archive("tags", "remove", "небеса").stdout == "removed 'небеса' from 1 post\n"
    (listed,) = json.loads(archive("tags", "remove", "Иркутск", "--json").stdout)
    assert listed["posts"] == 1


def test_unknown_tags_are_named_with_the_nearest(archive: Any) -> None:
    result = archive("tags", "merge", "астрономя", "--into", "комета")
    assert result.exit_code == 2
    assert "no tag 'астрономя'\nhint: did you mean астрономия?" in result.stderr


def test_tags_of_a_database_that_is_not_there(run: Any, tmp_path: Path) -> None:
    result = run("tags", "remove", "x")
    assert (result.exit_code, "no database yet" in result.stderr) == (2, True)
    assert not (tmp_path / "posts.db").exists()


def test_tags_of_many_posts_at_once(archive: Any) -> None:
    before = archive("export").stdout
    told = archive("tags", "add", "небо", "звёзды", "--query", "комету OR планетарий", "--json")
    change = json.loads(told.stdout)
    number = json.loads(archive("tags", "history", "--json").stdout)[0]["number"]
    assert change == {
        "names": ["небо", "звёзды"], "posts": 2, "number": number, "dry_run": False,
    }  # fmt: skip
    assert archive("search", "--tag", "небо", "--count").stdout == "2\n"
    told = archive("tags", "drop", "небо", "--channel", "News", "--dry-run")
    assert told.stdout == "would have dropped небо: 2 posts\n"
    assert archive("tags", "drop", "небо", "--channel", "News").stdout == "dropped небо: 2 posts\n"
    assert archive("search", "--tag", "небо", "--count").stdout == "0\n"
    assert [archive("tags", "undo").exit_code for _ in range(2)] == [0, 0]
    assert archive("export").stdout == before
    assert archive("tags", "add", "x", "--since", "2100").stdout == "added nothing: 0 posts\n"
    alone = archive("tags", "add", "1006503122/2")
    assert (alone.exit_code, "give a POST and a TAG" in alone.stderr) == (2, True)


def test_a_new_tag_that_is_a_form_of_a_known_one_is_told(archive: Any) -> None:
    archive("tags", "add", "1006503122/2", "ракета")
    added = archive("tags", "add", "1006503122/3", "ракеты", "Ракета")
    assert {"ракеты", "ракета"} <= set(added.stdout.strip().removeprefix("tags: ").split(", "))
    assert added.stderr == (
        "the tag 'ракета' exists, too; to merge the two: tgtagger tags merge ракеты --into ракета\n"
    )
    assert archive("tags", "add", "1006503122/3", "ракеты").stderr == ""


def test_what_touches_many_posts_asks_first(tmp_path: Path, run: Any) -> None:
    db = str(tmp_path / "many.db")
    with Store.open(db) as store:
        store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 13))))
        tag(store, ["one", "two"])
    calls = (
        ("rename", "one", "uno"), ("merge", "one", "--into", "two"), ("remove", "two"),
        ("undo",), ("undo", "1"),
    )  # fmt: skip
    for call in calls:
        refused = run("--db", db, "tags", *call)
        assert refused.exit_code == 2, call
        assert "this changes 12 posts: add --yes" in refused.stderr
        assert run("--db", db, "tags", *call, "--dry-run").exit_code == 0
    assert run("--db", db, "tags", "remove", "two", "--yes").exit_code == 0
    assert run("--db", db, "tags", "undo", "--yes", "--json").exit_code == 0
    assert "two" in run("--db", db, "tags").stdout
