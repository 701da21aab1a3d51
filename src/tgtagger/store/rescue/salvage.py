"""Read rows of tables from a damaged file: first from its trees, then from pages outside of them.

A page belongs to a table if its rows look like the table's rows. So a pointer that a flipped bit
has changed does no harm, and a page that no pointer reaches is still found. Pages outside of the
trees are read only if a tree is damaged: otherwise they are old pages, whose rows have moved. Knows
what rows look like, but not what they mean.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tgtagger.store.rescue.columns import FileColumn, any_columns, columns
from tgtagger.store.sqlite.file_format import (
    INDEX_INNER,
    INDEX_LEAF,
    TABLE_INNER,
    TABLE_LEAF,
    Cell,
    PageFile,
    Record,
    SqlValue,
    TreePage,
    read_page,
)

Row = list[SqlValue]

_PENDING_BYTE = 1 << 30
"""SQLite never uses the page that has this byte: its locks are there."""


@dataclass(frozen=True, slots=True)
class RowShape:
    """The form of the rows of a table, or of the entries of an index."""

    name: str
    columns: tuple[FileColumn, ...]
    order: tuple[int, ...]  # the index in `columns` of each value of a record
    has_rowid: bool
    rowid_column: int | None = None
    defaults: tuple[SqlValue, ...] = ()
    is_ours: bool = True  # False: recognised but not saved (indexes, tables of FTS5)

    def row(self, cell: Cell) -> Row | None:
        """Return a cell's values by column; None if the cell is not of this table."""
        record = cell.record
        if record is None or not self.least <= len(record) <= len(self.order):
            return None
        values: Row = list(self.defaults)
        for value, at in zip(record, self.order, strict=False):
            values[at] = value
        if self.has_rowid:
            if cell.rowid is None:
                return None
            if self.rowid_column is not None:
                if values[self.rowid_column] is not None:
                    return None
                values[self.rowid_column] = cell.rowid
        return values

    def fits(self, cell: Cell) -> bool:
        """Tell whether a cell is an undamaged row of this table."""
        row = self.row(cell)
        return row is not None and all(
            column.holds(value) for column, value in zip(self.columns, row, strict=True)
        )

    @property
    def least(self) -> int:
        """The least number of values in a record: columns that were added later may be missing."""
        needed = [
            place
            for place, at in enumerate(self.order)
            if not self.columns[at].may_be_null and self.defaults[at] is None
        ]
        return needed[-1] + 1 if needed else len(self.order)

    @property
    def kinds(self) -> tuple[int, int]:
        return (TABLE_LEAF, TABLE_INNER) if self.has_rowid else (INDEX_LEAF, INDEX_INNER)


def shapes(db: sqlite3.Connection) -> dict[str, RowShape]:
    """Return the shapes of all tables and indexes of a database, by name."""
    found = {}
    for kind, name, sql in db.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE rootpage > 0"
    ).fetchall():
        if kind == "index":
            found[name] = _shape_of_index(db, name)
            continue
        info = db.execute(f"PRAGMA table_info('{name}')").fetchall()
        keys = sorted((key, at) for at, *_, key in info if key)
        has_rowid = "WITHOUT ROWID" not in sql.upper()
        by_key = [at for _, at in keys] + [at for at, *_, key in info if not key]
        is_alias = has_rowid and len(keys) == 1 and info[keys[0][1]][2].upper() == "INTEGER"
        is_ours = not name.startswith(("posts_fts", "tag_uses", "sqlite_"))
        found[name] = RowShape(
            name,
            columns(db, name) if is_ours else any_columns(len(info)),
            tuple(range(len(info)) if has_rowid else by_key),
            has_rowid,
            keys[0][1] if is_alias else None,
            tuple(_default(column[4]) for column in info),
            is_ours,
        )
    return found


def _shape_of_index(db: sqlite3.Connection, name: str) -> RowShape:
    width = len(db.execute(f"PRAGMA index_xinfo('{name}')").fetchall())
    order = tuple(range(width))
    return RowShape(
        name, any_columns(width), order, has_rowid=False, defaults=(None,) * width, is_ours=False
    )


def _default(sql: str | None) -> SqlValue:
    if sql is None:
        return None
    return int(sql) if sql.isdigit() else sql.strip("'")


@dataclass(slots=True)
class Salvage:
    """One pass through a file, which counts the cells that it cannot read."""

    file: PageFile
    shapes: dict[str, RowShape]
    roots: dict[str, int] = field(default_factory=dict)
    unreadable: Counter[str] = field(default_factory=Counter)  # cells by table
    torn: set[str] = field(default_factory=set)  # damaged trees
    _taken: set[int] = field(default_factory=set)

    def schema(self) -> list[Record]:
        """Read the list of tables (type, name, table, root page, SQL), as far as possible."""
        used: set[int] = set()
        found: list[Record] = []
        waiting, seen = [1], {1}
        is_whole = True
        while waiting:
            page = self.file.page(waiting.pop())
            if page is None or page.kind not in {TABLE_LEAF, TABLE_INNER}:
                is_whole = False
                continue
            waiting += [n for n in page.below if n not in seen]
            seen |= set(page.below)
            cells = [self.file.cell(page, at, used) for at in page.cells]
            records = [cell.record for cell in cells if cell.record is not None]
            good = [r for r in records if len(r) == 5 and isinstance(r[1], str)]
            is_whole = is_whole and len(good) == len(cells) and not page.lost
            found += good
        self._taken |= seen | used
        for kind, name, _, root, _ in found:
            if kind in {"table", "index"} and name in self.shapes and isinstance(root, int):
                self.roots[str(name)] = root
        self.torn |= set(self.shapes) - set(self.roots)
        return found

    def rows(self, name: str) -> Iterator[list[Cell]]:
        """Yield the cells of a table, page by page of its tree."""
        shape = self.shapes[name]
        waiting = [self.roots[name]] if name in self.roots else []
        seen = set(waiting)
        while waiting:
            number = waiting.pop()
            page = None if number in self._taken else self.file.page(number)
            if page is None or page.kind not in shape.kinds:
                self.torn.add(name)
                continue
            cells, used = self._cells(page)
            if not _is_of(shape, page, cells):
                self.torn.add(name)
                continue
            self._taken |= {number} | used
            for below in page.below:
                if below in seen:
                    self.torn.add(name)
                else:
                    seen.add(below)
                    waiting.append(below)
            if page.lost:
                self.torn.add(name)
            self.unreadable[name] += page.lost + sum(cell.record is None for cell in cells)
            yield cells

    def loose(self) -> Iterator[tuple[str, list[Cell]]]:
        """Yield (table, cells) of the pages outside of all trees, if a tree is damaged."""
        wanted = [shape for shape in self.shapes.values() if shape.name in self.torn]
        if not any(shape.is_ours for shape in wanted):
            return
        free = self.file.free()
        for number in range(2, self.file.count + 1):
            if (
                number in self._taken
                or number in free
                or number == _PENDING_BYTE // self.file.size + 1
            ):
                continue
            best = self._best(number, wanted)
            if best is None:
                continue
            shape, page, cells, used = best
            self._taken |= {number} | used
            if shape.is_ours:
                self.unreadable[shape.name] += page.lost + sum(
                    cell.record is None for cell in cells
                )
                yield shape.name, cells

    def _best(
        self, number: int, wanted: list[RowShape]
    ) -> tuple[RowShape, TreePage, list[Cell], set[int]] | None:
        data = self.file.data(number)
        page = read_page(data, number)
        # The first byte of a page is its kind. If it is damaged, both kinds of leaves are tried.
        pages = [page] if page else [read_page(data, number, k) for k in (TABLE_LEAF, INDEX_LEAF)]
        best, most = None, 0
        for each in pages:
            if each is None or not each.cells:
                continue
            cells, used = self._cells(each)
            for shape in wanted:
                if each.kind not in shape.kinds:
                    continue
                count = sum(map(shape.fits, cells))
                # Nearly any record of its width fits an index: so a table comes first.
                if 2 * count >= len(cells) and (count, shape.is_ours) > (
                    most, best is not None and best[0].is_ours
                ):  # fmt: skip
                    best, most = (shape, each, cells, used), count
        return best

    def _cells(self, page: TreePage) -> tuple[list[Cell], set[int]]:
        used: set[int] = set()
        return [self.file.cell(page, at, used) for at in page.cells], used


def _is_of(shape: RowShape, page: TreePage, cells: list[Cell]) -> bool:
    """Tell whether a page belongs to a table: at least half of its rows look like its rows."""
    if page.kind == TABLE_INNER or not cells:
        return True
    readable = [cell for cell in cells if cell.record is not None]
    return 2 * sum(shape.row(cell) is not None for cell in readable) >= len(readable)
