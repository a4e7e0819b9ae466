"""The web server of ``tfpt-tui serve``: textual-serve, closed to those without the token, and without noise."""

from __future__ import annotations

import asyncio
import hmac
import signal
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import psutil
from aiohttp import web
from textual_serve.server import Server

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOCAL_NAMES = ("127.0.0.1", "localhost")
TOKEN = "token"  # in the query of the first request
# Each is a process of its own that draws an app.
MAX_APPS = 8
# Together they stay under the two seconds in which whoever ends the server may expect its end.
CLOSING_S = 0.3
ENDING_S = 1.0
# The page would take no key before a click into it.
FOCUS = """<script>
  const seen = new MutationObserver(() => {
    const keys = document.querySelector(".xterm-helper-textarea");
    if (keys && document.body.classList.contains("-first-byte")) {
      seen.disconnect();
      keys.focus();
    }
  });
  seen.observe(document.body, { attributes: true, childList: true, subtree: true });
</script>"""


class LocalServer(Server):
    """Shows the app to browsers on this machine that know the token, "" where all may see it.

    Refused is what another site's page asks a browser to send, too: it could start and delete runs.
    """

    def __init__(self, command: str, host: str, port: int, title: str, token: str) -> None:
        super().__init__(command, host, port, title)
        self._token = token
        self._cookie = f"tfpt-tui-{port}"  # browsers tell the ports of a machine not apart
        self._apps = 0

    def serve(self, debug: bool = False) -> None:
        """Serve until SIGINT, SIGTERM or a hang-up."""
        loop = asyncio.new_event_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.request_exit)
        web.run_app(
            self._make_app(),
            host=self.host,
            port=self.port,
            handle_signals=False,
            loop=loop,
            print=None,
            access_log=None,
            shutdown_timeout=CLOSING_S,
        )

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        refusals = [refuse_other_sites, self.refuse_without_token, self.refuse_too_many]
        app.middlewares.extend([*refusals, self.finish_the_page])
        app.on_shutdown.append(end_apps)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Its banner is ours."""

    @web.middleware
    async def refuse_without_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The page brings the token in its address, and gets a cookie for all that follows."""
        given = request.query.get(TOKEN) or request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(given.encode(), self._token.encode()) and self._token:
            raise web.HTTPForbidden(text="open the address that tfpt-tui serve printed, with its token")
        response = await handler(request)
        if not response.prepared:
            response.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict")
        return response

    @web.middleware
    async def refuse_too_many(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A websocket is an app of its own."""
        if request.path != "/ws":
            return await handler(request)
        if self._apps >= MAX_APPS:
            raise web.HTTPServiceUnavailable(text=f"{MAX_APPS} browser tabs show the app already; close one")
        self._apps += 1
        try:
            return await handler(request)
        finally:
            self._apps -= 1

    @web.middleware
    async def finish_the_page(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let its parts come from where it was opened: by another name of this machine, or through a tunnel."""
        response = await handler(request)
        if isinstance(response, web.Response) and response.content_type == "text/html" and response.text:
            page = response.text.replace(f"{self.host}:{self.port}", request.host)
            response.text = page.replace("</body>", f"{FOCUS}</body>")
        return response


async def end_apps(_: web.Application) -> None:
    """End the apps that browsers opened; what they started goes on."""
    apps = psutil.Process().children()
    for app in apps:
        app.terminate()
    deadline = time.monotonic() + ENDING_S
    while any(app.is_running() for app in apps) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)  # asyncio must see them end before its loop is closed
    for app in apps:
        if app.is_running():
            app.kill()


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Browsers send ``Origin`` with every websocket, and a name that was rebound to us as ``Host``."""
    if not is_local(request.host, request.headers.get("Origin")):
        raise web.HTTPForbidden(text="this page is for the machine that serves it")
    return await handler(request)


def is_local(host: str, origin: str | None) -> bool:
    """Whether a request is meant for this machine and was not made by the page of another site."""
    try:
        # Another server on this machine has another port: its pages are of another site, too.
        same = origin is None or urlsplit(origin).netloc == host
        return same and urlsplit(f"//{host}").hostname in LOCAL_NAMES
    except ValueError:  # such as half of an IPv6 address
        return False
