"""Streams that are closed, full or read by nobody, as a shell gives them."""

import subprocess
import sys

import pytest

from tfpt_tui.config.paths import find_paths


def shell(command):
    """The exit code, stdout and stderr of a command line in which ``ours`` is tfpt-tui."""
    command = f'ours() {{ "{sys.executable}" -m tfpt_tui "$@"; }}; {command}'
    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("command", ["paths", "--help", "presets list"])
@pytest.mark.parametrize(
    ("where", "why"), [("/dev/full", "no space left on device"), ("&-", "bad file descriptor")]
)
def test_output_that_cannot_be_written_is_one_line(command, where, why):
    assert shell(f"ours {command} >{where}") == (3, "", f"tfpt-tui: stdout cannot be written: {why}\n")


@pytest.mark.parametrize("where", ["/dev/full", "&-"])
def test_narration_that_cannot_be_written_is_lost_and_changes_nothing(where):
    assert shell(f"ours presets show nope 2>{where}") == (2, "", "")
    code, out, _ = shell(f"ours paths 2>{where}")
    assert (code, out.split()[0]) == (0, "runs")


def test_who_has_seen_enough_hears_nothing_more():
    assert shell("{ ours paths; echo code $? >&2; } | true") == (0, "", "code 0\n")


def test_all_streams_may_be_closed():
    assert shell("ours paths <&- >&- 2>&-")[0] == 3


def test_an_error_that_is_not_of_the_streams_is_not_blamed_on_them(cli, monkeypatch):
    def fail(_):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("tfpt_tui.cli.main.find_paths", fail)
    with pytest.raises(OSError, match="Cannot allocate memory"):
        cli("paths")


def test_a_user_without_a_home_is_told_what_to_set(cli, monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setattr("tfpt_tui.config.paths.Path.home", lambda: (_ for _ in ()).throw(RuntimeError))
    code, _, err = cli("paths")
    assert code == 3
    assert err == (
        "tfpt-tui: neither XDG_DATA_HOME nor HOME is set, and this user has no home directory: export HOME=DIR\n"
    )
    monkeypatch.setenv("XDG_DATA_HOME", "/d")
    assert find_paths().runs.parts[1] == "d"
