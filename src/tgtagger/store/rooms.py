"""What each kind of database does in a way of its own: its room.

The archive is written once, in SQL that all databases understand. What is left differs: how a few
functions are spelled, the full-text index, … Each room (`sqlite`) brings it as one `Room`, which is
chosen once, when an archive is opened; the rest of the store asks `room_of`, and for no name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tgtagger.model.events import OnSteps, unheard
from tgtagger.model.query import Query

if TYPE_CHECKING:  # few ask for them
    from tgtagger.model.database import ServerState, Storage
    from tgtagger.model.integrity import IntegrityReport

LockName = Literal["parse", "tag", "work", "lead", "copy"]
"""parse: a run, alone · tag: runs that tag, together · work: the workers of the jobs, of which
there may be several · lead: who leads a job at which several work ·
copy: who copies another archive into this one"""

Kind = Literal["file", "server"]

MARK_START, MARK_END = "\x02", "\x03"
"""The marks around a match in a snippet: control characters, which no post needs."""


class Connection(Protocol):
    """An open transaction: SQLAlchemy's, or that of a file which is only read (`sqlite.reader`).

    SQLAlchemy takes longer to load than a search takes: who only reads a file does without it.
    """

    @property
    def closed(self) -> bool: ...
    @property
    def connection(self) -> Any:
        """What has cursors (PEP 249), and the driver's own connection."""

    @property
    def dialect(self) -> Any:
        """What has the `name` of the kind of database."""

    def get_execution_options(self) -> Mapping[str, Any]: ...


class FullText(Protocol):
    """The full-text index: it is kept up to date in the transaction that writes the posts."""

    def insert(self, db: Connection, rows: Iterable[tuple[int, str, str | None]], /) -> None: ...
    def replace(self, db: Connection, rows: Sequence[tuple[int, str, str | None]], /) -> None: ...
    def delete_posts(self, db: Connection, posts: Sequence[int], /) -> None: ...

    SOURCE: str
    """SQL: the index joined with the posts `p`, for a query of which it gives the posts."""
    KEY: str
    """SQL: what orders the posts of such a query by time."""
    FOUND: str
    """SQL: the SELECT of the ids of all posts that fit an :expression."""
    RELEVANCE: str
    """SQL: the order of such a query by relevance, to its :expression."""
    SNIPPET: str
    """SQL: of such a query what `marked` makes the snippet of."""

    def matches(self, db: Connection, expression: str, /) -> tuple[str, str]:
        """Return the condition in SQL that a post fits an :expression, in two spellings.

        The first is for who reads the newest of them, the second for who reads all.
        """

    def stands_in(self, db: Connection, expression: str, /) -> str:
        """Return the condition that a post, `p`, fits an :expression, where others give posts."""

    def marked(self, found: str, expression: str, /) -> str:
        """Return the part of a post where the words stand, marked; of a long one all of it."""

    def expression(self, db: Connection, part: Query, /) -> str | None:
        """Return the expression of a part of a query that is made of words; None: it has none."""

    def has_term(self, db: Connection, word: str, /) -> bool:
        """Tell whether any post has a word."""

    def terms_like(
        self, db: Connection, begin: str, lengths: tuple[int, int], most: int, /
    ) -> list[str]:
        """Return words of posts that begin so, of these lengths, the most frequent first."""


class Errors(Protocol):
    """What errors of the driver mean."""

    @property
    def BAD_VALUE(self) -> tuple[type[Exception], ...]:  # noqa: N802 -- a constant of the room
        """What a bad value can raise: an error of the database, or one of Python's own."""

    def is_fatal(self, error: BaseException, /) -> bool:
        """Tell whether the database failed or is damaged; else it was given a bad value."""

    def is_of_damage(self, db: Connection, error: BaseException, /) -> bool:
        """Tell whether the error accuses a good value, since the database itself is damaged."""

    def broken_rule(self, error: BaseException, /) -> str | None:
        """Return the rule of the schema that a value breaks, without the value; None: none."""


class Watching(Protocol):
    """Notes which rows are touched, so that no change of tags can be forgotten (`recording`)."""

    def begin(self, db: Connection, /) -> None:
        """Note from here on what each row held before it was touched, in `touched_…` tables."""

    def end(self, db: Connection, /) -> None:
        """Note no more; the tables stay."""

    def forget(self, db: Connection, /) -> None:
        """Forget what was noted."""


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """What one kind of database does in a way of its own."""

    kind: Kind
    """For revisions of the schema alone, which may differ."""
    spellings: Mapping[str, Callable[..., str]]
    """The functions of our SQL that it has other words for, from the SQL of each argument."""
    mark: str
    """What stands for a value in the SQL that its driver takes."""
    ordered_join: str
    """A join that keeps the order of its tables, or just a join where that is not wanted."""
    definition: Callable[[str], str]
    """The SQL that makes or changes a table, from SQLite's."""
    is_in_transaction: Callable[[Connection], bool]
    large_cursor: Callable[[Connection], Any]
    """A cursor of the driver for a result that may be larger than the memory."""
    fulltext: FullText
    watching: Watching
    errors: Errors
    load: Callable[[Connection, str, Sequence[str], Sequence[tuple[Any, ...]]], None]
    """Adds many rows to a table, with the values of these columns."""
    run_at_once: Callable[[Connection, str, Sequence[Sequence[object]]], bool]
    """Runs our SQL of a statement for many rows in one go; False: the driver's own is as quick."""
    recount_uses: Callable[[Connection], None]
    """Counts the posts of each tag anew, if it keeps their numbers (the view `tag_uses`)."""
    fits: Callable[[Mapping[str, str]], str]
    """SQL that is true if columns hold what they may (`values`): of each, what it is called."""


class Opened(Protocol):
    """An archive that is open: its transactions, and the care for where it is kept."""

    is_new: bool
    patience: float
    """How many seconds to wait for what is in the way: another writer, a server that restarts."""

    @property
    def path(self) -> Path | str:
        """Where it is, as people are told: a file, or a URL without its password."""

    def close(self) -> None: ...

    @property
    def schema_version(self) -> str:
        """The version of the schema that it has."""

    @property
    def identity(self) -> object:
        """What tells it from another one of its name."""

    @property
    def is_replaced(self) -> bool:
        """Tell whether another archive has taken its place since."""

    def size(self) -> int:
        """Return how many bytes it has."""

    def version(self) -> int:
        """Return a number that changes whenever anybody has written."""

    def writing(self, *, patient: bool, beside: bool = False) -> AbstractContextManager[Connection]:
        """Begin a transaction that writes; wait for another writer only if `patient`.

        `beside`: others may write meanwhile, if the database can: who shares rows locks them.
        """

    def reading(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that reads: one snapshot, without waiting for writers."""

    def undisturbed(self, db: Connection) -> AbstractContextManager[None]:
        """Raise the driver's own errors, and TryLater if what is read may be torn."""

    def explained(self, db: Connection | None = None) -> AbstractContextManager[None]:
        """Turn failures of the database and wrong stored values into our errors."""

    def lock(
        self, name: LockName, *, shared: bool = False, of: Sequence[str] = ()
    ) -> AbstractContextManager[None]:
        """Hold the lock of this kind of run. Raises TryLater at once if another run holds it.

        `shared`: several may hold it so, while nobody holds it alone. `of`: what the run is about,
        all of it if that is empty; runs about other things may go on where the room knows how.
        """

    def storage(self) -> Storage:
        """Return how it is kept."""

    def check(self, on_steps: OnSteps = unheard) -> IntegrityReport:
        """Read all of it, damaged or not, and return the integrity report."""

    def check_index(self) -> bool:
        """Tell whether the search index agrees with the posts."""

    def rebuild_index(self) -> None:
        """Rebuild the search index from the posts."""

    def server(self) -> ServerState | None:
        """Return the state of the server that it is on; None: it is in a file."""

    def complete_copy(self) -> None:
        """Make what is made of rows, when all of an archive's were copied into it."""


ROOM = "tgtagger_room"
"""The option of an engine that holds its room."""


def room_of(db: Connection) -> Room:
    """Return the room of the database that a connection leads to."""
    found: Room = db.get_execution_options()[ROOM]
    return found


def is_of_database(db: Connection, error: BaseException) -> bool:
    """Tell whether the database failed or is damaged; else it was given a bad value."""
    errors = room_of(db).errors
    return errors.is_fatal(error) or errors.is_of_damage(db, error)


@functools.lru_cache(maxsize=500)
def spelled(room: Room, sql: str) -> str:
    """Return SQL with the functions of our own as a database spells them, innermost first."""
    spellings = room.spellings
    sql = sql.replace("CROSS JOIN", room.ordered_join)
    calls = re.compile(rf"\b({'|'.join(spellings)})\(")
    while found := [*calls.finditer(sql)]:
        call = found[-1]  # nothing of ours stands within the last one
        *given, rest = arguments(sql[call.end() :])
        sql = sql[: call.start()] + spellings[call[1]](*given) + rest
    return sql


def arguments(sql: str) -> Iterator[str]:
    """Yield the arguments of a call, of which the bracket is open, and then what follows it."""
    depth = begin = 0
    is_text = False
    for at, letter in enumerate(sql):
        if letter == "'":
            is_text = not is_text
        elif is_text:
            continue
        elif letter == "(":
            depth += 1
        elif letter in ",)" and not depth:
            yield sql[begin:at].strip()
            begin = at + 1
            if letter == ")":
                break
        elif letter == ")":
            depth -= 1
    yield sql[begin:]
