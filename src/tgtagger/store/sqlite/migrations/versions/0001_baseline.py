"""The first schema: all tables, indexes and views."""

from alembic import op

revision = "0001"
down_revision = None

# fmt: off
LATER_SYMBOLS = (
    (0x2065, 0x2069), (0x2072, 0x2073), (0x208F, 0x208F), (0x209D, 0x209F), (0x20BA, 0x20CF),
    (0x20F1, 0x20FF), (0x218A, 0x218F), (0x23F4, 0x23FF), (0x2427, 0x243F), (0x244B, 0x245F),
    (0x2700, 0x2700), (0x2B4D, 0x2B4F), (0x2B5A, 0x2BFF), (0x1F321, 0x1F32F), (0x1F336, 0x1F336),
    (0x1F37D, 0x1F37F), (0x1F394, 0x1F39F), (0x1F3C5, 0x1F3C5), (0x1F3CB, 0x1F3DF),
    (0x1F3F1, 0x1F3FF), (0x1F43F, 0x1F43F), (0x1F441, 0x1F441), (0x1F4F8, 0x1F4F8),
    (0x1F4FD, 0x1F4FF), (0x1F53E, 0x1F53F), (0x1F544, 0x1F54F), (0x1F568, 0x1F5FA),
    (0x1F641, 0x1F644), (0x1F6C6, 0x1F6FF), (0x1F7D5, 0x1F7FF), (0x1F900, 0x1FAFF),
)
# fmt: on
"""Symbols and emoji (first, last) that `unicode61`, which knows Unicode 6.1, takes for letters."""

SYMBOLS = "".join(chr(code) for first, last in LATER_SYMBOLS for code in range(first, last + 1))

STATEMENTS = (
    """
    CREATE TABLE answers (
        "key" TEXT NOT NULL,
        tags TEXT CONSTRAINT ck_answers_tags_json CHECK (tags IS NULL OR json_valid(tags)),
        model TEXT,
        at TEXT NOT NULL,
        PRIMARY KEY ("key")
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE channels (
        id INTEGER NOT NULL,
        title TEXT NOT NULL,
        username TEXT,
        kind TEXT NOT NULL,
        added_at TEXT NOT NULL,
        parsed_at TEXT,
        since TEXT,
        paused_at TEXT,
        PRIMARY KEY (id),
        CONSTRAINT ck_channels_kind CHECK (kind IN ('channel', 'supergroup', 'group'))
    )
    """,
    """
    CREATE TABLE runs (
        id INTEGER NOT NULL,
        command TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        exit_code INTEGER,
        pid INTEGER,
        tagger TEXT,
        model TEXT,
        prompt TEXT,
        vocabulary TEXT,
        summary TEXT CONSTRAINT ck_runs_summary_json CHECK (summary IS NULL OR json_valid(summary)),
        PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE server_capabilities (
        url TEXT NOT NULL,
        model TEXT NOT NULL,
        capabilities TEXT CONSTRAINT ck_server_capabilities_capabilities_json
            CHECK (capabilities IS NULL OR json_valid(capabilities)),
        at TEXT NOT NULL,
        PRIMARY KEY (url, model)
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE tags (
        id INTEGER NOT NULL,
        name TEXT NOT NULL,
        "key" TEXT NOT NULL,
        description TEXT,
        added_at TEXT NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT uq_tags_key UNIQUE ("key")
    )
    """,
    """
    CREATE TABLE posts (
        id INTEGER NOT NULL,
        channel_id INTEGER NOT NULL,
        message_id INTEGER NOT NULL,
        size INTEGER DEFAULT 1 NOT NULL,
        date TEXT,
        edited TEXT,
        deleted TEXT,
        text TEXT NOT NULL,
        media_text TEXT,
        markdown TEXT,
        entities TEXT CONSTRAINT ck_posts_entities_json CHECK (entities IS NULL OR json_valid(entities)),
        media TEXT CONSTRAINT ck_posts_media_json CHECK (media IS NULL OR json_valid(media)),
        views INTEGER,
        forwards INTEGER,
        replies INTEGER,
        reactions TEXT CONSTRAINT ck_posts_reactions_json CHECK (reactions IS NULL OR json_valid(reactions)),
        forward TEXT CONSTRAINT ck_posts_forward_json CHECK (forward IS NULL OR json_valid(forward)),
        reply_to INTEGER,
        reply TEXT CONSTRAINT ck_posts_reply_json CHECK (reply IS NULL OR json_valid(reply)),
        author TEXT,
        grouped_id INTEGER,
        source TEXT NOT NULL,
        problem TEXT,
        text_hash TEXT NOT NULL,
        added_at TEXT NOT NULL,
        changed_at TEXT,
        status TEXT DEFAULT 'pending' NOT NULL,
        attempts INTEGER DEFAULT 0 NOT NULL,
        failure TEXT,
        error TEXT,
        next_attempt_at TEXT,
        tagged_at TEXT,
        PRIMARY KEY (id),
        CONSTRAINT uq_posts_channel_id_message_id UNIQUE (channel_id, message_id),
        CONSTRAINT ck_posts_source CHECK (source IN ('telegram', 'preview', 'desktop')),
        CONSTRAINT ck_posts_status CHECK (status IN ('pending', 'tagged', 'skipped', 'failed')),
        CONSTRAINT fk_posts_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE INDEX ix_posts_failed ON posts (next_attempt_at) WHERE status = 'failed'
    """,
    """
    CREATE INDEX ix_posts_pending ON posts (id) WHERE status = 'pending'
    """,
    """
    CREATE INDEX ix_posts_skipped ON posts (id) WHERE status = 'skipped'
    """,
    """
    CREATE TABLE rejected_posts (
        channel_id INTEGER NOT NULL,
        message_id TEXT NOT NULL,
        source TEXT NOT NULL,
        reason TEXT NOT NULL,
        seen_at TEXT NOT NULL,
        PRIMARY KEY (channel_id, message_id),
        CONSTRAINT fk_rejected_posts_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE service_messages (
        channel_id INTEGER NOT NULL,
        message_id INTEGER NOT NULL,
        date TEXT,
        action TEXT NOT NULL,
        source TEXT NOT NULL,
        converter INTEGER,
        data BLOB,
        PRIMARY KEY (channel_id, message_id),
        CONSTRAINT fk_service_messages_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE tag_aliases (
        "key" TEXT NOT NULL,
        name TEXT NOT NULL,
        tag_id INTEGER NOT NULL,
        PRIMARY KEY ("key"),
        CONSTRAINT fk_tag_aliases_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    "CREATE INDEX ix_tag_aliases_tag_id ON tag_aliases (tag_id)",
    """
    CREATE TABLE readings (
        channel_id INTEGER NOT NULL,
        source TEXT NOT NULL,
        top_id INTEGER,
        floor_id INTEGER NOT NULL,
        not_before TEXT,
        PRIMARY KEY (channel_id, source),
        CONSTRAINT fk_readings_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE followed_sources (
        source TEXT NOT NULL,
        added_at TEXT NOT NULL,
        PRIMARY KEY (source)
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE left_channels (
        channel_id INTEGER NOT NULL,
        left_at TEXT NOT NULL,
        PRIMARY KEY (channel_id),
        CONSTRAINT fk_left_channels_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE unread_ranges (
        channel_id INTEGER NOT NULL,
        source TEXT NOT NULL,
        low INTEGER NOT NULL,
        high INTEGER NOT NULL,
        PRIMARY KEY (channel_id, source, low),
        CONSTRAINT ck_unread_ranges_order CHECK (low <= high),
        CONSTRAINT fk_unread_ranges_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE album_members (
        channel_id INTEGER NOT NULL,
        message_id INTEGER NOT NULL,
        post_id INTEGER NOT NULL,
        PRIMARY KEY (channel_id, message_id),
        CONSTRAINT fk_album_members_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE,
        CONSTRAINT fk_album_members_post_id FOREIGN KEY(post_id) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE
    )
     WITHOUT ROWID
    """,
    """
    CREATE INDEX ix_album_members_post_id ON album_members (post_id)
    """,
    """
    CREATE TABLE attempts (
        id INTEGER NOT NULL,
        post_id INTEGER NOT NULL,
        run_id INTEGER,
        at TEXT NOT NULL,
        model TEXT,
        class TEXT,
        http_status INTEGER,
        prompt_tokens INTEGER,
        completion_tokens INTEGER,
        cached_tokens INTEGER,
        cost_usd REAL,
        latency_ms INTEGER,
        error TEXT,
        sent_letters INTEGER,
        PRIMARY KEY (id),
        CONSTRAINT fk_attempts_post_id FOREIGN KEY(post_id) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE,
        CONSTRAINT fk_attempts_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE SET NULL
    )
    """,
    """
    CREATE INDEX ix_attempts_post_id ON attempts (post_id)
    """,
    """
    CREATE TABLE barred_tags (
        tag_id INTEGER NOT NULL,
        barred_at TEXT NOT NULL,
        PRIMARY KEY (tag_id),
        CONSTRAINT fk_barred_tags_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE post_tags (
        post_id INTEGER NOT NULL,
        position INTEGER NOT NULL,
        tag_id INTEGER NOT NULL,
        source TEXT NOT NULL,
        model TEXT,
        prompt TEXT,
        vocabulary TEXT,
        run_id INTEGER,
        added_at TEXT NOT NULL,
        PRIMARY KEY (post_id, position),
        CONSTRAINT uq_post_tags_tag_id_post_id UNIQUE (tag_id, post_id),
        CONSTRAINT ck_post_tags_source CHECK (source IN ('human', 'hashtag', 'llm', 'keywords', 'cache')),
        CONSTRAINT fk_post_tags_post_id FOREIGN KEY(post_id) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE,
        CONSTRAINT fk_post_tags_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE,
        CONSTRAINT fk_post_tags_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE SET NULL
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE raw_forms (
        post_id INTEGER NOT NULL,
        source TEXT NOT NULL,
        converter INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (post_id, source)
    )
     WITHOUT ROWID
    """,
    """
    CREATE TABLE removed_tags (
        post_id INTEGER NOT NULL,
        tag_id INTEGER NOT NULL,
        removed_at TEXT NOT NULL,
        PRIMARY KEY (post_id, tag_id),
        CONSTRAINT fk_removed_tags_post_id FOREIGN KEY(post_id) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE,
        CONSTRAINT fk_removed_tags_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE
    )
     WITHOUT ROWID
    """,
    "CREATE INDEX ix_removed_tags_tag_id ON removed_tags (tag_id)",
    # External content: the text is stored once, in posts. Kept in step by the store, a page at a
    # time; triggers would halve the rate of storing (docs/performance.md).
    # A symbol separates words: `🟠Новости` is found by its word.
    f"""
    CREATE VIRTUAL TABLE posts_fts USING fts5(
        text, media_text, content='posts', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2 separators ''{SYMBOLS}'''
    )
    """,
    # Bytes of new words kept in memory: those of a whole page, so that each word is written once.
    "INSERT INTO posts_fts (posts_fts, rank) VALUES ('hashsize', 16777216)",
    # Merge eight parts of the index at a time, not four: storing takes a tenth less time.
    "INSERT INTO posts_fts (posts_fts, rank) VALUES ('automerge', 8)",
    "CREATE VIRTUAL TABLE posts_fts_terms USING fts5vocab('posts_fts', 'row')",
    """
    CREATE VIEW tagged_posts AS
    SELECT c.username AS channel, c.title AS channel_title, p.channel_id, p.message_id,
           CASE WHEN c.username IS NOT NULL
                    THEN 'https://t.me/' || c.username || '/' || p.message_id
                WHEN p.channel_id > 0
                    THEN 'https://t.me/c/' || p.channel_id || '/' || p.message_id
           END AS url,
           p.date, p.text,
           (SELECT json_group_array(name) FROM (
               SELECT t.name FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id
               WHERE l.post_id = p.id ORDER BY l.position)) AS tags
    FROM posts AS p JOIN channels AS c ON c.id = p.channel_id
    """,
)


def upgrade() -> None:
    # Through the driver: SQLAlchemy would take a colon in a statement for a parameter.
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
