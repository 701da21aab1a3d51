"""`tgtagger demo`: parse, tag and search sample posts without any settings."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import typer

from tgtagger.cli.context import Invocation, invocation, screen_of
from tgtagger.cli.events import RunEvents
from tgtagger.cli.render import Screen
from tgtagger.cli.search import draw, draw_found
from tgtagger.cli.wording import plural
from tgtagger.config import Settings
from tgtagger.model.posts import PostFilter
from tgtagger.runs import parse, tag
from tgtagger.runs.query import read_query
from tgtagger.runs.summary import ParseReport
from tgtagger.store import Store

EPILOG = """Examples:
  tgtagger demo
  tgtagger demo --db demo.db       keep the database to look at it
  tgtagger tags --db demo.db

Exit codes:
   0  shown
   6  the database failed"""

SAMPLES = Path(__file__).parent / "samples"
SEARCHES = ("новости", "port")


def command(ctx: typer.Context) -> int:
    """Show tgtagger at work: parse, tag and search sample posts, in seconds."""
    called, screen = invocation(ctx), screen_of(ctx)
    if called.flags["db"]:
        _show(called, screen)
        return 0
    with tempfile.TemporaryDirectory(prefix="tgtagger-demo-") as folder:
        flags = {**called.flags, "db": str(Path(folder, "demo.db"))}
        _show(dataclasses.replace(called, flags=flags), screen)
    return 0


def make_archive(settings: Settings) -> None:
    """Make the sample archive, tagged by the embedded tagger."""
    parse_samples(settings)
    tag_samples(settings)


def parse_samples(settings: Settings) -> ParseReport:
    silent = RunEvents(Screen(quiet=True))
    return parse.parse(settings, [str(SAMPLES)], parse.ParseOptions(), silent)


def tag_samples(settings: Settings) -> None:
    tag.tag(settings, tag.TagOptions(), RunEvents(Screen(quiet=True)))


def _show(called: Invocation, screen: Screen) -> None:
    step = screen.heading
    step("1  Two channels are parsed from a Telegram Desktop export (tgtagger parse PATH)")
    screen.write()
    settings = called.settings(tagger="keywords")
    for report in parse_samples(settings).channels:
        if report.channel is not None:
            screen.line(f"  {report.channel.title}: {plural(report.new, 'new post')}")
    screen.write()
    step("2  Every post gets its tags, with no key and no network (tgtagger tag)")
    screen.write()
    tag_samples(settings)
    with Store.open_up_to_date(settings.db) as store:
        for channel in store.status.channels():
            wanted = PostFilter(channels=(str(channel.channel.id),), limit=3)
            for post in store.records.posts(wanted):
                draw(screen, post, ((post.text, False),))
        step("3  Words are found in all their forms (tgtagger search)")
        screen.write()
        for query in SEARCHES:
            screen.line(f"  tgtagger search {query}", "bold cyan")
            screen.write()
            draw_found(screen, store.records.search(PostFilter(query=read_query(query), limit=2)))
    step("Next steps")
    for line in (
        "  tgtagger parse @CHANNEL --limit 100 --then-tag   a public channel, with no account",
        "  tgtagger parse PATH --then-tag                   an export: Telegram Desktop, ⋮ →",
        "                                                   Export chat history → JSON",
        "  tgtagger search WORDS · tgtagger tags · tgtagger status",
        "  tgtagger export --format html -o site            a web site of it; open site/index.html",
        "  tgtagger --help",
    ):
        screen.line(line)
