import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.registry import begin, finish, named_interpreters, register
from tfpt_tui.runs.record.environment_usage import user_of

FACTS = {"python": "3.11.7", "packages": {}, "overwritten": {}}


@pytest.fixture
def interpreter(tmp_path):
    """An interpreter that holds PyTorch only, as far as its answers go."""
    torch = {**FACTS, "version": "2.8.0", "cuda": "12.8", "gpus": [], "import_s": 2.0}
    none = {**FACTS, "missing": ["tensorflow"]}
    path = tmp_path / "venv/bin/python"
    path.parent.mkdir(parents=True)
    path.write_text(
        '#!/bin/sh\ncase "$*" in\n'
        f"*' probe pytorch '*) echo 'tfpt-tui probe: {json.dumps(torch)}';;\n"
        f"*' probe tensorflow '*) echo 'tfpt-tui probe: {json.dumps(none)}';;\n"
        "*) echo missing:;;\nesac\n"
    )
    path.chmod(0o755)
    settings = Path(os.environ["XDG_CONFIG_HOME"]) / "tfpt-tui" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[interpreters]\npytorch = "{path}"\ntensorflow = "{path}"\n')
    return path


def test_an_environment_is_added_listed_and_removed(cli, interpreter):
    code, out, _ = cli("env", "add", "old", str(interpreter.parents[1]))
    assert code == 0
    assert out == (
        "old: PyTorch 2.8.0 (no GPU); use it with: tfpt-tui run quick --data DIR --rows 1 --set environment=old\n"
    )
    code, out, err = cli("env", "list")
    assert code == 0
    assert out == (
        "default\n"
        "  PyTorch     2.8.0, no GPU, CUDA 12.8, imported in 2.0 s\n"
        f"              Python 3.11.7, {interpreter}\n"
        "  TensorFlow  no module tensorflow\n"
        f"              Python 3.11.7, {interpreter}\n"
        "old\n"
        "  PyTorch     2.8.0, no GPU, CUDA 12.8, imported in 2.0 s\n"
        f"              Python 3.11.7, {interpreter}\n"
    )
    assert "importing PyTorch in old" in err

    listed = json.loads(cli("env", "list", "--json")[1])
    assert listed[2]["python"] == str(interpreter)
    code, out, err = cli("env", "remove", "old")
    assert (code, out) == (0, "")
    assert f"old: forgotten; {interpreter} is left as it is" in err
    assert len(json.loads(cli("env", "list", "--json")[1])) == 2


def test_what_is_broken_or_unfinished_is_listed_with_the_line_that_removes_it(cli, interpreter, paths):
    begin("half", paths.environments)
    _, out, _ = cli("env", "list")
    assert out.splitlines()[-3:] == [
        "half",
        "  it is unfinished: being made, or its making or removal was cut off",
        "  -> tfpt-tui env remove half",
    ]
    *rows, half = json.loads(cli("env", "list", "--json")[1])
    assert list(half) == list(rows[0])
    assert (half["environment"], half["framework"]) == ("half", None)
    assert half["problem"].endswith("remove it with: tfpt-tui env remove half")
    code, _, err = cli("env", "remove", "half")
    assert (code, err) == (0, "half: deleted\n")


def test_a_run_is_made_in_the_environment_that_it_names(cli, interpreter, dataset, tmp_path):
    cli("env", "add", "old", str(interpreter))
    code, _, err = cli("run", "demo", "--data", str(dataset), "--rows", "1", "--set", "environment=odl")
    assert code == 3
    assert "environment=odl: no environment of that name; did you mean 'old'?" in err
    code, out, _ = cli(
        "run", "demo", "--data", str(dataset), "--rows", "1", "--set", "environment=old", "--detach"
    )
    assert code == 0
    (run,) = out.split()
    plan = next((tmp_path / "sweeps").glob("*/plan.toml")).read_text()
    assert f'interpreter = "{interpreter}"' in plan
    assert 'environment = "old"' in (tmp_path / "runs" / run / "config.toml").read_text()


def test_an_environment_that_a_live_run_uses_is_not_removed(cli, paths, start):
    register("old", "/old/python", paths.environments)
    sweep = start("hangs")
    wait_until(sweep.runs[0].events.exists)  # its configuration has been read
    text = sweep.runs[0].config.read_text()
    sweep.runs[0].config.write_text(text.replace('environment = "default"', 'environment = "old"'))
    code, _, err = cli("env", "remove", "old")
    assert code == 2
    assert f"old: {sweep.runs[0].id} uses it" in err
    assert "old" in named_interpreters(paths.environments)


def made(name, paths):
    """An environment that tfpt-tui made; its interpreter's path."""
    python = begin(name, paths.environments) / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    finish(name, str(python), paths.environments)
    return python


def test_an_environment_that_another_name_stands_for_is_not_removed(cli, paths):
    register("alias", str(made("old", paths)), paths.environments)
    code, _, err = cli("env", "remove", "old")
    assert code == 2
    assert "the environment alias uses its interpreter; first: tfpt-tui env remove alias" in err
    assert cli("env", "remove", "alias")[0] == 0
    assert cli("env", "remove", "old")[0] == 0


def test_an_environment_that_the_settings_name_is_not_removed(cli, paths):
    python = made("old", paths)
    paths.settings.parent.mkdir(parents=True)
    paths.settings.write_text(f'[interpreters]\npytorch = "{python}"\n')
    code, _, err = cli("env", "remove", "old")
    assert (code, "has its interpreter for pytorch; correct that first" in err) == (2, True)


def test_an_environment_in_which_something_runs_is_not_removed(cli, paths):
    process = subprocess.Popen([made("old", paths), "-c", "print(1, flush=True); input()"], stdin=-1, stdout=-1)
    process.stdout.readline()  # from here on its command line is its own
    code, _, err = cli("env", "remove", "old")
    assert (code, f"process {process.pid} runs in it" in err) == (2, True)
    process.communicate(b"\n")
    assert cli("env", "remove", "old")[0] == 0


def test_an_environment_that_a_plan_of_other_runs_waits_for_is_not_removed(cli, paths, start):
    python = made("old", paths)
    sweep = start("hangs")
    wait_until(sweep.runs[0].events.exists)  # from here on the supervisor leaves the plan as it is
    plan = sweep.directory.path / "plan.toml"
    text = plan.read_text()
    plan.write_text(re.sub(r'interpreter = ".*"', f'interpreter = "{python}"', text))
    elsewhere = dataclasses.replace(paths, runs=paths.runs.parent / "elsewhere/runs")
    settings = UserSettings(environments={"old": str(python)})
    used = user_of("old", elsewhere, settings)
    assert used == f"{sweep.directory.path} uses it; wait for its runs, or stop them"
    plan.write_text(text)
    assert user_of("old", elsewhere, settings) == ""


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("/nowhere/python", "/nowhere/python: no such interpreter"),
        ("/bin/ls", "is not a working Python interpreter"),
        ("/etc/passwd", "/etc/passwd: cannot be started"),
        ("", "'': no such interpreter"),
        ("/etc", "/etc/bin/python: no such interpreter"),
    ],
)
def test_what_holds_no_framework_is_not_added(cli, python, said):
    code, out, err = cli("env", "add", "bad", python)
    assert (code, out) == (3, "")
    assert said in err
    assert named_interpreters(find_paths().environments) == {}


def test_an_interpreter_that_does_not_answer_is_asked_once(cli, tmp_path):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho $* >> {tmp_path}/asked\nexit 3\n")
    python.chmod(0o755)
    assert cli("env", "add", "bad", python)[0] == 3
    asked = [line for line in (tmp_path / "asked").read_text().splitlines() if "probe" in line]
    assert [line.partition(" probe ")[2].split()[0] for line in asked] == ["pytorch"]


def test_a_list_is_no_wider_than_the_terminal(cli, interpreter, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr("tfpt_tui.cli.invocation.sys.stdout.isatty", lambda: True)
    begin("x" * 40, find_paths().environments)
    lines = cli("env", "list")[1].splitlines()
    assert all(len(line) <= 50 or "/" in line or "env remove" in line for line in lines)
    assert len(lines) > 8


def test_names_are_checked_before_anything_is_imported(cli):
    code, _, err = cli("env", "add", "default", "/nowhere")
    assert code == 2
    assert "not a name for an environment" in err
    code, _, err = cli("env", "create", "pytorch", "--name", "a/b")
    assert code == 2
    assert "not a name for an environment" in err


def test_what_lacks_a_library_is_told_with_the_line_that_installs_it(cli, tmp_path):
    python = tmp_path / "python"
    lacks = json.dumps({**FACTS, "missing": ["PIL"]})
    python.write_text(f"#!/bin/sh\ncase \"$*\" in *' probe '*) echo 'tfpt-tui probe: {lacks}';; esac\n")
    python.chmod(0o755)
    code, _, err = cli("env", "add", "e", python)
    assert code == 3
    assert (
        f"no module PIL; nothing was added, as no framework can be used there; install it with: {python} -m" in err
    )


def test_an_environment_that_an_activated_shell_uses_is_not_removed(cli, paths):
    home = made("old", paths).parents[1]
    variables = {"VIRTUAL_ENV": str(home)}
    process = subprocess.Popen(["sh", "-c", "echo; read line"], stdin=-1, stdout=-1, env=variables)
    process.stdout.readline()
    code, _, err = cli("env", "remove", "old")
    process.communicate(b"\n")
    assert (code, f"process {process.pid} runs in it" in err) == (2, True)


@pytest.mark.parametrize("name", ["/", "", "..", "nothing"])
def test_a_name_that_is_none_is_used_by_nobody(cli, paths, name):
    made("old", paths)
    assert "no environment of that name" in cli("env", "remove", name)[2]
