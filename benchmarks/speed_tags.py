"""How fast the embedded tagger is, against pymorphy3 parsing the same words.

usage: python benchmarks/speed_tags.py [FOLDER of channel files {text}]

Prints posts a second, cold (a fresh process's first posts) and warm; the start: import and the
first Russian post; memory at the end. The yardstick of the ratio is pymorphy3 alone on each Russian
word of the same posts, in the same run, without a cache.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
POSTS = Path(os.environ.get("TGTAGGER_TEST_DATA", "no-such-folder")) / "ru_posts/channels"
START = """
import time
begin = time.perf_counter()
from tgtagger.taggers.keywords import KeywordsTagger
tagger = KeywordsTagger()
tagger.tag_text("Hello World")
english = time.perf_counter()
tagger.tag_text("Привет, Москва")
end = time.perf_counter()
print((english - begin) * 1000, (end - begin) * 1000)
"""


def read_texts(folder: Path) -> list[str]:
    files = sorted(folder.glob("*.json"))
    return [post["text"] for file in files for post in json.loads(file.read_text()) if post["text"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=POSTS,
        help="JSON files of Russian posts; without: English only",
    )
    folder = parser.parse_args().folder
    starts = [
        subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    english, russian = (
        sorted(float(done.stdout.split()[column]) for done in starts)[2] for column in (0, 1)
    )
    print(f"start: {english:.0f} ms to the first English post, {russian:.0f} ms to a Russian one")

    from tgtagger.taggers.keywords import KeywordsTagger

    tagger = KeywordsTagger()
    gold = (HERE / "gold_en.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in gold] * 30
    begin = time.process_time()
    for text in texts:
        tagger.tag_text(text)
    print(f"English: {len(texts) / (time.process_time() - begin):,.0f} posts/s")
    if not folder.is_dir():
        print(f"Russian: not measured, there are no posts in {folder}")
        return
    texts = read_texts(folder)
    for name in ("cold", "warm"):
        begin = time.process_time()
        for text in texts:
            tagger.tag_text(text)
        seconds = time.process_time() - begin
        print(f"Russian, {name}: {len(texts) / seconds:,.0f} posts/s ({len(texts)} posts)")

    import pymorphy3

    analyzer = pymorphy3.MorphAnalyzer()
    sample = texts[:: max(1, len(texts) // 1000)]
    begin = time.process_time()
    for word in itertools.chain.from_iterable(re.findall("[а-яё]+", t.lower()) for t in sample):
        analyzer.parse(word)
    yardstick = (time.process_time() - begin) / len(sample)
    print(f"Russian, warm: {seconds / len(texts) / yardstick:.2f} x the time of pymorphy3 alone")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory: {memory:.0f} MiB at most")


if __name__ == "__main__":
    main()
