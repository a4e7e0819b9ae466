import pytest

from tfpt_tui.errors import cannot, printable


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


def test_who_may_not_read_is_not_told_to_write():
    refused = PermissionError(13, "Permission denied")
    assert str(cannot("read the images", "x", refused)).endswith("permission denied; choose one that you may read")
    assert str(cannot("write", "x", refused)).endswith("choose a directory that you may write")
