"""Look at the server of an archive: what it is, what this user may do there, what disturbs it.

It changes nothing. Does not know what is good or bad, nor what to do about it.
"""

from __future__ import annotations

import time

import psycopg

from tgtagger.model.database import LongTransaction, QueueTable, ServerState
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement

LONG = 300
"""Seconds from which on a transaction is long: rows that it might see cannot be cleared away."""

_SERVER = Statement(
    "SELECT current_setting('server_version'), current_setting('server_encoding'), "
    "quote_ident(current_database()), quote_ident(current_user), quote_ident(current_schema()), "
    "pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on', "
    "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
    "CAST(current_setting('max_connections') AS integer) "
    "- CAST(current_setting('superuser_reserved_connections') AS integer)"
)
_CLOCK = Statement("SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)")
_SETTINGS = Statement("SELECT name, setting FROM pg_settings WHERE name IN listed_texts(:names)")
_SHOWN = (
    '["fsync", "full_page_writes", "synchronous_commit", "autovacuum", "data_checksums", '
    '"idle_in_transaction_session_timeout", "statement_timeout", "transaction_timeout"]'
)
_MISSING = Statement(
    "SELECT r.name, t.tablename FROM pg_catalog.pg_tables AS t "
    "JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS r (name) ON TRUE "
    "WHERE t.schemaname = current_schema() AND NOT has_table_privilege("
    "quote_ident(t.schemaname) || '.' || quote_ident(t.tablename), r.name) "
    "ORDER BY t.tablename, r.name"
)
_MAY_MAKE = Statement(
    "SELECT has_database_privilege(current_database(), 'TEMPORARY'), "
    "has_schema_privilege(current_schema(), 'CREATE') AND NOT EXISTS ("
    "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema() "
    "AND NOT pg_has_role(tableowner, 'USAGE'))"
)
_LONG = Statement(
    "SELECT pid, application_name, "
    "CAST(extract(epoch FROM clock_timestamp() - xact_start) AS double precision), "
    "state LIKE 'idle in transaction%' FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND xact_start < clock_timestamp() - make_interval(secs => CAST(:seconds AS integer)) "
    "ORDER BY xact_start"
)
_QUEUE = Statement(
    "SELECT n_live_tup, n_dead_tup, pg_table_size(relid) FROM pg_stat_user_tables "
    "WHERE relid = CAST('tag_queue' AS regclass)"
)


def look(db: Connection, long: int = LONG) -> ServerState:
    """Return the state of the server that a connection leads to; `long` is in seconds."""
    version, *names, read_only, connections, most = _SERVER(db).fetchone()
    encoding, database, user, schema = names
    before = time.time()
    (clock,) = _CLOCK(db).fetchone()
    after = time.time()
    may_note, may_upgrade = _MAY_MAKE(db).fetchone()
    live, dead, size = _QUEUE(db).fetchone()
    return ServerState(
        version=version.split()[0],
        encoding=encoding,
        database=database,
        user=user,
        schema=schema,
        is_read_only=read_only,
        missing_rights=tuple(map(tuple, _MISSING(db))),
        may_note=may_note,
        may_upgrade=may_upgrade,
        ahead=clock - (before + after) / 2,
        round_trip=after - before,
        connections=connections,
        most_connections=most,
        long_transactions=tuple(LongTransaction(*row) for row in _LONG(db, seconds=long)),
        queue=QueueTable(live, dead, size),
        settings=dict(_SETTINGS(db, names=_SHOWN).fetchall()),
        **_encryption(db),
    )


def _encryption(db: Connection) -> dict[str, bool]:
    driver = db.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    info = driver.info
    host = info.host
    return {
        "is_local": host.startswith(("/", "@", "127.")) or host in {"", "localhost", "::1"},
        "is_encrypted": driver.pgconn.ssl_in_use,
        "is_verified": info.get_parameters().get("sslmode") == "verify-full",
    }
