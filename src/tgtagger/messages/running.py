"""The sentences of errors of runs: what to read, filters, taggers, locks, this machine, exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _locked(what: str) -> Callable[..., str]:
    def sentence(*, process: int | None, **data: Any) -> str:
        by = f" (process {process})" if process is not None else ""
        return f"{what.format_map(data)}{by}: try again when it has ended"

    return sentence


def _ending(*, path: object, ending: str, name: str, **_: object) -> str:
    if name:
        return f"{path}: the ending {ending} does not fit the format {name}"
    return f"{path}: no format has the ending {ending}"


def _port_taken(*, url: str, ours: bool, **_: object) -> str:
    by = "another tgtagger serves there" if ours else "another program listens there"
    return f"{url} is taken: {by}"


SENTENCES: Mapping[str, str | Callable[..., str]] = {
    "usage": "{sentence}",
    # ---- what is to be read
    "no_channels_yet": "the database has no channel yet",
    "channels_without_names": ("the archive's channels have no public names: they need an account"),
    "preview_wants_name": "{source}: the web preview needs the @name of a channel",
    "channel_without_name": "{channel} has no public name, so it has no web preview",
    "invitation_wants_account": "an invitation needs an account",
    "list_unreadable": "{path} cannot be read: {reason}",
    "list_not_utf8": "{path} cannot be read: it is not UTF-8",
    "parse_time_over": "the time limit was reached",
    # ---- which posts
    "date_wrong": (
        "{text!r} is not a date: write 2026-01-31, 2026-01-31T12:00, 2026-01, 2026, today, "
        "or how long ago: 7d, 12h, 3mo"
    ),
    "date_ambiguous": "{text!r} may be minutes or months",
    "duration_wrong": "{text!r} is not a duration: write 90s, 10m, 2h or 1d",
    "period_empty": "the period is empty: {since} is not before {until}",
    "filter_unknown": "{filter}: is not a filter",
    "filter_empty": "{filter}: has no value",
    "filter_value_unknown": "{filter}:{value} has an unknown value",
    "status_unknown": "there is no status {name!r}",
    "failure_class_unknown": "there is no class of failures {name!r}",
    # ---- taggers
    "embedded_tagger_has_no_prompt": "the embedded tagger has no prompt",
    "vocabulary_closed_and_empty": "a closed vocabulary needs a list of allowed tags",
    "vocabulary_wrong": "{path}: {reason}",
    "shelves_wrong": "{path}: {reason}",
    "tagging_file_unreadable": "the {file} {path} cannot be read: {reason}",
    "tagging_file_not_utf8": "the {file} {path} is not UTF-8",
    "no_tags_yet": "there are no tags yet",
    # ---- other runs
    "run_at_work": _locked("another {run} run is at work on {database}"),
    "job_waits": _locked("another {run} run is at work"),
    "account_in_use": _locked("another run uses the Telegram account {account}"),
    "nobody_to_answer": "signing in needs an answer, and there is no terminal to ask: {question}",
    # ---- jobs
    "account_unknown": "no account {name!r}",
    "job_field_unknown": "a {job} job knows no {name!r}",
    "job_fields_wrong": "what is stored of a {job} job cannot be read",
    "job_names_too_many": "a job names at most {most} channels or posts",
    "job_force_or_stale": "force and stale are two different choices",
    "job_too_wide": "force on every post is too much for one job",
    "job_unknown": "no job has the number {number}",
    # ---- pages and the API
    "serve_missing": "the packages of the web pages are not installed",
    "host_unusable": "{host} is not an address of this machine: {reason}",
    "address_refused": "{url} cannot be listened on: {reason}",
    "port_taken": _port_taken,
    "token_needed": "{host} can be reached by other machines, so a token is needed",
    "token_file_unreadable": "the token file {path} cannot be read: {reason}",
    "token_file_open": "the token file {path} can be read by others",
    "token_too_short": "the token has {length} letters: it needs {least} or more",
    # ---- agents
    "mcp_missing": "the packages of the server for agents are not installed",
    "tool_unknown": "there is no tool {name!r}",
    "resource_unknown": "there is no such resource",
    "posts_of_several": "{given} cannot be asked for together",
    "agents_only_read": "agents may only read this archive: {tool} is not allowed",
    "agent_cap_missing": "{tool} may cost money, and no cap is set for agents",
    "agent_cap_reached": "{spent:.4f} of {cap:.4f} US dollars are spent or promised to jobs",
    # ---- this machine
    "file_refused": "{path}: {reason}",
    "file_unwritable": "{path} cannot be written: {reason}",
    "folder_unusable": "{path} cannot be used: {reason}",
    "machine_short": "this run failed: {reason}",
    "memory_short": "there is not enough memory",
    "output_refused": "the output cannot be written: {reason}",
    # ---- export
    "format_unknown": "there is no format {name!r}",
    "format_is_folder": "{name} writes a folder, but {path} is the name of a file",
    "ending_wrong": _ending,
    "target_is_folder": "{path} is a folder",
    "target_is_file": "{path} exists, and is not a folder",
    "export_unwritable": "{path} cannot be written: {reason}",
    "export_at_work": "another export writes to {path}: try again when it has ended",
    "folder_of_other_format": "{path} holds an export of another format",
    "folder_not_ours": "{path} exists, and is not an export of tgtagger",
    "folder_is_link": "{path} is a symbolic link",
}
