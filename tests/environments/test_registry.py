import pytest

from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.interpreters import check_framework, install_line, interpreter_of
from tfpt_tui.environments.registry import list_environments, named_interpreters, register, remove
from tfpt_tui.errors import MissingError, UsageError


def test_an_interpreter_is_found_by_its_name(tmp_path):
    register("old", "/opt/old/bin/python", tmp_path)
    settings = UserSettings(interpreters={"pytorch": "/opt/new/python"}, environments=named_interpreters(tmp_path))
    assert interpreter_of("pytorch", settings, "old") == "/opt/old/bin/python"
    assert interpreter_of("pytorch", settings) == "/opt/new/python"


def test_a_name_that_is_not_known_says_the_nearest_and_how_to_make_one():
    settings = UserSettings(environments={"torch-2.8": "/x"})
    with pytest.raises(MissingError) as caught:
        check_framework("pytorch", settings, "torch-2.9")
    assert str(caught.value) == (
        "environment=torch-2.9: no environment of that name; did you mean 'torch-2.8'?; tfpt-tui env list shows"
        " them, tfpt-tui env add torch-2.9 PYTHON makes one"
    )


def test_the_line_that_installs_fits_an_environment_that_has_no_pip(tmp_path):
    python = tmp_path / "venv/bin/python"
    packages = tmp_path / "venv/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (tmp_path / "venv/pyvenv.cfg").write_text("")
    assert install_line("pytorch", str(python)) == f"uv pip install --python {python} torch torchvision"
    (packages / "pip").mkdir()
    assert install_line("pytorch", str(python)) == f"{python} -m pip install torch torchvision"
    assert install_line("pytorch", "/usr/bin/python3") == "/usr/bin/python3 -m pip install torch torchvision"


@pytest.mark.parametrize("name", ["", "default", "../x", "a/b", ".hidden", "a b", "ü", "x" * 65])
def test_a_name_that_is_no_plain_directory_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="no name for an environment"):
        register(name, "/python", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_name_is_given_once(tmp_path):
    register("one", "/a", tmp_path)
    with pytest.raises(UsageError, match="there is an environment of that name; tfpt-tui env remove one"):
        register("one", "/b", tmp_path)
    assert named_interpreters(tmp_path) == {"one": "/a"}


def test_removing_an_environment_deletes_only_what_we_made(tmp_path):
    foreign = tmp_path / "foreign/bin/python"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("")
    environments = tmp_path / "environments"
    register("theirs", str(foreign), environments)
    (environments / "ours/venv").mkdir(parents=True)
    register("ours", str(environments / "ours/venv/bin/python"), environments, made=True)
    assert not remove("theirs", environments).made
    assert remove("ours", environments).made
    assert foreign.exists()
    assert list(environments.iterdir()) == []
    with pytest.raises(MissingError, match="ours: no environment of that name; see tfpt-tui env list"):
        remove("ours", environments)


def test_what_a_removal_left_or_what_is_broken_can_be_removed(tmp_path):
    (tmp_path / "half/venv").mkdir(parents=True)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/environment.toml").write_text("python = 7\n")
    for name in ("half", "broken"):
        assert remove(name, tmp_path).made
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MissingError, match="no environment of that name"):
        remove("..", tmp_path)


def test_a_broken_or_unfinished_environment_is_passed_over(tmp_path):
    register("good", "/a", tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/environment.toml").write_text("python = 7\n")
    (tmp_path / "unfinished/venv").mkdir(parents=True)
    assert [environment.name for environment in list_environments(tmp_path)] == ["good"]
    assert list_environments(tmp_path / "none") == []


def test_a_directory_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match="cannot keep the environment: not a directory"):
        register("one", "/a", tmp_path / "file")
