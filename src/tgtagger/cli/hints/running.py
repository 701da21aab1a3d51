"""The hints for errors of runs, locks and this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

SHORTAGES: Mapping[str, str] = {
    "room": "free some space; what was stored is kept",
    "quota": "free some space in your quota; what was stored is kept",
    "file_size": "allow larger files (ulimit -f); what was stored is kept",
    "open_files": "allow more open files (ulimit -n)",
    "system_files": "close other programs: the system allows no more open files",
    "memory": "close other programs, or allow more memory (ulimit -v)",
    "disk": "check the disk, then run: tgtagger doctor",
}
"""Hints for a shortage of this machine, whatever work it stopped."""

_FILTERS = 'tag:ai, -tag:"solar power", channel:@news, since:7d, until:2026-01-31, status:failed'
_NAMED_BY = {
    "prompt": "the file is set by TGTAGGER_LLM_PROMPT",
    "vocabulary": "the file is set by TGTAGGER_VOCABULARY or --vocabulary",
    "shelves": "the file is set by TGTAGGER_SHELVES; the words on and off need no file",
}


def _one_of(*, known: Sequence[str], **_: object) -> str:
    return "one of: " + ", ".join(known)


def _filter(*, near: str | None, known: Sequence[str], words: str, **_: object) -> str:
    fitting = f"did you mean {near}:?" if near else f"one of: {', '.join(f'{n}:' for n in known)};"
    plain = words.replace('"', "")
    return f'{fitting} to search for the words: "{plain}"'


def _of_the_reason(*, reason_hint: str | None, **_: object) -> str | None:
    return reason_hint


def _ending(
    *, name: str, fitting: Sequence[str], known: Mapping[str, Sequence[str]], **_: object
) -> str:
    if fitting:
        return f"a file of {name} ends with {' or '.join(fitting)}"
    if name:
        return f"{name} writes a folder: choose a name without an ending"
    files = ", ".join(f"{' or '.join(endings)} ({each})" for each, endings in known.items())
    return f"files: {files}; folders: --format md or html; for any other name add --format"


HINTS: Mapping[str, str | Callable[..., str | None]] = {
    # ---- jobs
    "account_unknown": _one_of,
    "job_field_unknown": _one_of,
    "job_too_wide": "name channels or posts, or give since or limit",
    # ---- pages and the API
    "serve_missing": "pipx install 'tgtagger[serve]', or: pip install 'tgtagger[serve]'",
    "host_unusable": "127.0.0.1 is this machine alone, 0.0.0.0 all its addresses",
    "address_refused": "name another with --host and --port; below 1024 a port is the system's",
    "port_taken": "open it in your browser, or name another port: --port 8345",
    "token_needed": "write one to a file that only you can read, and name it by --token-file",
    "token_file_unreadable": "it is named by --token-file, TGTAGGER_TOKEN_FILE or serve.token_file",
    "token_file_open": "keep it to yourself: chmod 600 {path}",
    "token_too_short": 'make one: python3 -c "import secrets; print(secrets.token_urlsafe(32))"',
    # ---- agents
    "mcp_missing": "pipx install 'tgtagger[mcp]', or: pip install 'tgtagger[mcp]'",
    "usage": lambda *, advice, **_: advice,
    # ---- targets
    "no_channels_yet": "read one: tgtagger parse @channel",
    "channels_without_names": "sign in: tgtagger login",
    "preview_wants_name": "give its @name, or sign in: tgtagger login",
    "channel_without_name": "sign in to read it: tgtagger login",
    "invitation_wants_account": "sign in first: tgtagger login",
    "parse_time_over": "run it again to continue; nothing is left out",
    # ---- which posts
    "period_empty": "swap the two dates",
    "date_ambiguous": "write {number}min or {number}mo",
    "filter_unknown": _filter,
    "filter_empty": f"write for example: {_FILTERS}",
    "filter_value_unknown": _one_of,
    "status_unknown": _one_of,
    "failure_class_unknown": _one_of,
    # ---- taggers
    "embedded_tagger_has_no_prompt": "first choose a language model: docs/providers.md",
    "vocabulary_closed_and_empty": (
        "set TGTAGGER_VOCABULARY or --vocabulary to a file with one tag per line"
    ),
    "vocabulary_wrong": _of_the_reason,
    "shelves_wrong": _of_the_reason,
    "tagging_file_unreadable": lambda *, file, **_: _NAMED_BY[file],
    "tagging_file_not_utf8": "save it as UTF-8",
    "no_tags_yet": "run: tgtagger tag",
    "nobody_to_answer": ("run tgtagger login in a terminal, or pipe the answers in, one per line"),
    # ---- this machine
    "file_refused": "check the path and its permissions",
    # ---- export
    "format_unknown": _one_of,
    "format_is_folder": "choose a folder: --format {name} -o FOLDER",
    "ending_wrong": _ending,
    "target_is_folder": "give the name of a file in it",
    "target_is_file": "choose another name",
    "export_unwritable": "check the folder, its permissions and the space left",
    "folder_of_other_format": "choose another folder",
    "folder_not_ours": "choose a new or an empty folder",
    "folder_is_link": "remove the link, or choose another folder",
}
