"""The search of the site, in a browser: what a reader types is found, and nothing is run."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest

from support.make import page, post, tag
from tgtagger.export import site
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
TEXTS = {
    1: "Ракета упала в море",
    2: "Ёлка в центре города; ракетный полигон",
    3: "e-mail about C++ and a storm",
    4: "<script>document.title = 'run'</script> storm <b>bold</b>",
    5: "The sea, и море",
}
WANTED = {
    "ракет": {1, 2},
    '"центре города" елка': {2},
    "storm C++": {3},
    "storm": {3, 4},
    "Новый год": {1, 2, 3, 4, 5},
    "нет такого": set(),
}


@pytest.fixture
def made(store: Store, tmp_path: Path) -> Path:
    store.posts.save_page(page(*(post(number, text) for number, text in TEXTS.items())))
    tag(store, ["Новый год"])  # every post has it
    with store.select(PostFilter()) as selection:
        site.write(selection, tmp_path / "site")
    return tmp_path / "site"


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here (apt install chromium)")
def test_what_is_typed_is_found(made: Path, tmp_path: Path) -> None:
    asked = {
        query: browse(made, query, tmp_path / str(number)) for number, query in enumerate(WANTED)
    }
    shown = {query: process.communicate(timeout=60)[0] for query, process in asked.items()}
    for query, expected in WANTED.items():
        posts = re.findall(r'href="channels/[^"]*#p(\d+)"', unescape(shown[query]))
        assert set(map(int, posts)) == expected, query
        assert "<title>Search</title>" in shown[query]  # no text of a post was run


def browse(made: Path, query: str, profile: Path) -> subprocess.Popen[str]:
    assert BROWSER is not None
    return subprocess.Popen(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
            "--virtual-time-budget=5000", "--dump-dom",
            f"{made.as_uri()}/search.html?q={quote(query)}",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
