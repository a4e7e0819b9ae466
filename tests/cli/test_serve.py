"""``tfpt-tui serve``: a browser on this machine is let in, pages of other sites are not."""

import asyncio
import http.client
import io
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import aiohttp
import psutil
import pytest
from aiohttp.web import HTTPServiceUnavailable
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.waiting import wait_until
from tfpt_tui.cli.web import MAX_APPS, LocalServer, is_local
from tfpt_tui.runs.record.state import status_of


@pytest.mark.parametrize(
    ("host", "origin", "local"),
    [
        ("127.0.0.1:8022", None, True),
        ("localhost:8022", "http://localhost:8022", True),
        ("127.0.0.1:8022", "http://127.0.0.1:8022", True),
        ("127.0.0.1:8022", "http://evil.example", False),
        ("rebound.example:8022", None, False),
        ("127.0.0.1:8022", "null", False),
        ("127.0.0.1:8022", "http://127.0.0.1:8888", False),
        ("", None, False),
        ("[::1", None, False),
        ("127.0.0.1:8022", "http://[::1", False),
    ],
)
def test_only_pages_of_this_machine_are_answered(host, origin, local):
    assert is_local(host, origin) is local


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def served(port, tmp_path):
    command = [sys.executable, "-m", "tfpt_tui", "--runs", str(tmp_path / "runs"), "serve", "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    process.told = process.stderr.readline() + process.stderr.readline()
    process.token = re.search(r"token=(\S+)", process.told)[1]
    wait_until(lambda: is_open(port) or process.poll() is not None)
    yield process
    process.kill()
    process.communicate()


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(port, path="/", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_app_is_served_to_this_machine_and_ended_by_ctrl_c(served, port, cli):
    status, page = ask(port, f"/?token={served.token}")
    assert (status, "tfpt-tui" in page) == (200, True)
    allowed = {"Cookie": f"tfpt-tui-{port}={served.token}"}
    assert ask(port, **allowed)[0] == 200
    # By another name of this machine, or through a tunnel from another port, its parts come from there.
    _, elsewhere = ask(port, Host="localhost:9000", **allowed)
    assert "localhost:9000/static" in elsewhere
    assert f"127.0.0.1:{port}" not in elsewhere
    assert ask(port)[0] == 403
    assert ask(port, "/?token=guess")[0] == 403
    assert ask(port, "/ws")[0] == 403
    assert ask(port, Host="evil.example", **allowed)[0] == 403
    assert ask(port, Host="[::1", **allowed)[0] in (400, 403)
    assert ask(port, "/ws", Origin="http://evil.example", **allowed)[0] == 403
    code, _, err = cli("serve", "--port", port)
    assert code == 3
    assert err == f"tfpt-tui: 127.0.0.1:{port}: address already in use; choose another port with --port\n"
    served.send_signal(signal.SIGINT)
    _, told = served.communicate(timeout=30)
    assert served.returncode == 0
    assert f"ssh -L {port}:127.0.0.1:{port}" in served.told
    assert "Traceback" not in told


async def open_app(port, token):
    """A browser's websocket on an app, once that has drawn something."""
    session = aiohttp.ClientSession(headers={"Cookie": f"tfpt-tui-{port}={token}"})
    socket = await session.ws_connect(f"http://127.0.0.1:{port}/ws?width=80&height=24")
    await asyncio.wait_for(socket.receive(), 60)
    return session


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
async def test_the_apps_end_with_their_server(served, port, number):
    session = await open_app(port, served.token)
    apps = psutil.Process(served.pid).children(recursive=True)
    assert apps
    served.send_signal(number)
    _, alive = await asyncio.to_thread(psutil.wait_procs, [psutil.Process(served.pid), *apps], 5)
    assert alive == []
    await session.close()


async def test_more_apps_than_there_is_room_for_are_refused(monkeypatch):
    server = LocalServer("true", "127.0.0.1", 1, "tfpt-tui", "")
    server._apps = MAX_APPS
    with pytest.raises(HTTPServiceUnavailable, match="Service Unavailable"):
        await server.refuse_too_many(SimpleNamespace(path="/ws"), None)


def test_without_the_extra_it_says_what_to_install(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    monkeypatch.delitem(sys.modules, "tfpt_tui.cli.web", raising=False)
    code, _, err = cli("serve")
    assert code == 3
    assert "-m pip install textual-serve" in err


class Browser:
    """A page in Debian's chromium, and all that the app has sent it."""

    def __init__(self, page, port, token):
        self.page = page
        self.address = f"http://127.0.0.1:{port}/"
        self.token = token
        self.sent = b""
        page.on("websocket", lambda socket: socket.on("framereceived", self._keep))

    def _keep(self, frame):
        self.sent += frame if isinstance(frame, bytes) else frame.encode()

    def open(self, query=""):
        return self.page.goto(self.address + query).status

    def press(self, key):
        self.sent = b""
        self.page.keyboard.press(key)

    def shows(self, text):
        deadline = time.monotonic() + 30
        while text.encode() not in self.sent:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.sent[-2000:]!r}"
            self.page.wait_for_timeout(50)

    def picture(self):
        self.page.wait_for_timeout(500)  # the terminal of the page draws when it likes
        return self.page.screenshot()


@pytest.fixture
def browser(served, port):
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("needs Debian's chromium, which .ci/run installs")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield Browser(opened.new_page(viewport={"width": 1280, "height": 800}), port, served.token)
        opened.close()


def apps_of(server):
    return [child for child in psutil.Process(server.pid).children() if child.status() != psutil.STATUS_ZOMBIE]


def test_in_a_browser_keys_work_without_a_click_and_the_app_fits_the_window(browser):
    assert browser.open() == 403
    assert browser.open("?token=guess") == 403
    assert browser.open(f"?token={browser.token}") == 200
    browser.shows("No runs yet")
    monitor = browser.picture()
    browser.press("2")
    browser.shows("batch-sweep")
    build = browser.picture()
    assert build != monitor
    browser.sent = b""
    browser.page.set_viewport_size({"width": 800, "height": 500})
    browser.shows("batch-sweep")
    with Image.open(io.BytesIO(browser.picture())) as small:
        assert small.size == (800, 500)
        assert len(small.convert("RGB").getcolors(1 << 24)) > 20


def test_in_a_browser_a_page_that_is_read_again_shows_the_run_and_a_closed_one_leaves_nothing(
    browser, served, start
):
    sweep = start("hangs", rows=[0])
    wait_until(lambda: status_of(sweep.runs[0]) == "running")
    browser.open(f"?token={browser.token}")
    browser.shows("running")
    browser.sent = b""
    browser.page.reload()
    browser.shows("running")
    wait_until(lambda: len(apps_of(served)) == 1)
    browser.page.close()
    wait_until(lambda: not apps_of(served))
    assert status_of(sweep.runs[0]) == "running"
    sweep.directory.stop.touch()
    wait_until(lambda: status_of(sweep.runs[0]) == "stopped", 30)
