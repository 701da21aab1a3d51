"""The web preview, a tagging server, and signing in."""

from __future__ import annotations

from support.recorded_session.session import Session


def the_web_preview(session: Session) -> None:
    for line in (
        "parse @newsroom --via preview --limit 5",
        "parse @newsroom",
        "parse @newsroom --json",
        "channels",
        "parse t.me/s/newsroom --backfill -v",
        "parse @missing --via preview",
        "parse @missing @newsroom --json",
        "parse @hidden",
        "parse @chatter",
        "parse @somebody",
        "parse @portal",
        "parse @forbidden",
        "parse @hurried",
        "parse export @lighthouse",
        "show @lighthouse/7",
        "show @lighthouse/2",
        "parse",
        "channels add @missing",
        "parse",
        "doctor",
        "sync",
        "sync --json",
        "sync -q",
        "sync --no-backfill --max-time 10m -v",
        "channels pause @newsroom",
        "channels remove @missing",
        "sync --json",
        "status",
        "export --channel @newsroom --limit 2",
        "tag --channel @newsroom --post @newsroom/3 --force -v",
    ):
        session.with_preview(line)
    session.preview.texts[25] = "Notice 25 was <i>edited</i>: the ferry is on time."
    del session.preview.texts[24]
    session.with_preview("parse @newsroom")
    session.with_preview("parse @newsroom --refresh 0")
    session.with_preview("tag -v")
    session.with_preview("status --json")
    session.type("parse @newsroom", PREVIEW_URL="not an address")
    session.new_home()


def a_language_model(session: Session) -> None:
    session.with_model("tag --show-prompt")
    session.with_model("tag --show-prompt --json", TAG_LANGUAGE="English")
    session.type("parse export")
    session.with_model("tag --dry-run")
    session.with_model("tag --dry-run --json")
    session.with_model("doctor")
    session.with_model("doctor --json", LLM_MODEL="model-c")
    session.with_model("doctor", 401)
    session.with_model("doctor", 404, LLM_MODEL="modle-a")
    session.with_model("tag", 401)
    session.with_model("tag --json", "long wait")
    session.with_model("tag", *[500] * 40)
    session.with_model("tag --json", *[500] * 40)
    session.with_model("tag", 404)
    session.with_model("tag --limit 2", 429, 500, "no format")
    session.with_model("tag --limit 4", "prose", "prose")
    session.with_model("tag --max-cost 1")
    (session.work / "prices.toml").write_text("[model-a]\ninput = 10\noutput = 20\n")
    session.with_model("tag --force --limit 3 --max-cost 0.00001", LLM_PRICES="prices.toml")
    session.with_model(
        "tag --force --limit 6 --max-cost 0.03 -v", LLM_PRICES="prices.toml", LLM_BATCH="2"
    )
    session.with_model("tag --force --yes -v")
    session.with_model("status")
    session.with_model("show 1500000001/18")
    session.with_model("show 1500000001/17")
    session.with_model("show 1500000001/17 --json")
    session.with_model("show 1500000001/3")
    session.with_model("search status:failed")
    session.with_model("export --status failed")
    session.with_model("retry-failed")
    session.with_model("retry-failed --dry-run")
    session.with_model("retry-failed --force --dry-run")
    session.with_model("retry-failed --force --class refused")
    session.with_model("retry-failed --force --class bad_answer --json")
    session.with_model("retry-failed --force", 401)
    session.with_model("tag --stale")
    session.with_model("tag --force --model model-b,model-a --limit 3", 404)
    session.with_model("tag --stale --vocabulary closed.txt --json")
    session.with_model("tag --force --yes --max-time 10m", LLM_BATCH="20")
    session.with_model("tag --force --yes --concurrency 2 --post 1500000001/3")
    (session.work / "rules.txt").write_text("Give {minimum} to {maximum} tags in {language}.\n")
    session.with_model("tag --show-prompt", LLM_PROMPT="rules.txt")
    session.with_model("tag --stale --dry-run", LLM_PROMPT="rules.txt")
    session.with_model("tags")
    session.with_model("tags undo 5 --dry-run")
    session.with_model("sync --json", PREVIEW_URL=session.preview.url)
    session.with_model("status --json")
    session.type("tag --force --yes --limit 1", LLM_URL="http://127.0.0.1:9/v1", LLM_MODEL="m",
                 RETRY_BASE="0.01")  # fmt: skip
    session.type("tag", LLM_URL="ftp://127.0.0.1/v1", LLM_MODEL="m")
    session.type("doctor", LLM_URL="http://127.0.0.1:9/v1", LLM_MODEL="m")
    session.new_home()


def signing_in(session: Session) -> None:
    session.type("login")
    session.answer("login", "no number\n")
    session.answer("login --api-id 1", "\n")
    nowhere = {"TELEGRAM_SERVER": "127.0.0.1:9", "TELEGRAM_DC": "2"}
    application = "--api-id 1 --api-hash 0123456789abcdef0123456789abcdef"
    session.type(f"login {application} --phone 1", **nowhere)
    session.type(f"login {application}", TELEGRAM_SERVER="nowhere")
    session.type("login --json --account work")
    session.type("logout")
    session.type("logout --account work")
    session.type("login --account ../elsewhere")
