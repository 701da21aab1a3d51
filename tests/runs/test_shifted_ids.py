"""What an earlier version stored under an old export's shifted ids is joined with the channel."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.breaking import ROOT, assert_sound, copy_database, forked, points, run
from support.exports import chat, write
from support.make import PROVENANCE, minute, page, post, tag
from support.sql import driver, reading, writing
from tgtagger.cli import app
from tgtagger.config import Settings, load
from tgtagger.decide import update_after
from tgtagger.errors import TryLater
from tgtagger.model.choices import SourceName
from tgtagger.model.posts import Channel, IdRange, Media, PostData, PostFilter, ReadProgress
from tgtagger.model.tagging import TaggingError
from tgtagger.runs.shifted_ids import join_shifted
from tgtagger.sources import raw
from tgtagger.sources.desktop import DesktopExport
from tgtagger.store import Store

SHIFT = 2 << 32
OWN = 1644633298
SHIFTED = OWN + SHIFT
OLD = {"type": "message", "date": "2020-05-01T10:00:00", "from": "Old", "from_id": SHIFTED}
NEW = {"date_unixtime": "1588327200", "from_id": f"channel{SHIFTED}"}
CHANNEL = Channel(OWN, "Old", None)


def old(number: int, text: object, **more: Any) -> dict[str, Any]:
    return OLD | {"id": number, "text": text} | more


def save(store: Store, folder: Path, *messages: dict[str, Any], shift: int, **header: Any) -> None:
    """Store an old export, under the id of its file (`shift=SHIFT`), as an earlier version did."""
    export = DesktopExport(write(folder, chat(*messages, id=SHIFTED, **header)), groups=True)
    for each in export.read():
        sign = 1 if each.channel.id > 0 else -1
        channel = replace(each.channel, id=each.channel.id + sign * shift)
        store.posts.save_page(replace(each, channel=channel))


def save_own(store: Store, *posts: PostData, source: SourceName = "telegram", **more: Any) -> None:
    store.posts.save_page(page(*posts, channel=CHANNEL, source=source, **more))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"db": str(tmp_path / "posts.db")}, {"TGTAGGER_DATA_DIR": str(tmp_path)})


def contents(settings: Settings) -> dict[tuple[int, int], tuple[str, str, list[str]]]:
    assert_sound(Path(settings.db))
    with Store.open_to_read(settings.db) as store:
        return {
            (post.channel.id, post.id.message_id): (
                post.text, post.status, sorted(post.tags),
            )
            for post in store.records.posts(PostFilter())
        }  # fmt: skip


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with reading(Path(settings.db)) as db:
        return db.execute(query).fetchall()


def doctor(settings: Settings, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--db", settings.db, "doctor", *options])
    return done.exit_code, " ".join(done.output.split())


# ---- which channels


def test_a_shifted_channel_gets_its_own_id(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a storm"), old(2, "the sea"), shift=SHIFT)
        tag(store, ("ai", "sea"))
        store.curation.add(f"{SHIFTED}/2", ["mine"])
    (joined,) = join_shifted(settings)
    assert (joined.channel.id, joined.own, joined.posts) == (SHIFTED, OWN, 2)
    after = contents(settings)
    assert after == {
        (OWN, 1): ("a storm", "tagged", ["ai", "sea"]),
        (OWN, 2): ("the sea", "tagged", ["ai", "mine", "sea"]),
    }
    assert join_shifted(settings) == ()
    assert contents(settings) == after
    with Store.open(settings.db) as store:
        change = store.changes.last()
        assert change is not None
        store.changes.take_back(change.number)
    assert contents(settings)[OWN, 2] == ("the sea", "tagged", ["ai", "sea"])


def test_a_group_and_an_album_are_joined(settings: Settings, tmp_path: Path) -> None:
    pictures = [old(n, "", photo="x.jpg") for n in (4, 5)]
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a"), *pictures, shift=SHIFT, type="private_group")
        save(store, tmp_path / "b", *pictures, shift=0, type="private_group")
    (joined,) = join_shifted(settings)
    assert (joined.channel.id, joined.own) == (-SHIFTED, -OWN)
    posts = rows(settings, "SELECT channel_id, message_id FROM posts ORDER BY message_id")
    assert posts == [(-OWN, 1), (-OWN, 4)]
    members = rows(settings, "SELECT channel_id, message_id FROM album_members")
    assert members == [(-OWN, 4), (-OWN, 5)]


def test_a_new_export_s_channel_keeps_its_id(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a") | NEW, shift=0)
    before = contents(settings)
    assert set(before) == {(SHIFTED, 1)}
    assert join_shifted(settings) == ()
    assert contents(settings) == before


def mixed(store: Store, folder: Path) -> None:
    save(store, folder / "a", old(1, "a"), shift=SHIFT)
    save(store, folder / "b", old(2, "b") | NEW, shift=0)


def without_records(store: Store, folder: Path) -> None:
    save(store, folder / "a", old(1, "a"), shift=SHIFT)
    with writing(store) as db:
        db.execute("DELETE FROM raw_forms")


def read_by_telegram(store: Store, folder: Path) -> None:
    save(store, folder / "a", old(1, "a"), shift=SHIFT)
    channel = replace(CHANNEL, id=SHIFTED)
    store.posts.save_page(page(post(2, "b"), channel=channel, source="telegram"))


def asked_of_the_preview(store: Store, folder: Path) -> None:
    save(store, folder / "a", old(1, "a"), shift=SHIFT)
    channel = replace(CHANNEL, id=SHIFTED)
    read = ReadProgress((IdRange(1, 7),), 9)
    store.posts.save_page(page(channel=channel, source="preview", progress=read))


@pytest.mark.parametrize("fill", [mixed, without_records, read_by_telegram, asked_of_the_preview])
def test_a_channel_that_is_not_certain_stays_and_doctor_says_so(
    settings: Settings, tmp_path: Path, fill: Callable[[Store, Path], None]
) -> None:
    with Store.open(settings.db) as store:
        fill(store, tmp_path)
    before = contents(settings)
    (found,) = join_shifted(settings)
    assert (found.channel.id, found.own) == (SHIFTED, None)
    assert contents(settings) == before
    code, said = doctor(settings)
    assert code == 0
    assert f"has the id {SHIFTED}, which may be the wrong id" in said
    assert f"tgtagger channels remove {SHIFTED} --with-posts" in said


def test_a_channel_that_telegram_alone_has_read_is_no_matter(settings: Settings) -> None:
    with Store.open(settings.db) as store:
        channel = replace(CHANNEL, id=SHIFTED)
        store.posts.save_page(page(post(2, "b"), channel=channel, source="telegram"))
    assert join_shifted(settings) == ()


# ---- what becomes of the posts


def test_what_is_stored_under_both_ids_becomes_one(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a storm"), old(2, "the sea"), shift=SHIFT)
        tag(store, ("ai", "sea"))
        with writing(store) as db:
            db.execute(
                "INSERT INTO attempts (post_id, at) SELECT id, '2026-01-01T00:00:00Z' FROM posts"
            )
        store.curation.add(f"{SHIFTED}/1", ["sea"])
        store.curation.add(f"{SHIFTED}/2", ["sea"])
        save(store, tmp_path / "b", old(1, "a storm"), old(2, "other"), old(3, "new"), shift=0)
    assert len(contents(settings)) == 5
    assert len(join_shifted(settings)) == 1
    assert contents(settings) == {
        (OWN, 1): ("a storm", "tagged", ["ai", "sea"]),
        (OWN, 2): ("other", "pending", ["sea"]),  # another text: a person's tag alone is kept
        (OWN, 3): ("new", "pending", []),
    }
    assert rows(settings, "SELECT count(*) FROM attempts") == [(2,)]
    assert rows(settings, "SELECT count(*) FROM raw_forms") == [(3,)]
    with Store.open(settings.db) as store:
        assert store.integrity.check_index()


def test_a_person_s_word_wins_and_can_be_undone(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a storm"), shift=SHIFT)
        save(store, tmp_path / "b", old(1, "a storm"), shift=0)
        tag(store, ("ai", "sea", "storm"))
        store.curation.drop(f"{SHIFTED}/1", ["ai"])
        store.curation.add(f"{SHIFTED}/1", ["mine"])
        store.curation.add(f"{OWN}/1", ["ours"])
        store.curation.add_to(PostFilter(), ["both"])
        numbers = [change.number for change in store.changes.past(9) if change.by == "person"]
    join_shifted(settings)
    assert contents(settings) == {
        (OWN, 1): ("a storm", "tagged", ["both", "mine", "ours", "sea", "storm"])
    }
    left = [{"mine", "ours"}, {"mine"}, set(), {"ai"}]
    with Store.open(settings.db) as store:
        for number, more in zip(numbers, left, strict=True):
            assert store.changes.take_back(number).posts == 1
            assert set(store.records.post(f"{OWN}/1").post.tags) == {"sea", "storm"} | more


STATES = [
    # under the shifted id, under its own, what is left: the text is the same
    ("tagged", "pending", "tagged"),
    ("tagged", "failed", "tagged"),
    ("failed", "tagged", "tagged"),
    ("pending", "tagged", "tagged"),
    ("skipped", "pending", "skipped"),
    ("skipped", "tagged", "tagged"),
    ("tagged", "skipped", "tagged"),
    ("failed", "pending", "pending"),
    ("pending", "failed", "failed"),
]


@pytest.mark.parametrize(("shifted", "own", "left"), STATES)
def test_what_was_done_about_a_text_is_kept(
    settings: Settings, tmp_path: Path, shifted: str, own: str, left: str
) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a storm"), shift=SHIFT)
        save(store, tmp_path / "b", old(1, "a storm"), shift=0)
        for channel, status in ((SHIFTED, shifted), (OWN, own)):
            wanted = PostFilter(posts=(f"{channel}/1",))
            if status == "tagged":
                tag(store, (f"by {channel}",), wanted=wanted)
            (each,) = store.queue.posts(wanted)
            if status == "failed":
                failed = TaggingError("server", "HTTP 500")
                update = update_after(each, failed, PROVENANCE, now=minute(1))
                store.queue.save([update], store.runs.start("tag", PROVENANCE))
            if status == "skipped":
                with writing(store) as db:
                    db.execute(
                        "UPDATE posts SET status = 'skipped' WHERE channel_id = ?", (channel,)
                    )
    join_shifted(settings)
    ((_, status, tags),) = contents(settings).values()
    tagged = [f"by {c}" for c, each in ((OWN, own), (SHIFTED, shifted)) if each == "tagged"]
    assert (status, tags) == (left, tagged[:1])
    found = rows(settings, "SELECT failure, attempts FROM posts")
    assert found == [{"failed": ("server", 1), "tagged": (None, 1)}.get(left, (None, 0))]


def test_a_better_source_s_content_stays_and_gaps_are_filled(
    settings: Settings, tmp_path: Path
) -> None:
    with Store.open(settings.db) as store:
        more = {"author": "An author", "reply_to_message_id": 1}
        save(store, tmp_path / "a", old(1, "first"), old(2, "old text", **more), shift=SHIFT)
        tag(store, ("ai",))
        save_own(store, post(2, "edited text", views=7, edited=minute(9)))
    join_shifted(settings)
    assert contents(settings) == {
        (OWN, 1): ("first", "tagged", ["ai"]),
        (OWN, 2): ("edited text", "pending", []),
    }
    found = rows(settings, "SELECT author, reply_to, views, source FROM posts WHERE message_id = 2")
    assert found == [("An author", 1, 7, "telegram")]
    sources = rows(settings, "SELECT source FROM raw_forms ORDER BY source")
    assert sources == [("desktop",), ("desktop",), ("telegram",)]
    with Store.open(settings.db) as store:
        assert store.integrity.check_index()


def test_a_poorer_source_s_content_gives_way(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "the whole text"), shift=SHIFT)
        save_own(store, post(1, "the whole…", views=7), source="preview")
        tag(store, ("ai",), wanted=PostFilter(posts=(f"{OWN}/1",)))
        store.curation.add(f"{OWN}/1", ["mine"])
    join_shifted(settings)
    assert contents(settings) == {(OWN, 1): ("the whole text", "pending", ["mine"])}
    assert rows(settings, "SELECT views, source FROM posts") == [(7, "desktop")]
    with Store.open(settings.db) as store:
        assert store.integrity.check_index()


def test_the_later_edit_of_two_exports_counts(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        edited = old(1, "later", edited="2020-06-01T10:00:00")
        save(store, tmp_path / "a", edited, old(2, "x"), shift=SHIFT)
        tag(store, ("ai",), wanted=PostFilter(posts=(f"{SHIFTED}/2",)))
        save(store, tmp_path / "b", old(1, "earlier"), old(2, "x"), shift=0)
        save_own(store, post(2, "x"))
        save_own(store, covers=IdRange(2, 2))  # it is deleted
    join_shifted(settings)
    assert {text for text, *_ in contents(settings).values()} == {"later", "x"}
    gone = rows(settings, "SELECT message_id, deleted IS NOT NULL FROM posts ORDER BY 1")
    assert gone == [(1, 0), (2, 1)]
    with Store.open(settings.db) as store:
        again = [*store.posts.raw_records("desktop", older_than=99)]
    assert {each.channel.id for each in again} == {OWN}
    assert {raw.unpack(each.data)["text"] for each in again} == {"later", "x"}


def test_a_raw_record_is_that_of_the_content_that_counts(
    settings: Settings, tmp_path: Path
) -> None:
    bold = [{"type": "bold", "text": "a storm"}]
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a storm"), shift=SHIFT)
        tag(store, ("ai",))
        save(store, tmp_path / "b", old(1, bold), shift=0)
    join_shifted(settings)
    assert contents(settings) == {(OWN, 1): ("a storm", "tagged", ["ai"])}
    assert rows(settings, "SELECT markdown FROM posts") == [("**a storm**",)]
    with Store.open(settings.db) as store:
        (again,) = store.posts.raw_records("desktop", older_than=99)
    assert raw.unpack(again.data)["text"] == bold


def test_a_text_that_others_words_are_part_of_is_found(settings: Settings, tmp_path: Path) -> None:
    """The same words, once all in the text, once partly in the media."""
    poll = Media("poll", question="who comes?")
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a question\nwho comes?"), shift=SHIFT)
        tag(store, ("ai",))
        save_own(store, post(1, "a question", media=(poll,)))
    join_shifted(settings)
    assert contents(settings) == {(OWN, 1): ("a question", "tagged", ["ai"])}
    with Store.open(settings.db) as store:
        assert store.integrity.check_index()


@pytest.mark.parametrize(
    ("own", "left"),
    [
        (((4, 5),), {(4, 5)}),
        (((4,), (5,)), {(4,), (5,)}),
        (((4, 5, 6),), {(4, 5, 6)}),
        (((3, 4, 5, 6),), {(3, 4, 5, 6)}),
        (((4,),), {(4,), (5,)}),  # what is stored nowhere else stays
        (((5,),), {(4,), (5,)}),
        (((5, 6),), {(4,), (5, 6)}),
    ],
)
def test_albums_of_other_borders_lose_no_message(
    settings: Settings, tmp_path: Path, own: tuple[tuple[int, ...], ...], left: set[Any]
) -> None:
    pictures = [old(n, "", photo="x.jpg") for n in (4, 5)]
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", *pictures, shift=SHIFT)
        store.curation.add(f"{SHIFTED}/4", ["mine"])
        save_own(store, *(post(ids[0], f"caption {ids}", ids=ids) for ids in own))
    join_shifted(settings)
    assert_sound(Path(settings.db))
    with Store.open_to_read(settings.db) as store:
        found = list(store.records.posts(PostFilter()))
        assert {each.ids for each in found} == left
        assert {each.channel.id for each in found} == {OWN}
        assert [each.tags for each in found if each.tags] == [("mine",)]


# ---- what belongs to the channel


def test_nothing_is_called_read_that_was_not(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a"), shift=SHIFT)
        store.progress.postpone(SHIFTED, "telegram", minute(1))
        save_own(store, post(9, "b"), progress=ReadProgress((IdRange(1, 7),), 9))
        before = store.progress.read_progress(OWN, "telegram")
        assert before.backfill == (IdRange(1, 7),)
    join_shifted(settings)
    with Store.open_to_read(settings.db) as store:
        assert store.progress.read_progress(OWN, "telegram") == before
    assert rows(settings, "SELECT channel_id FROM readings") == [(OWN,)]


def test_nothing_is_called_read_under_a_new_id(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a"), shift=SHIFT)
        store.progress.postpone(SHIFTED, "telegram", minute(1))
    join_shifted(settings)
    assert rows(settings, "SELECT * FROM readings") == []


def test_service_messages_and_rejections_move_once(settings: Settings, tmp_path: Path) -> None:
    pinned = OLD | {"id": 7, "type": "service", "action": "pin_message", "actor_id": SHIFTED}
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a"), pinned, pinned | {"id": 8}, shift=SHIFT)
        save(store, tmp_path / "b", old(9, "good here"), pinned, shift=0)
        with writing(store) as db:
            db.executemany(
                "INSERT INTO rejected_posts (channel_id, message_id, source, reason, seen_at) "
                "VALUES (?, ?, 'desktop', ?, '2026-01-01T00:00:00Z')",
                [(SHIFTED, "9", "bad"), (SHIFTED, "x", "bad"), (OWN, "1", "bad"), (OWN, "x", "-")],
            )
    join_shifted(settings)
    services = rows(settings, "SELECT channel_id, message_id FROM service_messages")
    assert services == [(OWN, 7), (OWN, 8)]
    rejected = rows(settings, "SELECT channel_id, message_id, reason FROM rejected_posts")
    assert rejected == [(OWN, "x", "-")]  # 1 and 9 are stored


def test_a_channel_of_service_messages_alone_is_joined(settings: Settings, tmp_path: Path) -> None:
    pinned = OLD | {"id": 7, "type": "service", "action": "pin_message", "actor_id": SHIFTED}
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", pinned, shift=SHIFT)
    assert [found.own for found in join_shifted(settings)] == [OWN]


@pytest.mark.parametrize("state", ["paused", "left"])
def test_what_a_person_follows_stays_as_it_is(
    settings: Settings, tmp_path: Path, state: str
) -> None:
    def stop(store: Store, channel: int) -> None:
        if state == "paused":
            store.channels.pause([str(channel)])
        else:
            store.channels.remove(str(channel), with_posts=False)

    def stopped() -> list[tuple[Any, ...]]:
        return rows(settings, "SELECT id FROM channels WHERE paused_at IS NOT NULL "
                    "UNION SELECT channel_id FROM left_channels")  # fmt: skip

    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a"), shift=SHIFT)
        stop(store, SHIFTED)
    join_shifted(settings)
    assert stopped() == [(OWN,)]
    with Store.open(settings.db) as store:  # under its own id it is followed
        store.channels.resume([str(OWN)])
        save(store, tmp_path / "a", old(1, "a"), shift=SHIFT)
        stop(store, SHIFTED)
    join_shifted(settings)
    assert stopped() == []


def test_a_channel_that_was_added_and_is_now_known_is_followed(
    settings: Settings, tmp_path: Path
) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a"), shift=SHIFT)
        store.channels.pause([str(SHIFTED)])
        store.channels.follow([f"t.me/c/{OWN}"])
    join_shifted(settings)
    assert rows(settings, "SELECT id, paused_at FROM channels") == [(OWN, None)]
    assert rows(settings, "SELECT source FROM followed_sources") == []


def test_every_table_that_belongs_to_a_channel_is_thought_of(
    settings: Settings, tmp_path: Path
) -> None:
    """What is not moved is deleted with the shifted id: a new table must be looked at here."""
    with Store.open(settings.db):
        pass
    tables = rows(
        settings,
        "SELECT m.name FROM sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) AS f "
        "WHERE m.type = 'table' AND f.\"table\" = 'channels' ORDER BY 1",
    )
    moved = ["album_members", "left_channels", "posts", "rejected_posts", "service_messages"]
    left = ["read_exports", "readings", "unread_ranges"]
    assert [name for (name,) in tables] == sorted(moved + left)


KILLED_AT = forked(f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT / "tests")!r})
from support.sql import driver
from tgtagger.store import Store

left = int(sys.argv[2])
def count(statement):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

with Store.open(sys.argv[1]) as store:
    driver(store).set_trace_callback(count)
    store.shifted_ids.join({SHIFTED}, {OWN})
""")


def test_killed_at_any_moment_it_is_done_or_not(settings: Settings, tmp_path: Path) -> None:
    db, base = Path(settings.db), tmp_path / "base.db"
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", *(old(n, f"text {n}") for n in range(1, 6)), shift=SHIFT)
        save(store, tmp_path / "b", old(2, "text 2"), old(3, "other"), shift=0)
        store.curation.add(f"{SHIFTED}/2", ["mine"])
    copy_database(db, base)
    before = contents(settings)
    statements: list[str] = []
    with Store.open(settings.db) as store:
        driver(store).set_trace_callback(statements.append)
        store.shifted_ids.join(SHIFTED, OWN)
    after = contents(settings)
    seen = set()
    for nth in points(len(statements), 8):
        copy_database(base, db)
        ended = run(str(db), str(nth - 1), program=KILLED_AT)
        assert ended.code == -signal.SIGKILL
        found = contents(settings)
        assert found in (before, after)
        seen.add(found == after)
        join_shifted(settings)
        assert contents(settings) == after
    assert False in seen


# ---- doctor


def test_doctor_joins_and_says_so(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a storm"), shift=SHIFT)
    code, said = doctor(settings)
    assert code == 0
    assert f"had the wrong id {SHIFTED}" in said
    assert f"joined with the right one, {OWN} (1 post)" in said
    assert "joined" not in doctor(settings)[1]
    assert set(contents(settings)) == {(OWN, 1)}


def test_doctor_says_it_to_programs(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a storm"), shift=SHIFT)
    done = CliRunner().invoke(app, ["--db", settings.db, "doctor", "--json"])
    (found,) = [each for each in json.loads(done.stdout) if each["check"] == "channels"]
    assert found["level"] == "warning"
    assert str(OWN) in found["message"]
    assert found["hint"] == "nothing to do"


@pytest.mark.parametrize("name", ["parse", "tag"])
def test_while_a_run_is_at_work_nothing_is_joined(
    settings: Settings, tmp_path: Path, name: Any
) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a storm"), shift=SHIFT)
    before = contents(settings)
    with Store.open(settings.db) as store, store.lock(name):
        with pytest.raises(TryLater):
            join_shifted(settings)
        code, said = doctor(settings)
    assert code == 75
    assert "could not be corrected" in said
    assert f"another {name} run is at work" in said
    assert contents(settings) == before
    assert doctor(settings)[0] == 0
    assert set(contents(settings)) == {(OWN, 1)}


def test_doctor_needs_no_lock_where_nothing_is_to_be_joined(
    settings: Settings, tmp_path: Path
) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a storm"), shift=0)
        mixed(store, tmp_path)
        with store.lock("parse"), store.lock("tag"):
            assert doctor(settings)[0] == 0


def test_a_damaged_archive_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings.db) as store:
        save(store, tmp_path / "a", old(1, "a storm"), shift=SHIFT)
        with writing(store) as db:
            db.execute("UPDATE posts SET text = 'altered'")
    code, said = doctor(settings)
    assert code == 6
    assert "wrong id" not in said
    assert rows(settings, "SELECT id FROM channels") == [(SHIFTED,)]
