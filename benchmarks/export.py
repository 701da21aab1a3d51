"""Every format of `tgtagger export`: processor time, peak memory, what a site's search loads.

usage: python benchmarks/export.py [--posts N] [--formats jsonl,md,...] [--keep FOLDER]

Exports an archive of so many posts in every format, each beside `sqlite3 -json` of the same columns
and rows (S) in the same run; and a fifth of the posts, to see what memory grows by.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from archive import PROGRAM, measure
from large import make_archive
from tgtagger.export import FORMATS

S = """
SELECT p.channel_id, c.username, c.title, p.message_id, p.date, p.edited, p.deleted, p.text,
  coalesce(p.markdown, p.text) AS markdown, p.status, p.views, p.forwards, p.reactions, p.media,
  p.forward, p.reply_to, p.author, p.source,
  (SELECT json_group_array(name) FROM (SELECT t.name FROM post_tags AS l
   JOIN tags AS t ON t.id = l.tag_id WHERE l.post_id = p.id ORDER BY l.position)) AS tags
FROM posts AS p JOIN channels AS c ON c.id = p.channel_id ORDER BY p.id DESC
"""
GOALS = {"jsonl": "at least 0.85 S, 64 MiB", "csv": "at least 0.35 S", "rss": "at least 0.2 S"}
ROUNDS = {"jsonl": 3}


def compare(archive: Path, form: str, folder: Path, count: int) -> None:
    """Export in a format, beside the yardstick, and print the figures."""
    output = folder / "out"
    ratios, seconds, memory = [], 0.0, 0.0
    for _ in range(ROUNDS.get(form, 1)):
        yardstick, _ = measure(["sqlite3", "-json", str(archive), S], folder / "s.json")
        seconds, peak = export(archive, form, output, count)
        ratios.append(yardstick / seconds)
        memory = max(memory, peak)
    files, size = (1, output.stat().st_size) if output.is_file() else tell(output)
    line = f"{form}: {statistics.median(ratios):.2f} S, {seconds:.1f} s of processor, "
    line += f"{seconds / count * 1e6:.0f} µs a post, {files:,} files, {size / 1e6:.0f} MB"
    if FORMATS[form].is_folder:
        again, _ = export(archive, form, output, count)
        line += f"; again, nothing changed: {again:.1f} s"
    if form == "html":
        line += "; " + loaded(output / "search")
    remove(output)
    _, less = export(archive, form, output, count // 5)
    remove(output)
    line += f"; {memory:.0f} MiB, of a fifth of the posts {less:.0f} MiB"
    print(f"{line}{'; ' + GOALS[form] if form in GOALS else ''}", flush=True)


def export(archive: Path, form: str, output: Path, count: int) -> tuple[float, float]:
    limit = ("--limit", str(count))
    return measure(
        [PROGRAM, "--db", str(archive), "export", "--format", form, "-o", str(output), *limit]
    )


def tell(folder: Path) -> tuple[int, int]:
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def loaded(search: Path) -> str:
    """Return the sizes of what the search page reads: list of files, a word's file, posts."""
    parts = {
        "list": [search / "contents.js"],
        "word": list((search / "words").iterdir()),
        "posts": [path for path in search.glob("*.js") if path.name != "contents.js"],
    }
    told = []
    for name, paths in parts.items():
        sizes = [path.stat().st_size for path in paths]
        told.append(f"{name} {statistics.median(sizes) / 1e3:.0f} (most {max(sizes) / 1e3:.0f}) kB")
    return "a search loads " + ", ".join(told)


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--keep", type=Path, help="a folder for the archive, used again if there")
    arguments = parser.parse_args()
    if shutil.which("sqlite3") is None:
        print("not measured: there is no sqlite3 program")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = (arguments.keep or folder) / f"archive-{arguments.posts}.db"
        if not archive.exists():
            make_archive(archive, arguments.posts)
        for form in arguments.formats.split(","):
            compare(archive, form, folder, arguments.posts)


if __name__ == "__main__":
    main()
