import pytest

from tfpt_tui.errors import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Käse, 猫 and /a path/of'theirs", "Käse, 猫 and /a path/of'theirs"),
        ("\x1b]0;title\x07 red\x1b[31m", r"\x1b]0;title\x07 red\x1b[31m"),
        ("two\nlines\r", r"two\nlines\r"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("not utf-8: \udce9", r"not utf-8: \udce9"),
    ],
)
def test_only_what_a_terminal_would_obey_hide_or_refuse_is_escaped(text, shown):
    assert printable(text) == shown
