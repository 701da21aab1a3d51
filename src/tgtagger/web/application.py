"""Put the web face together: the routes, the errors, the guard around them all.

`make_app` opens nothing: the archive is opened by the first request, or by `warm_up`. Knows no
command, and no port.
"""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.routing import Route

from tgtagger import __version__
from tgtagger.config import Settings
from tgtagger.web import api, completions, live, pages, problems
from tgtagger.web.api.documents import describe
from tgtagger.web.dependencies import Archive
from tgtagger.web.guard import Access, Guard
from tgtagger.web.head import Head
from tgtagger.web.neighbour import Neighbour

STATIC = Path(__file__).parent / "static"


def make_app(
    settings: Settings,
    access: Access | None = None,
    media: tuple[Path, ...] = (),
    neighbour: Neighbour | None = None,
) -> FastAPI:
    """Return the application for an archive; by default for this machine, without a token.

    `media`: folders with exports, whose pictures are shown. `neighbour`: another face at a path of
    its own, behind the same guard.
    """
    access = access or Access()
    app = FastAPI(
        title="tgtagger",
        version=__version__,
        description="An archive of Telegram channels: posts, tags, runs. See docs/serve.md.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # a path has one form
    )
    app.state.archive = Archive(settings, access.read_only, media)
    app.state.access = access
    problems.install(app)
    pages.include_in(app)
    api.include_in(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    describe(app)
    app.state.neighbour = neighbour
    if neighbour is not None:
        # By POST only: a stream that a GET opens tells nothing, and keeps a connection for ever.
        route = Route(neighbour.path, neighbour, methods=["POST"], include_in_schema=False)
        app.router.routes.append(route)
    app.include_router(completions.router)
    app.include_router(live.router)
    # The outermost: it sees every request first.
    app.add_middleware(Head)
    app.add_middleware(Guard, access=access, refused=problems.refuse, failed=problems.note_bug)
    return app


def warm_up(app: FastAPI) -> None:
    """Open the archive and answer a first request of each kind, before anybody waits for it."""
    archive: Archive = app.state.archive
    archive.store.status.channels()
    asyncio.run(_ask(app, "/"))
    asyncio.run(_ask(app, "/api/v1/openapi.json"))
    gc.freeze()  # what is there now stays; to look through it again and again costs every request


async def _ask(app: FastAPI, path: str) -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: object) -> None:
        pass

    token = app.state.access.token
    headers = [(b"host", b"localhost"), (b"accept", b"text/html")]
    if token is not None:
        cookie = f"{app.state.access.cookie_name}={token.cookie}"
        headers.append((b"cookie", cookie.encode()))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "headers": headers, "client": None, "server": ("localhost", 80),
    }  # fmt: skip
    await app(scope, receive, send)
