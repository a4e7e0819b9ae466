"""``tfpt-tui advise``: what is refused, shown and kept; the search is tested in tests/runs/test_race.py."""

import ast
import subprocess
import sys

import pytest

from tfpt_tui.cli import advise as command
from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.presets import load_preset
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.script import script_text
from tfpt_tui.results.presentation.ladder import ladder_text
from tfpt_tui.runs.plan.candidates import first_candidate
from tfpt_tui.runs.tasks.advise import Advice, Loser, Raced, Rung


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--script", "best.py"), "--script: a script is of one framework; name it: tfpt-tui advise FRAMEWORK"),
        (("--vary", "epochs"), "epochs: must be of batch_size, num_workers"),
        (("--budget", "100s"), "--budget: 50 s for PyTorch are too short for one race and its ladder"),
        (("--set", "cache=true"), "cache=true: the track best keeps its images decoded anyway"),
        (("--set", "data=/elsewhere"), "--set data: the search is of FRAMEWORK on the track best, on --data"),
        (("--set", "track=parity"), "--set track: the search is of FRAMEWORK on the track best, on --data"),
        (("--precision", "half"), "'half' is not 'any'"),
    ],
)
def test_what_cannot_be_advised_on_is_refused_in_one_line(cli, dataset, fake_python, options, said):
    code, out, err = cli("advise", "--data", dataset, *options)
    assert (code, out) == (2, "")
    assert said in err


def test_a_dataset_that_is_not_there_is_missing(cli, tmp_path, fake_python):
    code, _, err = cli("advise", "--data", tmp_path / "none", "--budget", "10m")
    assert code == 3
    assert "no such dataset directory" in err


def test_a_rung_that_was_not_measured_says_so():
    plain = RunConfig.from_mapping({"framework": "pytorch", "data": "/d", "track": "best"}, "test")
    rungs = (
        Rung(plain, "plain", 300.0),
        Rung(plain, "compile=on", 600.0, 1.9),
        Rung(plain, "fused_adam=on", 0.0),
    )
    lines = ladder_text(Advice("pytorch", rungs, rungs[-1], (), (), 3, 60.0, ())).splitlines()
    assert lines[2].endswith("600 images/s  x1.90, uncertain: others used the cores in too many rounds")
    assert lines[3].endswith("not measured")
    assert "[1.00, 1.00]" not in "".join(lines)


def test_an_advice_replaces_only_one_for_the_same_dataset(cli, dataset, paths, found, tmp_path):
    name = f"best-{dataset.name}.toml"
    other = tmp_path / "elsewhere" / dataset.name
    other.parent.mkdir()
    other.symlink_to(dataset)
    paths.user_presets.mkdir(parents=True)
    (paths.user_presets / name).write_text("# mine\n")
    for data in (dataset, other, dataset):
        assert cli("advise", "--data", data, "--budget", "10m")[0] == 0
    assert (paths.user_presets / name).read_text() == "# mine\n"
    kept = {path.stem: path.read_text().splitlines()[0] for path in paths.user_presets.iterdir()}
    assert {stem: line.partition(" on ")[2].partition(";")[0] for stem, line in kept.items()} == {
        f"best-{dataset.name}": "",
        f"best-{dataset.name}-2": str(dataset),
        f"best-{dataset.name}-3": str(other),
    }


def advice_for(advised):
    plain = advised.replace(**FRAMEWORKS[advised.framework].plain)
    rungs = Rung(plain, "plain", 600.0), Rung(advised, "onednn=on", 900.0, 1.5, 1.4, 1.6)
    raced, loser = Raced("threads=1", 0.6), Loser("compile=on", "no compiler")
    return Advice(advised.framework, rungs, rungs[-1], (raced,), (loser,), 9, 60.0, ("sweep",))


@pytest.fixture
def found(fake_python, monkeypatch):
    """Let the search find each framework's first candidate; what it was asked is kept."""
    asked = []

    def find(config, choices, budget_s, settings, paths, follow, say):
        asked.append((config, choices, budget_s))
        return advice_for(first_candidate(config, choices))

    monkeypatch.setattr(command, "find_fastest", find)
    return asked


def test_each_framework_gets_its_share_of_the_budget_a_ladder_and_a_row_of_a_preset(cli, dataset, paths, found):
    code, out, err = cli("advise", "--data", dataset, "--budget", "10m")
    assert code == 0
    assert [round(budget_s) for _, _, budget_s in found] == [300, 540]  # what the first left over is the second's
    assert "+ onednn=on" in out
    assert "x1.50 [1.40, 1.60]" in out
    assert "in the races, roughly, beside the first arm of each: threads=1 x0.60\n" in out
    assert "failed: compile=on: no compiler" in out
    preset = load_preset(paths.user_presets / f"best-{dataset.name}.toml")
    assert [row.settings["framework"] for row in preset.rows] == ["pytorch", "tensorflow"]
    assert all(row.settings["track"] == "best" and row.settings["onednn"] == "on" for row in preset.rows)
    assert all("data" not in row.settings for row in preset.rows)
    assert f"run it with: tfpt-tui run best-{dataset.name} --data {dataset}" in err


def test_the_preset_has_the_ladder_that_it_comes_from(cli, dataset, paths, found):
    cli("advise", "pytorch", "--data", dataset)
    text = (paths.user_presets / f"best-{dataset.name}-pytorch.toml").read_text()
    (rung,) = [line for line in text.splitlines() if line.startswith("#   + onednn=on ")]
    assert rung.endswith(" 900 images/s  x1.50 [1.40, 1.60]")


def test_a_dropped_connection_does_not_end_the_search(dataset, paths, monkeypatch):
    stand_in = (
        "import os, signal\n"
        "from tests.cli.test_advise import advice_for\n"
        "from tfpt_tui.cli import advise, main\n"
        "def find(config, *_):\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    return advice_for(config)\n"
        "advise.find_fastest = find\n"
        "main.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", stand_in, "advise", "pytorch", "--data", str(dataset)], timeout=60
    )
    assert ended.returncode == 0
    assert (paths.user_presets / f"best-{dataset.name}-pytorch.toml").exists()


def test_what_is_asked_for_is_tried(cli, dataset, found):
    cli(
        "advise",
        "pytorch",
        "--data",
        dataset,
        "--precision",
        "any",
        "--vary",
        "batch_size",
        "--set",
        "image_size=16",
    )
    ((config, choices, _),) = found
    assert (config.image_size, config.track) == (16, "best")
    assert choices.values["precision"] == ("float32", "bfloat16")
    assert 64 in choices.values["batch_size"]


@pytest.mark.parametrize(("usable", "physical", "tried"), [(2, 2, (0, 1)), (16, 8, (0, 1, 4, 16)), (1, 1, ())])
def test_other_numbers_of_threads_than_the_physical_cores_are_tried(
    cli, dataset, found, monkeypatch, usable, physical, tried
):
    monkeypatch.setattr(command, "usable_cores", lambda: range(usable))
    monkeypatch.setattr(command, "physical_cores", lambda: physical)
    cli("advise", "pytorch", "--data", dataset)
    assert found[0][1].values.get("threads", ()) == tried


def test_later_advice_replaces_the_preset_of_earlier_advice(cli, dataset, paths, found):
    for _ in range(2):
        assert cli("advise", "tensorflow", "--data", dataset)[0] == 0
    assert [path.stem for path in paths.user_presets.iterdir()] == [f"best-{dataset.name}-tensorflow"]


def test_the_script_is_written_with_the_advised_settings(cli, dataset, found, tmp_path):
    code, _, err = cli("advise", "pytorch", "--data", dataset, "--script", tmp_path / "fast.py")
    assert code == 0
    text = (tmp_path / "fast.py").read_text()
    assert f'DATA = "{dataset}"' in text
    assert "run it with: python" in err


def test_a_script_without_a_place_is_refused_before_the_search(cli, dataset, found, tmp_path):
    code, _, err = cli("advise", "pytorch", "--data", dataset, "--script", tmp_path / "none" / "fast.py")
    assert (code, found) == (3, [])
    assert "fast.py: its directory is not there, or may not be written; name another" in err


@pytest.mark.parametrize("framework", ["pytorch", "tensorflow"])
def test_a_script_is_plain_and_has_every_switch_of_the_configuration(framework):
    row = {
        "framework": framework,
        "track": "best",
        "data": "/d",
        "batch_size": 64,
        "pool_first": "off",
        "threads": 1,
    }
    text = script_text(RunConfig.from_mapping(row, "here"))
    imported = [
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    ]
    assert not any("tfpt" in name for name in imported)
    constants = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    assert constants["BATCH_SIZE"] == 64
    assert (constants["ONEDNN"], constants["POOL_FIRST"], constants["THREADS"]) == ("on", "off", 1)
    assert {key.upper() for key in FRAMEWORKS[framework].switches} <= constants.keys()
