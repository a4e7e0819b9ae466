"""What all tests share: small pictures, and directories of their own instead of the user's."""

from __future__ import annotations

import gc
import os
import sys
import tarfile
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


# Threads that have nothing to do sleep at once: two processes run the tests, and one that spins slows the other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# An app and the frameworks are hundreds of thousands of objects: looking through all of them for garbage as often
# as Python does took a fifth of the time of the app's tests.
gc.set_threshold(100_000, 50, 100)

# They train for real: one after the other, whatever number of processes runs the tests, and begun first.
TRAINING = (
    "backends/test_duel.py",
    "backends/test_neutrality.py",
    "backends/test_pipelines.py",
    "backends/test_training.py",
    "cli/test_parity.py",
    "environments/test_bare.py",
    "runs/test_cifar_readers.py",
    "third/test_third.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With ``pytest -n`` a process takes whole files, and one of them all that train.

    Not by marks and ``--dist=loadgroup``: pytest 9.2 does not let xdist 3.8 write groups into the names of tests.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file, _, _ = nodeid.partition("::")
            return "training" if file.endswith(TRAINING) else file

    return ByFile(config, log)


def pytest_collection_finish():
    """What the tests imported stays: garbage is looked for in what they make."""
    gc.freeze()


@pytest.fixture(autouse=True)
def own_directories(tmp_path_factory, monkeypatch):
    """No test reads or writes the user's runs, settings or machine lock."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("TFPT_TUI_LOCK", str(home / "machine.lock"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    return home


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """A folder of real CIFAR-10 pictures (2,000 + 500) by class where they are at hand, else drawn ones."""
    folder = tmp_path_factory.mktemp("pictures")
    archive = SHARED / "cifar10-mini.tar.gz"
    if archive.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        return folder / "cifar10-mini"
    from tfpt_tui.data.synthetic import draw_image, make_synthetic

    for item in make_synthetic(limit=40, classes=10):
        path = folder / item.split / f"class{item.label}" / f"{item.number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_image(item).save(path)
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    """A prepared dataset of two synthetic classes, for what never trains on it."""
    from tfpt_tui.data.prepare import Target, prepare
    from tfpt_tui.data.synthetic import make_synthetic

    directory = tmp_path_factory.mktemp("datasets") / "tiny"
    prepare(make_synthetic(limit=16, classes=2), Target(directory), jobs=1)
    return directory


@pytest.fixture
def tree(tmp_path):
    """Write small files of /proc and /sys by their paths from the root, for machines that are not at hand."""
    root = tmp_path / "root"
    root.mkdir()

    def grow(files):
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return grow


@pytest.fixture
def server(monkeypatch):
    """A local HTTP server that does what its script says (tests/data/lying_server.py)."""
    from tests.data.lying_server import serve

    yield from serve(monkeypatch)


@pytest.fixture
def paths(tmp_path):
    from tfpt_tui.config.paths import find_paths

    return find_paths(str(tmp_path / "runs"))


@pytest.fixture
def later(monkeypatch):
    """Let so many more seconds have passed on the clock by which heartbeats are watched."""
    from tfpt_tui.runs.record import heartbeat

    real, passed = heartbeat._now, [0.0]
    monkeypatch.setattr(heartbeat, "_now", lambda: real() + sum(passed))
    heartbeat._notes.clear()
    return passed.append


@pytest.fixture
def fake_python(tmp_path, monkeypatch) -> Path:
    """An interpreter that tells the stories of tests/fake_python.py, set for both frameworks."""
    script = tmp_path / "fake-python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("fake_python.py")}" "$@"\n')
    script.chmod(0o755)
    settings = Path(os.environ["XDG_CONFIG_HOME"]) / "tfpt-tui" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[interpreters]\npytorch = "{script}"\ntensorflow = "{script}"\n')
    monkeypatch.setenv("FAKE_STORY", "completes")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).with_name("standins")))  # for supervisors
    return script


@pytest.fixture
def start(paths, dataset, fake_python, monkeypatch):
    """Start a plan whose workers tell the given stories; whatever is left of it is ended after the test."""
    from tfpt_tui.config.presets import find_preset
    from tfpt_tui.config.schema import parse_override
    from tfpt_tui.config.settings import load_settings
    from tfpt_tui.runs.plan.plan import make_plan
    from tfpt_tui.runs.record.state import owner_of
    from tfpt_tui.runs.supervision.submit import submit

    started = []

    def start_plan(*stories, rows=None, **settings):
        monkeypatch.setenv("FAKE_STORY", ",".join(stories))
        overrides = dict(parse_override(f"{key}={value}") for key, value in settings.items())
        plan = make_plan(
            find_preset("demo", paths),
            data=str(dataset),
            rows=rows,
            overrides=overrides,
        )
        started.append(submit(plan, load_settings(paths.settings), paths))
        return started[-1]

    yield start_plan
    for sweep in started:
        owner = owner_of(sweep.directory.state)
        # A test that plays the supervisor itself may be the owner.
        if owner and owner.pid != os.getpid():
            os.kill(owner.pid, 9)
