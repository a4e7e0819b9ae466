import pytest

from tfpt_tui.config.paths import absolute
from tfpt_tui.config.settings import load_settings
from tfpt_tui.errors import TfptError, UsageError


def test_without_a_file_all_is_default(tmp_path):
    assert load_settings(tmp_path / "none.toml").refresh_hz == 1.0


def test_a_link_to_a_file_that_is_gone_is_no_absence_of_settings(tmp_path):
    (tmp_path / "config.toml").symlink_to(tmp_path / "dotfiles" / "config.toml")
    with pytest.raises(TfptError, match=r"config\.toml"):
        load_settings(tmp_path / "config.toml")


def test_interpreters_are_read_by_framework(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[interpreters]\npytorch = "/p/python"\n[ui]\nrefresh_hz = 2\n[keys]\nhelp = "h"\n')
    settings = load_settings(path)
    assert settings.interpreters == {"pytorch": "/p/python"}
    assert settings.refresh_hz == 2.0
    assert settings.keys == {"help": "h"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[interpreters]\ntorch = "/p"\n', "unknown key 'torch'; did you mean 'pytorch'?"),
        ("[interpreters]\npytorch = 3\n", "pytorch must be text, not 3"),
        (
            '[interpreters]\npytorch = "venv/bin/python"\n',
            "pytorch must be the full path of an interpreter, not 'venv",
        ),
        ('[interpreters]\npytorch = "./python"\n', "pytorch must be the full path of an interpreter"),
        ('[interpreters]\npytorch = " "\n', "pytorch must be the full path of an interpreter"),
        ('[interpreters]\npytorch = "/a\\u0000b"\n', "pytorch must be the full path of an interpreter"),
        ("[ui]\nrefresh_hz = 60\n", "refresh_hz must be 0.5 to 5, not 60"),
        ("[ui]\nnotify = 3\n", "notify must be text, not 3"),
        ('[ui]\nnotify = "say \'a"\n', "notify: not a command: no closing quotation"),
        ('[ui]\nnotify = " "\n', "notify must be a command such as 'notify-send', not ' '"),
        ("[uii]\n", "unknown key 'uii'; did you mean 'ui'?"),
        ('colours = "dark"\n', "unknown key 'colours'; it has interpreters, keys, machines, ui"),
        ("ui = 3\n", "must be a table"),
    ],
)
def test_a_wrong_setting_is_refused_with_file_key_and_reason(tmp_path, text, said):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_settings(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("interpreter", ["/p/python", "~/venv/bin/python", "python3.12"])
def test_an_interpreter_is_a_full_path_or_a_name_on_path(tmp_path, interpreter):
    path = tmp_path / "config.toml"
    path.write_text(f'[interpreters]\npytorch = "{interpreter}"\n')
    assert load_settings(path).interpreters == {"pytorch": interpreter}


def test_a_relative_path_stays_one_where_the_working_directory_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert absolute("data/mine") == "data/mine"
