"""What the terminal is, as doctor, the app and the command line ask."""

import json
import os
import pty
import struct
import subprocess
import sys
from fcntl import ioctl
from termios import TIOCSWINSZ

import pytest

from tfpt_tui.terminal import can_draw, character_set, shows_utf8, terminal_size

NONE = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "LC_CTYPE", "LANG")}
ASK = """
import json
from tfpt_tui.terminal import character_set, shows_utf8
print(json.dumps([character_set(), shows_utf8()]))
"""
BETWEEN = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', sys.argv[1]]).returncode)"


@pytest.mark.parametrize(
    ("variables", "decides", "utf8"),
    [
        ({"LANG": "C", "LC_ALL": "C.UTF-8"}, ["LC_ALL", "C.UTF-8"], True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, ["LC_CTYPE", "C.UTF-8"], True),
        ({"LANG": "C.UTF-8", "LC_CTYPE": "C"}, ["LC_CTYPE", "C"], False),
        ({"LANG": "C.UTF-8", "LC_CTYPE": ""}, ["LANG", "C.UTF-8"], True),
        ({"LC_ALL": "C"}, ["LC_ALL", "C"], False),
        ({"LANG": "C"}, ["LANG", "C"], False),
        ({"LANG": "de_DE.ISO-8859-1"}, ["LANG", "de_DE.ISO-8859-1"], False),
        ({}, ["LANG", ""], True),
    ],
)
@pytest.mark.parametrize("through", ["", "another Python"])
def test_the_users_own_variables_decide_over_letters(variables, decides, utf8, through):
    """Python sets LC_CTYPE itself, and hands it on: asked in processes of their own."""
    code = ["-c", BETWEEN, ASK] if through else ["-c", ASK]
    done = subprocess.run([sys.executable, *code], env={**NONE, **variables}, capture_output=True, check=True)
    assert json.loads(done.stdout) == [decides, utf8]


@pytest.mark.parametrize(
    ("variables", "decides"),
    [
        ({}, ("LANG", "")),
        ({"LANG": "a", "LC_CTYPE": "b"}, ("LC_CTYPE", "b")),
        ({"LANG": "a", "LC_CTYPE": "b", "LC_ALL": "c"}, ("LC_ALL", "c")),
        ({"LANG": "a", "LC_CTYPE": "", "LC_ALL": ""}, ("LANG", "a")),
    ],
)
def test_the_first_variable_that_is_set_and_not_empty_decides(variables, decides):
    assert character_set(variables) == decides


def test_utf8_is_known_however_it_is_written():
    assert all(shows_utf8({"LANG": value}) for value in ("de_DE.UTF-8", "C.utf8", "en_US.UTF-8@euro", ""))
    assert not any(shows_utf8({"LANG": value}) for value in ("C", "POSIX", "de_DE"))


def test_the_size_is_that_of_the_terminal_and_not_what_a_shell_remembers(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    ours, theirs = pty.openpty()
    try:
        ioctl(ours, TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
        assert terminal_size(theirs) == (111, 33)
        ioctl(ours, TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
        assert terminal_size(theirs) is None
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(("term", "drawn"), [("dumb", False), ("unknown", False), ("", False), ("xterm", True)])
def test_a_terminal_that_obeys_nothing_is_not_drawn_on(term, drawn):
    assert can_draw({"TERM": term}) is drawn
