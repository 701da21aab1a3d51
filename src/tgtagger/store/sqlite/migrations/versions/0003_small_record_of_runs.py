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

OF_ACCOUNTS = (
    "api_key not", "api_key is", "api_key was", "api_key has", "api_key expired", "invalid api_key",
    "incorrect api_key", "no api_key", "missing api_key", "valid api_key", "apikey", "credential",
    "unauthorized", "unauthenticated", "authentication", "permission_denied", "permission_error",
    "credit balance", "insufficient_quota", "insufficient%balance", "insufficient%credit",
    "insufficient%funds", "balance is", "out of credits", "any credits", "more credits", "arrear",
    "billing", "payment required", "quota exceeded", "exceeded%quota", "recharge", "spend%limit",
    "location is not supported", "unsupported_country", "country, region", "your country",
    "your region", "your location", "must be verified", "not verified", "verify your",
    "account has been", "account is", "organization has been", "organization is", "suspended",
    "deactivated",
)  # fmt: skip
"""Phrases of LIKE by which a server surely speaks of a key, credit, a country or an account."""

OF_MODELS = (
    "model_not_found", "model%does not exist", "model%not found", "model is not available",
    "model_decommissioned", "model%has been de", "model%no longer", "no models loaded",
    "unknown model", "invalid model", "not a valid model", "failed to load model", "model disabled",
    "access to model", "access to the model", "model%access_denied", "model%accessdenied",
)  # fmt: skip
"""The same of a model. Only of posts whose failure is not the post's own."""


def speaks(phrases: tuple[str, ...]) -> str:
    return "(" + " OR ".join(f"error LIKE '%{phrase}%'" for phrase in phrases) + ")"


BLAMED = f"""
    UPDATE posts SET attempts = 0, next_attempt_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
    WHERE status = 'failed' AND next_attempt_at IS NULL
    AND ({speaks(OF_ACCOUNTS)}
        OR failure NOT IN ('too_long', 'refused') AND {speaks(OF_MODELS)})
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
