"""``tfpt-tui prepare`` as a user meets it who makes mistakes, or means harm."""

from tfpt_tui.cli.invocation import say


def one_line(err):
    """The one line that says why; nothing else is said."""
    (line,) = err.splitlines()
    assert line.startswith("tfpt-tui: ")
    return line


def test_a_problem_is_shown_without_what_a_terminal_would_obey(cli, tmp_path):
    code, _, err = cli("prepare", "/no\x1b]0;owned\x07\nwhere\udce9", "--out", tmp_path / "out")
    assert code == 3
    assert r"/no\x1b]0;owned\x07\nwhere\udce9: no such directory" in one_line(err)


def test_narration_keeps_its_lines_and_loses_what_a_terminal_would_obey(capfd):
    say("one\x1b[31m\ntwo")
    assert capfd.readouterr().err == "one\\x1b[31m\ntwo\n"
