"""The command line as a user or a script sees it: output, narration and exit codes."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from tests.waiting import wait_until
from tfpt_tui.cli.main import run


def one_line(text):
    return text.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["prepare", "--help"], ["runs", "--help"], ["run", "-h"]])
def test_help_is_data_and_no_error(cli, arguments):
    code, out, err = cli(*arguments)
    assert code == 0
    assert "Usage: tfpt-tui" in out
    assert err == ""


def test_an_empty_list_of_runs_says_where_it_looked(cli, tmp_path):
    code, out, err = cli("runs", "list")
    assert (code, out.split()[:2]) == (0, ["run", "status"])
    assert f"{tmp_path / 'runs'}: no runs yet; make some with: tfpt-tui demo" in err


def test_the_version_is_told(cli):
    assert cli("--version")[1].startswith("tfpt-tui, version 0.")


def test_every_command_of_the_help_exists(cli):
    from tfpt_tui.cli.main import COMMANDS

    for name in COMMANDS:
        assert cli(name, "--help")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prepar"], "tfpt-tui: no such command 'prepar'; did you mean 'prepare'?; see tfpt-tui --help\n"),
        (["env", "creat"], "no such command 'creat'; did you mean 'create'?"),
        (["run"], "tfpt-tui: missing argument 'PRESET|FILE.toml'; see tfpt-tui run --help\n"),
        (["prepare", "x", "--seed", "y"], "tfpt-tui: invalid value for '--seed': 'y' is not a valid integer"),
        (["run", "demo", "--repeats", "0"], "--repeats"),
        (["run", "dmeo"], "did you mean 'demo'?"),
        (["run", "demo"], "no dataset: name one with --data DIR"),
        (["run", "demo", "--set", "epoch=3"], "did you mean 'epochs'?"),
        (["run", "demo", "--rows", "9"], "not among the rows 1 to 2"),
        (["prepare", "synthetic"], "missing option '--out'"),
        (["prepare", "synthetic", "--out", "x", "--archive", "y"], "synthetic uses no archive"),
        (["prepare", "cifar10", "--out", "x", "--archive", "y", "--url", "z"], "give one of them"),
        (["prepare", "cifar10", "--out", "x", "--url", "/tmp/a.tar.gz"], "a file is given with --archive"),
        (["prepare", "cifar10", "--out", "x", "--classes", "11"], "CIFAR-10 has 10 classes"),
        (["compare", "--format", "pdf"], "'pdf' is not one of"),
        (["runs", "show", "2026"], "no run in"),
    ],
)
def test_wrong_usage_has_exit_code_2_and_says_why(cli, arguments, said):
    code, out, err = cli(*arguments)
    assert code == 2
    assert out == ""
    assert said in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "demo", "--data", "/nowhere"],
        ["prepare", "/nowhere", "--out", "x"],
        ["prepare", "cifar100", "--out", "x", "--archive", "/nowhere"],
        ["run", "/nowhere/preset.toml"],
    ],
)
def test_what_is_missing_has_exit_code_3_and_one_line(cli, arguments):
    code, out, err = cli(*arguments)
    assert code == 3
    assert out == ""
    assert one_line(err)
    assert "/nowhere" in err


def test_a_broken_preset_has_file_line_and_reason(cli, tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text('[preset]\nname = "x"\n[[rows]\n')
    code, _, err = cli("run", path)
    assert code == 2
    assert err.startswith(f"tfpt-tui: {path}: line 3: ")
    assert one_line(err)


def test_the_app_without_a_terminal_is_refused(cli):
    code, _, err = cli()
    assert code == 2
    assert "needs a terminal" in err


def test_preparing_says_what_was_made_and_recognises_it(cli, tmp_path):
    prepare = ("prepare", "synthetic", "--out", tmp_path / "data", "--limit", 1, "--classes", 3)
    code, out, _ = cli(*prepare)
    assert code == 0
    assert out == f"{tmp_path}/data: prepared: 3 classes, 3 training and 3 test images of 64x64\n"
    assert "already prepared" in cli(*prepare)[1]


def test_an_image_that_is_none_has_exit_code_2_and_is_named(cli, tmp_path):
    for name in ("train/cat", "train/dog", "test/cat", "test/dog"):
        (tmp_path / "source" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "source" / name / "1.png")
    (tmp_path / "source/train/cat/bad.jpg").write_text("no image")
    prepare = ("prepare", tmp_path / "source", "--out", tmp_path / "data")
    code, _, err = cli(*prepare)
    assert code == 2
    assert "1 of 5 files are not images" in err
    assert "bad.jpg" in err
    code, out, _ = cli(*prepare, "--skip-bad")
    assert code == 0
    assert "skipped, not images (1): " in out


@pytest.mark.parametrize("out", ["source/out", "source", "."])
def test_a_dataset_inside_its_own_source_is_refused(cli, tmp_path, out):
    (tmp_path / "source/cat").mkdir(parents=True)
    code, _, err = cli("prepare", tmp_path / "source", "--out", tmp_path / out)
    assert code in (2, 3)
    assert one_line(err)


def test_presets_are_listed_and_shown_with_every_row_resolved(cli):
    names = [preset["name"] for preset in json.loads(cli("presets", "list", "--json")[1])]
    assert "demo" in names
    assert "demo" in cli("presets")[1]
    document = json.loads(cli("presets", "show", "demo", "--json")[1])
    assert [row["framework"] for row in document["rows"]] == ["pytorch", "tensorflow"]
    assert document["rows"][0]["image_size"] == 32
    assert document["rows"][0]["data"] is None
    assert "tensorflow" in cli("presets", "show", "demo")[1]
    assert cli("presets", "demo") == cli("presets", "show", "demo")
    assert "no such command 'dem'" in cli("presets", "dem")[2]


def test_the_file_of_a_preset_can_be_copied_and_changed(cli):
    file = json.loads(cli("presets", "show", "demo", "--json")[1])["path"]
    code, text, _ = cli("presets", "show", "demo", "--toml")
    assert (code, text) == (0, Path(file).read_text())
    code, _, told = cli("presets", "show", "demo", "--toml", "--json")
    assert code == 2
    assert "choose one of them" in told


def test_a_preset_cannot_command_the_terminal(cli, paths):
    own = paths.user_presets / "odd\x1b[2J.toml"
    own.parent.mkdir(parents=True)
    rows = '[[rows]]\nframework = "pytorch"\ndata = "/a\\u001b[31m"\n'
    own.write_text('[preset]\nname = "odd\\u001b[2J"\ntitle = "t\\u001b[0m\\nnext"\n' + rows)
    for code, out, err in (cli("presets", "list"), cli("presets", "show", own)):
        assert code == 0
        assert "t\\x1b[0m\\nnext" in out
        assert "\x1b" not in out + err
    listed = json.loads(cli("presets", "list", "--json")[1])
    assert "t\x1b[0m\nnext" in [preset["title"] for preset in listed]


def test_published_numbers_are_shown_beside_their_row(cli, tmp_path):
    path = tmp_path / "table.toml"
    path.write_text('[[rows]]\nframework = "pytorch"\npublished = {training_s = 1518, evaluation_s = 11}\n')
    assert json.loads(cli("presets", "show", path, "--json")[1])["rows"][0]["published"]["training_s"] == 1518
    assert "1518" in cli("presets", "show", path)[1]


def test_paths_are_told(cli, tmp_path):
    found = json.loads(cli("paths", "--json")[1])
    assert found["runs"] == str(tmp_path / "runs")
    assert found["pytorch"]
    assert str(tmp_path / "runs") in cli("paths")[1]


def test_without_runs_the_lists_have_their_headers(cli):
    assert cli("runs")[1].startswith("run ")
    assert cli("runs", "list", "--json")[1] == "[]\n"
    code, out, err = cli("compare", "--format", "csv")
    assert (code, out.split(",")[0]) == (0, "framework")
    assert "no runs to compare" in err


def test_a_run_narrates_on_stderr_and_ends_with_the_comparison_on_stdout(cli, dataset, fake_python):
    code, out, err = cli("run", "demo", "--data", dataset, "--no-duel")
    assert code == 0
    assert "epoch 1/2" in err
    assert "loss 2.0000" in err
    assert out.splitlines()[0].startswith("PyTorch was 1.00x as fast as TensorFlow")
    assert "single run" in out


def test_a_single_run_ends_with_its_result(cli, dataset, fake_python):
    code, out, _ = cli("run", "demo", "--data", dataset, "--rows", "1")
    assert code == 0
    assert "completed" in out.splitlines()[0]
    assert "271,652 (270,948 trainable)" in out


@pytest.mark.parametrize(
    ("story", "code"), [("fails", 1), ("is_killed", 1), ("runs_out_of_memory", 1), ("lacks_a_device", 3)]
)
def test_how_a_run_failed_shows_in_the_exit_code(cli, dataset, fake_python, monkeypatch, story, code):
    monkeypatch.setenv("FAKE_STORY", story)
    got, out, err = cli("run", "demo", "--data", dataset, "--rows", "1")
    assert got == code
    assert "run " in out
    assert err


def test_a_detached_run_returns_its_id_and_can_be_followed_shown_and_deleted(cli, dataset, fake_python):
    code, out, err = cli("run", "demo", "--data", dataset, "--rows", "2", "--detach")
    run_id = out.strip()
    assert code == 0
    assert one_line(out)
    sweep_id = err.splitlines()[-1].split()[1]
    code, _, err = cli("runs", "tail", run_id)
    assert (code, err.splitlines()[-1]) == (0, "  completed")
    assert cli("runs", "tail", sweep_id)[0] == 0
    document = json.loads(cli("runs", "show", run_id, "--json")[1])
    assert (document["status"], document["config"]["framework"]) == ("completed", "tensorflow")
    shown = cli("runs", "show", run_id)[1]
    assert "Conv2d" in shown
    assert "271,652 parameters" in shown
    (listed,) = json.loads(cli("runs", "list", "--json")[1])
    assert listed["run"] == run_id
    code, _, err = cli("runs", "delete", run_id, run_id, "--yes")
    assert (code, err) == (0, f"{run_id}: deleted\n")
    assert cli("runs", "list", "--json")[1] == "[]\n"


def test_a_run_that_has_not_begun_is_not_waited_for_when_it_is_to_stop(cli, dataset, fake_python, monkeypatch):
    monkeypatch.setenv("FAKE_STORY", "hangs")
    monkeypatch.setattr("tfpt_tui.cli.runs.PATIENCE_S", 0.2)
    first, second = cli("run", "demo", "--no-duel", "--data", dataset, "--detach")[1].split()

    def statuses():
        return {one["status"] for one in json.loads(cli("runs", "list", "--json")[1])}

    wait_until(lambda: "running" in statuses())
    code, _, err = cli("runs", "stop", second)
    assert (code, err) == (0, f"{second}: is left out when its turn comes\n")
    monkeypatch.setattr("tfpt_tui.cli.runs.PATIENCE_S", 15.0)
    assert cli("runs", "stop", first)[0] == 0
    wait_until(lambda: statuses() == {"stopped"})


def test_a_live_run_is_not_deleted_and_can_be_stopped(cli, dataset, fake_python, monkeypatch):
    monkeypatch.setenv("FAKE_STORY", "hangs")
    run_id = cli("run", "demo", "--data", dataset, "--rows", "1", "--detach")[1].strip()
    wait_until(lambda: json.loads(cli("runs", "list", "--json")[1])[0]["status"] == "running")
    code, _, err = cli("runs", "delete", run_id, "--yes")
    assert code == 2
    assert "stop it first" in err
    code, _, err = cli("runs", "stop", run_id)
    assert (code, err) == (0, f"{run_id}: stopped\n")
    code, _, err = cli("runs", "stop", run_id)
    assert code == 2
    assert "is not running: stopped" in err


def test_a_rerun_says_when_the_environment_is_another_interpreter_by_now(cli, dataset, fake_python):
    cli("run", "demo", "--data", dataset, "--rows", "1")
    (run,) = json.loads(cli("runs", "list", "--json")[1])
    other = fake_python.with_name("other-python")
    fake_python.rename(other)
    settings = Path(os.environ["XDG_CONFIG_HOME"]) / "tfpt-tui" / "config.toml"
    settings.write_text(settings.read_text().replace(str(fake_python), str(other)))
    code, _, err = cli("runs", "rerun", run["run"])
    assert code == 0
    assert f"note: {run['run']} ran in {fake_python}; its environment is {other} now" in err


def test_a_rerun_repeats_the_configuration(cli, dataset, fake_python):
    first = cli("run", "demo", "--data", dataset, "--rows", "1", "--set", "batch_size=7", "--detach")[1].strip()
    cli("runs", "tail", first)
    second = cli("runs", "rerun", first, "--detach")[1].strip()
    cli("runs", "tail", second)
    configs = [json.loads(cli("runs", "show", run, "--json")[1])["config"] for run in (first, second)]
    assert first != second
    assert configs[0] == configs[1]
    assert configs[0]["batch_size"] == 7


def test_runs_that_cannot_be_recorded_are_one_line(cli, dataset, fake_python, tmp_path):
    (tmp_path / "sweeps").write_text("a file")
    code, out, err = cli("run", "demo", "--data", dataset, "--no-duel")
    assert (code, out) == (3, "")
    assert one_line(err)
    assert "cannot record a run" in err


def test_a_directory_of_runs_that_is_a_file_is_refused(cli, tmp_path):
    (tmp_path / "runs").write_text("a file")
    code, out, err = cli("runs", "list")
    assert (code, out) == (2, "")
    assert f"--runs {tmp_path / 'runs'}: is not a directory" in err
    assert one_line(err)


def test_what_is_no_file_is_no_preset(cli, tmp_path, dataset):
    os.mkfifo(tmp_path / "pipe.toml")
    code, _, err = cli("run", tmp_path / "pipe.toml", "--data", dataset)
    assert code == 2
    assert "pipe.toml: is not a file" in err


def test_an_empty_dataset_is_refused(cli, fake_python):
    code, _, err = cli("run", "demo", "--data", "")
    assert code == 2
    assert "--data: is empty" in err


def test_a_condition_that_no_run_fulfils_is_said(cli, tmp_path):
    code, out, err = cli("compare", "batch_size=999")
    assert (code, out) == (0, "")
    assert "no run matches batch_size=999; tfpt-tui runs list shows all" in err


def test_what_was_stopped_is_told_how_to_go_on(cli, dataset, fake_python, monkeypatch):
    monkeypatch.setenv("FAKE_STORY", "is_killed,completes")
    code, _, err = cli("run", "demo", "--data", dataset, "--no-duel")
    assert code == 1
    assert "resume what did not complete: tfpt-tui runs resume" in err


def test_ctrl_c_stops_the_runs_waits_and_leaves_complete_records(tmp_path, dataset, fake_python):
    command = [sys.executable, "-m", "tfpt_tui", "--runs", str(tmp_path / "runs"), "run", "demo", "--no-duel"]
    process = subprocess.Popen(
        [*command, "--data", str(dataset)],
        env={**os.environ, "FAKE_STORY": "hangs"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background ignores Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_until(lambda: any(b"epoch_end" in path.read_bytes() for path in tmp_path.glob("runs/*/events.jsonl")))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopping" in err
    assert "stopped" in out
    results = [tomllib.loads(path.read_text()) for path in tmp_path.glob("runs/*/result.toml")]
    assert [result["status"] for result in results] == ["stopped", "stopped"]


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    command = f"{sys.executable} -m tfpt_tui --runs {tmp_path}/runs presets | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_reading_commands_work_without_frameworks_and_say_what_is_missing(cli, monkeypatch):
    from tfpt_tui.environments import interpreters

    monkeypatch.setattr(interpreters, "_missing_here", list)
    for command in (["runs"], ["compare", "--format", "csv"], ["presets"], ["paths"]):
        code, out, err = cli(*command)
        assert code == 0
        assert out
        assert (
            f"TensorFlow is not installed; install it with: {sys.executable} -m pip install tensorflow pillow"
            in err
        )
        assert "-m pip install torch torchvision" in err


def test_training_without_its_framework_has_exit_code_3_and_the_line_that_installs_it(cli, dataset, monkeypatch):
    from tfpt_tui.environments import interpreters

    monkeypatch.setattr(interpreters, "_missing_here", list)
    code, out, err = cli("run", "demo", "--data", dataset, "--no-duel")
    assert (code, out) == (3, "")
    assert one_line(err)
    assert f"install it with: {sys.executable} -m pip install torch torchvision" in err


def test_a_broken_plan_does_not_hide_the_others(cli, dataset, fake_python, tmp_path):
    cli("run", "demo", "--data", dataset, "--no-duel")
    broken = tmp_path / "sweeps/99999999-broken"
    broken.mkdir()
    (broken / "plan.toml").write_text("x = 1\n")
    assert "PyTorch" in cli("compare")[1]
    code, _, err = cli("compare", "--sweep", "9999")
    assert code == 2
    assert "not a plan of tfpt-tui" in err


def test_a_run_that_cannot_be_read_is_listed_as_such_beside_the_others(cli, dataset, fake_python, tmp_path):
    first = cli("run", "demo", "--data", dataset, "--rows", "1", "--detach")[1].strip()
    cli("runs", "tail", first)
    odd = tmp_path / "runs/20261122-000001-pytorch-beef"
    (odd / "events.jsonl").mkdir(parents=True)
    (odd / "config.toml").write_text((tmp_path / "runs" / first / "config.toml").read_text())
    code, out, _ = cli("runs")
    assert code == 0
    assert first in out
    assert "beef" in out
    code, out, _ = cli("runs", "show", "20261122-000001")
    assert code == 0
    assert "cannot read the run" in out


def test_a_run_that_cannot_be_deleted_is_said_in_one_line(cli, dataset, fake_python, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", "config.toml")

    run_id = cli("run", "demo", "--data", dataset, "--rows", "1", "--detach")[1].strip()
    cli("runs", "tail", run_id)
    monkeypatch.setattr("shutil.rmtree", refuse)
    code, _, err = cli("runs", "delete", run_id, "--yes")
    assert code == 3
    assert f"{run_id}: cannot delete the run: permission denied; choose a directory that you may write" in err


@pytest.mark.parametrize("command", [["runs", "list"], ["compare"], []])
def test_a_path_that_the_system_refuses_is_said_in_one_line(command, capsys):
    code = run(["--runs", f"/tmp/{'x' * 300}", *command])
    err = capsys.readouterr().err
    assert code == 3
    assert one_line(err)
    assert err.endswith("cannot read or write it: file name too long; choose a shorter path\n")


def test_a_sweep_with_a_deleted_run_is_followed_to_its_end(cli, dataset, fake_python):
    _, out, err = cli("run", "demo", "--data", dataset, "--no-duel", "--detach")
    sweep_id, (first, second) = err.splitlines()[-1].split()[1], out.split()
    cli("runs", "tail", second)
    cli("runs", "delete", first, "--yes")
    code, _, err = cli("runs", "tail", sweep_id)
    assert code == 0
    assert f"{first}: was deleted" in err
    assert second in cli("compare")[1]
    code, _, err = cli("runs", "delete", sweep_id, "--yes")
    assert (code, err) == (0, f"{second}: deleted\n")
    assert cli("runs", "delete", sweep_id, "--yes")[2] == f"{sweep_id}: no run is left of it\n"


@pytest.mark.parametrize("arguments", [["runs", "--json", "list"], ["presets", "--json", "list"]])
def test_an_option_in_the_wrong_place_is_not_ignored(cli, arguments):
    code, _, err = cli(*arguments)
    assert code == 2
    assert "put --json after the command" in err


@pytest.mark.parametrize(
    "twice", [("--set", "data=/other"), ("--epochs-measured", "2", "--set", "epochs_measured=1")]
)
def test_what_is_said_twice_is_refused(cli, dataset, fake_python, twice):
    code, _, err = cli("run", "quick", "--data", dataset, *twice)
    assert code == 2
    assert "says it already; leave one of them out" in err


def test_a_dataset_that_a_run_needs_is_not_replaced(cli, tmp_path, fake_python, monkeypatch):
    data = tmp_path / "few"
    assert cli("prepare", "synthetic", "--limit", "40", "--classes", "2", "--out", data)[0] == 0
    monkeypatch.setenv("FAKE_STORY", "hangs")
    run = cli("run", "demo", "--data", data, "--rows", "1", "--detach")[1].strip()
    code, _, err = cli("prepare", "synthetic", "--limit", "8", "--classes", "2", "--out", data, "--force")
    assert code == 2
    assert f"{run} uses it; wait for that run" in err
    assert cli("runs", "stop", run)[0] == 0
    assert cli("prepare", "synthetic", "--limit", "8", "--classes", "2", "--out", data, "--force")[0] == 0


def test_empty_rows_are_no_rows(cli, dataset, fake_python):
    code, _, err = cli("run", "demo", "--data", dataset, "--rows", "")
    assert code == 2
    assert "--rows" in err


def test_a_single_class_is_refused(cli, tmp_path):
    (tmp_path / "source/cat").mkdir(parents=True)
    for number in range(6):
        Image.new("RGB", (8, 8)).save(tmp_path / f"source/cat/{number}.png")
    code, _, err = cli("prepare", tmp_path / "source", "--out", tmp_path / "data")
    assert code == 2
    assert "only one class, 'cat'" in err
