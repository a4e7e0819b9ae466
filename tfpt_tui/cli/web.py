"""The web server of ``tfpt-tui serve``: textual-serve, closed to pages of other sites and without its noise."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import psutil
from aiohttp import web
from textual_serve.server import Server

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ENDING_S = 5.0
LOCAL_NAMES = ("127.0.0.1", "localhost")


class LocalServer(Server):
    """Refuses what another site's page asks a browser on this machine to send: it could start and delete runs."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(refuse_other_sites)
        app.on_cleanup.append(wait_for_apps)
        return app

    def initialize_logging(self) -> None:
        """Nothing is logged: the terminal shows how to connect."""

    async def on_startup(self, app: web.Application) -> None:
        """Its banner is ours."""


async def wait_for_apps(_: web.Application) -> None:
    """The apps that browsers opened are ending: asyncio must see it before its loop is closed."""
    deadline = time.monotonic() + ENDING_S
    while psutil.Process().children() and time.monotonic() < deadline:
        await asyncio.sleep(0.05)


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Browsers send ``Origin`` with every websocket, and a name that was rebound to us as ``Host``."""
    if not is_local(request.host, request.headers.get("Origin")):
        raise web.HTTPForbidden(text="this page is for the machine that serves it")
    return await handler(request)


def is_local(host: str, origin: str | None) -> bool:
    """Whether a request is meant for this machine and was not made by the page of another site."""
    # Another server on this machine has another port: its pages are of another site, too.
    same = origin is None or urlsplit(origin).netloc == host
    return same and urlsplit(f"//{host}").hostname in LOCAL_NAMES
