"""The checks of the server that an archive is on, in `tgtagger doctor`.

Says what its state means and what to do. Knows no SQL but what a person shall type.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from tgtagger.cli.doctor.findings import SKEW
from tgtagger.cli.wording import duration, number, one_line, plural, size_of
from tgtagger.config import Settings
from tgtagger.model.database import LongTransaction, ServerState
from tgtagger.runs.findings import Finding

_CROWDED = 0.8
"""The share of the server's connections from which on somebody will soon get none."""

_FAR = 0.25
"""Seconds of a question and its answer from which on a run is slow by them."""

_DEAD = 20_000
"""Dead rows of the queue, from which on claims are slow if they are many times the living ones."""

_SHOWN = 3

_TIMEOUTS = {
    "statement_timeout": 600,
    "transaction_timeout": 3600,
    "idle_in_transaction_session_timeout": 60,
}
"""Seconds that each should give, if it is set: an index of a million posts takes minutes."""

RECOVER = "check its disk, with pg_amcheck, too; then restore a backup: see docs/postgres.md"


def password(settings: Settings) -> Iterator[Finding]:
    """Find a password where other users of this machine can read it."""
    if settings.origins["db"] == "flag" and urlsplit(settings.db).password is not None:
        yield Finding(
            "settings", "warning",
            "the password of the database stands in the command line, which others can read",
            "keep it in ~/.pgpass (mode 600), or give the URL in TGTAGGER_DB",
        )  # fmt: skip


def look(path: str, found: ServerState) -> Iterator[Finding]:
    """Yield a finding for each part of the server's state."""
    yield Finding("server", "ok", f"PostgreSQL {found.version}, {found.encoding}, at {path}")
    yield _encryption(found)
    yield from _rights(found)
    yield from _durability(found)
    yield _clock(found)
    yield _distance(found)
    yield _connections(found)
    yield _timeouts(found)
    yield _transactions(found)
    yield _queue(found)


def _encryption(found: ServerState) -> Finding:
    if found.is_local:
        return Finding(
            "encryption", "ok", "the server is on this machine: nothing goes over a network"
        )
    if not found.is_encrypted:
        return Finding(
            "encryption", "warning",
            "the connection is not encrypted: others can read posts on the way, and change them",
            "let the server offer TLS, and end the URL with ?sslmode=verify-full",
        )  # fmt: skip
    if not found.is_verified:
        return Finding(
            "encryption", "warning",
            "the connection is encrypted, but to whom is not checked",
            "end the URL with ?sslmode=verify-full (and &sslrootcert=FILE, or =system)",
        )  # fmt: skip
    return Finding("encryption", "ok", "the connection is encrypted, and the server is verified")


def _rights(found: ServerState) -> Iterator[Finding]:
    if found.is_read_only:
        yield Finding(
            "permissions", "warning", "the server can only be read: it follows another one",
            "to write, give the URL of the server that it follows",
        )  # fmt: skip
        return
    if found.missing_rights:
        rights = ", ".join(sorted({right for right, _ in found.missing_rights}))
        tables = sorted({table for _, table in found.missing_rights})
        where = tables[0] if len(tables) == 1 else f"{number(len(tables))} tables ({tables[0]}, …)"
        yield Finding(
            "permissions", "error", f"this user lacks rights: {rights} on {where}",
            "use the user who made the archive, or as that one: "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {found.schema} "
            f"TO {found.user}", 2,
        )  # fmt: skip
    if not found.may_note:
        yield Finding(
            "permissions", "error",
            "this user may make no temporary tables, so no tags can be changed by hand",
            f"as its owner: GRANT TEMPORARY ON DATABASE {found.database} TO {found.user}", 2,
        )  # fmt: skip
    if not found.may_upgrade:
        yield Finding(
            "permissions", "warning", "this user cannot bring the schema up to date",
            "a newer tgtagger is first to be run as the user who made the archive",
        )  # fmt: skip
    elif found.may_note and not found.missing_rights:
        yield Finding("permissions", "ok", "this user may read, write and upgrade the archive")


def _durability(found: ServerState) -> Iterator[Finding]:
    off = [name for name in ("fsync", "full_page_writes") if found.settings.get(name) == "off"]
    if off:
        yield Finding(
            "durability", "error",
            f"a power cut can destroy the database: {' and '.join(off)} off",
            f"in postgresql.conf: {', '.join(f'{name} = on' for name in off)}", 6,
        )  # fmt: skip
    elif found.settings.get("synchronous_commit") == "off":
        yield Finding(
            "durability", "warning",
            "what is stored last can be lost in a power cut: synchronous_commit is off",
            f"ALTER DATABASE {found.database} SET synchronous_commit = on",
        )  # fmt: skip
    else:
        yield Finding("durability", "ok", "what is stored is kept in a power cut")
    if found.settings.get("data_checksums") == "off":
        yield Finding(
            "durability", "ok", "the server does not notice when its disk changes a page",
            "pg_checksums --enable, while it is stopped",
        )  # fmt: skip


def _clock(found: ServerState) -> Finding:
    if abs(found.ahead) <= SKEW:
        return Finding("clock", "ok", "the clock here agrees with the database's")
    way = "behind" if found.ahead > 0 else "ahead of"
    return Finding(
        "clock", "warning",
        f"the clock here is {duration(abs(found.ahead))} {way} the database's",
        "set the clocks by NTP: leases and retries depend on them",
    )  # fmt: skip


def _distance(found: ServerState) -> Finding:
    words = f"a question to the server takes {found.round_trip * 1000:.1f} ms"
    if found.round_trip <= _FAR:
        return Finding("distance", "ok", words)
    return Finding(
        "distance", "warning", words,
        "a run asks many: let parse run near the server; taggers wait for the model anyway",
    )  # fmt: skip


def _connections(found: ServerState) -> Finding:
    words = f"{found.connections} of {plural(found.most_connections, 'connection')} are taken"
    if found.connections < _CROWDED * found.most_connections:
        return Finding("connections", "ok", words)
    return Finding(
        "connections", "warning", words,
        "raise max_connections, or put pgbouncer before it: see docs/postgres.md",
    )  # fmt: skip


def _timeouts(found: ServerState) -> Finding:
    """Look for a timeout that would end an export, or an upgrade of the schema."""
    short = {
        name: int(found.settings.get(name, "0")) / 1000
        for name, least in _TIMEOUTS.items()
        if 0 < int(found.settings.get(name, "0")) < least * 1000
    }
    if not short:
        return Finding("timeouts", "ok", "no timeout of the server ends what takes long")
    named = ", ".join(f"{name} = {seconds:g} s" for name, seconds in short.items())
    return Finding(
        "timeouts",
        "warning",
        f"the server ends what takes long ({named}): exports, copies, upgrades",
        "; ".join(f"ALTER ROLE {found.user} SET {name} = 0" for name in short),
    )


def _transactions(found: ServerState) -> Finding:
    if not found.long_transactions:
        hint = None
        if found.settings.get("idle_in_transaction_session_timeout") == "0":
            hint = (
                f"to keep it so: ALTER DATABASE {found.database} "
                "SET idle_in_transaction_session_timeout = '10min'"
            )
        return Finding("transactions", "ok", "no transaction is older than 5 minutes", hint)
    shown = ", ".join(map(_transaction, found.long_transactions[:_SHOWN]))
    return Finding(
        "transactions", "warning",
        f"{plural(len(found.long_transactions), 'long transaction')}: {shown}. While one is open, "
        "nothing can be cleared away, and taggers get slower",
        f"if it is forgotten: SELECT pg_terminate_backend({found.long_transactions[0].process})",
    )  # fmt: skip


def _transaction(each: LongTransaction) -> str:
    program = one_line(each.program, 30) or "a program"
    idle = ", idle" if each.is_idle else ""
    return f"{program} (process {each.process}{idle}) for {duration(each.seconds)}"


def _queue(found: ServerState) -> Finding:
    queue = found.queue
    words = (
        f"the queue of posts to tag has {plural(queue.rows, 'row')} and {number(queue.dead)} dead "
        f"ones ({size_of(queue.size)})"
    )
    if found.settings.get("autovacuum") == "off":
        return Finding(
            "queue", "warning", f"{words}, and autovacuum is off: nothing clears them away",
            "in postgresql.conf: autovacuum = on",
        )  # fmt: skip
    if queue.dead > max(_DEAD, 5 * queue.rows):
        return Finding(
            "queue", "warning", words,
            "VACUUM tag_queue; and look for long transactions, which keep it from clearing them",
        )  # fmt: skip
    return Finding("queue", "ok", words)
