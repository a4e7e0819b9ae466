import os

import pytest

from tfpt_tui.config.directory_lock import claimed
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.interpreters import check_framework, install_line, interpreter_of
from tfpt_tui.environments.registry import (
    begin,
    delete,
    finish,
    list_environments,
    list_leftovers,
    named_interpreters,
    register,
    remove,
)
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
    assert install_line("pytorch", "/my venv/python").startswith("'/my venv/python' -m pip install ")


@pytest.mark.parametrize("name", ["", "default", "../x", "a/b", ".hidden", "a b", "ü", "x" * 65])
def test_a_name_that_is_no_plain_directory_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="not a name for an environment"):
        register(name, "/python", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_name_is_given_once(tmp_path):
    register("one", "/a", tmp_path)
    with pytest.raises(UsageError, match="there is an environment of that name; tfpt-tui env remove one"):
        register("one", "/b", tmp_path)
    assert named_interpreters(tmp_path) == {"one": "/a"}


def make(name, directory):
    (begin(name, directory) / "venv").mkdir()
    return finish(name, str(directory / name / "venv/bin/python"), directory)


def test_removing_an_environment_deletes_only_what_we_made(tmp_path):
    foreign = tmp_path / "foreign/bin/python"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("")
    environments = tmp_path / "environments"
    register("theirs", str(foreign), environments)
    make("ours", environments)
    (environments / "ours/notes").write_text("mine")
    assert not remove("theirs", environments).made
    assert remove("ours", environments).made
    assert foreign.exists()
    assert [path.name for path in environments.rglob("*")] == ["ours", "notes"]
    with pytest.raises(MissingError, match="other: no environment of that name; see tfpt-tui env list"):
        remove("other", environments)


def test_the_default_is_no_environment_that_can_be_removed(tmp_path):
    with pytest.raises(UsageError, match=r"default cannot be removed: it is the interpreter of \[interpreters\]"):
        remove("default", tmp_path)


def test_what_is_broken_or_unfinished_is_told_and_can_be_removed(tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/environment.toml").write_text("python = 7\n")
    (begin("half", tmp_path) / "venv").mkdir()
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe/environment.toml")
    register("good", "/a", tmp_path)
    assert [environment.name for environment in list_environments(tmp_path)] == ["good"]
    broken, half, pipe = list_leftovers(tmp_path)
    assert pipe.problem == f"it is broken: {tmp_path}/pipe/environment.toml is not a file"
    assert (broken.name, broken.remedy) == ("broken", "tfpt-tui env remove broken")
    assert "broken/environment.toml: python must be the full path" in broken.problem
    assert (half.name, half.remedy) == ("half", "tfpt-tui env remove half")
    assert "its making or removal was cut off" in half.problem
    for leftover in (broken, half, pipe):
        with pytest.raises(UsageError, match=f"{leftover.name}: it is .* remove it with: {leftover.remedy}"):
            register(leftover.name, "/b", tmp_path)
        remove(leftover.name, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["good"]
    assert list_environments(tmp_path / "none") == list_leftovers(tmp_path / "none") == []


def test_a_removal_that_is_cut_off_leaves_what_is_still_known_as_ours(tmp_path, monkeypatch):
    make("big", tmp_path)

    def interrupt(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("tfpt_tui.environments.registry.shutil.rmtree", interrupt)
        with pytest.raises(KeyboardInterrupt):
            remove("big", tmp_path)
    assert [(left.name, left.unfinished) for left in list_leftovers(tmp_path)] == [("big", True)]
    assert named_interpreters(tmp_path) == {}
    remove("big", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_ours_is_neither_replaced_nor_deleted(tmp_path):
    (tmp_path / "their own").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/thesis").write_text("years of work")
    for attempt in (begin, lambda *names: register(names[0], "/a", names[1]), remove):
        with pytest.raises(UsageError, match=r"theirs was not made by tfpt-tui: .* rm -r "):
            attempt("theirs", tmp_path)
    with pytest.raises(MissingError, match="no environment of that name"):
        remove("..", tmp_path)
    assert (tmp_path / "theirs/thesis").read_text() == "years of work"
    assert list_leftovers(tmp_path)[0].remedy == f"rm -r '{tmp_path}/their own'"


def test_an_environment_that_is_being_made_is_not_removed_meanwhile(tmp_path):
    begin("new", tmp_path)
    with (
        claimed(tmp_path, "it", "making or removing an environment"),
        pytest.raises(UsageError, match="another tfpt-tui is making or removing an environment"),
    ):
        remove("new", tmp_path)
    delete(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match="cannot keep the environment: not a directory"):
        register("one", "/a", tmp_path / "file")


def test_what_can_have_no_name_is_not_ours(tmp_path):
    for name in ("my env", "default", "x" * 65):
        (tmp_path / name).mkdir()
        (tmp_path / name / "environment.toml").write_text('python = "/x"\n')
    (tmp_path / "odd/environment.toml").mkdir(parents=True)
    assert list_environments(tmp_path) == []
    assert [left.ours for left in list_leftovers(tmp_path)] == [False] * 4
    with pytest.raises(UsageError, match=r"its environment\.toml is a directory"):
        remove("odd", tmp_path)
    assert (tmp_path / "odd/environment.toml").is_dir()


def test_a_venv_that_was_moved_and_linked_is_unlinked(tmp_path):
    begin("old", tmp_path)
    (tmp_path / "elsewhere/bin").mkdir(parents=True)
    (tmp_path / "old/venv").symlink_to(tmp_path / "elsewhere")
    finish("old", str(tmp_path / "old/venv/bin/python"), tmp_path)
    remove("old", tmp_path)
    assert not (tmp_path / "old").exists()
    assert (tmp_path / "elsewhere/bin").is_dir()


def test_an_environment_that_cannot_be_kept_leaves_no_directory(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tfpt_tui.environments.registry.write_toml", refuse)
    with pytest.raises(MissingError, match="no space left"):
        register("old", "/x", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_end_is_not_read(tmp_path):
    register("old", "/x", tmp_path)
    with (tmp_path / "old/environment.toml").open("ab") as file:
        file.truncate(1 << 30)
    assert "larger than any" in list_leftovers(tmp_path)[0].problem
