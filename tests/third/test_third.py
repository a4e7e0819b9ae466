"""A framework is a folder: tests/third/numpy is added to a copy of the package, and nothing else is done."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tfpt_tui

PACKAGE = Path(tfpt_tui.__file__).parent
REPOSITORY = Path(__file__).parents[2]
TITLES = ("NumPy", "PyTorch", "TensorFlow")
THREE = """
[grid]
framework = ["pytorch", "numpy", "tensorflow"]
[defaults]
track = "parity"
epochs = 1
batch_size = 8
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the package with one folder more."""
    root = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, root / "tfpt_tui", ignore=ignored)
    shutil.copytree(PACKAGE.parent / "presets", root / "presets")
    shutil.copytree(Path(__file__).with_name("numpy"), root / "tfpt_tui/backends/numpy", ignore=ignored)
    (root / "three.toml").write_text(THREE)
    return root


def run(tree, *command):
    """Run Python in the copy."""
    environment = {**os.environ, "PYTHONPATH": f"{tree}:{REPOSITORY}"}
    return subprocess.run(
        [sys.executable, "-P", *map(str, command)],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )


def program(tree, *arguments):
    """Run tfpt-tui of the copy, and return what it prints."""
    done = run(tree, "-m", "tfpt_tui", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_three_frameworks_are_run_compared_and_shown(tree, dataset, own_directories):
    presets = own_directories / "config/tfpt-tui/presets"
    presets.mkdir(parents=True)
    shutil.copy(tree / "three.toml", presets)
    shown = program(tree, "presets", "show", "three")
    assert "forces      NumPy: threads: by itself OpenBLAS takes all logical cores" in shown
    compared = program(tree, "run", "three", "--data", dataset, "--headless")
    assert all(title in compared for title in TITLES)
    table = json.loads(program(tree, "compare", "--format", "json"))
    rows = {row["framework"]: row for row in table["rows"]}
    assert set(rows) == set(TITLES)
    assert all(row["status"] == "completed" for row in rows.values())
    # The same pixels, weights and steps: what a framework rounds otherwise stays small for four steps.
    losses = [row["test_loss"] for row in rows.values()]
    assert max(losses) - min(losses) < 0.05
    seen = run(tree, Path(__file__).with_name("app_probe.py"))
    assert "all was seen" in seen.stdout, seen.stderr


def test_parity_is_proven_for_each_framework_against_the_reference_and_a_changed_setting_fails_it(
    tree, tmp_path, own_directories
):
    copy = shutil.copytree(tree, tmp_path / "copy")
    layers = copy / "tfpt_tui/backends/numpy/layers.py"
    changed = layers.read_text().replace("variance + PARITY_EPSILON", "variance + 1e-5")
    assert changed != layers.read_text()
    layers.write_text(changed)
    task = copy / "tfpt_tui/runs/tasks/parity_evidence.py"  # NumPy's epoch of 40 steps takes long
    shorter = task.read_text().replace("IMAGES_PER_CLASS = 128", "IMAGES_PER_CLASS = 32")
    assert shorter != task.read_text()
    task.write_text(shorter)
    done = run(copy, "-m", "tfpt_tui", "parity", "--json")
    assert done.returncode == 1, done.stderr
    numpy, pytorch = json.loads(done.stdout)["proofs"]
    assert {"torch", "tensorflow"} <= pytorch["versions"].keys()
    assert "tensorflow" in numpy["versions"]
    names = {"pixels", "logits", "gradients", "weights", "epoch"}
    assert names <= {check["name"] for check in pytorch["checks"]}
    assert failed(pytorch) == set()
    assert "logits" in failed(numpy)
    assert "pixels" not in failed(numpy)
    kept = [path.name for path in (own_directories / "data/tfpt-tui/parity").glob("*-cpu-*.toml")]
    assert sorted(name.partition("-")[0] for name in kept) == [numpy["machine"], pytorch["machine"]]


def failed(proof):
    return {check["name"] for check in proof["checks"] if not check["passed"]}


def test_a_track_that_a_framework_has_not_is_refused_in_one_line(tree, dataset):
    done = run(
        tree,
        "-m",
        "tfpt_tui",
        "run",
        "three.toml",
        "--data",
        str(dataset),
        "--set",
        "track=published",
        "--headless",
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("numpy has no track published, only parity, default")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("backend.toml", 'title = "NumPy"\n', "", "numpy/backend.toml: title is missing"),
        ("training.py", "def resident(", "def _resident(", "numpy/training.py: resident is missing"),
    ],
)
def test_a_backend_that_is_broken_costs_only_itself(tree, tmp_path, file, old, new, said):
    copy = shutil.copytree(tree, tmp_path / "copy")
    path = copy / "tfpt_tui/backends/numpy" / file
    path.write_text(path.read_text().replace(old, new))
    done = run(copy, "-m", "tfpt_tui", "presets", "list")
    assert done.returncode == 0
    first, *_ = done.stderr.splitlines()
    assert said in first
    assert first.endswith("; this framework is not available")
    assert "quick" in done.stdout
