"""Real trainings of both frameworks, each in a process of its own, on a few real pictures."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from tfpt_tui.config.toml import write_toml
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.events import PHASES
from tfpt_tui.runs.launcher import LAUNCH
from tfpt_tui.runs.record import fold_all
from tfpt_tui.runs.tail import EventTail

FRAMEWORKS = ("pytorch", "tensorflow")
MODELS = {"pytorch": "model.pt", "tensorflow": "model.keras"}


@pytest.fixture(scope="module")
def few_pictures(pictures, tmp_path_factory):
    directory = tmp_path_factory.mktemp("prepared") / "few"
    prepare(read_folder(pictures, limit=12), Target(directory), jobs=2)
    return directory


@pytest.fixture(scope="module")
def train(few_pictures, tmp_path_factory):
    """Run a worker to its end and return its directory and record."""

    def start(framework, **settings):
        run = tmp_path_factory.mktemp("run")
        row = {"framework": framework, "data": str(few_pictures), "epochs": 2, "batch_size": 16, **settings}
        write_toml(run / "config.toml", {"rows": [row]})
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with (run / "worker.log").open("wb") as log:
            code = subprocess.run(
                [sys.executable, "-P", str(LAUNCH), str(run), str(os.getpid())],
                stdout=log,
                stderr=log,
                env=environment,
                cwd=run,
                timeout=280,
            ).returncode
        record = fold_all(EventTail(run / "events.jsonl").read_all())
        assert (code == 0) == (record.end.status == "completed")
        return run, record

    return start


@pytest.fixture(scope="module", params=FRAMEWORKS)
def trained(request, train):
    return request.param, *train(request.param)


def test_a_run_goes_through_the_phases_in_the_order_of_the_design(trained):
    _, run, record = trained
    assert record.end.status == "completed", record.end.error
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    begun = [line["phase"] for line in lines if line["kind"] == "phase_start"]
    assert begun == [phase for phase in PHASES if phase != "cache_fill"]
    assert all(seconds > 0 for seconds in record.phases.values())


def test_a_run_leaves_its_model_and_samples_of_what_it_saw(trained):
    framework, run, _ = trained
    assert (run / MODELS[framework]).stat().st_size > 1_000_000
    with Image.open(run / "samples.jpg") as samples:
        assert samples.format == "JPEG"
        assert samples.width > 500


def test_the_network_is_the_articles_with_a_logit_a_class(trained):
    _, _, record = trained
    manifest = tomllib.loads((Path(record.start.config["data"]) / "manifest.toml").read_text())
    classes = len(manifest["classes"])
    assert record.model.total == 271_652 - 129 * (100 - classes)
    assert record.model.non_trainable == 704
    assert sum(layer.parameters for layer in record.model.layers) == record.model.total
    assert record.model.layers[0].parameters == 896
    assert record.model.layers[-1].output_shape == (classes,)


def test_every_epoch_and_the_evaluation_are_measured(trained):
    _, _, record = trained
    assert [epoch.epoch for epoch in record.epochs] == [1, 2]
    for epoch in record.epochs:
        assert 0 < epoch.loss < 10
        assert 0 <= epoch.accuracy <= 1
        assert 0 < epoch.first_batch_s <= epoch.seconds
    assert record.evaluation.loss > 0
    assert 0 <= record.evaluation.accuracy <= 1


def test_what_was_applied_is_read_back(trained):
    _, _, record = trained
    effective = record.environment.effective
    assert effective["device"] == "cpu"
    assert effective["threads"] >= 1
    assert effective["precision"] == "float32"
    assert effective["compile"] is False
    assert record.environment.versions["python"]
    assert record.end.memory["peak_rss_bytes"] > 10**8


def test_the_same_seed_gives_the_same_losses_to_the_last_bit(trained, train):
    framework, _, first = trained
    _, second = train(framework)
    assert [epoch.loss for epoch in first.epochs] == [epoch.loss for epoch in second.epochs]
    assert first.evaluation.loss == second.evaluation.loss


def test_a_run_with_cache_workers_and_all_settings_applies_them(train):
    settings = {"cache": True, "augment": False, "threads": 1, "seed": 7, "deterministic": True}
    _, pytorch = train("pytorch", num_workers=2, max_steps=3, **settings)
    _, tensorflow = train("tensorflow", max_steps=3, **settings)
    for record in (pytorch, tensorflow):
        assert record.end.status == "completed", record.end.error
        effective = record.environment.effective
        assert (effective["cache"], effective["threads"], effective["deterministic"]) == (True, 1, True)
        assert effective["steps_per_epoch"] == 3
        assert record.phases["cache_fill"] > 0
    assert pytorch.environment.effective["num_workers"] == 2


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_mixed_precision_is_applied(train, framework):
    _, record = train(framework, precision="bfloat16", epochs=1, max_steps=2)
    assert record.end.status == "completed", record.end.error
    assert record.environment.effective["precision"] == "bfloat16"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_gpu_that_is_not_there_is_missing_and_nothing_is_trained(train, framework):
    _, record = train(framework, device="gpu:63")
    assert record.end.status == "failed"
    assert record.end.error.type == "MissingError"
    assert "device=gpu:63" in record.end.error.message
    assert "data_loading" not in record.phases


def test_the_training_is_over_with_its_last_epoch(trained):
    """Keras used to go on for up to an epoch: it had begun to read the images for one that never came."""
    _, _, record = trained
    assert record.phases["training"] < 1.5 * sum(epoch.seconds for epoch in record.epochs)
