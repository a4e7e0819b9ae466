"""What reaches users who look elsewhere when all runs are over."""

import sys

import pytest

from tests.ui.driving import shows
from tests.waiting import wait_until
from tfpt_tui.config.settings import UserSettings, load_settings
from tfpt_tui.errors import TfptError
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.ui import notification
from tfpt_tui.ui.app import TfptApp
from tfpt_tui.ui.notification import desktop_notification, run_command


@pytest.mark.parametrize(
    ("environ", "sequence"),
    [
        ({"TERM": "xterm-256color"}, "\x1b]9;tfpt-tui: 2 runs, done\x07"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7200"}, "\x1b]777;notify;tfpt-tui;2 runs, done\x07"),
        ({"TERM": "foot"}, "\x1b]777;notify;tfpt-tui;2 runs, done\x07"),
        (
            {"TERM": "tmux-256color", "TMUX": "/tmp/s"},
            "\x1bPtmux;\x1b\x1b]9;tfpt-tui: 2 runs, done\x07\x1b\\",
        ),
        ({"TERM": "screen.xterm-256color"}, "\x1bP\x1b]9;tfpt-tui: 2 runs, done\x07\x1b\\"),
    ],
)
def test_each_terminal_is_told_in_its_own_way(environ, sequence):
    assert desktop_notification("2 runs; done", environ) == sequence


def test_nothing_in_a_text_ends_the_sequence():
    assert desktop_notification("a\x07\x1bb", {}) == "\x1b]9;tfpt-tui: a\\x07\\x1bb\x07"


def test_a_command_gets_the_text_as_one_argument_and_no_shell(tmp_path):
    script = tmp_path / "say it"
    script.write_text(
        f'#!{sys.executable}\nimport sys\nopen({str(tmp_path / "out")!r}, "w").write(repr(sys.argv[1:]))\n'
    )
    script.chmod(0o755)
    run_command(f"'{script}' --to me", "2 runs; $(rm x) 'completed'")
    assert (tmp_path / "out").read_text() == repr(["--to", "me", "2 runs; $(rm x) 'completed'"])


def test_a_command_that_fails_hangs_or_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(notification, "PATIENCE_S", 0.2)
    with pytest.raises(TfptError, match=r"sh failed \(3\): no mail"):
        run_command("sh -c 'echo no mail >&2; exit 3'", "x")
    with pytest.raises(TfptError, match="sleep was ended"):
        run_command("sleep", "5")
    with pytest.raises(TfptError, match="nobody"):
        run_command("/nobody/here", "x")


async def test_the_end_of_all_runs_is_told_on_whatever_screen(paths, start, tmp_path):
    out = tmp_path / "out"
    sweep = start("hangs", rows=[0])
    wait_until(lambda: status_of(sweep.runs[0]) == "running")
    settings = load_settings(paths.settings)
    command = f"{sys.executable} -c \"import sys; open('{out}', 'w').write(sys.argv[1])\""
    settings = UserSettings(settings.interpreters, refresh_hz=5.0, notify=command)
    app = TfptApp(paths, settings)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shows(pilot, "running")
        await pilot.press("1")
        sweep.runs[0].stop.touch()
        await shows(pilot, "1 run stopped; press 4")
        wait_until(out.exists)
        await pilot.press("4")  # where it would cover what it speaks of
        await shows(pilot, "Sweeps")
        assert not list(app.screen.query("Toast"))
    assert out.read_text() == "1 run stopped"


async def test_who_looks_at_compare_is_not_sent_there(paths, start):
    sweep = start("hangs", rows=[0])
    app = TfptApp(paths, UserSettings(refresh_hz=5.0))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shows(pilot, "running")
        await pilot.press("4")
        await shows(pilot, "Sweeps")
        sweep.runs[0].stop.touch()
        assert "press 4" not in await shows(pilot, "1 run stopped")


async def test_a_command_that_fails_is_said_in_the_app(paths, start):
    sweep = start("hangs", rows=[0])
    wait_until(lambda: status_of(sweep.runs[0]) == "running")
    app = TfptApp(paths, UserSettings(refresh_hz=5.0, notify="/nobody/here"))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shows(pilot, "running")
        sweep.runs[0].stop.touch()
        await shows(pilot, "/nobody/here")
