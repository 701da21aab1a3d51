"""An agent's tags have a source of their own; a session of one is a change, and can be undone."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    # SQLite renames no table that a view reads.
    "DROP VIEW tagged_posts",
    """
    CREATE TABLE new_post_tags (
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
        CONSTRAINT ck_post_tags_source
            CHECK (source IN ('human', 'hashtag', 'llm', 'keywords', 'cache', 'agent')),
        CONSTRAINT fk_post_tags_post_id FOREIGN KEY(post_id) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE,
        CONSTRAINT fk_post_tags_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE,
        CONSTRAINT fk_post_tags_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE SET NULL
    )
     WITHOUT ROWID
    """,
    """
    INSERT INTO new_post_tags
        (post_id, position, tag_id, source, model, prompt, vocabulary, run_id, added_at)
    SELECT post_id, position, tag_id, source, model, prompt, vocabulary, run_id, added_at FROM post_tags
    """,
    "DROP TABLE post_tags",
    "ALTER TABLE new_post_tags RENAME TO post_tags",
    "CREATE INDEX ix_post_tags_run_id ON post_tags (run_id) WHERE run_id IS NOT NULL",
    """
    CREATE VIEW tagged_posts AS
    SELECT c.username AS channel, c.title AS channel_title, p.channel_id, p.message_id,
           CASE WHEN p.message_id < 0 THEN NULL
                WHEN c.username IS NOT NULL
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
    """
    CREATE TABLE new_tag_changes (
        id INTEGER NOT NULL,
        at TEXT NOT NULL,
        what TEXT NOT NULL,
        names TEXT NOT NULL CONSTRAINT ck_tag_changes_names_json CHECK (json_valid(names)),
        posts INTEGER NOT NULL,
        last_tag_id INTEGER NOT NULL,
        undoes INTEGER,
        undone_at TEXT,
        swept_at TEXT,
        PRIMARY KEY (id),
        CONSTRAINT ck_tag_changes_what CHECK (what IN
            ('rename', 'merge', 'alias', 'unalias', 'remove', 'add', 'drop', 'undo', 'agent', 'run'))
    )
    """,
    """
    INSERT INTO new_tag_changes (id, at, what, names, posts, last_tag_id, undoes, undone_at, swept_at)
    SELECT id, at, what, names, posts, last_tag_id, undoes, undone_at, swept_at FROM tag_changes
    """,
    "DROP TABLE tag_changes",
    "ALTER TABLE new_tag_changes RENAME TO tag_changes",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
