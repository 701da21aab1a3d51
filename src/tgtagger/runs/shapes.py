"""The JSON shape of each noun (docs/records.md): one function a noun, the same for every face.

Knows no words of a face: a shape has a hint only where its noun has one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tgtagger.model.refs import post_name
from tgtagger.model.times import iso
from tgtagger.system.terminal_text import clean

if TYPE_CHECKING:  # a command shows one or two of them
    from tgtagger import config
    from tgtagger.model.changes import Adoption, PastChange, TagChange, TakenBack
    from tgtagger.model.channels import ChannelKept, ChannelRemoved, ChannelState
    from tgtagger.model.copies import Backup, Copied, Recovered
    from tgtagger.model.jobs import Job
    from tgtagger.model.state import ArchiveState, FailureCount, Run
    from tgtagger.model.stored import Post, PostDetails, TagLink
    from tgtagger.model.tagging import Attempt, Proposal, Spending
    from tgtagger.model.tags import TagCount
    from tgtagger.runs.findings import Finding
    from tgtagger.runs.pages import PostPage
    from tgtagger.runs.preview import VocabularyPreview
    from tgtagger.runs.summary import (
        ChannelReport,
        ParseReport,
        PromptShown,
        SyncReport,
        TagEstimate,
        TagSummary,
    )
    from tgtagger.sources.telegram.session import Access
    from tgtagger.vocabulary import Suggestion

Shape = dict[str, Any]


# ---- what a run did


def channel_report(report: ChannelReport) -> Shape:
    channel = report.channel
    return {
        "source": report.source,
        "id": channel and abs(channel.id),
        "username": channel and channel.username,
        "title": channel and channel.title,
        "new": report.new,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "deleted": report.deleted,
        "service": report.service,
        "unread": report.unread,
        "rejected": [{"id": item.id, "reason": item.reason} for item in report.rejected],
        "complete": report.error is None and not report.unread,
        "via": report.via,
        "error": report.error and report.error.message,
    }


def parse_report(report: ParseReport) -> Shape:
    shape = {
        "channels": [channel_report(each) for each in report.channels],
        "new": sum(each.new for each in report.channels),
        "updated": sum(each.updated for each in report.channels),
        "deleted": sum(each.deleted for each in report.channels),
        "rejected": sum(each.rejections for each in report.channels),
    }
    return shape if report.error is None else shape | {"error": report.error.message}


def noted_parse(report: ParseReport) -> Shape:
    """Return what the record of runs keeps: of the channels those with news or trouble.

    A sync of a thousand channels every ten minutes would store 12 GB a year of "nothing new".
    """
    kept = tuple(each for each in report.channels if each.has_news)
    shape = parse_report(replace(report, channels=kept))
    return shape | {"unchanged_channels": len(report.channels) - len(kept)}


def noted_sync(report: SyncReport) -> Shape:
    """Return what the record of runs keeps of a sync."""
    return sync_report(report) | {"parse": noted_parse(report.parse)}


def parsed_and_tagged(report: ParseReport, summary: TagSummary | None) -> Shape:
    """Return what a run read and then tagged; None: it read no channel."""
    return parse_report(report) | {"tag": summary and tag_summary(summary)}


def tag_summary(summary: TagSummary) -> Shape:
    stopped, spent = summary.stopped, spending(summary.spent)
    told = {
        "tagged": summary.tagged,
        "skipped": summary.skipped,
        "failed": summary.failed,
        "pending": summary.pending,
        "copied": summary.copied,
        **{name: value for name, value in spent.items() if name not in _OF_SERVERS},
        "by_class": dict(summary.by_class),
        "stopped": stopped
        and {"class": stopped.kind, "message": stopped.message, "hint": summary.hint},
        "tagger": summary.provenance.source,
        "model": summary.provenance.model,
    }
    if summary.provenance.source == "keywords":
        return told
    models = [{"model": model, **spending(each)} for model, each in summary.spent.models]
    return told | {name: spent[name] for name in _OF_SERVERS} | {"models": models}


_OF_SERVERS = ("answers_without_tokens", "answers_without_cost", "unanswered")
"""What is told only of a tagger that asks a server."""


def spending(spent: Spending) -> Shape:
    return {
        "requests": spent.requests,
        "retries": spent.retries,
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "cached_tokens": spent.cached_tokens,
        "cost_usd": spent.cost_usd,
        "answers_without_tokens": spent.answers_without_tokens,
        "answers_without_cost": spent.answers_without_cost,
        "unanswered": spent.unanswered,
    }


def sync_report(report: SyncReport) -> Shape:
    return {
        "parse": parse_report(report.parse),
        "tag": report.tag and tag_summary(report.tag),
        "retry": report.retry and tag_summary(report.retry),
    }


def proposal(found: Proposal, post: Post) -> Shape:
    update = found.update
    return {
        "channel": {
            "id": abs(post.channel.id),
            "username": post.channel.username,
            "title": post.channel.title,
        },
        "id": update.id.message_id,
        "url": post.url,
        "text": post.text,
        "status": update.status,
        "tags": [asdict(tag) for tag in found.tags],
        "replaces": found.replaced,
        "keeps": found.kept,
        "failure": update.failure,
        "error": update.error,
    }


def tag_estimate(estimate: TagEstimate) -> Shape:
    needs, made_by = estimate.needs, estimate.provenance
    aside = {} if made_by.source == "keywords" else {
        "skipped": needs.skipped, "copied": needs.copied,
    }  # fmt: skip
    return {
        "posts": estimate.posts,
        **aside,
        "requests": needs.requests,
        "prompt_tokens": needs.prompt_tokens,
        "completion_tokens": needs.completion_tokens,
        "cost_usd": needs.cost_usd,
        "seconds": needs.seconds,
        "tagger": made_by.source,
        "model": made_by.model,
    }


def prompt(shown: PromptShown) -> Shape:
    return asdict(shown)


# ---- what is in the archive


def channel(state: ChannelState) -> Shape:
    return {
        "id": abs(state.channel.id),
        "username": state.channel.username,
        "title": state.channel.title,
        "kind": state.channel.kind,
        "posts": state.posts,
        "pending": state.pending,
        "failed": state.failed,
        "newest": state.newest and iso(state.newest),
        "parsed_at": state.parsed_at and iso(state.parsed_at),
        "unread": state.unread,
        "paused": state.paused,
        "removed": state.unfollowed,
        "keep_days": state.keep_days,
    }


def channels(found: Sequence[ChannelState], added: Sequence[str]) -> list[Shape]:
    """Return the channels, then the sources that were added and have not been read."""
    return [*map(channel, found), *({"source": source, "posts": 0} for source in added)]


def channel_kept(kept: ChannelKept) -> Shape:
    return asdict(kept)


def channel_removed(removed: ChannelRemoved) -> Shape:
    return asdict(removed)


def tag(count: TagCount) -> Shape:
    return {
        "name": count.name,
        "posts": count.posts,
        "sources": count.sources,
        "aliases": count.aliases,
        "last_used": count.last_used and iso(count.last_used),
        "added_at": iso(count.added_at),
    }


def tag_change(change: TagChange, *, dry_run: bool = False) -> Shape:
    return {
        "name": change.names[0],
        "aliases": change.aliases,
        "posts": change.posts,
        "number": None if dry_run else change.number,
        "dry_run": dry_run,
    }


def suggestion(found: Suggestion) -> Shape:
    return {
        "names": found.names,
        "into": found.into,
        "likeness": found.likeness,
        "posts": found.posts,
        "doubtful": found.is_doubtful,
    }


def tags_of_many(change: TagChange, *, dry_run: bool) -> Shape:
    number = None if dry_run else change.number
    return {"names": change.names, "posts": change.posts, "number": number, "dry_run": dry_run}


def vocabulary_preview(found: VocabularyPreview) -> Shape:
    return {
        "by": found.by,
        "posts": found.posts,
        "without": found.without,
        "tags": [{"name": name, "posts": posts} for name, posts in found.names],
        "channels": [asdict(each) for each in found.channels],
    }


def adoption(found: Adoption, *, dry_run: bool) -> Shape:
    return asdict(found) | {"dry_run": dry_run}


def past_change(change: PastChange) -> Shape:
    return {
        "number": change.number,
        "at": iso(change.at),
        "by": change.by,
        "what": change.what,
        "names": change.names,
        "posts": change.posts,
        "undone_at": change.undone_at and iso(change.undone_at),
        "undoes": change.undoes,
    }


def taken_back(found: TakenBack, *, dry_run: bool) -> Shape:
    change = found.change
    return {
        "number": change.number,
        "run": change.number if change.by == "run" else None,
        "by": change.by,
        "what": change.what,
        "names": change.names,
        "undoes": change.undoes,
        "posts": found.posts,
        "links": found.links,
        "tags": found.tags,
        "kept": found.kept,
        "pending": found.pending,
        "undo": found.undo,
        "dry_run": dry_run,
    }


def failure(count: FailureCount) -> Shape:
    return {
        "class": count.failure,
        "count": count.count,
        "last_error": count.last_error,
        "next_due": count.next_due and iso(count.next_due),
    }


def run(noted: Run) -> Shape:
    return {
        "id": noted.id,
        "command": noted.command,
        "started_at": iso(noted.started_at),
        "ended_at": noted.ended_at and iso(noted.ended_at),
        "exit_code": noted.exit_code,
        "summary": noted.summary and json.loads(noted.summary),
    }


def job(asked: Job) -> Shape:
    progress, end = asked.progress, asked.end
    return {
        "id": asked.id,
        "kind": asked.kind,
        "params": asked.params,
        "state": asked.state,
        "asked_at": iso(asked.asked_at),
        "started_at": asked.started_at and iso(asked.started_at),
        "ended_at": asked.ended_at and iso(asked.ended_at),
        "cancelled_at": asked.cancelled_at and iso(asked.cancelled_at),
        "tries": asked.tries,
        "progress": {
            "done": progress.done,
            "total": progress.total,
            "what": progress.what,
            "waits": progress.waits,
            "waits_until": progress.waits_until and iso(progress.waits_until),
        },
        "run": asked.run,
        "exit_code": end and end.exit_code,
        "error": end
        and end.failure
        and {"kind": end.failure, "message": end.error, "hint": end.hint},
        "summary": asked.summary and json.loads(asked.summary),
    }


def archive(state: ArchiveState, path: Path | str) -> Shape:
    return {
        "posts": state.posts,
        "failures": [failure(each) for each in state.failures],
        "channels": [channel(each) for each in state.channels],
        "due": state.due,
        "added": state.followed,
        "spent": [asdict(each) for each in state.spent],
        "tags": state.tags,
        "rejected": state.rejected,
        "runs": [run(each) for each in state.runs],
        "database": {
            "url": path if isinstance(path, str) else f"sqlite:///{path}",
            "schema": state.schema,
            "bytes": state.size,
        },
    }


def post(details: PostDetails) -> Shape:
    """Return a post's record, with where its tags came from, and the attempts to tag it."""
    record: Shape = json.loads(details.record)
    record["links"] = [_link(each) for each in details.links]
    record["attempts"] = [_attempt(each) for each in details.attempts]
    record["problem"] = details.problem
    return record


def named_post(details: PostDetails) -> Shape:
    """Return a post as `post` does, with its name in addresses, and its inner number."""
    return post(details) | {"name": post_name(details.post.id), "key": details.key}


def post_page(page: PostPage) -> str:
    """Return a page of posts as JSON text: their records, which are not read again, with names."""
    posts = ",".join(
        f'{found.record[:-1]},"name":"{post_name(found.post.id)}","key":{found.key}}}'
        for found in page.posts
    )
    return f'{{"posts":[{posts}],"next":{json.dumps(page.older)}}}'


def tags_of_post(change: TagChange) -> Shape:
    return {"tags": change.names, "number": change.number}


def _link(link: TagLink) -> Shape:
    return {
        "tag": link.name,
        "source": link.source,
        "model": link.model,
        "run": link.run,
        "added_at": iso(link.added_at),
    }


def _attempt(attempt: Attempt) -> Shape:
    return {
        "at": iso(attempt.at),
        "model": attempt.model,
        "class": attempt.failure,
        "http_status": attempt.http_status,
        "latency_ms": attempt.latency_ms,
        "prompt_tokens": attempt.prompt_tokens,
        "completion_tokens": attempt.completion_tokens,
        "cached_tokens": attempt.cached_tokens,
        "cost_usd": attempt.cost_usd,
        "sent_letters": attempt.sent_letters,
        "error": attempt.error,
    }


# ---- what was checked


def signed_in(access: Access, name: str | None) -> Shape:
    return {"account": access.account, "name": name, "session": str(access.session)}


def finding(found: Finding) -> Shape:
    return {
        "check": found.check,
        "level": found.level,
        "message": clean(found.message),
        "hint": found.hint and clean(found.hint),
    }


def backup(made: Backup) -> Shape:
    return {"path": str(made.path), "posts": made.posts, "bytes": made.size, "schema": made.schema}


def copied(made: Copied) -> Shape:
    return {
        "from": str(made.source),
        "to": str(made.target),
        "posts": made.posts,
        "rows": made.rows,
        "kept": made.kept,
        "schema": made.schema,
        "tables": [
            {"table": each.name, "rows": each.rows, "hash": each.hash} for each in made.tables
        ],
    }


def recovered(found: Recovered, target: Path) -> Shape:
    return {
        "file": str(target),
        "complete": found.is_all,
        "tables": [
            {
                "table": table.name,
                "saved": table.saved,
                "lost": table.lost,
                "knows_all": table.knows_all,
            }
            for table in found.tables
        ],
        "restored": found.restored,
        "marked": found.marked,
        "to_read": list(found.to_read),
    }


def setting(found: config.Setting, settings: config.Settings) -> Shape:
    """Return a setting in force and where it comes from; a secret's value is hidden."""
    return {
        "name": found.name,
        "value": _shown(found, getattr(settings, found.name)),
        "from": settings.origins[found.name],
        "variable": found.variable,
        "key": found.key,
    }


_WHO = re.compile(r"(?<=://).*(?=@)")
"""What may hold a password in the URL of a database, or of a proxy; an option may, too."""
_OPTION = re.compile(r"([?&][^=&]*=)[^&]*")


def _shown(found: config.Setting, value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, tuple):
        return ", ".join(value)
    if found.secret:
        return "(hidden)"
    return _OPTION.sub(_shown_option, _WHO.sub("(hidden)", str(value)))


def _shown_option(found: re.Match[str]) -> str:
    """Return an option of a URL, without its value if it is about a password, however spelled."""
    from urllib.parse import unquote

    return f"{found[1]}(hidden)" if "password" in unquote(found[0]).lower() else found[0]
