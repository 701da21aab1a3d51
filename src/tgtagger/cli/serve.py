"""`tgtagger serve`: the archive as pages in a browser, and as an HTTP API."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tgtagger.cli.context import invocation, screen_of
from tgtagger.cli.failures import usage
from tgtagger.cli.mcp import PACKAGE
from tgtagger.errors import InputError

if TYPE_CHECKING:
    from tgtagger.config import Settings
    from tgtagger.web.guard import Access
    from tgtagger.web.neighbour import Neighbour

EPILOG = """Examples:
  tgtagger serve                    then open http://127.0.0.1:8344
  tgtagger serve --demo --open      look around in sample posts
  tgtagger serve --token-file ~/.tgtagger-token --allowed-host tags.example.org

Assistants reach it at /mcp (docs/agents.md); they may only read, unless you say
--allow-write. The pages are for this machine only. Any other --host wants a token: read
docs/serve.md before you let others in. With --no-worker the jobs wait for:
tgtagger work

Exit codes:
  130 and 143 ended by Ctrl-C and SIGTERM
  2 port taken, token or package missing · 6 the database failed"""

LEAST = 16
"""Letters of the shortest token: fewer could be guessed."""

PACKAGES = ("fastapi", "uvicorn", "python_multipart")


def command(
    ctx: typer.Context,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="The address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="The port; 0: any free one.")
    ] = 8344,
    token_file: Annotated[
        str, typer.Option(metavar="FILE", help="A file with the token.", show_default=False)
    ] = "",
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another name of this server. Repeat for several."),
    ] = None,
    media: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Show pictures from this export of Telegram Desktop. Repeat for several.",
        ),
    ] = None,
    *,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Show the archive; change nothing.")
    ] = False,
    allow_write: Annotated[
        bool, typer.Option("--allow-write", help="Let agents at /mcp change tags, too.")
    ] = False,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Run no jobs; leave them to `tgtagger work`.")
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in your browser.")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Show the sample archive, which is then deleted.")
    ] = False,
) -> int:
    """Show the archive as pages in your browser, and as an HTTP API."""
    if not all(importlib.util.find_spec(name) for name in PACKAGES):
        raise InputError("serve_missing")
    called = invocation(ctx)
    folders = tuple(each.expanduser() for each in media or ())
    missing = next((each for each in folders if not each.is_dir()), None)
    if missing is not None:
        raise usage(f"--media {str(missing)!r} is not a folder", "name the folder of an export")
    if allow_write and read_only:
        raise usage("--allow-write and --read-only exclude each other", "choose one of them")
    hosts = tuple(allowed_host or ())
    wanted = Serving(
        host, port, hosts, folders, read_only, not no_worker, open_browser, allow_write
    )
    if not demo:
        return _serve(ctx, called.settings(serve_token_file=token_file), wanted)
    from tgtagger.cli.demo import make_archive

    os.environ["TGTAGGER_TAGGER"] = "keywords"  # for the worker, too: sample posts cost nothing
    with tempfile.TemporaryDirectory(prefix="tgtagger-demo-") as folder:
        settings = called.settings(
            db=str(Path(folder, "demo.db")), tagger="keywords", serve_token_file=token_file
        )
        make_archive(settings)
        return _serve(ctx, settings, wanted)


@dataclass(frozen=True, slots=True)
class Serving:
    """What the options ask for."""

    host: str
    port: int
    allowed_hosts: tuple[str, ...]
    media: tuple[Path, ...]
    read_only: bool
    has_worker: bool
    opens_browser: bool
    lets_agents_write: bool


def _serve(ctx: typer.Context, settings: Settings, wanted: Serving) -> int:
    from tgtagger.store import named
    from tgtagger.web import server
    from tgtagger.web.application import make_app, warm_up
    from tgtagger.web.guard import Access, Token, host_name

    screen = screen_of(ctx)
    address = server.Address(wanted.host, wanted.port)
    text = read_token(settings)
    if text is None and not address.is_loopback:
        raise InputError("token_needed", host=wanted.host)
    hosts = []
    for name in wanted.allowed_hosts:
        known = host_name(name)
        if known is None:
            raise usage(f"--allowed-host {name!r} is not the name of a host", "such as nas.lan")
        hosts.append(known)
    with contextlib.closing(server.listen(address)) as opened:
        address = server.Address(wanted.host, opened.getsockname()[1])
        token = None if text is None else Token(text)
        access = Access(frozenset(hosts), token, wanted.read_only, f"tgtagger_{address.port}")
        app = make_app(settings, access, wanted.media, _for_agents(settings, access, wanted))
        warm_up(app)
        link = address.url if token is None else f"{address.url}/enter?code={token.make_link()}"

        def tell_ready() -> None:
            screen.sum_up(f"tgtagger serves {named(settings.db)}")
            screen.sum_up(f"open {link}" + (" (good for ten minutes, once)" if token else ""))
            if wanted.opens_browser:
                webbrowser.open(link)

        has_worker = wanted.has_worker and not wanted.read_only
        again = invocation(ctx).again(settings)
        worker = [*again, "work", "--with-parent"] if has_worker else None
        server.serve(app, opened, worker, tell_ready)
    return 0


def _for_agents(settings: Settings, access: Access, wanted: Serving) -> Neighbour | None:
    """Return the face for agents, at /mcp; None: its package is not installed."""
    from tgtagger.web.guard import LOOPBACK
    from tgtagger.web.neighbour import Made, Neighbour

    if not importlib.util.find_spec(PACKAGE):
        return None

    def make() -> Made:
        from tgtagger.mcp.server import http_app, make_server

        server = make_server(settings, may_write=wanted.lets_agents_write)
        return http_app(server, (*LOOPBACK, *access.hosts))

    return Neighbour("/mcp", make)


def read_token(settings: Settings) -> str | None:
    """Return the token that is asked for; None: nobody asks for one. Raises InputError."""
    text, path = settings.serve_token, settings.serve_token_file
    if path is not None:
        try:
            text = path.read_text("utf-8").strip()
            is_open = path.stat().st_mode & 0o077
        except (OSError, UnicodeError) as error:
            raise InputError("token_file_unreadable", path=path, reason=_why(error)) from error
        if is_open:
            raise InputError("token_file_open", path=path)
    if text is not None and len(text) < LEAST:
        raise InputError("token_too_short", length=len(text), least=LEAST)
    return text


def _why(error: OSError | UnicodeError) -> str:
    return (error.strerror or "it is unreadable") if isinstance(error, OSError) else "not UTF-8"
