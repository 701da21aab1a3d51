"""The database's tables, as SQLAlchemy Core metadata: what queries are written against.

The migrations make exactly these, and besides them the full-text index and the view for people
(tests/store/test_migrations.py compares). Described for readers of the file in docs/schema.md.
Knows no Telegram and no rules.

Conventions: times are UTC, ISO 8601 text (`2026-01-31T12:00:00Z`), so that they sort as text and
any program reads them; lists and small structures are JSON text, checked to be JSON; an absent
fact is NULL. A post's inner `id` sorts by time (`post_rows.order_key`), so "newest first" is the
table's own order.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


def _json(name: str) -> Column[str]:
    return Column(
        name, Text, CheckConstraint(f"{name} IS NULL OR json_valid({name})", name=f"{name}_json")
    )


def _post_reference(*, primary_key: bool = False) -> Column[int]:
    return Column(
        "post_id",
        Integer,
        ForeignKey("posts.id", ondelete="CASCADE", onupdate="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


def _channel_reference(*, primary_key: bool = False) -> Column[int]:
    return Column(
        "channel_id",
        Integer,
        ForeignKey("channels.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


channels = Table(
    "channels",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("username", Text),
    Column("kind", Text, nullable=False),
    Column("added_at", Text, nullable=False),
    Column("parsed_at", Text),  # when it was last read, from any source
    Column("since", Text),  # the floor a user set: nothing older is wanted
    Column("paused_at", Text),
    CheckConstraint("kind IN ('channel', 'supergroup', 'group')", name="kind"),
)

readings = Table(  # how far each source has read a channel
    "readings",
    metadata,
    _channel_reference(primary_key=True),
    Column("source", Text, primary_key=True),
    Column("top_id", Integer),  # the highest message id seen
    Column("floor_id", Integer, nullable=False),  # ids up to it are older than channels.since
    Column("not_before", Text),  # the source asked to be left alone until then
    sqlite_with_rowid=False,
)

unread_ranges = Table(
    "unread_ranges",
    metadata,
    _channel_reference(primary_key=True),
    Column("source", Text, primary_key=True),
    Column("low", Integer, primary_key=True),
    Column("high", Integer, nullable=False),
    CheckConstraint("low <= high", name="order"),
    sqlite_with_rowid=False,
)

posts = Table(
    "posts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _channel_reference(),
    Column("message_id", Integer, nullable=False),
    Column("size", Integer, nullable=False, server_default=text("1")),  # messages in the album
    Column("date", Text),
    Column("edited", Text),
    Column("deleted", Text),
    Column("text", Text, nullable=False),
    Column("media_text", Text),  # the words of its media: polls, link titles
    Column("markdown", Text),  # NULL: as the text
    _json("entities"),
    _json("media"),
    Column("views", Integer),
    Column("forwards", Integer),
    Column("replies", Integer),
    _json("reactions"),
    _json("forward"),
    Column("reply_to", Integer),
    _json("reply"),  # what the id alone does not say: another chat, a quote
    Column("author", Text),
    Column("grouped_id", Integer),
    Column("source", Text, nullable=False),
    Column("problem", Text),  # why content could not be read
    Column("text_hash", Text, nullable=False),
    Column("added_at", Text, nullable=False),
    Column("changed_at", Text),
    Column("status", Text, nullable=False, server_default=text("'pending'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("failure", Text),
    Column("error", Text),
    Column("next_attempt_at", Text),
    Column("tagged_at", Text),
    UniqueConstraint("channel_id", "message_id"),
    CheckConstraint("source IN ('telegram', 'preview', 'desktop')", name="source"),
    CheckConstraint("status IN ('pending', 'tagged', 'skipped', 'failed')", name="status"),
)
# The queues, which posts leave when tagged; also what `status` counts by.
Index("ix_posts_pending", posts.c.id, sqlite_where=text("status = 'pending'"))
Index("ix_posts_skipped", posts.c.id, sqlite_where=text("status = 'skipped'"))
Index("ix_posts_failed", posts.c.next_attempt_at, sqlite_where=text("status = 'failed'"))

album_members = Table(
    "album_members",
    metadata,
    _channel_reference(primary_key=True),
    Column("message_id", Integer, primary_key=True),
    _post_reference(),
    sqlite_with_rowid=False,
)
Index("ix_album_members_post_id", album_members.c.post_id)

raw_forms = Table(
    "raw_forms",
    metadata,
    # No foreign key: under a SAVEPOINT it would cost a fifth of the time of storing a post. Where a
    # post is deleted its raw records are, too.
    Column("post_id", Integer, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("converter", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),  # JSON, compressed with zstandard
    sqlite_with_rowid=False,
)

service_messages = Table(
    "service_messages",
    metadata,
    _channel_reference(primary_key=True),
    Column("message_id", Integer, primary_key=True),
    Column("date", Text),
    Column("action", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("converter", Integer),
    Column("data", LargeBinary),
    sqlite_with_rowid=False,
)

rejected_posts = Table(
    "rejected_posts",
    metadata,
    _channel_reference(primary_key=True),
    Column("message_id", Text, primary_key=True),  # as found; it may be no number
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    sqlite_with_rowid=False,
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("command", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text),  # NULL: still at work, or killed
    Column("exit_code", Integer),
    Column("pid", Integer),
    Column("tagger", Text),
    Column("model", Text),
    Column("prompt", Text),
    Column("vocabulary", Text),
    _json("summary"),
)

followed_sources = Table(  # added by a person, not read yet
    "followed_sources",
    metadata,
    Column("source", Text, primary_key=True),  # as `parse` takes it
    Column("added_at", Text, nullable=False),
    sqlite_with_rowid=False,
)

left_channels = Table(  # no longer read, unless by name; their posts stay
    "left_channels",
    metadata,
    Column("channel_id", Integer, ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
    Column("left_at", Text, nullable=False),
)

tags = Table(
    "tags",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),  # as shown
    Column("key", Text, nullable=False, unique=True),  # vocabulary.key: equal keys, one tag
    Column("description", Text),
    Column("added_at", Text, nullable=False),
)

tag_aliases = Table(
    "tag_aliases",
    metadata,
    Column("key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("tag_id", Integer, ForeignKey("tags.id", ondelete="CASCADE"), nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_tag_aliases_tag_id", tag_aliases.c.tag_id)

post_tags = Table(
    "post_tags",
    metadata,
    _post_reference(primary_key=True),
    Column("position", Integer, primary_key=True),  # the best first
    Column("tag_id", Integer, ForeignKey("tags.id", ondelete="CASCADE"), nullable=False),
    Column("source", Text, nullable=False),
    Column("model", Text),
    Column("prompt", Text),
    Column("vocabulary", Text),
    Column("run_id", Integer, ForeignKey("runs.id", ondelete="SET NULL")),
    Column("added_at", Text, nullable=False),
    UniqueConstraint("tag_id", "post_id"),
    CheckConstraint("source IN ('human', 'hashtag', 'llm', 'keywords', 'cache')", name="source"),
    sqlite_with_rowid=False,
)

removed_tags = Table(  # what a person took off a post: no machine puts it back
    "removed_tags",
    metadata,
    _post_reference(primary_key=True),
    Column("tag_id", Integer, ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True),
    Column("removed_at", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_removed_tags_tag_id", removed_tags.c.tag_id)

barred_tags = Table(  # what a person removed from the archive: no machine gives it to any post
    "barred_tags",
    metadata,
    Column("tag_id", Integer, ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True),
    Column("barred_at", Text, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    _post_reference(),
    Column("run_id", Integer, ForeignKey("runs.id", ondelete="SET NULL")),
    Column("at", Text, nullable=False),
    Column("model", Text),
    Column("class", Text),  # NULL: it was answered
    Column("http_status", Integer),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("cost_usd", REAL),
    Column("latency_ms", Integer),
    Column("error", Text),
    Column("sent_letters", Integer),  # of a text that was too long to be sent whole
)
Index("ix_attempts_post_id", attempts.c.post_id)

answers = Table(  # already paid for: equal text, prompt, model and vocabulary
    "answers",
    metadata,
    Column("key", Text, primary_key=True),
    _json("tags"),
    Column("model", Text),
    Column("at", Text, nullable=False),
    sqlite_with_rowid=False,
)

server_capabilities = Table(
    "server_capabilities",
    metadata,
    Column("url", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    _json("capabilities"),
    Column("at", Text, nullable=False),
    sqlite_with_rowid=False,
)
