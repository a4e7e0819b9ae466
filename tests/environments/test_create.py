import json
import os
import signal
import sys

import pytest

from tfpt_tui.config.directory_lock import claimed
from tfpt_tui.environments import create as creation
from tfpt_tui.environments.create import create, default_name, requirements
from tfpt_tui.environments.registry import begin, named_interpreters
from tfpt_tui.errors import MissingError, UsageError

FACTS = {"python": "3.11.7", "packages": {}, "overwritten": {}, "version": "2.8.0", "gpus": []}


@pytest.fixture
def fake_uv(tmp_path, monkeypatch):
    """A uv on PATH that makes a venv whose interpreter gives the answers of a framework; its calls."""
    programs = tmp_path / "programs"
    programs.mkdir()
    log = tmp_path / "calls"

    def make(install="exit 0", **facts):
        answer = f"tfpt-tui probe: {json.dumps({**FACTS, **facts})}"
        (programs / "answer").write_text(f"#!/bin/sh\necho '{answer}'\n")
        (programs / "answer").chmod(0o755)
        (programs / "uv").write_text(
            "#!/bin/sh\n"
            f'echo "$@" >> {log}\n'
            'case "$1" in\n'
            f"venv) mkdir -p $5/bin; cp -p {programs}/answer $5/bin/python;;\n"
            f"pip) {install};;\n"
            "esac\n"
        )
        (programs / "uv").chmod(0o755)
        return log

    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return make


def test_a_framework_gets_an_environment_and_a_name(fake_uv, tmp_path):
    log, said = fake_uv(), []
    made, found = create("pytorch", "old", tmp_path / "envs", version="2.8.0", gpu=False, say=said.append)
    assert named_interpreters(tmp_path / "envs") == {"old": made.python}
    assert (found.version, made.made) == ("2.8.0", True)
    venv, install = log.read_text().splitlines()
    assert venv == f"venv --quiet --python {sys.executable} {tmp_path}/envs/old/venv"
    assert install == f"pip install --python {made.python} torch==2.8.0 torchvision numpy pillow"
    assert len(said) == 2


def test_nothing_is_left_of_an_installation_that_failed(fake_uv, tmp_path, capfd):
    fake_uv(install="echo 'No solution found' >&2; exit 1")
    with pytest.raises(MissingError, match=r"uv pip install: failed \(exit code 1\), see its lines above"):
        create("pytorch", "old", tmp_path / "envs", version="9.9", gpu=False, say=lambda line: None)
    assert "No solution found" in capfd.readouterr().err
    assert list((tmp_path / "envs").iterdir()) == []


def test_nothing_is_left_of_an_installation_that_was_interrupted(fake_uv, tmp_path, monkeypatch):
    fake_uv()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(creation, "probe", interrupt)
    with pytest.raises(KeyboardInterrupt):
        create("pytorch", "old", tmp_path / "envs", version=None, gpu=False, say=lambda line: None)
    assert list((tmp_path / "envs").iterdir()) == []


def test_whoever_interrupts_twice_leaves_nothing_behind_either(fake_uv, tmp_path, monkeypatch):
    fake_uv()
    real, said = creation.delete, []

    def interrupt(*_):
        raise KeyboardInterrupt

    def interrupted_delete(home):
        signal.raise_signal(signal.SIGINT)
        real(home)

    monkeypatch.setattr(creation, "probe", interrupt)
    monkeypatch.setattr(creation, "delete", interrupted_delete)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever runs the tests ignores
    with pytest.raises(KeyboardInterrupt):
        create("pytorch", "old", tmp_path / "envs", version=None, gpu=False, say=said.append)
    after = signal.signal(signal.SIGINT, before)
    assert list((tmp_path / "envs").iterdir()) == []
    assert said[-1] == "removing what was made of old"
    assert after is signal.default_int_handler


def test_a_uv_that_fails_is_not_called_absent(fake_uv, tmp_path):
    fake_uv()
    (tmp_path / "programs/uv").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(MissingError, match=r"uv venv --quiet: failed \(exit code 3\)"):
        create("pytorch", "old", tmp_path / "envs", version=None, gpu=False, say=lambda line: None)


def test_a_framework_that_was_installed_and_cannot_be_imported_is_not_kept(fake_uv, tmp_path):
    fake_uv(broken="torch", problem="OSError: libcudart.so")
    with pytest.raises(
        MissingError, match=r"PyTorch was installed, but torch cannot be imported: OSError: libcud"
    ):
        create("pytorch", "old", tmp_path / "envs", version=None, gpu=False, say=lambda line: None)
    assert named_interpreters(tmp_path / "envs") == {}


def test_what_an_attempt_that_was_killed_left_is_replaced(fake_uv, tmp_path):
    fake_uv()
    (begin("old", tmp_path / "envs") / "venv/lib").mkdir(parents=True)
    create("pytorch", "old", tmp_path / "envs", version=None, gpu=False, say=lambda line: None)
    assert not (tmp_path / "envs/old/venv/lib").exists()


def test_a_folder_that_is_not_ours_is_not_replaced(fake_uv, tmp_path):
    log = fake_uv()
    (tmp_path / "envs/old/venv").mkdir(parents=True)
    with pytest.raises(UsageError, match="old was not made by tfpt-tui"):
        create("pytorch", "old", tmp_path / "envs", version=None, gpu=False, say=lambda line: None)
    assert (tmp_path / "envs/old/venv").exists()
    assert not log.exists()


def test_a_disk_without_room_is_noticed_before_the_start(fake_uv, tmp_path, monkeypatch):
    log = fake_uv()
    monkeypatch.setattr(creation, "free_bytes", lambda _: 10**9)
    with pytest.raises(MissingError, match=r"up to 8 GB are needed and 1\.0 GB are free"):
        create("pytorch", "old", tmp_path / "envs", version=None, gpu=False, say=lambda line: None)
    assert not log.exists()
    assert list((tmp_path / "envs").iterdir()) == []


def test_two_creations_do_not_meet(fake_uv, tmp_path):
    fake_uv()
    with (
        claimed(tmp_path / "envs", "it", "busy"),
        pytest.raises(UsageError, match="another tfpt-tui is making or removing an env"),
    ):
        create("pytorch", "old", tmp_path / "envs", version=None, gpu=False, say=lambda line: None)


@pytest.mark.parametrize("version", ["", "latest", ">=2", "2.8; rm", "2.8 --index-url x", f"2.8.0{'a' * 99};"])
def test_what_is_no_version_is_refused_whatever_the_name_would_be(tmp_path, version):
    with pytest.raises(UsageError, match=r"not a version such as 2\.8\.0"):
        create("pytorch", None, tmp_path, version=version, gpu=False, say=lambda line: None)


def test_versions_and_gpu_builds_are_asked_for_in_pips_words():
    assert requirements("tensorflow", "2.20.0", True) == ["tensorflow[and-cuda]==2.20.0", "numpy", "pillow"]
    assert requirements("tensorflow", None, False) == ["tensorflow", "numpy", "pillow"]
    assert requirements("pytorch", "2.8.0+cpu", True)[0] == "torch==2.8.0+cpu"
    assert default_name("tensorflow", "2.20.0", True) == "tensorflow-2.20.0-gpu"
    assert default_name("pytorch", None, False) == "pytorch"


def test_without_uv_venv_and_pip_do_it(monkeypatch, tmp_path):
    monkeypatch.setattr(creation.shutil, "which", lambda name: None)
    make, install = creation._commands("/v/bin/python", ["torch"], tmp_path / "v")
    assert make == [sys.executable, "-I", "-m", "venv", str(tmp_path / "v")]
    assert install == ["/v/bin/python", "-I", "-m", "pip", "install", "torch"]


def test_a_python_without_venv_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(creation.shutil, "which", lambda name: None)
    monkeypatch.setattr(creation.sys, "executable", "/bin/false")
    with pytest.raises(MissingError, match="cannot make a virtual environment; install uv, or Debian's package"):
        create("pytorch", "old", tmp_path / "envs", version=None, gpu=False, say=lambda line: None)
