"""An export that was read before: an equal one ends at once, a changed one costs what changed."""

from __future__ import annotations

import copy
import datetime as dt
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.events import RecordedRun
from support.exports import account, chat, message, service, write
from support.make import page, post
from tgtagger.config import Settings, load
from tgtagger.model.posts import Channel, PageStored, PostFilter, Rejected
from tgtagger.model.tagging import TagResult
from tgtagger.runs import parse
from tgtagger.runs.parse import ParseOptions
from tgtagger.runs.summary import ParseReport
from tgtagger.sources.desktop import DesktopExport, equality
from tgtagger.sources.plan import ReadOptions
from tgtagger.store import Store
from tgtagger.store import posts as store_posts
from tgtagger.store.times import to_text

CHANNEL = Channel(1006503122, "News")


def settings_in(folder: Path) -> Settings:
    return load({"db": str(folder / "posts.db")}, {"TGTAGGER_DATA_DIR": str(folder)})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


def read(
    settings: Settings, path: Path, options: ParseOptions | None = None
) -> tuple[ParseReport, bool]:
    """Read an export; return the report, and whether its messages were looked at."""
    events = RecordedRun()
    report = parse.parse(settings, [str(path)], options or ParseOptions(), events)
    return report, bool(events.of("begin"))


def lines(settings: Settings) -> list[str]:
    with Store.open_to_read(str(settings.db)) as store:
        return list(store.records.lines(PostFilter()))


def test_an_equal_export_is_not_read_again(settings: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "export", chat(message(1, "a"), service(2), message(3, "b")))
    first, looked = read(settings, path)
    assert (first.channels[0].new, first.channels[0].service, looked) == (2, 1, True)
    again, looked = read(settings, path.parent)  # by its folder, too
    assert not looked
    (report,) = again.channels
    assert (report.new, report.updated, report.unchanged, report.service) == (0, 0, 2, 1)
    os.utime(path, (1, 1))
    assert not read(settings, path)[1], "the content is the same"


def test_a_stamp_counts_when_the_file_was_at_rest(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "export", chat(message(1, "abc")))
    assert not equality.stamp_of(path)[1], "it may change within a tick of the clock"
    read(settings, path)
    path.write_text(path.read_text().replace("abc", "abd"))
    os.utime(path, (1, 1))
    assert read(settings, path)[0].channels[0].updated == 1, "as large, written a moment later"
    monkeypatch.setattr(equality, "_REST", -1_000_000_000)
    read(settings, path)
    with monkeypatch.context() as patched:
        patched.setattr(equality, "hash_of", None)
        assert not read(settings, path)[1], "without looking into the file"
    path.write_text(path.read_text().replace("abd", "abe"))
    assert read(settings, path)[0].channels[0].updated == 1


def test_what_is_gone_comes_back(settings: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "export", chat(message(1, "a"), message(3, "b")))
    read(settings, path)
    with Store.open(str(settings.db)) as store:
        store.channels.remove("News", with_posts=True)
    assert read(settings, path)[0].channels[0].new == 2
    with Store.open(str(settings.db)) as store:
        store.retention.keep("News", 1)
        assert list(store.records.lines(PostFilter())) == []
    assert read(settings, path)[0].channels[0].new == 0
    with Store.open(str(settings.db)) as store:
        store.retention.keep("News", None)
    assert read(settings, path)[0].channels[0].new == 2


def test_what_another_source_changed_is_read_again(settings: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "export", chat(message(1, "a"), message(3, "b")))
    other = write(tmp_path / "other", chat(message(1, "a"), message(3, "c")))
    read(settings, path)
    with Store.open(str(settings.db)) as store:
        store.posts.save_page(page(post(3, "b, edited"), channel=CHANNEL, source="telegram"))
    assert read(settings, path)[1]
    read(settings, other)
    assert read(settings, path)[1], "the other export was read last"


class Removing(RecordedRun):
    """Removes a channel with its posts once so many pages are stored."""

    def __init__(self, settings: Settings, pages: int, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self._settings, self._pages, self._patch = settings, pages, patch

    def stored(self, what: PageStored | TagResult) -> None:
        super().stored(what)
        if len(self.of("stored")) == self._pages:
            remove(self._settings, self._patch)


def remove(settings: Settings, patch: pytest.MonkeyPatch) -> None:
    """Remove a channel with its posts; what is stored afterwards is stored a day later."""
    with Store.open(str(settings.db)) as store:
        store.channels.remove("News", with_posts=True)
    later = to_text(dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    patch.setattr(store_posts, "now", lambda: later)


def test_a_channel_that_is_removed_while_others_are_read(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = account(chat(message(1, "a")), chat(message(5, "b"), id=77, name="Other"))
    path = write(tmp_path / "export", some)
    events = Removing(settings, 2, monkeypatch)
    first = parse.parse(settings, [str(path)], ParseOptions(), events)
    assert [(each.new, each.error) for each in first.channels] == [(1, None), (1, None)]
    assert len(lines(settings)) == 1
    again, looked = read(settings, path)
    assert (looked, [each.new for each in again.channels]) == (True, [1, 0])


def test_a_channel_that_is_removed_while_it_is_read_is_read_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "export", chat(*(message(n * 100, "a") for n in range(1, 10))))
    defaults = DesktopExport.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "page_size", 4)
    events = Removing(settings, 1, monkeypatch)
    parse.parse(settings, [str(path)], ParseOptions(), events)
    assert len(lines(settings)) == 5
    assert read(settings, path)[0].channels[0].new == 4


def test_a_channel_whose_posts_are_kept_longer_while_it_is_read_is_read_again(
    settings: Settings, tmp_path: Path
) -> None:
    """What the reading left out as too old has to come."""
    old = message(1, "old", date="2020-01-01T00:00:00", date_unixtime="1577836800")
    read(settings, write(tmp_path / "other", chat(message(900, "z"))))
    with Store.open(str(settings.db)) as store:
        store.retention.keep("News", 365)
    path = write(tmp_path / "export", chat(old, *(message(n * 100, "a") for n in range(5, 10))))

    class Keeping(RecordedRun):
        def stored(self, what: PageStored | TagResult) -> None:
            super().stored(what)
            with Store.open(str(settings.db)) as store:
                store.retention.keep("News", None)

    first = parse.parse(settings, [str(path)], ParseOptions(), Keeping())
    assert first.channels[0].error is None
    time.sleep(1.1)  # what was kept and read in one second may be in any order
    again, looked = read(settings, path)
    assert looked
    assert [each.new for each in again.channels] == [1]


def test_a_channel_that_is_removed_while_its_messages_are_counted_is_read_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [message(n * 100, "a") for n in range(1, 10)]
    read(settings, write(tmp_path / "export", chat(*some)))
    path = write(tmp_path / "export", chat(*some, message(1000, "b")))
    with monkeypatch.context() as patch:
        was = equality.chunks

        def removing(*given: Any) -> Iterator[Any]:
            with Store.open(str(settings.db)) as store:
                store.channels.remove("News", with_posts=True)
            time.sleep(1.1)  # the first page comes a second later
            return was(*given)

        patch.setattr(equality, "chunks", removing)
        read(settings, path)
    assert len(lines(settings)) == 1
    assert read(settings, path)[0].channels[0].new == 9


def test_a_message_that_another_source_rejects_is_read_again(
    settings: Settings, tmp_path: Path
) -> None:
    path = write(tmp_path / "export", chat(message(1, "a"), message(3, "b")))
    read(settings, path)
    with Store.open(str(settings.db)) as store:
        bad = page(channel=CHANNEL, source="telegram", rejected=(Rejected(3, "too large"),))
        store.posts.save_page(bad)
    assert read(settings, path)[1]
    with closing(sqlite3.connect(settings.db)) as raw:
        assert raw.execute("SELECT * FROM rejected_posts").fetchall() == []


def test_options_and_other_archives(settings: Settings, tmp_path: Path) -> None:
    group = chat(message(5, "g"), id=77, type="private_supergroup", name="Group")
    path = write(tmp_path / "export", account(chat(message(1, "a")), group))
    some = ParseOptions(read_options=ReadOptions(limit=1))
    assert read(settings, path, some)[1]
    assert read(settings, path)[1], "not all of it was wanted"
    _, looked = read(settings, path)
    assert not looked
    assert not read(settings, path, some)[1], "all of it is known"
    assert read(settings, path, ParseOptions(groups=True))[0].channels[-1].new == 1
    assert not read(settings, path, ParseOptions(groups=True))[1]
    (tmp_path / "more").mkdir()
    assert read(settings_in(tmp_path / "more"), path)[0].channels[0].new == 1


def test_an_export_with_a_bad_message_is_read_each_time(settings: Settings, tmp_path: Path) -> None:
    path = write(tmp_path / "export", chat(message(1, "a"), message("x", "b")))
    for _ in range(2):
        assert read(settings, path)[0].channels[0].rejections == 1


def test_one_changed_post_of_many_costs_one_chunk(settings: Settings, tmp_path: Path) -> None:
    messages = [message(number, f"text {number}") for number in range(1, 1000)]
    path = write(tmp_path / "export", chat(*messages))
    read(settings, path)
    messages[500] = message(501, "another text")
    write(tmp_path / "export", chat(*messages, message(1001, "new")))
    events = RecordedRun()
    (report,) = parse.parse(settings, [str(path)], ParseOptions(), events).channels
    assert (report.new, report.updated, report.unchanged) == (1, 1, 998)
    assert len(events.of("stored")) == 1, "one write"


def test_a_chunk_without_a_hash_leaves_its_posts_to_no_other(
    settings: Settings, tmp_path: Path
) -> None:
    rare, last = message(1, "a", x=1 << 64), message(100, "b")
    read(settings, write(tmp_path / "export", chat(rare, last)))
    path = write(tmp_path / "export", chat(rare, last, message(200, "c")))
    (report,) = read(settings, path)[0].channels
    assert (report.new, report.unchanged) == (1, 2)


def test_an_id_that_stands_twice_is_refused_where_it_was_read_before(
    settings: Settings, tmp_path: Path
) -> None:
    two = [message(1, "a"), message(2, "b")]
    read(settings, write(tmp_path / "export", chat(*two)))
    path = write(tmp_path / "export", chat(message(2, "other"), message(100, "c"), *two))
    for _ in range(2):
        report = read(settings, path)[0].channels[0]
        assert report.rejections == 1
    assert read(settings, write(tmp_path / "export", chat(*two)))[0].channels[0].updated == 1
    assert not any("other" in line for line in lines(settings))
    with closing(sqlite3.connect(settings.db)) as raw:
        assert raw.execute("SELECT * FROM rejected_posts").fetchall() == []


def test_what_is_read_in_part_is_what_is_read_whole(tmp_path: Path) -> None:
    """Random changes of an export, album edges included: as if nothing were known of it."""
    chance = random.Random(7)
    known, unknown = (settings_in(tmp_path / name) for name in ("known", "unknown"))
    for folder in ("known", "unknown"):
        (tmp_path / folder).mkdir()
    messages = {number: _some_message(chance, number) for number in range(1, 260)}
    for _ in range(14):
        for number in chance.choices(range(1, 300), k=chance.randint(0, 4)):
            change = chance.randint(0, 3)
            if change == 0:
                messages.pop(number, None)
            else:
                messages[number] = _some_message(chance, number)
        path = write(tmp_path / "e", chat(*(messages[each] for each in sorted(messages))))
        with closing(sqlite3.connect(unknown.db)) as raw, raw:
            if raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'read_exports'").fetchone():
                raw.execute("DELETE FROM read_exports")
        reports = [read(each, path)[0].channels[0] for each in (known, unknown)]
        for name in ("new", "updated", "unchanged", "service", "rejections"):
            assert len({getattr(report, name) for report in reports}) == 1, name
        assert lines(known) == lines(unknown)


def _some_message(chance: random.Random, number: int) -> dict[str, Any]:
    kind = chance.randint(0, 9)
    if kind == 0:
        return service(number)
    made = copy.deepcopy(message(number, f"text {chance.randint(0, 5)}" if kind < 7 else ""))
    if kind > 4:  # albums: in groups of five, of one second
        group = number // 5
        made |= {"photo": "(File not included.)", "width": 1, "height": 1}
        made["date_unixtime"] = str(1767225600 + group * 300)
    return made
