"""The app as a process in a pseudo-terminal: however it is ended, the terminal is left as it was."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import psutil
import pytest

from tests.waiting import wait_until
from tfpt_tui.runs.tasks.preparation import RecordedRequest, sign_on

LEFT = b"\x1b[?1049l"  # the screen that was there before is back
SHOWN = b"\x1b[?25h"


class App:
    def __init__(self, runs):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        command = [sys.executable, "-m", "tfpt_tui", "--runs", str(runs)]
        self.slave = slave
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)

    def read_until(self, text, seconds=40):
        seen, deadline = b"", time.monotonic() + seconds
        while text not in seen:
            assert time.monotonic() < deadline, seen[-500:]
            if select.select([self.master], [], [], 0.1)[0]:
                seen += os.read(self.master, 1 << 16)
        return seen


@pytest.fixture
def terminal(paths):
    app = App(paths.runs)
    app.read_until(b"No runs yet")
    yield app
    app.process.kill()
    app.process.wait()
    os.close(app.master)
    os.close(app.slave)


@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGHUP, -signal.SIGHUP), (signal.SIGTERM, 130), (b"\x03", 0), (b"q", 0)]
)
def test_the_terminal_is_left_as_it_was(terminal, ending, code):
    if isinstance(ending, bytes):
        os.write(terminal.master, ending)
    else:
        terminal.process.send_signal(ending)
    seen = terminal.read_until(LEFT)
    assert terminal.process.wait(timeout=30) == code
    seen += os.read(terminal.master, 1 << 16) if select.select([terminal.master], [], [], 0.2)[0] else b""
    assert SHOWN in seen
    assert termios.tcgetattr(terminal.slave) == terminal.before


def test_a_dialog_is_written_once(terminal):
    """Textual lays it out in steps, and paints all of it after each."""
    os.write(terminal.master, b"?")
    seen = terminal.read_until(b"esc closes")
    while select.select([terminal.master], [], [], 0.5)[0]:
        seen += os.read(terminal.master, 1 << 16)
    assert seen.count(b"esc closes") == 1


def test_an_app_that_was_stopped_is_there_again(terminal):
    terminal.process.send_signal(signal.SIGTSTP)
    wait_until(lambda: psutil.Process(terminal.process.pid).status() == psutil.STATUS_STOPPED, 30)
    terminal.read_until(LEFT)
    terminal.process.send_signal(signal.SIGCONT)
    terminal.read_until(b"No runs yet")


def test_an_app_whose_terminal_is_gone_ends_without_being_told(paths):
    app = App(paths.runs)
    app.read_until(b"No runs yet")
    os.close(app.slave)
    os.close(app.master)  # in a session of its own it gets no signal
    try:
        assert app.process.wait(timeout=30) == -signal.SIGHUP
    finally:
        app.process.kill()
        app.process.wait()


def test_who_leaves_is_told_what_goes_on(paths, start, tmp_path):
    sweep = start("hangs", rows=[0])
    sign_on(
        RecordedRequest("synthetic", tmp_path / "pictures", 64, ("synthetic",)), paths
    )  # this process makes it
    app = App(paths.runs)
    try:
        app.read_until(b"running")
        os.write(app.master, b"q")
        app.read_until(b"Detach")
        os.write(app.master, b"d")
        seen = app.read_until(b"is still being prepared; follow with: tfpt-tui")
        assert f"{sweep.runs[0].id} continues; follow with: tfpt-tui".encode() in seen
        assert str(tmp_path / "pictures").encode() in seen
        assert app.process.wait(timeout=30) == 0
    finally:
        app.process.kill()
        app.process.wait()
