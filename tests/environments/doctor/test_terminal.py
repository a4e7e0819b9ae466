"""The terminal: letters, colours, size, tmux and screen."""

import os
import termios

import pytest

from tfpt_tui.environments.doctor import terminal
from tfpt_tui.environments.doctor.terminal import TerminalFacts, judge_terminal, read_terminal

FINE = {"locale": ("LANG", "C.UTF-8"), "size": (120, 40), "term": "xterm-256color", "colorterm": "truecolor"}
TMUX = {"default-terminal": "tmux-256color", "escape-time": "10", "set-clipboard": "on"}


def judge(topic, **changes):
    """The one finding on a topic."""
    (finding,) = [
        finding for finding in judge_terminal(TerminalFacts(**(FINE | changes))) if finding.topic == topic
    ]
    return finding


def topics(**changes):
    return [finding.topic for finding in judge_terminal(TerminalFacts(**(FINE | changes)))]


def test_a_terminal_in_order_is_told_with_what_it_can():
    findings = {finding.topic: finding for finding in judge_terminal(TerminalFacts(**FINE, tmux=TMUX))}
    assert {finding.level for finding in findings.values()} == {"ok"}
    assert findings["terminal size"].message == "120 x 40"
    assert findings["colours"].message == "all of them (COLORTERM=truecolor)"
    assert findings["tmux"].message == "nothing to fix"


@pytest.mark.parametrize("value", ["de_DE.UTF-8", "C.utf8", "en_US.UTF-8@euro"])
def test_a_locale_of_utf_8_is_in_order(value):
    assert judge("locale", locale=("LC_ALL", value)).level == "ok"


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (("LANG", ""), "no locale is set"),
        (("LC_ALL", "C"), "LC_ALL=C is not UTF-8"),
        (("LC_CTYPE", "de_DE.ISO-8859-1"), "LC_CTYPE=de_DE.ISO-8859-1 is not UTF-8"),
    ],
)
def test_another_locale_is_warned_of(locale, words):
    finding = judge("locale", locale=locale)
    assert (finding.level, words in finding.message) == ("warning", True)
    assert finding.remedy == "export LC_ALL=C.UTF-8"


def test_without_a_terminal_only_the_locale_counts():
    assert topics(size=None, term="dumb", no_color=True, tmux={}, screen=True) == ["locale"]


@pytest.mark.parametrize(("term", "words"), [("dumb", "TERM=dumb: the app cannot draw"), ("", "TERM is not set")])
def test_a_terminal_that_cannot_draw_is_warned_of(term, words):
    finding = judge("terminal", term=term)
    assert (finding.level, words in finding.message) == ("warning", True)
    assert finding.remedy == "export TERM=xterm-256color"
    assert topics(term=term) == ["locale", "terminal"]


@pytest.mark.parametrize("term", ["tmux-256color", "xterm-kitty"])
def test_256_colours_are_enough(term):
    finding = judge("colours", term=term, colorterm="")
    assert (finding.level, finding.message) == ("ok", f"256 (TERM={term})")


def test_few_colours_are_noted():
    finding = judge("colours", term="xterm", colorterm="")
    assert (finding.level, "16 at most (TERM=xterm)" in finding.message) == ("note", True)
    assert finding.remedy == "export COLORTERM=truecolor"
    assert judge("colours", term="linux", colorterm="").remedy == "use a terminal with more colours"
    assert "COLORTERM=truecolor" in finding.remedy


def test_colours_that_are_switched_off_are_noted():
    finding = judge("colours", no_color=True)
    assert (finding.level, finding.remedy) == ("note", "unset NO_COLOR")


@pytest.mark.parametrize("size", [(79, 24), (80, 23)])
def test_a_small_terminal_is_noted(size):
    finding = judge("terminal size", size=size)
    assert (finding.level, "less than 80 x 24" in finding.message) == ("note", True)
    assert finding.remedy
    assert judge("terminal size", size=(80, 24)).level == "ok"


@pytest.mark.parametrize("name", ["screen", "tmux"])
def test_a_tmux_with_few_colours_is_warned_of(name):
    finding = judge("tmux", tmux=TMUX | {"default-terminal": name})
    assert (finding.level, f"default-terminal is {name}" in finding.message) == ("warning", True)
    assert "tmux set -g default-terminal tmux-256color" in finding.remedy


def test_a_tmux_that_waits_after_escape_is_noted():
    finding = judge("tmux", tmux=TMUX | {"escape-time": "500"})
    assert (finding.level, "500 ms" in finding.message) == ("note", True)
    assert "set -sg escape-time 10" in finding.remedy
    assert judge("tmux", tmux=TMUX | {"escape-time": "50"}).level == "ok"


@pytest.mark.parametrize("value", ["off", "external"])
def test_a_tmux_that_keeps_what_is_copied_is_noted(value):
    finding = judge("tmux", tmux=TMUX | {"set-clipboard": value})
    assert (finding.level, "does not reach your clipboard" in finding.message) == ("note", True)
    assert "set -s set-clipboard on" in finding.remedy


def test_a_tmux_that_tells_nothing_is_not_judged():
    assert "tmux" not in topics(tmux={})


def test_gnu_screen_is_noted():
    finding = judge("screen", screen=True)
    assert (finding.level, "few colours" in finding.message) == ("note", True)
    assert "tmux" in finding.remedy


def test_over_ssh_runs_outlive_the_connection():
    finding = judge("SSH", ssh=True)
    assert (finding.level, "runs continue" in finding.message) == ("ok", True)
    assert "SSH" not in topics(ssh=True, tmux=TMUX)
    assert "SSH" not in topics(ssh=True, screen=True)


@pytest.mark.parametrize(
    ("variables", "locale"),
    [
        ({}, ("LANG", "")),
        ({"LANG": "a"}, ("LANG", "a")),
        ({"LANG": "a", "LC_CTYPE": "b"}, ("LC_CTYPE", "b")),
        ({"LANG": "a", "LC_CTYPE": "b", "LC_ALL": "c"}, ("LC_ALL", "c")),
        ({"LANG": "a", "LC_CTYPE": "", "LC_ALL": ""}, ("LANG", "a")),
    ],
)
def test_the_variables_of_the_locale_count_in_the_order_of_posix(variables, locale, tmp_path):
    with (tmp_path / "file").open("w") as file:
        assert read_terminal(variables, file.fileno()) == TerminalFacts(locale=locale)


def test_the_environment_and_the_size_are_read():
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    variables = {"TERM": "xterm", "COLORTERM": "24bit", "NO_COLOR": "", "STY": "1.x", "SSH_CONNECTION": "1.2.3.4"}
    facts = read_terminal(variables, theirs)
    os.close(ours)
    os.close(theirs)
    assert (facts.size, facts.term, facts.colorterm, facts.tmux) == ((100, 30), "xterm", "24bit", None)
    assert (facts.no_color, facts.screen, facts.ssh) == (True, True, True)


@pytest.fixture
def fake_tmux(tmp_path):
    """Variables of a session in which the command tmux is this script."""

    def install(script):
        command = tmp_path / "tmux"
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
        return {"TMUX": "/tmp/x,1,0", "PATH": str(tmp_path)}

    return install


def test_tmux_is_asked_for_its_options(fake_tmux):
    variables = fake_tmux('[ "$*" = "show-options -gv $3" ] && [ -n "$TMUX" ] && echo "value of $3"')
    assert read_terminal(variables).tmux == {name: f"value of {name}" for name in terminal.TMUX_OPTIONS}


def test_options_that_an_old_tmux_does_not_know_are_left_out(fake_tmux):
    variables = fake_tmux('[ "$3" = escape-time ] && exit 1; echo on')
    assert read_terminal(variables).tmux == {"default-terminal": "on", "set-clipboard": "on"}


def test_a_tmux_that_is_not_at_hand_or_hangs_tells_nothing(fake_tmux, tmp_path, monkeypatch):
    assert read_terminal({"TMUX": "x", "PATH": str(tmp_path / "nowhere")}).tmux == {}
    monkeypatch.setattr(terminal, "TMUX_TIMEOUT_S", 0.01)
    assert read_terminal(fake_tmux("exec /bin/sleep 5")).tmux == {}
