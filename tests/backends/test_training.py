"""Real trainings of both frameworks, each in a process of its own, on a few real pictures."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from tfpt_tui.config.effective import EFFECTIVE
from tfpt_tui.config.toml import write_toml
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.environments.interpreters import worker_command
from tfpt_tui.events import PHASES
from tfpt_tui.runs.record.fold import fold_all
from tfpt_tui.runs.record.tail import EventTail

FRAMEWORKS = ("pytorch", "tensorflow")
SWITCHED_OFF = {
    "pytorch": dict.fromkeys(("onednn", "channels_last", "pool_first", "fused_adam", "keep_memory"), "off"),
    # What is set before TensorFlow is imported would come too late here.
    "tensorflow": {
        **dict.fromkeys(("pool_first", "fused_adam", "fused_norm", "keep_memory"), "off"),
        "steps_per_call": 3,
    },
}
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
                worker_command(sys.executable, run),
                stdout=log,
                stderr=log,
                env=environment,
                cwd=run,
                timeout=280,
            ).returncode
        record = fold_all(EventTail(run / "events.jsonl").stream())
        assert (code == 0) == (record.end.status == "completed")
        return run, record

    return start


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request):
    return request.param


@pytest.fixture(scope="module")
def trained(framework, train):
    return framework, *train(framework, epochs=20, epochs_measured=2, published={"training_s": 94})


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
    # What a comparison would name; where the images are only the track best says.
    assert {setting.name for setting in EFFECTIVE} - {"images"} <= effective.keys()
    assert effective["device"] == "cpu"
    assert effective["threads"] >= 1
    assert (effective["dtype_weights"], effective["dtype_activations"]) == ("float32", "float32")
    assert (effective["tf32_matmul"], effective["tf32_convolution"]) == (False, False)
    assert effective["memory_format"].startswith("channels_")
    assert effective["onednn"] in (True, False)
    assert effective["compile"] is False
    assert record.warnings == ()
    assert record.environment.versions["python"]
    assert record.end.memory["peak_rss_bytes"] > 10**8


def test_the_training_step_is_traced_before_the_clock_of_the_epochs_runs(trained):
    framework, run, _ = trained
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    before, after = (line["effective"]["traces"] for line in lines if line["kind"] == "environment")
    assert before == after
    assert (before > 0) == (framework == "tensorflow")


@pytest.fixture(scope="module")
def train_several(framework, few_pictures, tmp_path_factory):
    """Run several short trainings by their settings, one after another in one process; "no such gpu" fails."""

    def start(settings):
        runs = {}
        for name, own in settings.items():
            runs[name] = tmp_path_factory.mktemp("run")
            row = {"framework": framework, "data": str(few_pictures), "epochs": 2, "batch_size": 16, **own}
            write_toml(runs[name] / "config.toml", {"rows": [row]})
        program = (
            "import sys; from tfpt_tui.backends.worker import main;"
            " [main([run, sys.argv[1]]) for run in sys.argv[2:]]"
        )
        command = [sys.executable, "-c", program, str(os.getpid()), *map(str, runs.values())]
        done = subprocess.run(command, cwd=few_pictures, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr
        records = {name: fold_all(EventTail(run / "events.jsonl").stream()) for name, run in runs.items()}
        for name, record in records.items():
            assert record.end.status == ("failed" if name == "no such gpu" else "completed"), record.end.error
        return framework, {name: (runs[name], records[name]) for name in runs}

    return start


@pytest.fixture(scope="module")
def best_runs(framework, train_several):
    """Directory and record of runs of the track best, by name, and of one of parity, which sets the threads."""
    switched_off = {"track": "best", "epochs": 1, **SWITCHED_OFF[framework]}
    return train_several(
        {
            "parity": {"track": "parity", "epochs": 1},
            "best": {"track": "best", "epochs": 1},
            "best again": {"track": "best", "epochs": 1},
            "best, switched off": switched_off,
            "best, model": {"track": "best", "measure": "model", "epochs": 6},
            "best, loader": {"track": "best", "measure": "loader"},
            "best, profile": {"track": "best", "measure": "profile"},
            "default, profile": {"measure": "profile"},
        }
    )


@pytest.fixture(scope="module")
def short_runs(train_several):
    """Directory and record of several short runs, by name."""
    settings = {
        "again": {},
        "loader": {"measure": "loader"},
        "model": {"measure": "model", "epochs": 6},
        "published": {"track": "published", "cache": True, "num_workers": 2, "epochs": 1},
        "bfloat16": {"precision": "bfloat16", "epochs": 1, "max_steps": 2},
        "no such gpu": {"device": "gpu:63"},
    }
    return train_several(settings)


def test_the_same_seed_gives_the_same_losses_to_the_last_bit_in_another_process(trained, short_runs):
    _, _, first = trained
    _, second = short_runs[1]["again"]
    assert [epoch.loss for epoch in first.epochs] == [epoch.loss for epoch in second.epochs]
    assert first.evaluation.loss == second.evaluation.loss


def test_the_articles_code_path_runs_from_its_cache_to_the_reloaded_model(short_runs):
    framework, runs = short_runs
    run, record = runs["published"]
    effective = record.environment.effective
    assert effective["steps_per_epoch"] == -(-120 // 16)
    assert effective["cudnn_deterministic"] is (framework == "pytorch")
    assert record.evaluation.accuracy > 0
    assert (run / MODELS[framework]).exists()
    if framework == "pytorch":
        assert (effective["persistent_workers"], effective["pinned_memory"]) == (False, False)


def test_loading_alone_trains_nothing(short_runs):
    framework, runs = short_runs
    run, record = runs["loader"]
    assert list(record.phases) == ["import", "device_init", "data_loading", "training"]
    assert [(epoch.loss, epoch.accuracy) for epoch in record.epochs] == [(None, None)] * 2
    assert all(epoch.images_per_s > 0 for epoch in record.epochs)
    assert not (run / MODELS[framework]).exists()


def test_the_model_alone_learns_its_one_batch(short_runs):
    framework, runs = short_runs
    run, record = runs["model"]
    assert record.epochs[-1].accuracy > 0.9
    assert record.model.flops_per_image > 10**7
    assert record.evaluation is None
    assert not (run / MODELS[framework]).exists()


@pytest.mark.parametrize("name", ["best", "best, switched off"])
def test_the_track_best_learns_what_parity_learns(best_runs, name):
    _, runs = best_runs
    (wanted,), (found,) = (runs[one][1].epochs for one in ("parity", name))
    assert found.loss == pytest.approx(wanted.loss, rel=2e-3)
    assert found.accuracy == pytest.approx(wanted.accuracy, abs=0.02)
    assert runs[name][1].evaluation.recalibrated_loss == pytest.approx(
        runs["parity"][1].evaluation.recalibrated_loss, rel=2e-2
    )


def test_the_switches_of_the_track_best_are_read_back(best_runs):
    framework, runs = best_runs
    for name, on in (("best", True), ("best, switched off", False)):
        record = runs[name][1]
        read = {key: record.environment.effective[key] for key in SWITCHED_OFF[framework]}
        steps = read.pop("steps_per_call", None)
        assert set(read.values()) == {on}
        assert steps == {"pytorch": None, "tensorflow": 16 if on else 3}[framework]
        assert record.warnings == ()


def test_the_images_of_the_track_best_are_decoded_in_its_first_run_alone(best_runs):
    _, runs = best_runs
    first, again = (runs[name][1].environment.effective for name in ("best", "best again"))
    assert (first["pack_reused"], again["pack_reused"]) == (False, True)
    assert again["pack_build_s"] == first["pack_build_s"] > 0
    assert runs["best"][1].phases["cache_fill"] > 0


def test_the_same_seed_gives_the_same_losses_on_the_track_best(best_runs):
    _, runs = best_runs
    assert runs["best"][1].epochs[0].loss == runs["best again"][1].epochs[0].loss


def test_the_track_best_times_the_model_and_the_gathering_alone(best_runs):
    _, runs = best_runs
    assert runs["best, model"][1].epochs[-1].accuracy > 0.9
    loads = runs["best, loader"][1]
    assert all(epoch.loss is None and epoch.images_per_s > 0 for epoch in loads.epochs)


@pytest.mark.parametrize("name", ["best, profile", "default, profile"])
def test_a_profile_says_where_a_step_goes_and_keeps_its_trace(best_runs, name):
    _, runs = best_runs
    run, record = runs[name]
    shares = record.profile.shares
    assert sum(shares.values()) == pytest.approx(1.0, abs=0.01)
    assert max((part for part in shares if part != "other"), key=shares.get) == "convolution"
    assert {"host", "normalisation", "pooling", "optimiser", "copies"} <= shares.keys()
    assert ("loading" in shares) == (name == "default, profile")
    assert shares.get("other", 0.0) < 0.25 or any(one.code == "profile_other" for one in record.warnings)
    assert (run / record.profile.trace).exists()
    assert len(record.epochs) == 2
    assert record.evaluation is None


def test_mixed_precision_is_applied(short_runs):
    _, record = short_runs[1]["bfloat16"]
    assert record.environment.effective["dtype_activations"] == "bfloat16"
    assert record.environment.effective["dtype_weights"] == "float32"


def test_a_gpu_that_is_not_there_is_missing_and_nothing_is_trained(short_runs):
    _, record = short_runs[1]["no such gpu"]
    assert record.end.error.type == "MissingError"
    assert "device=gpu:63" in record.end.error.message
    assert "data_loading" not in record.phases


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
