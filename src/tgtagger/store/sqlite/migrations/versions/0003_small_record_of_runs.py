"""The record of runs stays small, a run's tags and attempts are found by an index.

Of a reading run only the channels with news or trouble stay in its summary. The view builds no link
for a message of a group from before it became a supergroup. Posts that were blamed for what the
server said of a key, a model, credit or a country are due again.
"""

import json

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    "CREATE INDEX ix_post_tags_run_id ON post_tags (run_id) WHERE run_id IS NOT NULL",
    "CREATE INDEX ix_attempts_run_id ON attempts (run_id) WHERE run_id IS NOT NULL",
    "DROP VIEW tagged_posts",
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
)

WORDS = (
    "api key", "api_key", "apikey", "credential", "unauthor", "permission", "access denied", "model",
    "credit", "balance", "billing", "payment", "quota", "insufficient", "arrear", "region", "country",
    "location", "territory", "verif", "organization", "suspended", "deactivated", "disabled",
)  # fmt: skip
"""Words by which a server speaks of an account or a model, not of a post; in lower case."""

BLAMED = f"""
    UPDATE posts SET attempts = 0, next_attempt_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
    WHERE status = 'failed' AND next_attempt_at IS NULL
    AND ({" OR ".join(f"instr(lower(error), '{word}') > 0" for word in WORDS)})
    AND (SELECT http_status FROM attempts AS a WHERE a.post_id = posts.id ORDER BY a.id DESC LIMIT 1)
        IN (400, 403)
"""

NEWS = ("new", "updated", "deleted", "rejected", "error")


def upgrade() -> None:
    execute = op.get_bind().exec_driver_sql
    for statement in STATEMENTS:
        execute(statement)
    execute(BLAMED)
    rows = execute("SELECT id, summary FROM runs WHERE summary LIKE '%\"channels\"%'").fetchall()
    for number, summary in rows:
        thinned = thin(summary)
        if thinned is not None:
            execute("UPDATE runs SET summary = ? WHERE id = ?", (thinned, number))


def thin(summary: str) -> str | None:
    """Return a summary without the channels that had nothing new; None: leave it as it is."""
    try:
        told = json.loads(summary)
        parts = [part for part in (told, told.get("parse")) if part and "channels" in part]
        for part in parts:
            had = part["channels"]
            part["channels"] = [each for each in had if any(each.get(name) for name in NEWS)]
            part["unchanged_channels"] = len(had) - len(part["channels"])
    except (ValueError, TypeError, AttributeError):
        return None  # nothing of ours: damaged, or written by hand
    return json.dumps(told, ensure_ascii=False)
